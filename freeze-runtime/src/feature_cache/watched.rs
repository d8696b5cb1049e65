//! Parameters that leave a trace in what is computed with them.

use tch::Tensor;

use crate::Error;

/// Parameters that require gradients for as long as it lives.
pub(super) struct WatchedParameters<'t>(Vec<&'t Tensor>);

impl<'t> WatchedParameters<'t> {
    pub(super) fn new(parameters: Vec<&'t Tensor>) -> Result<Self, Error> {
        let mut watched = Self(Vec::with_capacity(parameters.len()));
        for parameter in parameters {
            if !parameter.requires_grad() {
                let _same = parameter.f_set_requires_grad(true)?;
                watched.0.push(parameter);
            }
        }
        Ok(watched)
    }
}

impl Drop for WatchedParameters<'_> {
    fn drop(&mut self) {
        for parameter in &self.0 {
            // A leaf accepts it.
            let _ = parameter.f_set_requires_grad(false);
        }
    }
}
