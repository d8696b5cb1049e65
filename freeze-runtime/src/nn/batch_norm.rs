//! Batch normalization that is constant while it is frozen.

use std::borrow::Borrow;
use std::ops::Deref;

use tch::Tensor;
use tch::nn::{self, BatchNormConfig, ModuleT, Path};

use super::listener::Listener;
use super::over_ranks::OverRanks;
use crate::{Error, Group};

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
    /// `None` if tch's own function has made it, as tch does not show it.
    config: Option<BatchNormConfig>,
    over_ranks: Option<OverRanks>,
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
    BatchNorm::with(nn::batch_norm1d(path, out_dim, config), Some(config))
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
    BatchNorm::with(nn::batch_norm2d(path, out_dim, config), Some(config))
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
    BatchNorm::with(nn::batch_norm3d(path, out_dim, config), Some(config))
}

impl BatchNorm {
    fn with(norm: nn::BatchNorm, config: Option<BatchNormConfig>) -> Self {
        Self { listener: Listener::new(&norm.running_mean).ok(), norm, config, over_ranks: None }
    }

    /// Normalizes in training by the statistics of the batches of all ranks together, as `PyTorch`'s
    /// [`SyncBatchNorm`] does. While it is frozen, and in a group of one, it is as without.
    ///
    /// All ranks call it as often in training; their batches may be of different sizes. If the group is over,
    /// it normalizes by this rank's batch, and the tuner's next call returns why.
    ///
    /// # Errors
    /// Fails if it was made from tch's own norm, of which momentum and epsilon are not known.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::Group;
    /// use freeze_runtime::nn::batch_norm2d;
    /// use tch::nn::{BatchNormConfig, VarStore};
    ///
    /// let group = Group::from_env()?;
    /// let vs = VarStore::new(group.device());
    /// let norm = batch_norm2d(vs.root() / "bn", 4, BatchNormConfig::default()).over(&group)?;
    /// # drop(norm);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [`SyncBatchNorm`]: https://docs.pytorch.org/docs/2.11/generated/torch.nn.SyncBatchNorm.html
    pub fn over(self, group: &Group) -> Result<Self, Error> {
        let Some(config) = self.config else {
            return Err(Error::Program(
                "momentum and epsilon of a norm that tch has made are not known: make it with a function of \
                 `freeze_runtime::nn`"
                    .to_owned(),
            ));
        };
        let over_ranks = group.has_others().then(|| OverRanks::new(group, config));
        Ok(Self { over_ranks, ..self })
    }

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
        Self::with(norm, None)
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
        let train = train && !self.is_frozen();
        let over_ranks = self.over_ranks.as_ref().filter(|_| train);
        let normalized = over_ranks.and_then(|it| it.forward(&self.norm, xs).ok());
        normalized.unwrap_or_else(|| self.norm.forward_t(xs, train))
    }
}
