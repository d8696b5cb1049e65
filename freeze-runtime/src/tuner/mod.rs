//! The tuner: puts a policy to work on a model and owns the optimizer.

mod audit;
mod bests;
mod builder;
mod checkpoint;
mod parts;
mod saved;
mod statistics;

use std::sync::{Arc, Mutex};

use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Change, Clock};
use freeze_dsl::diagnostic::{Diagnostic, Severity};
use freeze_dsl::plan::Plan;
use tch::{Tensor, nn};

use bests::Bests;
pub use builder::{Builder, ProgramOptimizer};
use parts::{Parts, View};
use statistics::Statistics;

use crate::log::Log;
use crate::optim::{self, Hyper, Slot, State, gradients};
use crate::{Error, Policy};

/// Trains a model as a policy says.
///
/// It owns the optimizer: what is frozen has no gradient, no optimizer state and no place in a
/// step, and what trains is in exactly one group. Bind one with [`Tuner::builder`].
///
/// Rules are looked at when an epoch starts and after each step. Between these, the model is the
/// program's own to run.
pub struct Tuner {
    pub(crate) clock: Clock,
    /// The store's own list, in which a variable shows that is added later.
    variables: Arc<Mutex<nn::Variables>>,
    parts: Parts,
    /// What the optimizer remembers of each part.
    states: Vec<Option<State>>,
    statistics: Statistics,
    bests: Bests,
    pub(crate) log: Log,
}

/// Parameters that train with the same options at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Their names, in the model's order; a stretch of rows as `embed.weight[0..32000]`.
    pub parameters: Vec<String>,
    /// Their learning rate.
    pub lr: f64,
    /// Their weight decay.
    pub weight_decay: f64,
    /// Their optimizer.
    pub optimizer: Optimizer,
}

