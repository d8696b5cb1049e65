//! Binds a policy to a model.

use std::sync::Arc;

use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Clock, Program};
use tch::nn;

use super::Tuner;
use super::bests::Bests;
use super::statistics::Statistics;
use crate::model::Bound;
use crate::{Error, Policy};

/// What a program gives where its policy says nothing; made by [`Tuner::builder`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `attach`"]
pub struct Builder<'p> {
    policy: &'p Policy,
    program: Program,
}

impl<'p> Builder<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self { policy, program: Program::default() }
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

    /// Checks the policy against the store's variables, and takes charge of them: from here on
    /// all train, until the first rule fires.
    ///
    /// # Errors
    /// All that is wrong with the policy for this model, a missing optimizer or learning rate,
    /// two parameters that share memory, one that is computed from others, or what libtorch
    /// refuses.
    pub fn attach(self, store: &nn::VarStore) -> Result<Tuner, Error> {
        self.check_program()?;
        let bound = Bound::to(store)?;
        let plan = self.policy.plan(&bound.model)?;
        if let Some(part) = plan.parts().iter().position(|part| part.rows.is_some()) {
            return Err(Error::Rows(plan.part_name(part)));
        }
        let clock = Clock::new(plan, self.program);
        clock.check()?;
        if !clock.has_optimizer() {
            return Err(Error::NoOptimizer);
        }
        let count = bound.parameters.len();
        let mut tuner = Tuner {
            statistics: Statistics::of(&bound),
            bests: Bests::new(&clock, &bound),
            variables: Arc::clone(&store.variables_),
            parameters: bound.parameters,
            states: std::iter::repeat_with(|| None).take(count).collect(),
            expects_strays: false,
            clock,
        };
        tuner.settle()?;
        tuner.audit_leaves()?;
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
