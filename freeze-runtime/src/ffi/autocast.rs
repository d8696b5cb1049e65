//! Autocast, for the CPU and for CUDA together.

use tch::Kind;

use super::{Message, Result, check};

/// Whether autocast is on, and the kind that it casts to.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Autocast {
    cpu: bool,
    cuda: bool,
    cache: bool,
    cpu_kind: i8,
    cuda_kind: i8,
}

unsafe extern "C" {
    fn freeze_enter_autocast(enabled: bool, kind: i8, before: *mut Autocast) -> Message;
    fn freeze_leave_autocast(before: Autocast) -> Message;
}

/// Casts to `kind` in this thread from now on, or to nothing where there is none. Returns what was
/// in force, for [`leave_autocast`].
pub(crate) fn enter_autocast(kind: Option<Kind>) -> Result<Autocast> {
    let mut before = Autocast::default();
    // libtorch numbers its kinds from 0; this one is only read where autocast is on.
    let number = match kind {
        Some(Kind::Half) => 5,
        _ => 15,
    };
    // SAFETY: `before` is a place for the answer.
    check(unsafe { freeze_enter_autocast(kind.is_some(), number, &raw mut before) })?;
    Ok(before)
}

/// Puts back in force what [`enter_autocast`] returned.
pub(crate) fn leave_autocast(before: Autocast) -> Result<()> {
    // SAFETY: a value that the shim made itself.
    check(unsafe { freeze_leave_autocast(before) })
}
