//! The pull of a parameter toward earlier values, as the first part of its step.

use tch::{Kind, TchError, Tensor};

use super::real;

/// What pulls a parameter: decoupled L2-SP ([Li et al. 2018]), `w ← w − share · (w − w₀)`.
///
/// [Li et al. 2018]: https://arxiv.org/abs/1802.01483
#[derive(Clone, Copy)]
pub(crate) struct AnchorPull<'a> {
    /// The values w₀, on any device.
    pub(crate) toward: &'a Tensor,
    /// The learning rate times the anchor.
    pub(crate) share: f64,
}

/// A pull that can be made without allocating anything.
pub(super) struct PreparedPull {
    toward: Tensor,
    share: f64,
}

impl AnchorPull<'_> {
    /// Brings the values to the parameter's device, and to f32 if it is a master.
    pub(super) fn prepare(&self, parameter: &Tensor) -> Result<PreparedPull, TchError> {
        let is_half = matches!(self.toward.f_kind()?, Kind::BFloat16 | Kind::Half);
        let is_master = is_half && parameter.f_kind()? == Kind::Float;
        let kind = if is_master { Kind::Float } else { self.toward.f_kind()? };
        let toward = self.toward.f_to_device_(parameter.device(), kind, false, false)?;
        if toward.size() != parameter.size() || toward.f_kind()? != parameter.f_kind()? {
            return Err(TchError::Shape(format!(
                "an anchor of {:?} for a parameter of {:?}",
                toward.size(),
                parameter.size()
            )));
        }
        Ok(PreparedPull { toward, share: self.share })
    }
}

impl PreparedPull {
    /// Pulls the parameter.
    pub(super) fn apply(&self, parameter: &Tensor) -> Result<(), TchError> {
        let _same = real(parameter)?.f_lerp_(&real(&self.toward)?, self.share)?;
        Ok(())
    }
}
