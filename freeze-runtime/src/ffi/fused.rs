//! The optimizer steps of libtorch's multi-tensor kernels.

use tch::Tensor;
use torch_sys::C_tensor;

use super::{List, Message, RawList, Result, check, tensors};

/// Options of a fused step of Adam, or of `AdamW` where the weight decay is decoupled.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamOptions {
    pub(crate) lr: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) eps: f64,
    pub(crate) weight_decay: f64,
    pub(crate) amsgrad: bool,
    pub(crate) decoupled: bool,
}

/// Options of a fused step of SGD.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct SgdOptions {
    pub(crate) lr: f64,
    pub(crate) momentum: f64,
    pub(crate) dampening: f64,
    pub(crate) weight_decay: f64,
    pub(crate) nesterov: bool,
    pub(crate) is_first_step: bool,
}

/// Options of a step of Adagrad.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdagradOptions {
    pub(crate) lr: f64,
    pub(crate) lr_decay: f64,
    pub(crate) weight_decay: f64,
    pub(crate) eps: f64,
}

/// Options of a step of `RMSprop`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RmsPropOptions {
    pub(crate) lr: f64,
    pub(crate) alpha: f64,
    pub(crate) eps: f64,
    pub(crate) weight_decay: f64,
    pub(crate) momentum: f64,
    pub(crate) centered: bool,
}

/// What a fused kernel needs of the gradients of a scaled loss.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scaling<'a> {
    /// What it divides the gradients by, unless that is done.
    pub(crate) grad_scale: Option<&'a Tensor>,
    /// 1 if one gradient of the step is not finite, so that nothing moves.
    pub(crate) found_inf: Option<&'a Tensor>,
}

/// Gradients in the memory layout of their parameters.
pub(crate) struct LaidOutGradients<'a> {
    pub(crate) list: List<'a>,
    pub(crate) scaling: Scaling<'a>,
}

impl Scaling<'_> {
    fn raw(self) -> RawScaling {
        let pointer = |number: Option<&Tensor>| number.map_or(std::ptr::null(), Tensor::as_ptr);
        let (grad_scale, found_inf) = (pointer(self.grad_scale), pointer(self.found_inf));
        RawScaling { grad_scale, found_inf }
    }
}

#[repr(C)]
struct RawScaling {
    grad_scale: *const C_tensor,
    found_inf: *const C_tensor,
}

unsafe extern "C" {
    fn freeze_laid_out_gradients(parameters: RawList, gradients: *mut *mut C_tensor) -> Message;
    fn freeze_fused_adagrad(
        parameters: RawList,
        gradients: RawList,
        sums: RawList,
        steps: RawList,
        options: AdagradOptions,
        scaling: RawScaling,
    ) -> Message;
    fn freeze_fused_adam(
        parameters: RawList,
        gradients: RawList,
        exp_avgs: RawList,
        exp_avg_sqs: RawList,
        max_exp_avg_sqs: RawList,
        steps: RawList,
        options: AdamOptions,
        scaling: RawScaling,
    ) -> Message;
    fn freeze_fused_sgd(
        parameters: RawList,
        gradients: RawList,
        momentum_buffers: RawList,
        options: SgdOptions,
        scaling: RawScaling,
    ) -> Message;
    fn freeze_rmsprop(
        parameters: RawList,
        gradients: RawList,
        square_avgs: RawList,
        grad_avgs: RawList,
        momentum_buffers: RawList,
        options: RmsPropOptions,
    ) -> Message;
}

/// The gradients of parameters, each in the memory layout of its parameter: the gradient itself, or
/// a copy where its layout is another.
pub(crate) fn laid_out_gradients(parameters: &List<'_>) -> Result<Vec<Tensor>> {
    // SAFETY: the list borrows live tensors, and there is a place for each of them.
    tensors(parameters.len(), |places| unsafe {
        freeze_laid_out_gradients(parameters.raw(), places)
    })
}

/// A step of Adam or `AdamW` over parameters of one device and dtype, each with a gradient.
///
/// Counts the step in `steps`, as [`torch.optim`] does with `fused=True`, unless it fails or a gradient is
/// not finite. Without `amsgrad`, `max_exp_avg_sqs` is not read.
///
/// [`torch.optim`]: https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
pub(crate) fn fused_adam(
    parameters: &List<'_>,
    gradients: &LaidOutGradients<'_>,
    exp_avgs: &List<'_>,
    exp_avg_sqs: &List<'_>,
    max_exp_avg_sqs: &List<'_>,
    steps: &List<'_>,
    options: AdamOptions,
) -> Result<()> {
    // SAFETY: the lists borrow live tensors. The shim refuses lists of unequal length and tensors
    // that differ from their parameter in size, layout, dtype or device, and scales that are not one
    // number there.
    check(unsafe {
        freeze_fused_adam(
            parameters.raw(),
            gradients.list.raw(),
            exp_avgs.raw(),
            exp_avg_sqs.raw(),
            max_exp_avg_sqs.raw(),
            steps.raw(),
            options,
            gradients.scaling.raw(),
        )
    })
}

/// A step of Adagrad over parameters of the CPU of one dtype, each with a gradient.
///
/// Counts the step in `steps`, unless it fails or a gradient is not finite.
pub(crate) fn fused_adagrad(
    parameters: &List<'_>,
    gradients: &LaidOutGradients<'_>,
    sums: &List<'_>,
    steps: &List<'_>,
    options: AdagradOptions,
) -> Result<()> {
    // SAFETY: as for `fused_adam`.
    check(unsafe {
        freeze_fused_adagrad(
            parameters.raw(),
            gradients.list.raw(),
            sums.raw(),
            steps.raw(),
            options,
            gradients.scaling.raw(),
        )
    })
}

/// A step of SGD over parameters of one device and dtype, each with a gradient.
///
/// On a first step the momentum buffers become the gradients; without momentum they are not read.
pub(crate) fn fused_sgd(
    parameters: &List<'_>,
    gradients: &LaidOutGradients<'_>,
    momentum_buffers: &List<'_>,
    options: SgdOptions,
) -> Result<()> {
    // SAFETY: as for `fused_adam`.
    check(unsafe {
        freeze_fused_sgd(
            parameters.raw(),
            gradients.list.raw(),
            momentum_buffers.raw(),
            options,
            gradients.scaling.raw(),
        )
    })
}

/// A step of `RMSprop` over parameters of one device and dtype, each with a gradient.
///
/// `grad_avgs` are read where it is centered, and `momentum_buffers` where there is momentum.
pub(crate) fn rmsprop(
    parameters: &List<'_>,
    gradients: &LaidOutGradients<'_>,
    square_avgs: &List<'_>,
    grad_avgs: &List<'_>,
    momentum_buffers: &List<'_>,
    options: RmsPropOptions,
) -> Result<()> {
    // SAFETY: as for `fused_adam`.
    check(unsafe {
        freeze_rmsprop(
            parameters.raw(),
            gradients.list.raw(),
            square_avgs.raw(),
            grad_avgs.raw(),
            momentum_buffers.raw(),
            options,
        )
    })
}
