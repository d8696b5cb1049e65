//! Batch normalization that is constant while it is frozen.

use std::borrow::Borrow;
use std::ops::Deref;

use tch::Tensor;
use tch::nn::{self, BatchNormConfig, ModuleT, Path};

use super::listener::Listener;

/// tch's [`nn::BatchNorm`], in evaluation mode while a tuner has frozen its running statistics.
///
/// It dereferences to tch's, for its weight, its bias and its statistics.
///
/// # Examples
/// ```
/// use freeze_runtime::nn::BatchNorm;
/// use tch::nn::{self, VarStore};
///
/// let vs = VarStore::new(tch::Device::Cpu);
/// let norm: BatchNorm = nn::batch_norm2d(vs.root(), 4, nn::BatchNormConfig::default()).into();
/// assert_eq!(norm.running_mean.size(), [4]);
/// ```
#[derive(Debug)]
pub struct BatchNorm {
    /// `None` if libtorch could not identify the running mean: then the norm is as tch's, and its
    /// frozen statistics are restored as those of tch's are.
    listener: Option<Listener>,
    norm: nn::BatchNorm,
}

/// tch's [`nn::batch_norm1d`] with freezing: over inputs of shape `(N, C)` or `(N, C, L)`.
///
/// # Examples
/// ```
/// use freeze_runtime::nn::batch_norm1d;
/// use tch::nn::{BatchNormConfig, ModuleT, VarStore};
/// use tch::{Device, Kind, Tensor};
///
/// let vs = VarStore::new(Device::Cpu);
/// let norm = batch_norm1d(vs.root() / "bn", 4, BatchNormConfig::default());
/// let x = Tensor::ones([8, 4], (Kind::Float, Device::Cpu));
/// assert_eq!(norm.forward_t(&x, true).size(), [8, 4]);
/// ```
pub fn batch_norm1d<'p>(
    path: impl Borrow<Path<'p>>,
    out_dim: i64,
    config: BatchNormConfig,
) -> BatchNorm {
    nn::batch_norm1d(path, out_dim, config).into()
}

/// tch's [`nn::batch_norm2d`] with freezing: over inputs of shape `(N, C, H, W)`.
///
/// # Examples
/// ```
/// use freeze_runtime::nn::batch_norm2d;
/// use tch::nn::{BatchNormConfig, ModuleT, VarStore};
/// use tch::{Device, Kind, Tensor};
///
/// let vs = VarStore::new(Device::Cpu);
/// let norm = batch_norm2d(vs.root() / "bn", 4, BatchNormConfig::default());
/// let x = Tensor::ones([8, 4, 3, 3], (Kind::Float, Device::Cpu));
/// assert_eq!(norm.forward_t(&x, true).size(), [8, 4, 3, 3]);
/// ```
pub fn batch_norm2d<'p>(
    path: impl Borrow<Path<'p>>,
    out_dim: i64,
    config: BatchNormConfig,
) -> BatchNorm {
    nn::batch_norm2d(path, out_dim, config).into()
}

/// tch's [`nn::batch_norm3d`] with freezing: over inputs of shape `(N, C, D, H, W)`.
///
/// # Examples
/// ```
/// use freeze_runtime::nn::batch_norm3d;
/// use tch::nn::{BatchNormConfig, ModuleT, VarStore};
/// use tch::{Device, Kind, Tensor};
///
/// let vs = VarStore::new(Device::Cpu);
/// let norm = batch_norm3d(vs.root() / "bn", 4, BatchNormConfig::default());
/// let x = Tensor::ones([8, 4, 2, 3, 3], (Kind::Float, Device::Cpu));
/// assert_eq!(norm.forward_t(&x, true).size(), [8, 4, 2, 3, 3]);
/// ```
pub fn batch_norm3d<'p>(
    path: impl Borrow<Path<'p>>,
    out_dim: i64,
    config: BatchNormConfig,
) -> BatchNorm {
    nn::batch_norm3d(path, out_dim, config).into()
}

impl BatchNorm {
    /// Whether its running statistics are frozen: its parameters are, or the policy says `stats
    /// held`. Without a tuner, they are not.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::nn::batch_norm1d;
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// let norm = batch_norm1d(vs.root() / "bn", 4, Default::default());
    /// assert!(!norm.is_frozen());
    /// ```
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.listener.as_ref().is_some_and(Listener::is_frozen)
    }
}

impl From<nn::BatchNorm> for BatchNorm {
    fn from(norm: nn::BatchNorm) -> Self {
        Self { listener: Listener::new(&norm.running_mean).ok(), norm }
    }
}

impl Deref for BatchNorm {
    type Target = nn::BatchNorm;

    fn deref(&self) -> &nn::BatchNorm {
        &self.norm
    }
}

impl ModuleT for BatchNorm {
    /// Normalizes with the statistics of the batch in training, unless the running statistics are
    /// frozen; otherwise with the running ones, which it does not change.
    ///
    /// # Panics
    /// Panics as tch's does, if the input has another shape.
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        self.norm.forward_t(xs, train && !self.is_frozen())
    }
}
