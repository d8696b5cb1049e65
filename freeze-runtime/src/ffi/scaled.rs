//! Operations with a factor, as Python calls them: tch does not have them, or rounds otherwise.

use tch::Tensor;
use torch_sys::C_tensor;

use super::{Message, Result, check};

unsafe extern "C" {
    fn freeze_mul(to: *const C_tensor, factor: f64) -> Message;
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

/// `to *= factor`, in place. In half precision too, the factor is not rounded.
pub(crate) fn mul(to: &mut Tensor, factor: f64) -> Result<()> {
    // SAFETY: it is a live tensor.
    check(unsafe { freeze_mul(to.as_ptr(), factor) })
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
