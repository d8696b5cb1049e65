//! The tuner: applies a policy to a model and owns the optimizer.

mod anchors;
mod attached;
mod audit;
mod best_weights;
mod builder;
mod epoch_end;
mod frozen_prefix;
mod frozen_stats;
mod gathered;
mod grad_means;
mod inspect;
mod logging;
mod lost_updates;
mod masters;
mod overlap;
mod param_views;
mod program_optimizer;
mod ranks;
mod resume;
mod save;
mod scaling;
mod shards;
mod stepping;

use std::fmt;

use freeze_dsl::clock::{self, Clock};
use freeze_dsl::diagnostic::Diagnostic;
use tch::Tensor;

use anchors::Anchors;
use attached::AttachedStore;
use best_weights::BestWeights;
pub use builder::TunerBuilder;
pub use frozen_prefix::FrozenPrefix;
use frozen_prefix::TunerId;
pub(crate) use frozen_prefix::{Prefix, PrefixState};
use frozen_stats::FrozenStats;
use grad_means::GradMeans;
use masters::Masters;
use param_views::{ParamSlices, ParamView};
pub use program_optimizer::ProgramOptimizer;
use ranks::AveragedGradients;
pub use resume::ResumeOptions;
use shards::Shards;

use crate::ffi::Reduction;
use crate::log::{Log, events};
use crate::optim::{HyperParams, ParamState, gradients};
use crate::precision::GradScaler;
use crate::transition::in_a_line;
use crate::{Error, GradNorm, Group, Policy, Transition};

/// Trains a model as a policy says.
///
/// It owns the optimizer: a frozen parameter has no gradient, no optimizer state and no part in a
/// step, and each trainable parameter is in exactly one group. Create one with [`Tuner::builder`].
///
/// Rules are checked when an epoch starts and after each step. In between, the program runs the
/// model.
///
/// # Examples
/// ```
/// # use freeze_runtime::{Tuner, freeze_policy};
/// # use tch::{Device, Kind, Tensor, nn, nn::Module};
/// # let vs = nn::VarStore::new(Device::Cpu);
/// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
/// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
/// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
/// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
/// for _ in tuner.epochs_started()..2 {
///     println!("{}", tuner.start_epoch()?);
///     let loss = fc.forward(&x).square().mean(Kind::Float);
///     tuner.backward_step(&loss)?;
/// }
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
pub struct Tuner {
    id: TunerId,
    /// The processes that train this model together.
    group: Group,
    /// What the last averaging has left, until a step uses it.
    averaged: AveragedGradients,
    /// Averages gradients in backward passes, while the same parameters train.
    reduction: Option<Reduction>,
    /// Whether each pass that averages gradients uses all trainable parameters, so that none are looked for.
    all_used: bool,
    /// Which rank steps what, where the ranks divide the optimizer state.
    shards: Option<Shards>,
    clock: Clock,
    store: AttachedStore,
    slices: ParamSlices,
    /// How often each slice was unfrozen.
    unfreezings: Vec<u64>,
    /// The optimizer state of each slice.
    states: Vec<Option<ParamState>>,
    masters: Masters,
    frozen_stats: FrozenStats,
    best_weights: BestWeights,
    grad_means: GradMeans,
    anchors: Anchors,
    /// What the next transition reports beside its own notes.
    notes: Vec<String>,
    /// Whether a backward pass was run since gradients were cleared or used.
    is_accumulating: bool,
    /// The scale of the loss, if it has one.
    scaler: Option<GradScaler>,
    /// What `attach` has found of the model's numbers.
    lost_updates: Vec<Diagnostic>,
    log: Log,
}

