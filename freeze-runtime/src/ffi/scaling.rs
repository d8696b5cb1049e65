//! Gradients of a scaled loss, without a value that returns to the host.

use tch::Tensor;
use torch_sys::C_tensor;

use super::{List, Message, RawList, Result, check};

unsafe extern "C" {
    fn freeze_unscale(
        gradients: RawList,
        inverse: *const C_tensor,
        found_inf: *const C_tensor,
    ) -> Message;
    fn freeze_update_scale(
        scale: *const C_tensor,
        growth_tracker: *const C_tensor,
        found_inf: *const C_tensor,
        growth_factor: f64,
        backoff_factor: f64,
        growth_interval: i64,
    ) -> Message;
}

/// Multiplies gradients of one device by a tensor of one number, and sets `found_inf` to 1 if one of
/// them is not finite.
pub(crate) fn unscale(gradients: &List<'_>, inverse: &Tensor, found_inf: &Tensor) -> Result<()> {
    // SAFETY: the list borrows live tensors, and the others are live.
    check(unsafe { freeze_unscale(gradients.raw(), inverse.as_ptr(), found_inf.as_ptr()) })
}

/// Sets a scale to what `torch.amp.GradScaler.update` makes of it.
pub(crate) fn update_scale(
    scale: &Tensor,
    growth_tracker: &Tensor,
    found_inf: &Tensor,
    (growth_factor, backoff_factor, growth_interval): (f64, f64, i64),
) -> Result<()> {
    // SAFETY: all are live tensors, of which libtorch checks what they are.
    check(unsafe {
        freeze_update_scale(
            scale.as_ptr(),
            growth_tracker.as_ptr(),
            found_inf.as_ptr(),
            growth_factor,
            backoff_factor,
            growth_interval,
        )
    })
}
