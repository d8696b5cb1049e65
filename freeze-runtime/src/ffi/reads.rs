//! Which tensors the operations of the calling thread take.

use super::{List, Message, RawList, Result, check};

unsafe extern "C" {
    fn freeze_enter_watching(tensors: RawList) -> Message;
    fn freeze_leave_watching(is_read: *mut u8) -> Message;
}

/// Begins to watch tensors, and whatever shares their memory.
pub(crate) fn enter_watching(tensors: &List<'_>) -> Result<()> {
    // SAFETY: the list borrows live tensors; only the addresses of their memory are kept.
    check(unsafe { freeze_enter_watching(tensors.raw()) })
}

/// Ends what [`enter_watching`] began last with so many tensors, and returns whether an operation of this
/// thread took each of them.
pub(crate) fn leave_watching(count: usize) -> Result<Vec<bool>> {
    let mut is_read = vec![0; count];
    // SAFETY: `is_read` has a place for each tensor that was given when it was begun.
    check(unsafe { freeze_leave_watching(is_read.as_mut_ptr()) })?;
    Ok(is_read.into_iter().map(|is_read| is_read != 0).collect())
}
