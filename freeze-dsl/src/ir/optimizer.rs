//! The optimizers that a policy can name.

use std::mem::discriminant;

use serde::{Deserialize, Serialize};

/// An optimizer with its constants, in `PyTorch`'s terms and with `PyTorch`'s arithmetic
/// (<https://docs.pytorch.org/docs/stable/optim.html>).
///
/// Learning rate and weight decay are not part of it: they belong to a parameter's options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Factor of the velocity, at least 0.
        momentum: f64,
        /// Damping of the gradient that enters the velocity.
        dampening: f64,
        /// Nesterov momentum; requires a momentum above 0 and no dampening.
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
    /// Adagrad.
    Adagrad {
        /// How fast the learning rate falls with the steps, at least 0.
        lr_decay: f64,
        /// The sum of squares before the first step, at least 0.
        initial: f64,
        /// Added to the denominator.
        eps: f64,
    },
    /// Adamax, Adam by the infinity norm.
    Adamax {
        /// Decay of the first moment, in `[0, 1)`.
        beta1: f64,
        /// Decay of the infinity norm, in `[0, 1)`.
        beta2: f64,
        /// Added to the size of the gradient.
        eps: f64,
    },
    /// Adam with Nesterov momentum.
    NAdam {
        /// Decay of the first moment, in `[0, 1)`.
        beta1: f64,
        /// Decay of the second moment, in `[0, 1)`.
        beta2: f64,
        /// Added to the denominator.
        eps: f64,
        /// How fast the momentum rises to `beta1`, at least 0.
        momentum_decay: f64,
        /// Whether weight decay is decoupled from the gradient.
        decoupled: bool,
    },
    /// Adam that rectifies the variance of its first steps.
    RAdam {
        /// Decay of the first moment, in `[0, 1)`.
        beta1: f64,
        /// Decay of the second moment, in `[0, 1)`.
        beta2: f64,
        /// Added to the denominator.
        eps: f64,
        /// Whether weight decay is decoupled from the gradient.
        decoupled: bool,
    },
    /// Adafactor, which keeps the squares of a matrix as one number for each row and column.
    Adafactor {
        /// The exponent by which the decay of the squares goes to 1, at most 0.
        beta2_decay: f64,
        /// The least root of a mean square; if it is not given, the machine epsilon of the
        /// parameter's dtype.
        eps1: Option<f64>,
        /// The least root mean square of a parameter.
        eps2: f64,
        /// The root mean square at which an update is clipped, at least 1.
        d: f64,
    },
    /// Muon, which takes matrices alone and makes their momentum orthogonal.
    Muon {
        /// Decay of the momentum, at least 0.
        momentum: f64,
        /// Whether it looks ahead along the momentum.
        nesterov: bool,
        /// The least norm of an update.
        eps: f64,
        /// The number of Newton-Schulz iterations, less than 100.
        steps: u32,
        /// Whether the size of an update is that of `adamw`; `PyTorch`'s `match_rms_adamw`.
        match_rms: bool,
    },
    /// Lion ([Chen et al. 2023]), with decoupled weight decay.
    ///
    /// [Chen et al. 2023]: https://arxiv.org/abs/2302.06675
    Lion {
        /// The share of the momentum in an update, in `[0, 1)`.
        beta1: f64,
        /// Decay of the momentum, in `[0, 1)`.
        beta2: f64,
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

    /// `adagrad` with `PyTorch`'s defaults.
    pub const ADAGRAD: Self = Self::Adagrad { lr_decay: 0.0, initial: 0.0, eps: 1e-10 };
    /// `adamax` with `PyTorch`'s defaults.
    pub const ADAMAX: Self = Self::Adamax { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    /// `nadam` with `PyTorch`'s defaults.
    pub const NADAM: Self =
        Self::NAdam { beta1: 0.9, beta2: 0.999, eps: 1e-8, momentum_decay: 4e-3, decoupled: false };
    /// `radam` with `PyTorch`'s defaults.
    pub const RADAM: Self = Self::RAdam { beta1: 0.9, beta2: 0.999, eps: 1e-8, decoupled: false };
    /// `adafactor` with `PyTorch`'s defaults.
    pub const ADAFACTOR: Self =
        Self::Adafactor { beta2_decay: -0.8, eps1: None, eps2: 1e-3, d: 1.0 };
    /// `muon` with `PyTorch`'s defaults.
    pub const MUON: Self =
        Self::Muon { momentum: 0.95, nesterov: true, eps: 1e-7, steps: 5, match_rms: false };
    /// `lion` with the defaults of its paper.
    pub const LION: Self = Self::Lion { beta1: 0.9, beta2: 0.99 };

    pub(crate) const ALL: [Self; 11] = [
        Self::SGD,
        Self::ADAM,
        Self::ADAMW,
        Self::RMSPROP,
        Self::ADAGRAD,
        Self::ADAMAX,
        Self::NADAM,
        Self::RADAM,
        Self::ADAFACTOR,
        Self::MUON,
        Self::LION,
    ];

    /// The optimizer of this name, with `PyTorch`'s defaults.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    fn has(mut self, argument: &str) -> bool {
        self.slots().iter().any(|(name, _)| *name == argument)
    }

    /// The name that a policy calls it by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::RmsProp { .. } => "rmsprop",
            Self::Adagrad { .. } => "adagrad",
            Self::Adamax { .. } => "adamax",
            Self::NAdam { .. } => "nadam",
            Self::RAdam { .. } => "radam",
            Self::Adafactor { .. } => "adafactor",
            Self::Muon { .. } => "muon",
            Self::Lion { .. } => "lion",
        }
    }

    /// Its argument with the role that this name has in another optimizer.
    pub(crate) fn akin(&self, name: &str) -> Option<&'static str> {
        Some(match (self, name) {
            (Self::Sgd { .. } | Self::RmsProp { .. } | Self::Muon { .. }, "beta1") => "momentum",
            (Self::RmsProp { .. }, "beta2") => "alpha",
            (Self::Adafactor { .. }, "beta2") => "beta2_decay",
            (Self::Adafactor { .. }, "eps") => "eps1",
            (_, "momentum") if self.has("beta1") => "beta1",
            (_, "alpha") if self.has("beta2") => "beta2",
            _ => return None,
        })
    }

    /// Whether a parameter's state of one optimizer serves the other: where both are of one kind, and
    /// neither `amsgrad` nor `centered` was switched. Other numbers keep the state, as in `PyTorch`.
    #[must_use]
    pub fn shares_state_with(&self, other: &Self) -> bool {
        let keeps_more = |optimizer: &Self| match *optimizer {
            Self::Adam { amsgrad, .. } | Self::AdamW { amsgrad, .. } => amsgrad,
            Self::RmsProp { centered, .. } => centered,
            _ => false,
        };
        discriminant(self) == discriminant(other) && keeps_more(self) == keeps_more(other)
    }

    /// `PyTorch`'s default weight decay: 0.01 for `adamw`, 0.1 for `muon`, else 0.
    #[must_use]
    pub const fn default_weight_decay(&self) -> f64 {
        match self {
            Self::AdamW { .. } => 0.01,
            Self::Muon { .. } => 0.1,
            _ => 0.0,
        }
    }

    /// Why it cannot step a parameter of this shape, if it cannot. A row slice has as many dimensions
    /// as its parameter.
    #[must_use]
    pub const fn refuses(&self, dimensions: usize, is_complex: bool) -> Option<&'static str> {
        match self {
            Self::Muon { .. } if dimensions != 2 => Some("takes matrices alone"),
            Self::Muon { .. } | Self::Adafactor { .. } if is_complex => {
                Some("takes no complex parameters")
            }
            _ => None,
        }
    }
}
