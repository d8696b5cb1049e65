//! Batch normalisation that stands still while it is frozen.

use std::borrow::Borrow;
use std::ops::Deref;

use tch::Tensor;
use tch::nn::{self, BatchNormConfig, ModuleT, Path};

use super::held::Listener;

/// tch's [`nn::BatchNorm`], which works as in inference while a tuner holds its statistics.
///
/// It dereferences to tch's, for its weight, its bias and its statistics.
#[derive(Debug)]
pub struct BatchNorm {
    /// None where libtorch could not tell the running mean from other tensors: then the norm is as
    /// tch's, and its statistics are held as those are.
    listener: Option<Listener>,
    norm: nn::BatchNorm,
}

/// As tch's [`nn::batch_norm1d`]: over inputs of shape `(N, C)` or `(N, C, L)`.
pub fn batch_norm1d<'p>(
    path: impl Borrow<Path<'p>>,
    out_dim: i64,
    config: BatchNormConfig,
) -> BatchNorm {
    nn::batch_norm1d(path, out_dim, config).into()
}

/// As tch's [`nn::batch_norm2d`]: over inputs of shape `(N, C, H, W)`.
pub fn batch_norm2d<'p>(
    path: impl Borrow<Path<'p>>,
    out_dim: i64,
    config: BatchNormConfig,
) -> BatchNorm {
    nn::batch_norm2d(path, out_dim, config).into()
}

/// As tch's [`nn::batch_norm3d`]: over inputs of shape `(N, C, D, H, W)`.
pub fn batch_norm3d<'p>(
    path: impl Borrow<Path<'p>>,
    out_dim: i64,
    config: BatchNormConfig,
) -> BatchNorm {
    nn::batch_norm3d(path, out_dim, config).into()
}

impl BatchNorm {
    /// Whether its running statistics are held: it is frozen, or the policy says `stats held`.
    /// Where no tuner has charge of it, they are not.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.listener.as_ref().is_some_and(Listener::is_held)
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
    /// Normalises with the batch's own statistics in training, unless they are held; else with the
    /// running ones, which it does not touch.
    ///
    /// # Panics
    /// As tch's, if the input does not have the shape that it takes.
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        self.norm.forward_t(xs, train && !self.is_held())
    }
}