impl Tuner {
    /// Returns a builder for a tuner with this policy.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, nn};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// let policy = freeze_policy! { start: train fc lr 0.1 };
    /// let tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    /// # drop(tuner);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn builder(policy: &Policy) -> TunerBuilder<'_> {
        TunerBuilder::new(policy)
    }

    /// Starts the next epoch, and fires the rules that are due.
    ///
    /// Once training is over, it counts the epoch and does nothing else.
    ///
    /// # Errors
    /// Fails if the program changed which parameters require gradients, as `VarStore::freeze` does;
    /// the epoch has then started all the same, and the policy is in force again. Fails if it cast,
    /// replaced, added or removed a parameter after `attach`. Fails if the log cannot be written, or
    /// if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// let transition = tuner.start_epoch()?;
    /// assert_eq!(transition.frozen, ["fc.bias"]);
    /// println!("{transition}");
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn start_epoch(&mut self) -> Result<Transition, Error> {
        let started = self.begin_epoch();
        self.group.reported(started)
    }

    fn begin_epoch(&mut self) -> Result<Transition, Error> {
        self.group.require_whole()?;
        self.restore_frozen_stats()?;
        self.observe_grad_means()?;
        let (kinds, findings): (Vec<_>, Vec<_>) = self.epoch_findings().into_iter().unzip();
        self.log.epoch.set_warnings(findings.iter().map(in_a_line).collect());
        self.write_log_line()?;
        self.log.epoch.add_reported(kinds);
        let mut change = self.clock.start_epoch();
        self.agree_on_schedule("`start_epoch`")?;
        change.notes.append(&mut self.notes);
        let transition = self.named(change, findings);
        events::transition(&transition, self.clock.trained_share());
        self.begin_log_line(&transition);
        if !transition.is_empty() || !self.is_stopped() {
            self.apply(transition.change())?;
            self.store.audit_types(self.plan().model())?;
        }
        self.grad_means.start_epoch(&self.clock);
        self.set_place();
        Ok(transition)
    }

    /// Steps every trainable parameter that has a gradient, then fires the rules that are due.
    ///
    /// Once training is over, it counts the step and does nothing else. With a loss scale, nothing moves if
    /// a gradient is infinite or not a number, and the step is counted all the same.
    ///
    /// # Errors
    /// Fails if no epoch has started yet, or if the optimizer does not support a gradient, such as a
    /// sparse one with any optimizer but SGD: then nothing has changed, and the step is not counted; on other
    /// ranks that divide the optimizer state with this one, their part may have stepped. The same holds with a
    /// loss scale for gradients of a loss that was not scaled.
    /// Fails if the program changed which parameters require gradients, or if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// tuner.zero_grad()?;
    /// fc.forward(&x).square().sum(Kind::Float).backward();
    /// let transition = tuner.step()?;
    /// assert!(transition.is_empty());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn step(&mut self) -> Result<Transition, Error> {
        let made = self.make_step();
        self.group.reported(made)
    }

    fn make_step(&mut self) -> Result<Transition, Error> {
        if self.clock.epochs_started() == 0 {
            return Err(Error::NotStarted);
        }
        self.group.require_whole()?;
        self.restore_frozen_stats()?;
        if !self.clock.is_stopped() {
            self.step_groups()?;
        }
        self.is_accumulating = false;
        let mut change = self.clock.end_step();
        change.notes.append(&mut self.notes);
        let transition = self.named(change, Vec::new());
        events::transition(&transition, self.clock.trained_share());
        self.set_place();
        if !transition.is_empty() {
            self.agree_on_schedule("`step`")?;
            self.log.add_transition(&transition.fired);
            self.apply(transition.change())?;
            self.grad_means.update(&self.clock);
        }
        Ok(transition)
    }

    /// Clears gradients, runs the backward pass from `loss`, and steps.
    ///
    /// # Errors
    /// As for [`Tuner::backward`] and [`Tuner::step`].
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// let loss = fc.forward(&x).square().sum(Kind::Float);
    /// tuner.backward_step(&loss)?;
    /// assert_eq!(tuner.global_step(), 1);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<Transition, Error> {
        self.zero_grad()?;
        self.backward_last(loss)?;
        self.step()
    }

    /// Runs the backward pass from `loss`, and adds to the gradients that there are.
    ///
    /// Several calls before a step accumulate the gradients of micro-batches. While no parameter is
    /// trained, a loss that depends on no parameter is not an error, unlike in `Tensor::backward`.
    ///
    /// # Errors
    /// Fails if libtorch fails, as when `loss` is not a scalar. With a loss scale, fails as
    /// [`Tuner::scale_loss`] does.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// tuner.zero_grad()?;
    /// for micro_batch in x.split(2, 0) {
    ///     tuner.backward(&(fc.forward(&micro_batch).square().sum(Kind::Float) / 2.0))?;
    /// }
    /// tuner.step()?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn backward(&mut self, loss: &Tensor) -> Result<(), Error> {
        let run = self.run_backward(loss);
        self.group.reported(run)
    }

    fn run_backward(&mut self, loss: &Tensor) -> Result<(), Error> {
        if loss.requires_grad() || self.clock.trainable().next().is_some() {
            let loss = self.scale_loss(loss)?;
            self.is_accumulating = true;
            let run = loss.f_backward();
            run.map_err(|error| self.group.explained("`backward`", error))?;
        }
        Ok(())
    }

    /// Clears the gradients of all trainable parameters (`PyTorch`'s `set_to_none`).
    ///
    /// A parameter that has no gradient afterwards does not step. Frozen parameters have none and
    /// get none: a backward pass through a graph from before they were frozen skips them.
    ///
    /// # Errors
    /// Fails if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// fc.forward(&x).square().sum(Kind::Float).backward();
    /// tuner.zero_grad()?;
    /// assert!(!fc.ws.grad().defined());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn zero_grad(&mut self) -> Result<(), Error> {
        self.restore_frozen_stats()?;
        gradients::zero(&self.slices.trainable(&self.clock))?;
        self.masters.clear()?;
        self.grad_means.clear();
        if let Some(scaler) = &mut self.scaler {
            scaler.clear();
        }
        self.averaged.clear();
        self.is_accumulating = false;
        Ok(())
    }

    /// Restores the running statistics of frozen modules to the values they had when they were
    /// frozen.
    ///
    /// A training forward pass updates the statistics of tch's own norms, frozen or not.
    /// [`Tuner::start_epoch`], [`Tuner::zero_grad`], [`Tuner::step`], [`Tuner::backward_step`],
    /// [`Tuner::observe`], [`Tuner::save`] and [`Tuner::resume`] begin with this. A program calls it
    /// only to use the model between a training forward pass and the next of these calls, such as
    /// for a validation during gradient accumulation. A model with the norms of [`crate::nn`] never
    /// requires it.
    ///
    /// Call it before an evaluation forward pass, not after it. The backward pass of an evaluation
    /// forward pass reads the statistics: where it was made with statistics that a training forward
    /// pass had moved, and these were restored since, it fails with libtorch's error that a variable
    /// "has been modified by an inplace operation". The backward pass of a training forward pass does
    /// not read them.
    ///
    /// # Errors
    /// Fails if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// tuner.backward(&fc.forward(&x).square().sum(Kind::Float))?;
    /// tuner.restore_frozen_stats()?;
    /// // Validate here, in the middle of an accumulation.
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn restore_frozen_stats(&mut self) -> Result<(), Error> {
        Ok(self.frozen_stats.restore()?)
    }

    /// Records a metric. Rules see it at the next epoch start or after the next step.
    ///
    /// Once training is over, the value is written to the log and has no other effect. In a
    /// [`Group`], all ranks call it, and it records the mean of their values.
    ///
    /// # Errors
    /// Fails if libtorch cannot copy the weights that a rule may restore.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// tuner.observe("val_loss", 0.25)?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn observe(&mut self, metric: &str, value: f64) -> Result<(), Error> {
        let observed = self.observe_mean(metric, value);
        self.group.reported(observed)
    }

    /// Records a value that all ranks have.
    fn record_metric(&mut self, metric: &str, value: f64) -> Result<(), Error> {
        self.log.epoch.add_metric(metric, value);
        if self.clock.is_stopped() {
            return Ok(());
        }
        let observed = self.clock.observe(metric, value);
        Ok(self.best_weights.update(metric, observed, &self.slices, &self.clock)?)
    }

    /// Scales the gradients of all trainable parameters so that their total L2 norm is at most `max`,
    /// as [`torch.nn.utils.clip_grad_norm_`] does. Returns the norm before, which is read back from
    /// the device only when its value is asked for. With a loss scale, divides the gradients by it
    /// first.
    ///
    /// [`torch.nn.utils.clip_grad_norm_`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
    ///
    /// # Errors
    /// Fails if libtorch fails. With a loss scale, fails for gradients of a loss that was not scaled and
    /// for gradients of f16.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// fc.forward(&x).square().sum(Kind::Float).backward();
    /// let norm = tuner.clip_grad_norm(1.0)?;
    /// assert!(norm.value()?.is_finite());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn clip_grad_norm(&mut self, max: f64) -> Result<GradNorm, Error> {
        self.clip("`clip_grad_norm`", |views| Ok(GradNorm::new(gradients::clip_norm(views, max)?)))
    }

    /// Clamps every element of the gradients of trainable parameters to `-max..=max`. With a loss scale,
    /// divides the gradients by it first.
    ///
    /// # Errors
    /// Fails if libtorch fails. With a loss scale, fails for gradients of a loss that was not scaled and
    /// for gradients of f16.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// fc.forward(&x).square().sum(Kind::Float).backward();
    /// tuner.clip_grad_value(0.01)?;
    /// assert!(fc.ws.grad().abs().max().double_value(&[]) <= 0.010001);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn clip_grad_value(&mut self, max: f64) -> Result<(), Error> {
        self.clip("`clip_grad_value`", |views| Ok(gradients::clip_value(views, max)?))
    }

    /// Observes the means of the norms that rules wait for, as those of the epoch that ends now.
    fn observe_grad_means(&mut self) -> Result<(), Error> {
        for (metric, value) in self.grad_means.end_epoch(&self.clock)? {
            self.log.epoch.add_metric(&metric, value);
            self.clock.observe(&metric, value);
        }
        Ok(())
    }

    /// A change of the clock by names.
    fn named(&self, change: clock::Transition, findings: Vec<Diagnostic>) -> Transition {
        let [stats_unfrozen, stats_frozen] = if change.is_empty() {
            [Vec::new(), Vec::new()]
        } else {
            [false, true].map(|to_frozen| self.frozen_stats.changing(&self.clock, to_frozen))
        };
        Transition::new(change, self.plan(), stats_unfrozen, stats_frozen, findings)
    }

    /// Makes `requires_grad`, gradients, optimizer state and statistics agree with the clock.
    fn apply(&mut self, change: &clock::Transition) -> Result<(), Error> {
        if !change.is_empty() {
            self.averaged.start_anew();
            self.reduction = None;
            self.synchronize_stats("a transition")?;
        }
        let flags = self.audit_flags(change);
        let anchored = self.anchors.extend(&self.slices, &self.clock);
        for slice in &change.dropped {
            if let Some(state) = self.states.get_mut(slice.index()) {
                *state = None;
            }
        }
        self.divide(&change.dropped);
        for slice in &change.unfrozen {
            if let Some(count) = self.unfreezings.get_mut(slice.index()) {
                *count += 1;
            }
        }
        let followed = self.masters.follow(&self.slices);
        let restored = self.restore_best_weights(change);
        let touched = change.frozen.iter().chain(&change.unfrozen).chain(&change.interrupted);
        let touched: Vec<_> = touched.copied().collect();
        // An unfrozen parameter may have a gradient from before it was frozen.
        let cleared = self.slices.zero_gradients(&touched, &self.clock);
        let masters = self.masters.update(change, &touched, &self.clock);
        let marked = self.masters.mark(&self.slices);
        self.settle()?;
        if flags.is_err() {
            // A frozen parameter may have got a gradient while its flag was set.
            gradients::zero(&self.slices.frozen(&self.clock))?;
        }
        // Returned once the policy is in force again, so that a program may continue.
        flags?;
        restored?;
        anchored?;
        followed?;
        masters?;
        marked?;
        Ok(cleared?)
    }

    /// Restores the best weights that rules name, once the units that may change now are copied.
    fn restore_best_weights(&mut self, change: &clock::Transition) -> Result<(), Error> {
        let extended = self.best_weights.extend(&self.slices, &self.clock);
        let restored = self.best_weights.restore(change, &self.slices, &self.clock);
        match &restored {
            Ok(modules) => self.frozen_stats.drop_copies_of(modules)?,
            Err(_) => self.frozen_stats.drop_copies()?,
        }
        restored?;
        Ok(extended?)
    }

    /// Sets `requires_grad` and statistics to what the clock says, and checks the result.
    fn settle(&mut self) -> Result<(), Error> {
        for (parameter, trains) in self.slices.any(|slice| self.clock.trains(slice)) {
            if parameter.requires_grad() != trains {
                let _same = parameter.f_set_requires_grad(trains)?;
            }
        }
        self.frozen_stats.update(&self.clock)?;
        self.audit()
    }
}

impl fmt::Debug for Tuner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tuner")
            .field("epochs_started", &self.epochs_started())
            .field("global_step", &self.global_step())
            .field("rules_fired", &self.rules_fired())
            .field("is_stopped", &self.is_stopped())
            .field("param_groups", &self.param_groups())
            .finish_non_exhaustive()
    }
}

/// The hyperparameters of a group; `None` if neither the policy nor the program has one of them.
fn hyper_params(group: &freeze_dsl::clock::SliceGroup) -> Option<HyperParams> {
    Some(HyperParams {
        lr: group.lr?,
        weight_decay: group.weight_decay?,
        optimizer: group.optimizer?,
    })
}

fn tensors<'v>(views: &'v [ParamView<'_>]) -> Vec<&'v Tensor> {
    views.iter().map(|view| &**view).collect()
}
