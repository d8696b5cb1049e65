//! Tensors of which it is found whether a computation reads them.

use tch::Tensor;

use crate::{Error, ffi};

/// Tensors that are watched for as long as it lives.
///
/// An operation that takes such a tensor, or a view of it, is noticed whether or not gradients are
/// recorded. Gradients alone would miss what is computed under `no_grad` or is detached later.
pub(super) struct WatchedTensors {
    count: usize,
    has_ended: bool,
}

impl WatchedTensors {
    pub(super) fn new<'t>(tensors: impl IntoIterator<Item = &'t Tensor>) -> Result<Self, Error> {
        let tensors: ffi::List<'_> = tensors.into_iter().collect();
        ffi::enter_watching(&tensors)?;
        Ok(Self { count: tensors.len(), has_ended: false })
    }

    /// Whether each of them was read.
    pub(super) fn read(mut self) -> Result<Vec<bool>, Error> {
        self.has_ended = true;
        Ok(ffi::leave_watching(self.count)?)
    }
}

impl Drop for WatchedTensors {
    fn drop(&mut self) {
        if !self.has_ended {
            // The computation panicked, and what it read does not matter.
            let _ = ffi::leave_watching(self.count);
        }
    }
}
