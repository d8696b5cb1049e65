//! Steps by libtorch's multi-tensor kernels: one call for all parameters of a device and dtype.

use freeze_dsl::Optimizer;
use tch::TchError;

use super::{HyperParams, SteppingParam};
use crate::ffi::{self, AdamOptions, Facts, List, RmsPropOptions, SgdOptions};

/// A kernel and its options.
pub(super) enum Kernel {
    Adam(AdamOptions),
    Sgd(SgdOptions),
    RmsProp(RmsPropOptions),
}

impl Kernel {
    /// The kernel for parameters with these facts, if libtorch has one.
    pub(super) const fn of(
        hyper_params: &HyperParams,
        facts: Facts,
        is_first_step: bool,
    ) -> Option<Self> {
        let HyperParams { lr, weight_decay, optimizer } = *hyper_params;
        let decoupled = matches!(optimizer, Optimizer::AdamW { .. });
        match optimizer {
            Optimizer::Sgd { momentum, dampening, nesterov } if facts.has_fused_sgd => {
                Some(Self::Sgd(SgdOptions {
                    lr,
                    momentum,
                    dampening,
                    weight_decay,
                    nesterov,
                    is_first_step,
                }))
            }
            Optimizer::Adam { beta1, beta2, eps, amsgrad }
            | Optimizer::AdamW { beta1, beta2, eps, amsgrad }
                if facts.has_fused_adam =>
            {
                Some(Self::Adam(AdamOptions {
                    lr,
                    beta1,
                    beta2,
                    eps,
                    weight_decay,
                    amsgrad,
                    decoupled,
                }))
            }
            Optimizer::RmsProp { alpha, eps, momentum, centered } if facts.has_rmsprop => {
                Some(Self::RmsProp(RmsPropOptions {
                    lr,
                    alpha,
                    eps,
                    weight_decay,
                    momentum,
                    centered,
                }))
            }
            _ => None,
        }
    }

    /// The most bytes that a step needs for temporary tensors at a time.
    pub(super) fn scratch(&self, parameters: &List<'_>) -> Result<usize, TchError> {
        match self {
            Self::Adam(_) | Self::Sgd(_) => Ok(0),
            Self::RmsProp(_) => ffi::rmsprop_scratch(parameters),
        }
    }

    /// Steps parameters by gradients that have their memory layout.
    pub(super) fn step(
        &self,
        params: &[SteppingParam<'_>],
        gradients: &List<'_>,
    ) -> Result<(), TchError> {
        let parameters: List<'_> = params.iter().map(|param| param.parameter).collect();
        let states = |name| -> List<'_> {
            params.iter().filter_map(|param| param.state.tensor(name)).collect()
        };
        match *self {
            Self::Sgd(options) => {
                ffi::fused_sgd(&parameters, gradients, &states("momentum_buffer"), options)
            }
            Self::Adam(options) => ffi::fused_adam(
                &parameters,
                gradients,
                &states("exp_avg"),
                &states("exp_avg_sq"),
                &states("max_exp_avg_sq"),
                &states("step"),
                options,
            ),
            Self::RmsProp(options) => ffi::rmsprop(
                &parameters,
                gradients,
                &states("square_avg"),
                &states("grad_avg"),
                &states("momentum_buffer"),
                options,
            ),
        }
    }
}
