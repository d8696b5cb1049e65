//! The optimizers that a policy can name.

use serde::{Deserialize, Serialize};

/// An optimizer with its constants, in `PyTorch`'s terms and with `PyTorch`'s arithmetic
/// (<https://docs.pytorch.org/docs/stable/optim.html>).
///
/// Learning rate and weight decay are not part of it: they belong to a parameter's options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Factor of the velocity, at least 0.
        momentum: f64,
        /// Damping of the gradient that enters the velocity.
        dampening: f64,
        /// Nesterov momentum; needs a momentum above 0 and no dampening.
        nesterov: bool,
    },
    /// Adam, with weight decay added to the gradient.
    Adam {
        /// Decay of the first moment, in `[0, 1)`.
        beta1: f64,
        /// Decay of the second moment, in `[0, 1)`.
        beta2: f64,
        /// Added to the denominator.
        eps: f64,
        /// Whether the largest second moment so far is used.
        amsgrad: bool,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// Decay of the first moment, in `[0, 1)`.
        beta1: f64,
        /// Decay of the second moment, in `[0, 1)`.
        beta2: f64,
        /// Added to the denominator.
        eps: f64,
        /// Whether the largest second moment so far is used.
        amsgrad: bool,
    },
    /// `RMSprop`.
    RmsProp {
        /// Smoothing of the squared gradient, at least 0.
        alpha: f64,
        /// Added to the denominator.
        eps: f64,
        /// Factor of the velocity, at least 0.
        momentum: f64,
        /// Whether the gradient is normalised by its estimated variance.
        centered: bool,
    },
}

impl Optimizer {
    /// `sgd` with `PyTorch`'s defaults.
    pub const SGD: Self = Self::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false };
    /// `adam` with `PyTorch`'s defaults.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false };
    /// `adamw` with `PyTorch`'s defaults.
    pub const ADAMW: Self = Self::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false };
    /// `rmsprop` with `PyTorch`'s defaults.
    pub const RMSPROP: Self =
        Self::RmsProp { alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false };

    /// The name that a policy calls it by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::RmsProp { .. } => "rmsprop",
        }
    }

    /// The weight decay that `PyTorch` gives it where nothing is said: 0.01 for `adamw`, else 0.
    #[must_use]
    pub const fn default_weight_decay(&self) -> f64 {
        match self {
            Self::AdamW { .. } => 0.01,
            Self::Sgd { .. } | Self::Adam { .. } | Self::RmsProp { .. } => 0.0,
        }
    }
}
