//! Attaches a policy to a model.

use freeze_dsl::clock::{Clock, Program};
use tch::{Device, Tensor, nn};

use super::Tuner;
use super::anchors::Anchors;
use super::attached::AttachedStore;
use super::best_weights::BestWeights;
use super::frozen_prefix::TunerId;
use super::frozen_stats::FrozenStats;
use super::grad_means::GradMeans;
use super::lost_updates;
use super::masters::Masters;
use super::param_views::ParamSlices;
use super::program_optimizer::ProgramOptimizer;
use super::ranks::{self, AveragedGradients};
use super::shards::Shards;
use crate::log::Log;
use crate::precision::{GradScaler, Precision};
use crate::store::BoundModel;
use crate::{Error, Group, LossScale, Policy};

/// The settings of a program, used where its policy has none. Created by [`Tuner::builder`].
///
/// Load pretrained weights before [`TunerBuilder::attach`], as [`Weights`](crate::Weights) does.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `attach`"]
pub struct TunerBuilder<'p> {
    policy: &'p Policy,
    program: Program,
    best_weights_device: Option<Device>,
    anchor_device: Option<Device>,
    precision: Precision,
    group: Group,
    all_used: bool,
    shards_optimizer: bool,
}

impl<'p> TunerBuilder<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            program: Program::default(),
            best_weights_device: None,
            anchor_device: None,
            precision: Precision::default(),
            group: Group::alone(Device::Cpu),
            all_used: false,
            shards_optimizer: false,
        }
    }

    /// Sets the program's optimizer and its weight decay, as one of tch's own configurations.
    ///
    /// An optimizer that the policy names replaces it, with the policy's weight decay or else
    /// `PyTorch`'s default for that optimizer.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::nn;
    /// # let policy = freeze_policy! { start: train fc lr 0.1 };
    /// let builder = Tuner::builder(&policy).optimizer(nn::AdamW { wd: 0.05, ..Default::default() });
    /// # drop(builder);
    /// ```
    pub fn optimizer(mut self, optimizer: impl ProgramOptimizer) -> Self {
        let (optimizer, weight_decay) = optimizer.into_parts();
        self.program.optimizer = Some(optimizer);
        self.program.weight_decay = Some(weight_decay);
        self
    }

    /// Sets the program's learning rate, for parameters for which the policy sets none.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let policy = freeze_policy! { start: train fc };
    /// let builder = Tuner::builder(&policy).lr(1e-4);
    /// # drop(builder);
    /// ```
    pub fn lr(mut self, lr: f64) -> Self {
        self.program.lr = Some(lr);
        self
    }

    /// Sets the number of optimizer steps per epoch. Without it, durations in epochs are counted in
    /// whole epochs.
    ///
    /// An epoch with another number of steps is reported once, as `FRZ0509`.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let policy = freeze_policy! { start: train fc lr linear 0 -> 1e-3 over 1 epoch };
    /// let builder = Tuner::builder(&policy).steps_per_epoch(500);
    /// # drop(builder);
    /// ```
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.program.steps_per_epoch = u64::try_from(steps).ok();
        self
    }

    /// Sets the device of the best weights, which a `restore` copies back. By default, each copy is
    /// on the device of its parameter.
    ///
    /// For each metric whose best weights a rule restores, there is a copy of every parameter and
    /// running statistic that could have changed since the best value: those that were trained then,
    /// and those that were unfrozen later. Parameters that stay frozen take no memory.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::Device;
    /// # let policy = freeze_policy! { start: train fc lr 0.1; epoch 3: restore lowest val_loss };
    /// let builder = Tuner::builder(&policy).best_weights_device(Device::Cpu);
    /// # drop(builder);
    /// ```
    pub fn best_weights_device(mut self, device: Device) -> Self {
        self.best_weights_device = Some(device);
        self
    }

    /// Sets the device of the values toward which `anchor` pulls. By default, each is on the device of
    /// its parameter.
    ///
    /// There is a copy of each parameter that `default` or a rule anchors, made once, when the
    /// parameter first trains. On another device than the parameter's, it takes no memory there between
    /// steps, and each step brings it over.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::Device;
    /// # let policy = freeze_policy! { start: train fc lr 0.1 anchor 0.01 };
    /// let builder = Tuner::builder(&policy).anchor_device(Device::Cpu);
    /// # drop(builder);
    /// ```
    pub fn anchor_device(mut self, device: Device) -> Self {
        self.anchor_device = Some(device);
        self
    }

    /// Scales the loss, as Python's [`torch.amp.GradScaler`] does, so that small gradients of half
    /// precision do not become zero.
    ///
    /// [`Tuner::backward_step`] and [`Tuner::backward`] multiply the loss by the scale; a program that
    /// runs the backward pass itself calls [`Tuner::scale_loss`]. [`Tuner::clip_grad_norm`],
    /// [`Tuner::clip_grad_value`] and [`Tuner::step`] divide the gradients by it, once a step. A step
    /// with an infinity or a NaN among the gradients of trainable parameters moves nothing, no optimizer
    /// state and no step count of an optimizer either; the scale then shrinks. It grows after many good
    /// steps. Such a step is counted by [`Tuner::global_step`] and the rules, and by
    /// [`Tuner::skipped_steps`].
    ///
    /// No call of the loop waits for a GPU because of it, but for a step with Adamax, `NAdam`, `RAdam` or
    /// Adafactor, with Adagrad on a GPU, or with Adam of complex parameters: they count their steps on
    /// the host, which reads whether the step is skipped, as `GradScaler` does. So does the first step of
    /// SGD with a momentum and a `dampening`. Gradients of [`Kind::Half`](tch::Kind::Half) can step with
    /// Adam and `AdamW`, and with SGD on a GPU, and cannot be clipped; neither limit holds with
    /// [`TunerBuilder::master_weights`], or for f32 parameters under [`autocast`](crate::autocast).
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::{LossScale, Tuner, autocast, freeze_policy};
    /// use tch::nn::Module;
    /// use tch::{Device, Kind, Tensor, nn};
    ///
    /// let vs = nn::VarStore::new(Device::Cpu);
    /// let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
    /// let policy = freeze_policy! { default optimizer adamw; start: train fc lr 1e-3 };
    /// let mut tuner = Tuner::builder(&policy).loss_scale(LossScale::dynamic()).attach(&vs)?;
    /// let x = Tensor::randn([3, 4], (Kind::Float, Device::Cpu));
    /// tuner.start_epoch()?;
    /// let loss = autocast(Kind::Half, || fc.forward(&x)).square().mean(Kind::Float);
    /// tuner.backward_step(&loss)?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [`torch.amp.GradScaler`]: https://docs.pytorch.org/docs/2.11/amp.html#gradient-scaling
    pub fn loss_scale(mut self, scale: LossScale) -> Self {
        self.precision.loss_scale = Some(scale);
        self
    }

    /// Sets whether parameters of [`Kind::BFloat16`](tch::Kind::BFloat16) and
    /// [`Kind::Half`](tch::Kind::Half) step in f32. By default, they do not.
    ///
    /// Half precision has 8 or 11 significant bits, so that small updates are rounded away: at a learning
    /// rate of 1e-5, a weight of 0.1 in bf16 does not move at all. [`Tuner::diagnostics`] has `FRZ0511`
    /// where that holds for most of what trains. With master weights, each such parameter
    /// has a copy in f32, its master: the step is made on the master with optimizer state in f32, and the
    /// result is rounded into the parameter. A master is made when the parameter first steps, and dropped
    /// when it freezes, unless it keeps its state; the parameter stays as it is rounded. After a
    /// `restore`, and after anything else that a program writes to a parameter, masters begin at those
    /// values. [`Tuner::optimizer_bytes`] counts them, and a
    /// checkpoint has them.
    ///
    /// [`Tuner::clip_grad_norm`], [`Tuner::clip_grad_value`] and [`Tuner::step`] move the gradients of these
    /// parameters to the masters, where they are f32: the parameters have none afterwards. Gradients of f16
    /// can then be clipped with a loss scale, and step with every optimizer.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::{Tuner, freeze_policy};
    /// use tch::nn::Module;
    /// use tch::{Device, Kind, Tensor, nn};
    ///
    /// let mut vs = nn::VarStore::new(Device::Cpu);
    /// let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
    /// vs.bfloat16();
    /// let policy = freeze_policy! { default optimizer adamw; start: train fc lr 1e-5 };
    /// let mut tuner = Tuner::builder(&policy).master_weights(true).attach(&vs)?;
    /// tuner.start_epoch()?;
    /// let x = Tensor::randn([3, 4], (Kind::BFloat16, Device::Cpu));
    /// tuner.backward_step(&fc.forward(&x).square().mean(Kind::Float))?;
    /// // For each of 10 numbers a master and two averages, and a step count for each parameter.
    /// assert_eq!(tuner.optimizer_bytes(), 10 * 3 * 4 + 2 * 4);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn master_weights(mut self, are_used: bool) -> Self {
        self.precision.master_weights = are_used;
        self
    }

    /// Sets the processes that train this model together. By default, this process trains alone.
    ///
    /// All ranks attach the same policy with the same settings to models with the same variables, and call
    /// the same methods of the tuner as often; each has a share of the samples, as [`Group::share`]
    /// selects them. [`TunerBuilder::attach`] copies the values of rank 0 to all ranks. Gradients are averaged
    /// over the ranks, so that the parameters stay equal: where each rank's loss is a mean over as many
    /// samples, the run is that of one process on all of them.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Group, Tuner, freeze_policy};
    /// # use tch::nn;
    /// let group = Group::from_env()?;
    /// let vs = nn::VarStore::new(group.device());
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// let tuner = Tuner::builder(&policy).group(&group).attach(&vs)?;
    /// # drop(tuner);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn group(mut self, group: &Group) -> Self {
        self.group = group.clone();
        self
    }

    /// Says that each [`Tuner::backward_step`] and [`Tuner::backward_last`] uses every trainable parameter, so
    /// that a [`Group`] need not look for those that it does not use.
    ///
    /// Without it, such a pass walks through the graph once more, and the ranks exchange which parameters are
    /// used. With it, a trainable parameter that the pass does not use is an error on all ranks; what earlier
    /// passes of an accumulation use does not count.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Group, Tuner, freeze_policy};
    /// let group = Group::from_env()?;
    /// let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// let builder = Tuner::builder(&policy).group(&group).all_used(true);
    /// # drop(builder);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn all_used(mut self, are_used: bool) -> Self {
        self.all_used = are_used;
        self
    }

    /// Divides the optimizer state among the ranks of a [`Group`], as stage 1 of [ZeRO] does: each parameter
    /// is stepped by one rank, which alone has its optimizer state and master, and copied to the others.
    ///
    /// The numbers are those of a run without it, bit for bit. The checkpoints are the same too: a run resumes
    /// from one that was saved with or without it, and with another number of ranks
    /// ([`ResumeOptions::allow_ranks_change`](crate::ResumeOptions::allow_ranks_change)).
    ///
    /// Whole parameters are divided, so that each of `n` ranks has about one part of `n` of the state where
    /// none of them is much larger than the others. Each step copies what trains once more. Anchors and best
    /// weights are on every rank. [`Tuner::save`] collects the state in the main memory of rank 0, and
    /// [`Tuner::resume`] has all of it on each rank, on the device of the parameters, until it is divided.
    ///
    /// A step that fails on one rank, as where memory runs out, may have been made on others: the group is
    /// over, and the run goes on from its checkpoint.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Group, Tuner, freeze_policy};
    /// let group = Group::from_env()?;
    /// let policy = freeze_policy! { default optimizer adamw; start: train fc lr 1e-3 };
    /// let builder = Tuner::builder(&policy).group(&group).shard_optimizer(true);
    /// # drop(builder);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [ZeRO]: https://arxiv.org/abs/1910.02054
    pub fn shard_optimizer(mut self, is_divided: bool) -> Self {
        self.shards_optimizer = is_divided;
        self
    }

    /// Checks the policy against the variables of a store, and returns the tuner for them. All
    /// parameters are trainable until the first rule fires.
    ///
    /// Load weights before this, or at the latest before the first [`Tuner::start_epoch`]. From then
    /// on the tuner has copies of frozen running statistics and of best weights, and does not notice
    /// weights that are loaded: its next call restores the earlier statistics, and a `restore` the
    /// earlier weights. A program that loads other weights during training attaches a new tuner
    /// afterwards.
    ///
    /// # Errors
    /// Fails with all findings if the policy does not fit this model. Fails if an optimizer or a
    /// learning rate is missing, if a setting of the program is out of range, if two parameters share
    /// memory, if a parameter is computed from others, if a variable is a sparse, mkldnn or conjugated tensor, or if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::{Tuner, freeze_policy};
    /// use tch::{Device, Tensor, nn};
    ///
    /// let vs = nn::VarStore::new(Device::Cpu);
    /// let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
    /// let policy = freeze_policy! { start: train fc.weight };
    /// let tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).lr(1e-3).attach(&vs)?;
    /// # drop(tuner);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn attach(self, store: &nn::VarStore) -> Result<Tuner, Error> {
        let group = self.group.clone();
        let attached = self.prepare(store).and_then(|tuner| {
            tuner.audit_storage()?;
            tuner.audit_leaves()?;
            tuner.audit_rows()?;
            Ok(tuner)
        });
        let attached = ranks::share_start(&group, attached).and_then(|mut tuner| {
            tuner.settle()?;
            tuner.frozen_stats.take_charge()?;
            if !tuner.masters.are_used() {
                tuner.lost_updates = lost_updates::findings(&tuner.clock, &tuner.slices)?;
            }
            Ok(tuner)
        });
        group.reported(attached)
    }

    /// The tuner of a model that it has not changed yet.
    fn prepare(self, store: &nn::VarStore) -> Result<Tuner, Error> {
        self.check_program()?;
        let bound = BoundModel::of(store)?;
        let plan = self.policy.plan(&bound.model)?;
        let clock = Clock::new(plan, self.program);
        clock.check()?;
        if !clock.has_optimizer() {
            return Err(Error::NoOptimizer);
        }
        let frozen_stats = FrozenStats::of(&bound);
        let anchors = Anchors::new(clock.plan(), self.anchor_device);
        let best_weights = BestWeights::new(&clock, &bound, self.best_weights_device);
        let store = AttachedStore::new(store, &bound.model, bound.tensors)?;
        let device = bound.parameters.first().map_or(Device::Cpu, Tensor::device);
        let scaler = self.precision.loss_scale.map(|it| GradScaler::new(it, device));
        let slices = ParamSlices::new(bound.parameters, clock.plan());
        let is_divided = self.shards_optimizer && self.group.has_others();
        let shards = is_divided.then(|| Shards::new(&self.group, &slices));
        let notes = self.group.note().into_iter().map(str::to_owned).collect();
        Ok(Tuner {
            id: TunerId::next(),
            group: self.group,
            averaged: AveragedGradients::default(),
            reduction: None,
            all_used: self.all_used,
            shards,
            unfreezings: vec![0; slices.count()],
            frozen_stats,
            best_weights,
            grad_means: GradMeans::default(),
            anchors,
            notes,
            store,
            states: std::iter::repeat_with(|| None).take(slices.count()).collect(),
            masters: Masters::new(self.precision.master_weights, slices.count()),
            slices,
            is_accumulating: false,
            scaler: scaler.transpose()?,
            lost_updates: Vec::new(),
            log: Log::default(),
            clock,
        })
    }

    fn check_program(&self) -> Result<(), Error> {
        let Program { lr, optimizer, weight_decay, steps_per_epoch } = self.program;
        for (what, value) in [("learning rate", lr), ("weight decay", weight_decay)] {
            if let Some(value) = value.filter(|value| !value.is_finite() || *value < 0.0) {
                let reason = format!("a {what} must be finite and at least 0, and is {value}");
                return Err(Error::Program(reason));
            }
        }
        if let Some(fault) = optimizer.and_then(|optimizer| optimizer.fault()) {
            return Err(Error::Program(fault));
        }
        if let Some(fault) = self.precision.loss_scale.and_then(LossScale::fault) {
            return Err(Error::Program(fault));
        }
        if steps_per_epoch == Some(0) {
            return Err(Error::Program("an epoch must have at least one step".to_owned()));
        }
        Ok(())
    }
}
