//! The values toward which anchors pull.

use freeze_dsl::clock::Clock;
use freeze_dsl::plan::{Plan, SliceId};
use tch::{Device, TchError, Tensor};

use super::param_views::ParamSlices;
use crate::optim::real;

/// The values that slices had when training began, of those that a rule ever anchors.
///
/// A slice has that value until it first trains, and is copied then: what stays frozen takes no
/// memory.
pub(super) struct Anchors {
    /// An entry for each slice.
    values: Vec<Option<Tensor>>,
    /// The slices that a rule may anchor.
    anchored: Vec<SliceId>,
    device: Option<Device>,
}

impl Anchors {
    /// Values are kept on `device`, or by default on the device of the parameter.
    pub(super) fn new(plan: &Plan, device: Option<Device>) -> Self {
        let values = plan.slices().iter().map(|_| None).collect();
        Self { values, anchored: plan.anchored(), device }
    }

    /// The slices that a rule may anchor.
    pub(super) fn anchored(&self) -> &[SliceId] {
        &self.anchored
    }

    /// The value of a slice, if it has been copied.
    pub(super) fn value(&self, slice: SliceId) -> Option<&Tensor> {
        self.values.get(slice.index())?.as_ref()
    }

    /// Copies the slices that train and are not copied yet. Call it before they may change.
    pub(super) fn extend(&mut self, slices: &ParamSlices, clock: &Clock) -> Result<(), TchError> {
        if clock.epochs_started() == 0 {
            return Ok(());
        }
        let _no_grad = tch::no_grad_guard();
        for slice in self.anchored.iter().copied().filter(|slice| clock.trains(*slice)) {
            let Some(value) = self.values.get_mut(slice.index()) else { continue };
            if value.is_none()
                && let Some(tensor) = slices.values(slice)?
            {
                let device = self.device.unwrap_or_else(|| tensor.device());
                *value = Some(tensor.f_to_device_(device, tensor.f_kind()?, false, true)?);
            }
        }
        Ok(())
    }

    /// The same anchors with the values of a checkpoint, given in the order of
    /// [`Anchors::anchored`].
    pub(super) fn resumed(
        &self,
        saved: Vec<Option<Tensor>>,
        slices: &ParamSlices,
    ) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let mut values: Vec<Option<Tensor>> = self.values.iter().map(|_| None).collect();
        for (slice, saved) in self.anchored.iter().zip(saved) {
            let Some(saved) = saved else { continue };
            let Some(tensor) = slices.values(*slice)? else { continue };
            let device = self.device.unwrap_or_else(|| tensor.device());
            let like = tensor.f_empty_like()?.f_to_device(device)?;
            real(&like)?.f_copy_(&saved)?;
            if let Some(value) = values.get_mut(slice.index()) {
                *value = Some(like);
            }
        }
        Ok(Self { values, anchored: self.anchored.clone(), device: self.device })
    }
}
