//! Steps by libtorch's multi-tensor kernels: one call for all parameters of a device and dtype.

use freeze_dsl::Optimizer;
use tch::{Kind, TchError};

use super::{HyperParams, Scratch, SteppingParam};
use crate::ffi::{
    self, AdafactorOptions, AdagradOptions, AdamOptions, AdamaxOptions, Facts, LaidOutGradients,
    LionOptions, List, MuonOptions, NAdamOptions, RAdamOptions, RmsPropOptions, SgdOptions,
};

/// A kernel and its options.
pub(super) enum Kernel {
    Adam(AdamOptions),
    Sgd(SgdOptions),
    RmsProp(RmsPropOptions),
    FusedAdagrad(AdagradOptions),
    Adagrad(AdagradOptions),
    Adamax(AdamaxOptions),
    NAdam(NAdamOptions),
    RAdam(RAdamOptions),
    Lion(LionOptions),
    Muon(MuonOptions),
    Adafactor(AdafactorOptions),
}

impl Kernel {
    /// The kernel for parameters with these facts, if there is one.
    pub(super) fn of(
        hyper_params: &HyperParams,
        facts: Facts,
        kind: Kind,
        is_first_step: bool,
    ) -> Option<Self> {
        let HyperParams { lr, weight_decay, optimizer } = *hyper_params;
        match optimizer {
            Optimizer::Sgd { momentum, dampening, nesterov } => {
                facts.has_fused_sgd.then_some(Self::Sgd(SgdOptions {
                    lr,
                    momentum,
                    dampening,
                    weight_decay,
                    nesterov,
                    is_first_step,
                }))
            }
            Optimizer::Adam { beta1, beta2, eps, amsgrad }
            | Optimizer::AdamW { beta1, beta2, eps, amsgrad } => {
                let decoupled = matches!(optimizer, Optimizer::AdamW { .. });
                facts.has_fused_adam.then_some(Self::Adam(AdamOptions {
                    lr,
                    beta1,
                    beta2,
                    eps,
                    weight_decay,
                    amsgrad,
                    decoupled,
                }))
            }
            Optimizer::RmsProp { alpha, eps, momentum, centered } => {
                facts.has_rmsprop.then_some(Self::RmsProp(RmsPropOptions {
                    lr,
                    alpha,
                    eps,
                    weight_decay,
                    momentum,
                    centered,
                }))
            }
            Optimizer::Adagrad { lr_decay, eps, .. } => {
                let options = AdagradOptions { lr, lr_decay, weight_decay, eps };
                let other = facts.has_dense_gradient.then_some(Self::Adagrad(options));
                if facts.has_fused_adagrad { Some(Self::FusedAdagrad(options)) } else { other }
            }
            _ if !facts.has_dense_gradient => None,
            Optimizer::Adamax { beta1, beta2, eps } => {
                Some(Self::Adamax(AdamaxOptions { lr, beta1, beta2, eps, weight_decay }))
            }
            Optimizer::NAdam { beta1, beta2, eps, momentum_decay, decoupled } => {
                Some(Self::NAdam(NAdamOptions {
                    lr,
                    beta1,
                    beta2,
                    eps,
                    weight_decay,
                    momentum_decay,
                    decoupled,
                }))
            }
            Optimizer::RAdam { beta1, beta2, eps, decoupled } => {
                Some(Self::RAdam(RAdamOptions { lr, beta1, beta2, eps, weight_decay, decoupled }))
            }
            Optimizer::Lion { beta1, beta2 } => {
                Some(Self::Lion(LionOptions { lr, beta1, beta2, weight_decay }))
            }
            Optimizer::Muon { momentum, nesterov, eps, steps, match_rms } => {
                Some(Self::Muon(MuonOptions {
                    lr,
                    weight_decay,
                    momentum,
                    eps,
                    steps,
                    nesterov,
                    match_rms,
                }))
            }
            Optimizer::Adafactor { beta2_decay, eps1, eps2, d } => {
                let eps1 = eps1.unwrap_or_else(|| machine_epsilon(kind));
                let options = AdafactorOptions { lr, weight_decay, beta2_decay, eps1, eps2, d };
                Some(Self::Adafactor(options))
            }
        }
    }

    /// Whether gradients and states must lie in memory as their parameters do.
    pub(super) const fn needs_layout(&self) -> bool {
        matches!(self, Self::Adam(_) | Self::Sgd(_) | Self::RmsProp(_) | Self::FusedAdagrad(_))
    }

    /// Whether it divides gradients by a scale, and moves nothing if one of them is not finite.
    pub(super) const fn is_fused(&self) -> bool {
        matches!(self, Self::Adam(_) | Self::Sgd(_) | Self::FusedAdagrad(_))
    }

