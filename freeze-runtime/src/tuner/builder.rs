//! Attaches a policy to a model.

use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Clock, Program};
use tch::{Device, nn};

use super::Tuner;
use super::anchors::Anchors;
use super::attached::AttachedStore;
use super::best_weights::BestWeights;
use super::frozen_prefix::TunerId;
use super::frozen_stats::FrozenStats;
use super::grad_means::GradMeans;
use super::param_views::ParamSlices;
use crate::log::Log;
use crate::store::BoundModel;
use crate::{Error, Policy};

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
}

impl<'p> TunerBuilder<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self { policy, program: Program::default(), best_weights_device: None, anchor_device: None }
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
    /// learning rate is missing, if two parameters share memory, if a parameter is computed from
    /// others, if a variable is a sparse, mkldnn or conjugated tensor, or if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::{Tuner, freeze_policy};
    /// use tch::{Device, nn};
    ///
    /// let vs = nn::VarStore::new(Device::Cpu);
    /// let fc = nn::linear(vs.root() / "fc", 4, 2, nn::LinearConfig::default());
    /// let policy = freeze_policy! { start: train fc.weight };
    /// let tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).lr(1e-3).attach(&vs)?;
    /// # drop(tuner);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn attach(self, store: &nn::VarStore) -> Result<Tuner, Error> {
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
        let slices = ParamSlices::new(bound.parameters, clock.plan());
        let mut tuner = Tuner {
            id: TunerId::next(),
            unfreezings: vec![0; slices.count()],
            frozen_stats,
            best_weights,
            grad_means: GradMeans::default(),
            anchors,
            notes: Vec::new(),
            store,
            states: std::iter::repeat_with(|| None).take(slices.count()).collect(),
            slices,
            is_accumulating: false,
            log: Log::default(),
            clock,
        };
        tuner.settle()?;
        tuner.audit_leaves()?;
        tuner.audit_rows()?;
        tuner.frozen_stats.take_charge()?;
        Ok(tuner)
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
        if steps_per_epoch == Some(0) {
            return Err(Error::Program("an epoch must have at least one step".to_owned()));
        }
        Ok(())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// tch's optimizer configurations: [`nn::Sgd`], [`nn::Adam`], [`nn::AdamW`], [`nn::RmsProp`].
///
/// # Examples
/// ```
/// use freeze_runtime::ProgramOptimizer;
/// use tch::nn;
///
/// let (optimizer, weight_decay) = nn::AdamW { wd: 0.05, ..Default::default() }.into_parts();
/// assert_eq!((optimizer.name(), weight_decay), ("adamw", 0.05));
/// ```
pub trait ProgramOptimizer: sealed::Sealed {
    /// The optimizer and its weight decay.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ProgramOptimizer;
    /// assert_eq!(tch::nn::Sgd::default().into_parts().1, 0.0);
    /// ```
    fn into_parts(self) -> (Optimizer, f64);
}

macro_rules! program_optimizer {
    ($tch:ty, $optimizer:expr) => {
        impl sealed::Sealed for $tch {}

        impl ProgramOptimizer for $tch {
            fn into_parts(self) -> (Optimizer, f64) {
                let optimizer: fn(Self) -> Optimizer = $optimizer;
                (optimizer(self), self.wd)
            }
        }
    };
}

program_optimizer!(nn::Sgd, |config| Optimizer::Sgd {
    momentum: config.momentum,
    dampening: config.dampening,
    nesterov: config.nesterov,
});
program_optimizer!(nn::Adam, |config| Optimizer::Adam {
    beta1: config.beta1,
    beta2: config.beta2,
    eps: config.eps,
    amsgrad: config.amsgrad,
});
program_optimizer!(nn::AdamW, |config| Optimizer::AdamW {
    beta1: config.beta1,
    beta2: config.beta2,
    eps: config.eps,
    amsgrad: config.amsgrad,
});
program_optimizer!(nn::RmsProp, |config| Optimizer::RmsProp {
    alpha: config.alpha,
    eps: config.eps,
    momentum: config.momentum,
    centered: config.centered,
});
