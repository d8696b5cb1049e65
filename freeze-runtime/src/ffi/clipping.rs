//! Gradient clipping, without a value that returns to the host.

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::{List, Message, RawList, Result, check, tensors};

unsafe extern "C" {
    fn freeze_gradient_norms(
        parameters: RawList,
        is_precise: bool,
        norms: *mut *mut C_tensor,
    ) -> Message;
    fn freeze_total_norm(norms: RawList, max: f64, norm_and_factor: *mut *mut C_tensor) -> Message;
    fn freeze_scale_gradients(parameters: RawList, factor: *const C_tensor) -> Message;
    fn freeze_require_clippable(parameters: RawList) -> Message;
    fn freeze_clamp_gradients(parameters: RawList, bound: f64) -> Message;
}

/// The L2 norm of each gradient, as a tensor on its device. One device and dtype.
pub(crate) fn gradient_norms(parameters: &List<'_>) -> Result<Vec<Tensor>> {
    // SAFETY: the list borrows live tensors, and there is a place for each of them.
    tensors(parameters.len(), |places| unsafe {
        freeze_gradient_norms(parameters.raw(), false, places)
    })
}

/// The same in single precision at least.
pub(crate) fn precise_gradient_norms(parameters: &List<'_>) -> Result<Vec<Tensor>> {
    // SAFETY: as for `gradient_norms`.
    tensors(parameters.len(), |places| unsafe {
        freeze_gradient_norms(parameters.raw(), true, places)
    })
}

/// The norm of at least one norm, and the factor that brings it to `max` where it is above that.
/// Both lie on the device of the first norm.
pub(crate) fn total_norm(norms: &List<'_>, max: f64) -> Result<(Tensor, Tensor)> {
    // SAFETY: the list borrows live tensors, and there are two places.
    let both = tensors(2, |places| unsafe { freeze_total_norm(norms.raw(), max, places) })?;
    let both: std::result::Result<[Tensor; 2], _> = both.try_into();
    both.map(Into::into).map_err(|_| TchError::Torch("no norm".to_owned()))
}

/// Multiplies every gradient by a tensor of one number. One device and dtype.
pub(crate) fn scale_gradients(parameters: &List<'_>, factor: &Tensor) -> Result<()> {
    // SAFETY: the list borrows live tensors, and so does `factor`.
    check(unsafe { freeze_scale_gradients(parameters.raw(), factor.as_ptr()) })
}

/// Fails unless every gradient can be clipped.
pub(crate) fn require_clippable(parameters: &List<'_>) -> Result<()> {
    // SAFETY: the list borrows live tensors.
    check(unsafe { freeze_require_clippable(parameters.raw()) })
}

/// Clamps every element of every gradient to `-bound..=bound`. One device and dtype.
pub(crate) fn clamp_gradients(parameters: &List<'_>, bound: f64) -> Result<()> {
    // SAFETY: the list borrows live tensors.
    check(unsafe { freeze_clamp_gradients(parameters.raw(), bound) })
}
