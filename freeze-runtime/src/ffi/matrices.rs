//! The optimizer steps that see a parameter as a matrix.

use tch::TchError;

use super::{List, Message, RawList, Result, check};

/// Options of a step of Muon.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct MuonOptions {
    pub(crate) lr: f64,
    pub(crate) weight_decay: f64,
    pub(crate) momentum: f64,
    pub(crate) eps: f64,
    pub(crate) steps: u32,
    pub(crate) nesterov: bool,
    pub(crate) match_rms: bool,
}

/// Options of a step of Adafactor.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdafactorOptions {
    pub(crate) lr: f64,
    pub(crate) weight_decay: f64,
    pub(crate) beta2_decay: f64,
    pub(crate) eps1: f64,
    pub(crate) eps2: f64,
    pub(crate) d: f64,
}

unsafe extern "C" {
    fn freeze_muon(
        parameters: RawList,
        momentum_buffers: RawList,
        follows: *const bool,
        options: MuonOptions,
    ) -> Message;
    fn freeze_adafactor(
        parameters: RawList,
        row_vars: RawList,
        col_vars: RawList,
        variances: RawList,
        steps: RawList,
        follows: *const bool,
        options: AdafactorOptions,
    ) -> Message;
}

/// A step of Muon over parameters of one device and dtype, each with a gradient. A row slice that
/// `follows` the parameter before it is one matrix with it.
pub(crate) fn muon(
    parameters: &List<'_>,
    momentum_buffers: &List<'_>,
    follows: &[bool],
    options: MuonOptions,
) -> Result<()> {
    require_each(parameters, follows)?;
    // SAFETY: the lists borrow live tensors, there is a flag for each parameter, and the shim
    // compares the lengths of the lists.
    check(unsafe {
        freeze_muon(parameters.raw(), momentum_buffers.raw(), follows.as_ptr(), options)
    })
}

/// A step of Adafactor over parameters of one device and dtype, each with a gradient: either all with
/// more than one dimension, which have `row_vars` and `col_vars`, or none, which have `variances`.
pub(crate) fn adafactor(
    parameters: &List<'_>,
    row_vars: &List<'_>,
    col_vars: &List<'_>,
    variances: &List<'_>,
    steps: &List<'_>,
    follows: &[bool],
    options: AdafactorOptions,
) -> Result<()> {
    require_each(parameters, follows)?;
    // SAFETY: as for `muon`.
    check(unsafe {
        freeze_adafactor(
            parameters.raw(),
            row_vars.raw(),
            col_vars.raw(),
            variances.raw(),
            steps.raw(),
            follows.as_ptr(),
            options,
        )
    })
}

fn require_each(parameters: &List<'_>, follows: &[bool]) -> Result<()> {
    if parameters.len() == follows.len() {
        return Ok(());
    }
    Err(TchError::Torch(format!("{} flags for {} parameters", follows.len(), parameters.len())))
}
