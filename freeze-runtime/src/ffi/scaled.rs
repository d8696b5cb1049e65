//! Operations with a factor, which round once where two operations of tch round twice.

use tch::Tensor;
use torch_sys::C_tensor;

use super::{Message, Result, check};

unsafe extern "C" {
    fn freeze_add(to: *const C_tensor, other: *const C_tensor, factor: f64) -> Message;
    fn freeze_addcmul(
        to: *const C_tensor,
        one: *const C_tensor,
        other: *const C_tensor,
        factor: f64,
    ) -> Message;
    fn freeze_addcdiv(
        to: *const C_tensor,
        one: *const C_tensor,
        other: *const C_tensor,
        factor: f64,
    ) -> Message;
}

/// `to += factor * other`, in place.
pub(crate) fn add(to: &mut Tensor, other: &Tensor, factor: f64) -> Result<()> {
    // SAFETY: both are live tensors.
    check(unsafe { freeze_add(to.as_ptr(), other.as_ptr(), factor) })
}

/// `to += factor * one * other`, in place.
pub(crate) fn addcmul(to: &mut Tensor, one: &Tensor, other: &Tensor, factor: f64) -> Result<()> {
    // SAFETY: all three are live tensors.
    check(unsafe { freeze_addcmul(to.as_ptr(), one.as_ptr(), other.as_ptr(), factor) })
}

/// `to += factor * one / other`, in place.
pub(crate) fn addcdiv(to: &mut Tensor, one: &Tensor, other: &Tensor, factor: f64) -> Result<()> {
    // SAFETY: all three are live tensors.
    check(unsafe { freeze_addcdiv(to.as_ptr(), one.as_ptr(), other.as_ptr(), factor) })
}
