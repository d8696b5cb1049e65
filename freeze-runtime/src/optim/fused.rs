//! Steps by libtorch's fused kernels: one call for all parameters of a device and dtype.

use freeze_dsl::Optimizer;
use tch::TchError;

use super::{Hyper, Moving};
use crate::ffi::{self, AdamOptions, List, SgdOptions};

/// A fused kernel and its options.
pub(super) enum FusedKernel {
    Adam(AdamOptions),
    Sgd(SgdOptions),
}

impl FusedKernel {
    /// The kernel of an optimizer; libtorch has none for `RMSprop`.
    pub(super) const fn of(hyper: &Hyper, is_first_step: bool) -> Option<Self> {
        let Hyper { lr, weight_decay, optimizer } = *hyper;
        match optimizer {
            Optimizer::Sgd { momentum, dampening, nesterov } => Some(Self::Sgd(SgdOptions {
                lr,
                momentum,
                dampening,
                weight_decay,
                nesterov,
                is_first_step,
            })),
            Optimizer::Adam { beta1, beta2, eps, amsgrad } => Some(Self::Adam(AdamOptions {
                lr,
                beta1,
                beta2,
                eps,
                weight_decay,
                amsgrad,
                decoupled: false,
            })),
            Optimizer::AdamW { beta1, beta2, eps, amsgrad } => Some(Self::Adam(AdamOptions {
                lr,
                beta1,
                beta2,
                eps,
                weight_decay,
                amsgrad,
                decoupled: true,
            })),
            Optimizer::RmsProp { .. } => None,
        }
    }

    pub(super) fn step(&self, moving: &[Moving<'_>]) -> Result<(), TchError> {
        let parameters: List<'_> = moving.iter().map(|moving| moving.parameter).collect();
        let states = |name| -> List<'_> {
            moving.iter().filter_map(|moving| moving.state.tensor(name)).collect()
        };
        match *self {
            Self::Sgd(options) => ffi::fused_sgd(&parameters, &states("momentum_buffer"), options),
            Self::Adam(options) => ffi::fused_adam(
                &parameters,
                &states("exp_avg"),
                &states("exp_avg_sq"),
                &states("max_exp_avg_sq"),
                &states("step"),
                options,
            ),
        }
    }
}
