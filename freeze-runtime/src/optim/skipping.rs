//! Steps that turn out to be skipped, because a gradient is infinite or not a number.

use tch::{Device, TchError, Tensor};

use super::{GradScale, Scratch};

/// Where the flag is read that skips a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    /// Without a loss scale, no step is.
    Never,
    /// On the host: it lies there, or the optimizer counts its steps there.
    OnHost,
    /// On the device alone.
    OnDevice,
}

impl Skip {
    pub(super) fn of(scale: Option<&GradScale>, device: Device, counts_on_host: bool) -> Self {
        match scale {
            None => Self::Never,
            Some(scale) if counts_on_host || scale.is_readable(device) => Self::OnHost,
            Some(_) => Self::OnDevice,
        }
    }
}

/// Copies of what a step changes, for kernels that do not skip by themselves.
#[derive(Default)]
pub(super) struct Undo {
    copies: Vec<(Tensor, Tensor)>,
}

impl Undo {
    /// Copies a tensor that is about to change.
    pub(super) fn add(&mut self, tensor: &Tensor) -> Result<(), TchError> {
        let mut copy = tensor.f_empty_like()?;
        copy.f_copy_(tensor)?;
        self.copies.push((tensor.shallow_clone(), copy));
        Ok(())
    }

    /// The temporary tensors that [`Undo::restore_if`] needs at a time.
    pub(super) fn scratch(&self) -> Scratch {
        let bytes = |(_, copy): &(Tensor, Tensor)| copy.numel() * copy.kind().elt_size_in_bytes();
        Scratch { tensors: 1, bytes: self.copies.iter().map(bytes).max().unwrap_or_default() }
    }

    /// Restores every tensor if the flag is 1, without reading it.
    pub(super) fn restore_if(mut self, found_inf: &Tensor) -> Result<(), TchError> {
        if self.copies.is_empty() {
            return Ok(());
        }
        let is_skipped = found_inf.f_gt(0.0)?;
        for (tensor, copy) in &mut self.copies {
            let is_skipped = is_skipped.f_to_device(tensor.device())?;
            tensor.f_copy_(&copy.f_where_self(&is_skipped, tensor)?)?;
        }
        Ok(())
    }
}
