//! What the training program itself gives.

use serde::{Deserialize, Serialize};

use crate::json::{from_optional_real, optional_real};
use crate::optimizer::Optimizer;
use crate::plan::UnitOptions;

/// What the training program gives where the policy says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its learning rate.
    #[serde(serialize_with = "optional_real", deserialize_with = "from_optional_real")]
    pub lr: Option<f64>,
    /// Its optimizer.
    pub optimizer: Option<Optimizer>,
    /// The weight decay that goes with its optimizer.
    #[serde(serialize_with = "optional_real", deserialize_with = "from_optional_real")]
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
    pub(crate) fn weight_decay(&self, options: &UnitOptions) -> Option<f64> {
        options.weight_decay.or_else(|| match options.optimizer {
            Some(optimizer) => Some(optimizer.default_weight_decay()),
            None => self
                .weight_decay
                .or_else(|| self.optimizer.map(|optimizer| optimizer.default_weight_decay())),
        })
    }
}
