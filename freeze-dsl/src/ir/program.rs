//! The training program's own options.

use serde::{Deserialize, Serialize};

use super::Optimizer;
use crate::json::{from_optional_real, optional_real};

/// The training program's own options, used where the policy sets none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The learning rate.
    #[serde(serialize_with = "optional_real", deserialize_with = "from_optional_real")]
    pub lr: Option<f64>,
    /// The optimizer.
    pub optimizer: Option<Optimizer>,
    /// The weight decay of that optimizer.
    #[serde(serialize_with = "optional_real", deserialize_with = "from_optional_real")]
    pub weight_decay: Option<f64>,
    /// The number of optimizer steps in an epoch.
    pub steps_per_epoch: Option<u64>,
}

impl Program {
    /// The optimizer of parameters for which the policy names `own`.
    pub(crate) fn optimizer_or(&self, own: Option<Optimizer>) -> Option<Optimizer> {
        own.or(self.optimizer)
    }

    /// The weight decay of parameters for which the policy sets `own` and names `optimizer`. The
    /// program's weight decay belongs to the program's optimizer: an optimizer that the policy
    /// names has `PyTorch`'s default.
    pub(crate) fn weight_decay_or(
        &self,
        own: Option<f64>,
        optimizer: Option<Optimizer>,
    ) -> Option<f64> {
        own.or_else(|| match optimizer {
            Some(optimizer) => Some(optimizer.default_weight_decay()),
            None => self
                .weight_decay
                .or_else(|| self.optimizer.map(|optimizer| optimizer.default_weight_decay())),
        })
    }
}