    /// Makes a first step like any later one, with a momentum of zero.
    pub(super) const fn begin_at_zero(&mut self) {
        if let Self::Sgd(options) = self {
            options.is_first_step = false;
        }
    }

    /// The temporary tensors that a step needs at a time. A parameter that `follows` the one before it
    /// steps together with it.
    pub(super) fn scratch(
        &self,
        parameters: &List<'_>,
        bytes: &[usize],
        follows: &[bool],
    ) -> Result<Scratch, TchError> {
        let (tensors, bytes) = match self {
            Self::Adam(_) | Self::Sgd(_) | Self::FusedAdagrad(_) => (0, 0),
            Self::RmsProp(_)
            | Self::Adagrad(_)
            | Self::Adamax(_)
            | Self::NAdam(_)
            | Self::Lion(_) => (2, ffi::chunk_scratch(parameters)?),
            Self::RAdam(_) => (3, ffi::chunk_scratch(parameters)?),
            // Of at least two bytes a number: the update, and in bfloat16 three matrices of its size
            // and two of its smaller dimension.
            Self::Muon(_) => (7, largest_run(bytes, follows)),
            // Slices with masters lie apart, so that they and their gradients are joined as copies.
            Self::Adafactor(_) => {
                let copies = if follows.contains(&true) { 5 } else { 3 };
                (copies, largest_run(bytes, follows))
            }
        };
        Ok(Scratch { tensors, bytes })
    }

    /// Steps parameters, by `gradients` where it needs them laid out as the parameters are.
    pub(super) fn step(
        &self,
        params: &[SteppingParam<'_>],
        gradients: &LaidOutGradients<'_>,
    ) -> Result<(), TchError> {
        let parameters: List<'_> = params.iter().map(|param| param.parameter).collect();
        let states = |name| -> List<'_> {
            params.iter().filter_map(|param| param.state.tensor(name)).collect()
        };
        let follows: Vec<bool> = params.iter().map(|param| param.follows).collect();
        let buffers = || states("momentum_buffer");
        let steps = || states("step");
        let (averages, squares) = (|| states("exp_avg"), || states("exp_avg_sq"));
        match *self {
            Self::Sgd(options) => ffi::fused_sgd(&parameters, gradients, &buffers(), options),
            Self::Adam(options) => ffi::fused_adam(
                &parameters,
                gradients,
                &averages(),
                &squares(),
                &states("max_exp_avg_sq"),
                &steps(),
                options,
            ),
            Self::RmsProp(options) => ffi::rmsprop(
                &parameters,
                gradients,
                &states("square_avg"),
                &states("grad_avg"),
                &buffers(),
                options,
            ),
            Self::FusedAdagrad(options) => {
                let (sums, steps) = (states("sum"), steps());
                ffi::fused_adagrad(&parameters, gradients, &sums, &steps, options)
            }
            Self::Adagrad(options) => ffi::adagrad(&parameters, &states("sum"), &steps(), options),
            Self::Adamax(options) => {
                ffi::adamax(&parameters, &averages(), &states("exp_inf"), &steps(), options)
            }
            Self::NAdam(options) => {
                let products = states("mu_product");
                ffi::nadam(&parameters, &averages(), &squares(), &steps(), &products, options)
            }
            Self::RAdam(options) => {
                ffi::radam(&parameters, &averages(), &squares(), &steps(), options)
            }
            Self::Lion(options) => ffi::lion(&parameters, &averages(), options),
            Self::Muon(options) => ffi::muon(&parameters, &buffers(), &follows, options),
            Self::Adafactor(options) => ffi::adafactor(
                &parameters,
                &states("row_var"),
                &states("col_var"),
                &states("variance"),
                &steps(),
                &follows,
                options,
            ),
        }
    }
}

/// The bytes of the largest run of parameters of which each `follows` the one before it.
fn largest_run(bytes: &[usize], follows: &[bool]) -> usize {
    let (mut largest, mut run) = (0, 0);
    for (bytes, follows) in bytes.iter().zip(follows) {
        run = if *follows { run + bytes } else { *bytes };
        largest = run.max(largest);
    }
    largest
}

/// The difference between 1 and the next number of this type, as `torch.finfo` has it.
const fn machine_epsilon(kind: Kind) -> f64 {
    match kind {
        Kind::Double => f64::EPSILON,
        Kind::Half => 1.0 / 1024.0,
        Kind::BFloat16 => 1.0 / 128.0,
        _ => f32::EPSILON as f64,
    }
}
