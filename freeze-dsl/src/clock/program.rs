//! What the training program itself gives.

use crate::optimizer::Optimizer;
use crate::plan::UnitOptions;

/// What the training program gives where the policy says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Program {
    /// Its learning rate.
    pub lr: Option<f64>,
    /// Its optimizer.
    pub optimizer: Option<Optimizer>,
    /// The weight decay that goes with its optimizer.
    pub weight_decay: Option<f64>,
    /// How many optimizer steps an epoch has.
    pub steps_per_epoch: Option<u64>,
}

impl Program {
    pub(super) fn optimizer(&self, options: &UnitOptions) -> Option<Optimizer> {
        options.optimizer.or(self.optimizer)
    }

    /// The program's weight decay goes with the program's optimizer: one that the policy
    /// names comes with `PyTorch`'s default.
    pub(super) fn weight_decay(&self, options: &UnitOptions) -> Option<f64> {
        options.weight_decay.or_else(|| match options.optimizer {
            Some(optimizer) => Some(optimizer.default_weight_decay()),
            None => self
                .weight_decay
                .or_else(|| self.optimizer.map(|optimizer| optimizer.default_weight_decay())),
        })
    }
}
