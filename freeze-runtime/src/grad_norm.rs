//! The norm that clipping returns.

use tch::Tensor;

use crate::Error;

/// The L2 norm of the gradients that [`Tuner::clip_grad_norm`] clipped, before they were clipped.
///
/// It lies on the device of the gradients and is read back only when it is asked for: a training loop
/// that ignores it never waits for a GPU.
///
/// [`Tuner::clip_grad_norm`]: crate::Tuner::clip_grad_norm
#[derive(Debug)]
pub struct GradNorm(Tensor);

impl GradNorm {
    pub(crate) const fn new(norm: Tensor) -> Self {
        Self(norm)
    }

    /// The norm. On a GPU this waits until the backward pass is done.
    ///
    /// # Errors
    /// Fails if an operation on the device has failed.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// fc.forward(&x).square().sum(Kind::Float).backward();
    /// let norm = tuner.clip_grad_norm(1.0)?;
    /// println!("gradient norm {:.3}", norm.value()?);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn value(&self) -> Result<f64, Error> {
        Ok(self.0.f_double_value(&[])?)
    }

    /// The norm as a tensor without dimensions, for sums over an epoch that do not wait for a GPU.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// fc.forward(&x).square().sum(Kind::Float).backward();
    /// let norm = tuner.clip_grad_norm(1.0)?;
    /// assert_eq!(norm.tensor().dim(), 0);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub const fn tensor(&self) -> &Tensor {
        &self.0
    }
}
