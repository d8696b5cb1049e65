//! What a program sees of the loss scale.

use tch::Tensor;

use super::Tuner;
use crate::Error;
use crate::precision::GradScaler;

impl Tuner {
    /// Multiplies a loss by the scale of [`TunerBuilder::loss_scale`], as Python's `scaler.scale` does,
    /// for a program that runs the backward pass itself. Without a loss scale, returns the loss.
    ///
    /// [`Tuner::backward_step`] and [`Tuner::backward`] scale the loss themselves.
    ///
    /// # Errors
    /// Fails if gradients of an earlier step are left, or if gradients are clipped already: they are not
    /// scaled, and no scaled ones can be added. Fails if libtorch fails.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{LossScale, Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// let mut tuner =
    ///     Tuner::builder(&policy).loss_scale(LossScale::fixed(1024.0)).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// tuner.zero_grad()?;
    /// let loss = fc.forward(&x).square().sum(Kind::Float);
    /// tuner.scale_loss(&loss)?.backward();
    /// tuner.step()?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [`TunerBuilder::loss_scale`]: crate::TunerBuilder::loss_scale
    pub fn scale_loss(&mut self, loss: &Tensor) -> Result<Tensor, Error> {
        match &mut self.scaler {
            Some(scaler) => scaler.scale_loss(loss, &self.slices.trainable(&self.clock)),
            None => Ok(loss.shallow_clone()),
        }
    }

    /// The scale of the loss now; `None` without [`TunerBuilder::loss_scale`]. On a GPU, this waits for
    /// the last step.
    ///
    /// # Errors
    /// Fails if an operation on the device has failed.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{LossScale, Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// let tuner = Tuner::builder(&policy).loss_scale(LossScale::dynamic()).attach(&vs)?;
    /// assert_eq!(tuner.loss_scale()?, Some(65536.0));
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [`TunerBuilder::loss_scale`]: crate::TunerBuilder::loss_scale
    pub fn loss_scale(&self) -> Result<Option<f64>, Error> {
        let scale = self.scaler.as_ref().map(GradScaler::value).transpose()?;
        Ok(scale.map(f64::from))
    }

    /// The number of steps of this run in which nothing moved, because a gradient was infinite or not a
    /// number; 0 without [`TunerBuilder::loss_scale`]. On a GPU, this waits for the last step.
    ///
    /// # Errors
    /// Fails if an operation on the device has failed.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{LossScale, Tuner, freeze_policy};
    /// # use tch::{Device, Kind, Tensor, nn, nn::Module};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let x = Tensor::ones([4, 2], (Kind::Float, Device::Cpu));
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// let mut tuner = Tuner::builder(&policy).loss_scale(LossScale::dynamic()).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// let infinite = fc.forward(&x).sum(Kind::Float) * f64::INFINITY;
    /// tuner.backward_step(&infinite)?;
    /// assert_eq!(tuner.skipped_steps()?, 1);
    /// assert_eq!(tuner.loss_scale()?, Some(32768.0));
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [`TunerBuilder::loss_scale`]: crate::TunerBuilder::loss_scale
    pub fn skipped_steps(&self) -> Result<u64, Error> {
        let skipped = self.scaler.as_ref().map_or(Ok(0), GradScaler::skipped)?;
        Ok(u64::try_from(skipped).unwrap_or_default())
    }
}
