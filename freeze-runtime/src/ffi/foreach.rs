//! The optimizer steps of libtorch's multi-tensor operations.

use tch::Tensor;
use torch_sys::C_tensor;

use super::{AdagradOptions, List, Message, RawList, Result, check};

/// Options of a step of Adamax.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamaxOptions {
    pub(crate) lr: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) eps: f64,
    pub(crate) weight_decay: f64,
}

/// Options of a step of `NAdam`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct NAdamOptions {
    pub(crate) lr: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) eps: f64,
    pub(crate) weight_decay: f64,
    pub(crate) momentum_decay: f64,
    pub(crate) decoupled: bool,
}

/// Options of a step of `RAdam`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RAdamOptions {
    pub(crate) lr: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) eps: f64,
    pub(crate) weight_decay: f64,
    pub(crate) decoupled: bool,
}

/// Options of a step of Lion.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct LionOptions {
    pub(crate) lr: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) weight_decay: f64,
}

unsafe extern "C" {
    fn freeze_adagrad(
        parameters: RawList,
        sums: RawList,
        steps: RawList,
        options: AdagradOptions,
    ) -> Message;
    fn freeze_sparse_adagrad(
        parameter: *const C_tensor,
        sum: *const C_tensor,
        step: *const C_tensor,
        options: AdagradOptions,
    ) -> Message;
    fn freeze_adamax(
        parameters: RawList,
        exp_avgs: RawList,
        exp_infs: RawList,
        steps: RawList,
        options: AdamaxOptions,
    ) -> Message;
    fn freeze_nadam(
        parameters: RawList,
        exp_avgs: RawList,
        exp_avg_sqs: RawList,
        steps: RawList,
        mu_products: RawList,
        options: NAdamOptions,
    ) -> Message;
    fn freeze_radam(
        parameters: RawList,
        exp_avgs: RawList,
        exp_avg_sqs: RawList,
        steps: RawList,
        options: RAdamOptions,
    ) -> Message;
    fn freeze_lion(parameters: RawList, exp_avgs: RawList, options: LionOptions) -> Message;
    fn freeze_chunk_scratch(parameters: RawList, bytes: *mut usize) -> Message;
}

/// The most bytes of a chunk: of temporary tensors, where a step in chunks has one like each parameter.
pub(crate) fn chunk_scratch(parameters: &List<'_>) -> Result<usize> {
    let mut bytes = 0;
    // SAFETY: the list borrows live tensors, and `bytes` is a place for the answer.
    check(unsafe { freeze_chunk_scratch(parameters.raw(), &raw mut bytes) })?;
    Ok(bytes)
}

/// A step of Adagrad over parameters of one device and dtype, each with a gradient that is not sparse.
pub(crate) fn adagrad(
    parameters: &List<'_>,
    sums: &List<'_>,
    steps: &List<'_>,
    options: AdagradOptions,
) -> Result<()> {
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths; libtorch compares
    // the tensors.
    check(unsafe { freeze_adagrad(parameters.raw(), sums.raw(), steps.raw(), options) })
}

/// A step of Adagrad by a sparse gradient. There is no weight decay in it.
pub(crate) fn sparse_adagrad(
    parameter: &Tensor,
    sum: &Tensor,
    step: &Tensor,
    options: AdagradOptions,
) -> Result<()> {
    // SAFETY: all are live tensors.
    check(unsafe {
        freeze_sparse_adagrad(parameter.as_ptr(), sum.as_ptr(), step.as_ptr(), options)
    })
}

/// A step of Adamax, as [`adagrad`] takes them.
pub(crate) fn adamax(
    parameters: &List<'_>,
    exp_avgs: &List<'_>,
    exp_infs: &List<'_>,
    steps: &List<'_>,
    options: AdamaxOptions,
) -> Result<()> {
    // SAFETY: as for `adagrad`.
    check(unsafe {
        freeze_adamax(parameters.raw(), exp_avgs.raw(), exp_infs.raw(), steps.raw(), options)
    })
}

/// A step of `NAdam`, as [`adagrad`] takes them.
pub(crate) fn nadam(
    parameters: &List<'_>,
    exp_avgs: &List<'_>,
    exp_avg_sqs: &List<'_>,
    steps: &List<'_>,
    mu_products: &List<'_>,
    options: NAdamOptions,
) -> Result<()> {
    // SAFETY: as for `adagrad`.
    check(unsafe {
        freeze_nadam(
            parameters.raw(),
            exp_avgs.raw(),
            exp_avg_sqs.raw(),
            steps.raw(),
            mu_products.raw(),
            options,
        )
    })
}

/// A step of `RAdam`, as [`adagrad`] takes them.
pub(crate) fn radam(
    parameters: &List<'_>,
    exp_avgs: &List<'_>,
    exp_avg_sqs: &List<'_>,
    steps: &List<'_>,
    options: RAdamOptions,
) -> Result<()> {
    // SAFETY: as for `adagrad`.
    check(unsafe {
        freeze_radam(parameters.raw(), exp_avgs.raw(), exp_avg_sqs.raw(), steps.raw(), options)
    })
}

/// A step of Lion, as [`adagrad`] takes them.
pub(crate) fn lion(parameters: &List<'_>, exp_avgs: &List<'_>, options: LionOptions) -> Result<()> {
    // SAFETY: as for `adagrad`.
    check(unsafe { freeze_lion(parameters.raw(), exp_avgs.raw(), options) })
}
