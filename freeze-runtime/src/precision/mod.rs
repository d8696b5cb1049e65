//! Mixed precision.

mod autocast;
mod grad_scaler;
mod loss_scale;

pub use autocast::autocast;
pub(crate) use grad_scaler::GradScaler;
pub use loss_scale::LossScale;

use serde::{Deserialize, Serialize};

/// The program's settings of mixed precision.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Precision {
    pub(crate) loss_scale: Option<LossScale>,
    pub(crate) master_weights: bool,
}