impl Tuner {
    /// Begins to bind a policy to a model.
    pub fn builder(policy: &Policy) -> Builder<'_> {
        Builder::new(policy)
    }

    /// Starts the next epoch: rules fire whose moment has come.
    ///
    /// Once training is over, it counts the epoch and does nothing else.
    ///
    /// # Errors
    /// If the model was changed behind the tuner's back: then the epoch has started all the same,
    /// and the policy is in force again. If the log cannot be written, or if libtorch refuses.
    pub fn start_epoch(&mut self) -> Result<Change, Error> {
        self.put_back()?;
        self.write_line()?;
        let change = self.clock.start_epoch();
        self.begin_line();
        self.tell(&change);
        self.apply(&change)?;
        Ok(change)
    }

    /// Lets everything step that trains and has a gradient, then fires rules whose moment has
    /// come.
    ///
    /// Once training is over, it counts the step and does nothing else.
    ///
    /// # Errors
    /// If no epoch has started yet, or if a gradient cannot be stepped by, as a sparse one under
    /// any optimizer but SGD: then nothing has moved, and the step is not counted. Or if the model
    /// was changed behind the tuner's back, or if libtorch refuses.
    pub fn step(&mut self) -> Result<Change, Error> {
        if self.clock.epochs_started() == 0 {
            return Err(Error::NotStarted);
        }
        self.put_back()?;
        if !self.clock.is_stopped() {
            self.step_groups()?;
        }
        let change = self.clock.end_step();
        self.tell(&change);
        self.apply(&change)?;
        Ok(change)
    }

    /// Zeroes gradients, runs the backward pass from `loss`, and steps. While nothing trains, as
    /// when every curve has ended in a freeze, a loss that depends on no parameter is no error.
    ///
    /// # Errors
    /// As for [`Tuner::step`].
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<Change, Error> {
        self.zero_grad()?;
        if loss.requires_grad() || self.clock.trainable().next().is_some() {
            loss.f_backward()?;
        }
        self.step()
    }

    /// Lets go of the gradients of everything that trains, as `PyTorch`'s `zero_grad` does: a
    /// parameter that then takes no part in a loss does not step.
    ///
    /// What is frozen has none, and gets none: a backward pass through a graph from before it was
    /// frozen passes it over.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn zero_grad(&mut self) -> Result<(), Error> {
        self.put_back()?;
        Ok(gradients::zero(&self.parts.training(&self.clock))?)
    }

    /// Gives held running statistics the values that they are held at.
    ///
    /// A training forward pass moves the statistics of tch's own norms, held or not.
    /// [`Tuner::start_epoch`], [`Tuner::zero_grad`], [`Tuner::step`], [`Tuner::backward_step`],
    /// [`Tuner::observe`], [`Tuner::save`] and [`Tuner::resume`] begin with this. So a program needs
    /// it only where it looks at the model between a training forward pass and the next of these
    /// calls: before a validation or a `vs.save` in the middle of an accumulation, say. A model
    /// whose norms are those of [`crate::nn`] never needs it: their statistics do not move while
    /// they are held.
    ///
    /// Call it before an evaluation forward pass, not behind it: the backward pass through one that
    /// was made in between reads the values that were put back, and not those that the forward pass
    /// read. The backward pass of a training forward pass reads neither.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn put_back(&mut self) -> Result<(), Error> {
        Ok(self.statistics.put_back()?)
    }

    /// Tells a metric's value. Rules that wait for it are looked at when the next epoch starts or
    /// the next step was made.
    ///
    /// Once training is over, the value goes into the log and nowhere else.
    ///
    /// # Errors
    /// If libtorch refuses to copy the weights that a rule may restore.
    pub fn observe(&mut self, metric: &str, value: f64) -> Result<(), Error> {
        self.put_back()?;
        self.log.epoch.observed(metric, value);
        if self.clock.is_stopped() {
            return Ok(());
        }
        let observed = self.clock.observe(metric, value);
        Ok(self.bests.keep(metric, observed, &self.parts, &self.clock)?)
    }

    /// Scales the gradients of everything that trains together, so that their L2 norm is at most
    /// `max`, as [`torch.nn.utils.clip_grad_norm_`] does. Gives the norm that they had before.
    ///
    /// [`torch.nn.utils.clip_grad_norm_`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn clip_grad_norm(&mut self, max: f64) -> Result<f64, Error> {
        let views = self.parts.training_views(&self.clock)?;
        Ok(gradients::clip_norm(&tensors(&views), max)?)
    }

    /// Brings every element of the gradients of what trains into `-max..=max`.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn clip_grad_value(&mut self, max: f64) -> Result<(), Error> {
        let views = self.parts.training_views(&self.clock)?;
        Ok(gradients::clip_value(&tensors(&views), max)?)
    }

    /// What trains, in groups with the same options, in the order of their first parameters.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let groups = self.clock.groups().iter();
        groups
            .filter_map(|group| {
                let Hyper { lr, weight_decay, optimizer } = hyper(group)?;
                let parameters = self.plan().names(group.parts.iter().copied());
                Some(Group { parameters, lr, weight_decay, optimizer })
            })
            .collect()
    }

    /// The names of the parameters that train, in the model's order; a stretch of rows as
    /// `embed.weight[0..32000]`.
    #[must_use]
    pub fn trainable(&self) -> Vec<String> {
        self.plan().names(self.clock.trainable())
    }

    /// How many epochs have started. A loop `while tuner.epoch() < 10` runs ten epochs, numbered
    /// from 0 in the policy. It counts on once training is over, so that such a loop ends.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.clock.epochs_started()
    }

    /// How many optimizer steps were made, calls of [`Tuner::step`] once training is over included.
    #[must_use]
    pub const fn global_step(&self) -> u64 {
        self.clock.steps()
    }

    /// How many rules have fired.
    #[must_use]
    pub const fn phase(&self) -> usize {
        self.clock.rules_fired()
    }

    /// Whether a rule has ended the training: nothing moves any more, and no rule fires. Epochs and
    /// steps are counted on.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.clock.is_stopped()
    }

    /// The memory that optimizer state holds now, in bytes.
    #[must_use]
    pub fn optimizer_bytes(&self) -> usize {
        self.states.iter().flatten().map(State::bytes).sum()
    }

    /// What every rule does to each parameter.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        self.clock.plan()
    }

    /// What stops nothing and is likely not what was meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<&Diagnostic> {
        let found = self.clock.plan().warnings().iter();
        found.filter(|found| found.severity() == Severity::Warning).collect()
    }

    fn step_groups(&mut self) -> Result<(), Error> {
        let groups = self.clock.groups();
        // `attach` saw to it that everything that ever trains has all of these.
        let hypers = groups.iter().map(|group| hyper(group).ok_or(Error::NoOptimizer));
        let hypers = hypers.collect::<Result<Vec<_>, _>>()?;
        let mut group_of = vec![None; self.parts.count()];
        for (index, group) in groups.iter().enumerate() {
            for part in &group.parts {
                if let Some(of) = group_of.get_mut(*part) {
                    *of = Some(index);
                }
            }
        }
        let mut views = Vec::with_capacity(group_of.len());
        for (part, (state, group)) in self.states.iter_mut().zip(group_of).enumerate() {
            if let Some(group) = group
                && let Some(view) = self.parts.view(part)?
            {
                views.push((group, view, state));
            }
        }
        let mut slots: Vec<Vec<Slot<'_>>> =
            groups.iter().map(|group| Vec::with_capacity(group.parts.len())).collect();
        for (group, parameter, state) in &mut views {
            if let Some(slots) = slots.get_mut(*group) {
                slots.push(Slot { parameter, state });
            }
        }
        Ok(optim::step(hypers.into_iter().zip(slots))?)
    }

    /// Makes flags, gradients, optimizer state and statistics agree with the clock.
    fn apply(&mut self, change: &Change) -> Result<(), Error> {
        if change.is_empty() {
            return Ok(());
        }
        let flags = self.audit_flags(change);
        for index in &change.dropped {
            if let Some(state) = self.states.get_mut(*index) {
                *state = None;
            }
        }
        let restored = self.restore(change);
        let touched = change.frozen.iter().chain(&change.unfrozen).chain(&change.interrupted);
        let touched: Vec<usize> = touched.copied().collect();
        // An unfrozen one may have one from an earlier time, which is no part of this one.
        let forgotten = self.parts.forget(&touched, &self.clock);
        self.settle()?;
        if flags.is_err() {
            // While its flag was set, a frozen one may have got one.
            gradients::zero(&self.parts.frozen(&self.clock))?;
        }
        // Told once the policy is in force again: a program that goes on is safe.
        flags?;
        restored?;
        Ok(forgotten?)
    }

    /// Puts the model back to where a change says, once what may move from now on is copied.
    fn restore(&mut self, change: &Change) -> Result<(), Error> {
        let extended = self.bests.extend(&self.parts, &self.clock);
        let restored = self.bests.restore(change, &self.parts, &self.clock);
        if !matches!(restored, Ok(false)) {
            self.statistics.release();
        }
        restored?;
        Ok(extended?)
    }

    /// Sets flags as the clock has them, and checks that they hold.
    fn settle(&mut self) -> Result<(), Error> {
        for (parameter, trains) in self.parts.any(|part| self.clock.trains(part)) {
            if parameter.requires_grad() != trains {
                let _same = parameter.f_set_requires_grad(trains)?;
            }
        }
        self.statistics.hold_or_free(&self.clock)?;
        self.audit()
    }
}

/// The options of a step; `None` where neither the policy nor the program gives one of them.
fn hyper(group: &freeze_dsl::clock::Group) -> Option<Hyper> {
    Some(Hyper { lr: group.lr?, weight_decay: group.weight_decay?, optimizer: group.optimizer? })
}

fn tensors<'v>(views: &'v [View<'_>]) -> Vec<&'v Tensor> {
    views.iter().map(|view| &**view).collect()
}
