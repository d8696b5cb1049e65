//! Binds a policy to a model.

use std::sync::Arc;

use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Clock, Program};
use tch::{Device, nn};

use super::Tuner;
use super::bests::Bests;
use super::parts::Parts;
use super::statistics::Statistics;
use crate::log::Log;
use crate::model::Bound;
use crate::{Error, Policy};

/// What a program gives where its policy says nothing; made by [`Tuner::builder`].
///
/// Load pretrained weights before [`Builder::attach`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `attach`"]
pub struct Builder<'p> {
    policy: &'p Policy,
    program: Program,
    copies_on: Option<Device>,
}

impl<'p> Builder<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self { policy, program: Program::default(), copies_on: None }
    }

    /// The program's optimizer, as one of tch's own configurations, its weight decay included.
    /// One that the policy names takes its place, with the weight decay that the policy gives or
    /// `PyTorch`'s default.
    pub fn optimizer(mut self, optimizer: impl ProgramOptimizer) -> Self {
        let (optimizer, weight_decay) = optimizer.given();
        self.program.optimizer = Some(optimizer);
        self.program.weight_decay = Some(weight_decay);
        self
    }

    /// The program's learning rate.
    pub fn lr(mut self, lr: f64) -> Self {
        self.program.lr = Some(lr);
        self
    }

    /// How many optimizer steps an epoch has. Without it, a part of a run that is told in epochs
    /// is counted in whole epochs.
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.program.steps_per_epoch = u64::try_from(steps).ok();
        self
    }

    /// Where copies of weights lie that a `restore` may need; else, each lies where its parameter
    /// does.
    ///
    /// For each metric whose best moment some rule restores, there is a copy of every parameter
    /// and running statistic that has moved or could have moved since that moment: of what trained
    /// at it, and of what was unfrozen later. What stayed frozen takes no memory.
    pub fn copies_on(mut self, device: Device) -> Self {
        self.copies_on = Some(device);
        self
    }

    /// Checks the policy against the store's variables, and takes charge of them: from here on
    /// all train, until the first rule fires.
    ///
    /// Load weights before this, as `VarStore::load` does, or at the latest before the first
    /// [`Tuner::start_epoch`]. From then on the tuner keeps copies, of statistics that are held and
    /// of what a rule may restore, and knows nothing of weights that are loaded: the next call puts
    /// held statistics back to what they were before, and a restore brings back earlier weights. A
    /// program that loads others in the middle of a training attaches a new tuner behind that.
    ///
    /// # Errors
    /// All that is wrong with the policy for this model, a missing optimizer or learning rate,
    /// two parameters that share memory, one that is computed from others, or what libtorch
    /// refuses.
    pub fn attach(self, store: &nn::VarStore) -> Result<Tuner, Error> {
        self.check_program()?;
        let bound = Bound::to(store)?;
        let plan = self.policy.plan(&bound.model)?;
        let clock = Clock::new(plan, self.program);
        clock.check()?;
        if !clock.has_optimizer() {
            return Err(Error::NoOptimizer);
        }
        let statistics = Statistics::of(&bound);
        let bests = Bests::new(&clock, &bound, self.copies_on);
        let parts = Parts::new(bound.parameters, clock.plan());
        let mut tuner = Tuner {
            statistics,
            bests,
            variables: Arc::clone(&store.variables_),
            states: std::iter::repeat_with(|| None).take(parts.count()).collect(),
            parts,
            log: Log::default(),
            clock,
        };
        tuner.settle()?;
        tuner.audit_leaves()?;
        tuner.audit_rows()?;
        tuner.statistics.take_charge()?;
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

/// One of tch's optimizer configurations: [`nn::Sgd`], [`nn::Adam`], [`nn::AdamW`],
/// [`nn::RmsProp`].
pub trait ProgramOptimizer: sealed::Sealed {
    /// The optimizer and its weight decay.
    fn given(self) -> (Optimizer, f64);
}

macro_rules! program_optimizer {
    ($tch:ty, $given:expr) => {
        impl sealed::Sealed for $tch {}

        impl ProgramOptimizer for $tch {
            fn given(self) -> (Optimizer, f64) {
                let given: fn(Self) -> Optimizer = $given;
                (given(self), self.wd)
            }
        }
    };
}

program_optimizer!(nn::Sgd, |given| Optimizer::Sgd {
    momentum: given.momentum,
    dampening: given.dampening,
    nesterov: given.nesterov,
});
program_optimizer!(nn::Adam, |given| Optimizer::Adam {
    beta1: given.beta1,
    beta2: given.beta2,
    eps: given.eps,
    amsgrad: given.amsgrad,
});
program_optimizer!(nn::AdamW, |given| Optimizer::AdamW {
    beta1: given.beta1,
    beta2: given.beta2,
    eps: given.eps,
    amsgrad: given.amsgrad,
});
program_optimizer!(nn::RmsProp, |given| Optimizer::RmsProp {
    alpha: given.alpha,
    eps: given.eps,
    momentum: given.momentum,
    centered: given.centered,
});
