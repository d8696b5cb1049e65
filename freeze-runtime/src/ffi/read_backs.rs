//! How many values the calling thread reads back from tensors.

use super::{Message, Result, check};

unsafe extern "C" {
    fn freeze_enter_counting(before: *mut u64) -> Message;
    fn freeze_leave_counting(after: *mut u64) -> Message;
}

/// Begins to count, and returns how many values were counted before in this thread.
pub(crate) fn enter_counting() -> Result<u64> {
    let mut before = 0;
    // SAFETY: `before` is a place for the answer.
    check(unsafe { freeze_enter_counting(&raw mut before) })?;
    Ok(before)
}

/// Ends what [`enter_counting`] began, and returns how many values were counted in this thread.
pub(crate) fn leave_counting() -> Result<u64> {
    let mut after = 0;
    // SAFETY: `after` is a place for the answer.
    check(unsafe { freeze_leave_counting(&raw mut after) })?;
    Ok(after)
}
