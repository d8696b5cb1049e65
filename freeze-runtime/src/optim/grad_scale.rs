//! The gradients of a scaled loss: divided by the scale, and searched for infinities.

use tch::{Device, Kind, TchError, Tensor};

use super::gradients::gradients_of;
use crate::ffi::{self, Scaling};

/// The scale of the gradients of a step, and whether one of them is infinite or not a number.
///
/// Nothing of it returns to the host, unless it lies there or is asked for.
#[derive(Debug)]
pub(crate) struct GradScale {
    scale: Tensor,
    devices: Vec<DeviceScale>,
    is_unscaled: bool,
    /// As if no device were the host, where reading the flag costs nothing: for tests.
    pub(super) is_remote: bool,
}

/// The scale and the flag on one device.
#[derive(Debug)]
struct DeviceScale {
    device: Device,
    scale: Tensor,
    inverse: Tensor,
    found_inf: Tensor,
}

impl GradScale {
    /// For gradients of a loss that was multiplied by this tensor of one number.
    pub(crate) fn new(scale: &Tensor) -> Self {
        Self {
            scale: scale.shallow_clone(),
            devices: Vec::new(),
            is_unscaled: false,
            is_remote: false,
        }
    }

    /// Prepares the scale and the flag for gradients of a device.
    pub(super) fn prepare(&mut self, device: Device) -> Result<(), TchError> {
        if self.on(device).is_some() {
            return Ok(());
        }
        let _no_grad = tch::no_grad_guard();
        let scale = self.scale.f_to_device_(device, Kind::Float, true, false)?;
        // In double precision, as PyTorch does.
        let inverse = scale.f_to_kind(Kind::Double)?.f_reciprocal()?.f_to_kind(Kind::Float)?;
        let found_inf = Tensor::f_zeros([], (Kind::Float, device))?;
        self.devices.push(DeviceScale { device, scale, inverse, found_inf });
        Ok(())
    }

    fn on(&self, device: Device) -> Option<&DeviceScale> {
        self.devices.iter().find(|of| of.device == device)
    }

    /// Divides the gradients of parameters by the scale, once a step.
    pub(crate) fn unscale(&mut self, parameters: &[&Tensor]) -> Result<(), TchError> {
        if self.is_unscaled {
            return Ok(());
        }
        let gradients = gradients_of(parameters)?;
        for gradient in &gradients {
            require_range(gradient)?;
            self.prepare(gradient.device())?;
        }
        self.is_unscaled = true;
        for DeviceScale { device, inverse, found_inf, .. } in &self.devices {
            let here = gradients.iter().filter(|gradient| gradient.device() == *device);
            ffi::unscale(&here.collect(), inverse, found_inf)?;
        }
        Ok(())
    }

    /// Searches gradients of one device, and divides them by the scale unless a fused kernel does.
    pub(super) fn search(&self, gradients: &[Tensor], is_fused: bool) -> Result<(), TchError> {
        let Some(on) = gradients.first().and_then(|gradient| self.on(gradient.device())) else {
            return Ok(());
        };
        if self.is_unscaled {
            return Ok(());
        }
        let one = is_fused.then(|| on.found_inf.f_ones_like()).transpose()?;
        let inverse = one.as_ref().unwrap_or(&on.inverse);
        ffi::unscale(&gradients.iter().collect(), inverse, &on.found_inf)
    }

    /// Searches the gradients of parameters that another process steps.
    pub(crate) fn search_only(&mut self, parameters: &[&Tensor]) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for gradient in gradients_of(parameters)? {
            self.prepare(gradient.device())?;
            self.search(&[gradient], true)?;
        }
        Ok(())
    }

    /// Whether gradients are divided by the scale already.
    pub(crate) const fn is_unscaled(&self) -> bool {
        self.is_unscaled
    }

    /// Makes the flags of all devices agree. Every gradient was searched before.
    pub(super) fn combine(&mut self) -> Result<(), TchError> {
        if self.devices.len() > 1 {
            let _no_grad = tch::no_grad_guard();
            let any = self.found_inf()?;
            for on in &mut self.devices {
                on.found_inf = any.f_to_device_(on.device, Kind::Float, true, false)?;
            }
        }
        self.is_unscaled = true;
        Ok(())
    }

    /// 1 if a gradient of any device is infinite or not a number, else 0, on the device of the scale.
    pub(crate) fn found_inf(&self) -> Result<Tensor, TchError> {
        let _no_grad = tch::no_grad_guard();
        let device = self.scale.device();
        let mut any = Tensor::f_zeros([], (Kind::Float, device))?;
        for on in &self.devices {
            any = any.f_maximum(&on.found_inf.f_to_device_(device, Kind::Float, true, false)?)?;
        }
        Ok(any)
    }

    /// The flag on a device.
    pub(super) fn flag(&self, device: Device) -> Option<&Tensor> {
        self.on(device).map(|on| &on.found_inf)
    }

    /// What a fused kernel gets on a device, whose gradients are still scaled or were divided before.
    pub(super) fn scaling(&self, device: Device, is_scaled: bool) -> Scaling<'_> {
        self.on(device).map_or_else(Scaling::default, |on| Scaling {
            grad_scale: is_scaled.then_some(&on.scale),
            found_inf: Some(&on.found_inf),
        })
    }

    /// Whether the host reads the flag of a device without waiting.
    pub(super) fn is_readable(&self, device: Device) -> bool {
        device == Device::Cpu && !self.is_remote
    }

    /// Reads the flag of a device; on a GPU, this waits for the backward pass.
    pub(super) fn read(&self, device: Device) -> Result<bool, TchError> {
        let Some(on) = self.on(device) else { return Ok(false) };
        let mut flag = [0_f32];
        on.found_inf.f_copy_data(&mut flag, 1)?;
        Ok(flag != [0.0])
    }
}

/// Fails for a gradient that would become zero if it were divided by the scale.
pub(super) fn require_range(gradient: &Tensor) -> Result<(), TchError> {
    if gradient.f_kind()? != Kind::Half {
        return Ok(());
    }
    Err(TchError::Torch(
        "gradients of f16 cannot be divided by the loss scale, because small ones would become zero: \
         use `master_weights(true)`, or parameters of f32 and `autocast`"
            .to_owned(),
    ))
}
