//! The scale of the loss over a run.

use tch::{Device, Kind, TchError, Tensor};

use super::LossScale;
use crate::Error;
use crate::ffi;
use crate::optim::{GradScale, gradients};

/// The scale of the loss, as Python's `torch.amp.GradScaler` keeps it. It lies on the device.
#[derive(Debug)]
pub(crate) struct GradScaler {
    settings: LossScale,
    /// In single precision.
    scale: Tensor,
    /// The number of good steps since the scale changed, as an `i32`.
    growth_tracker: Tensor,
    /// The number of steps that were skipped in this run.
    skipped: Tensor,
    gradients: Gradients,
}

/// What the gradients are now.
#[derive(Debug)]
enum Gradients {
    /// Cleared, or used by a step.
    Used,
    /// Of a scaled loss.
    Scaled,
    /// Divided by the scale, for clipping.
    Unscaled(GradScale),
}

impl GradScaler {
    pub(crate) fn new(settings: LossScale, device: Device) -> Result<Self, TchError> {
        Self::with(settings, device, settings.initial(), 0, 0)
    }

    /// The same with the numbers of a checkpoint.
    pub(crate) fn resumed(
        &self,
        scale: f32,
        growth_tracker: i32,
        skipped: i64,
    ) -> Result<Self, TchError> {
        Self::with(self.settings, self.scale.device(), scale.into(), growth_tracker, skipped)
    }

    /// The same at the start, but for the number of skipped steps.
    pub(crate) fn restarted(&self, skipped: i64) -> Result<Self, TchError> {
        Self::with(self.settings, self.scale.device(), self.settings.initial(), 0, skipped)
    }

    fn with(
        settings: LossScale,
        device: Device,
        scale: f64,
        growth_tracker: i32,
        skipped: i64,
    ) -> Result<Self, TchError> {
        Ok(Self {
            settings,
            scale: Tensor::f_full([], scale, (Kind::Float, device))?,
            growth_tracker: Tensor::f_full([], i64::from(growth_tracker), (Kind::Int, device))?,
            skipped: Tensor::f_full([], skipped, (Kind::Int64, device))?,
            gradients: Gradients::Used,
        })
    }

    /// The loss times the scale, whose gradients are added to those that parameters have.
    pub(crate) fn scale_loss(
        &mut self,
        loss: &Tensor,
        parameters: &[&Tensor],
    ) -> Result<Tensor, Error> {
        match self.gradients {
            Gradients::Scaled => {}
            Gradients::Unscaled(_) => return Err(Error::LossScale(CLIPPED.to_owned())),
            Gradients::Used if gradients::gradients_of(parameters)?.is_empty() => {
                self.gradients = Gradients::Scaled;
            }
            Gradients::Used => return Err(Error::LossScale(LEFT_OVER.to_owned())),
        }
        let scale = self.scale.f_to_device_(loss.device(), Kind::Float, true, false)?;
        Ok(loss.f_mul(&scale)?)
    }

    /// The gradients were cleared.
    pub(crate) fn clear(&mut self) {
        self.gradients = Gradients::Used;
    }

    /// Fails if parameters have gradients that are not of a scaled loss.
    pub(crate) fn require_scaled(&self, parameters: &[&Tensor]) -> Result<(), Error> {
        let is_used = matches!(self.gradients, Gradients::Used);
        if is_used && !gradients::gradients_of(parameters)?.is_empty() {
            return Err(Error::LossScale(NOT_SCALED.to_owned()));
        }
        Ok(())
    }

    /// What gradients are to be multiplied by; `None` if that is done, or if there are none.
    pub(crate) fn inverse(&self) -> Result<Option<Tensor>, TchError> {
        let Gradients::Scaled = self.gradients else { return Ok(None) };
        let _no_grad = tch::no_grad_guard();
        Ok(Some(self.scale.f_to_kind(Kind::Double)?.f_reciprocal()?))
    }

    /// Divides the gradients of parameters by the scale, once a step, so that they can be clipped.
    pub(crate) fn unscale(&mut self, parameters: &[&Tensor]) -> Result<(), Error> {
        self.require_scaled(parameters)?;
        if let Gradients::Scaled = self.gradients {
            gradients::require_clippable(parameters)?;
            let mut scale = GradScale::new(&self.scale);
            scale.unscale(parameters)?;
            self.gradients = Gradients::Unscaled(scale);
        }
        Ok(())
    }

    /// Makes a step with the scale of the gradients, if there are any. Returns 1 on the device if it was
    /// skipped, else 0.
    pub(crate) fn step(
        &mut self,
        make: impl FnOnce(Option<&mut GradScale>) -> Result<(), Error>,
    ) -> Result<Option<Tensor>, Error> {
        let mut scale = match &mut self.gradients {
            Gradients::Used => {
                make(None)?;
                return Ok(None);
            }
            Gradients::Scaled => GradScale::new(&self.scale),
            Gradients::Unscaled(scale) => {
                make(Some(&mut *scale))?;
                let found_inf = scale.found_inf()?;
                return self.update(found_inf).map(Some);
            }
        };
        make(Some(&mut scale))?;
        self.update(scale.found_inf()?).map(Some)
    }

    /// Counts a step, and grows or shrinks the scale.
    fn update(&mut self, found_inf: Tensor) -> Result<Tensor, Error> {
        let _no_grad = tch::no_grad_guard();
        self.gradients = Gradients::Used;
        let _ = self.skipped.f_add_(&found_inf.f_to_kind(Kind::Int64)?)?;
        let factors = self.settings.factors();
        ffi::update_scale(&self.scale, &self.growth_tracker, &found_inf, factors)?;
        Ok(found_inf)
    }

    /// The scale now. On a GPU, this waits for the last step.
    pub(crate) fn value(&self) -> Result<f32, TchError> {
        let mut value = [0_f32];
        self.scale.f_copy_data(&mut value, 1)?;
        let [value] = value;
        Ok(value)
    }

    /// The good steps since the scale changed.
    pub(crate) fn growth_tracker(&self) -> Result<i32, TchError> {
        let mut value = [0_i32];
        self.growth_tracker.f_copy_data(&mut value, 1)?;
        let [value] = value;
        Ok(value)
    }

    /// The steps that were skipped in this run.
    pub(crate) fn skipped(&self) -> Result<i64, TchError> {
        let mut value = [0_i64];
        self.skipped.f_copy_data(&mut value, 1)?;
        let [value] = value;
        Ok(value)
    }

    pub(crate) const fn settings(&self) -> LossScale {
        self.settings
    }
}

const NOT_SCALED: &str = "the gradients are not those of a scaled loss, or a step has used them: run the \
     backward pass with `backward_step` or `backward`, or scale the loss with `scale_loss`";

const LEFT_OVER: &str = "parameters have gradients that are not scaled, such as those of an earlier step: call \
     `zero_grad` before the backward pass";

const CLIPPED: &str = "clipping has divided the gradients by the scale: clip after the last backward pass of a \
     step, and call `zero_grad` before the next one";
