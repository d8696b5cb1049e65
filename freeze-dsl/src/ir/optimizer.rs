//! The optimizers that a policy can name.

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

    pub(crate) const ALL: [Self; 4] = [Self::SGD, Self::ADAM, Self::ADAMW, Self::RMSPROP];

    /// The optimizer of this name, with `PyTorch`'s defaults.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What is wrong with its constants, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let mut own = *self;
        let wrong = own.slots().into_iter().find_map(|(name, slot)| match slot {
            ArgumentSlot::Number(value, range) => {
                let reason = range.rules_out(*value)?;
                Some(format!("`{name}` {reason}, and is {value}"))
            }
            ArgumentSlot::Flag(_) => None,
        });
        wrong.or_else(|| self.nesterov_fault().map(str::to_owned))
    }

    /// What is wrong with `nesterov`, if anything.
    pub(crate) fn nesterov_fault(&self) -> Option<&'static str> {
        let Self::Sgd { momentum, dampening, nesterov: true } = *self else { return None };
        (momentum <= 0.0 || dampening != 0.0)
            .then_some("`nesterov` requires a momentum above 0 and no dampening")
    }

    /// Its constants, by name.
    pub(crate) fn slots(&mut self) -> Vec<(&'static str, ArgumentSlot<'_>)> {
        use ArgumentSlot::{Flag, Number};
        match self {
            Self::Sgd { momentum, dampening, nesterov } => vec![
                ("momentum", Number(momentum, ValidRange::ToOne)),
                ("dampening", Number(dampening, ValidRange::ToOne)),
                ("nesterov", Flag(nesterov)),
            ],
            Self::Adam { beta1, beta2, eps, amsgrad }
            | Self::AdamW { beta1, beta2, eps, amsgrad } => vec![
                ("beta1", Number(beta1, ValidRange::BelowOne)),
                ("beta2", Number(beta2, ValidRange::BelowOne)),
                ("eps", Number(eps, ValidRange::AtLeastZero)),
                ("amsgrad", Flag(amsgrad)),
            ],
            Self::RmsProp { alpha, eps, momentum, centered } => vec![
                ("alpha", Number(alpha, ValidRange::ToOne)),
                ("eps", Number(eps, ValidRange::AtLeastZero)),
                ("momentum", Number(momentum, ValidRange::ToOne)),
                ("centered", Flag(centered)),
            ],
        }
    }

    /// Whether a parameter's state of one optimizer serves the other: where both are of one kind, and
    /// neither `amsgrad` nor `centered` was switched. Other numbers keep the state, as in `PyTorch`.
    #[must_use]
    pub fn shares_state_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sgd { .. }, Self::Sgd { .. }) => true,
            (Self::Adam { amsgrad: one, .. }, Self::Adam { amsgrad: other, .. })
            | (Self::AdamW { amsgrad: one, .. }, Self::AdamW { amsgrad: other, .. })
            | (Self::RmsProp { centered: one, .. }, Self::RmsProp { centered: other, .. }) => {
                one == other
            }
            _ => false,
        }
    }

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

    /// Its argument with the role that this name has in another optimizer.
    pub(crate) fn akin(&self, name: &str) -> Option<&'static str> {
        Some(match (self, name) {
            (Self::Sgd { .. } | Self::RmsProp { .. }, "beta1") => "momentum",
            (Self::RmsProp { .. }, "beta2") => "alpha",
            (Self::Adam { .. } | Self::AdamW { .. }, "momentum") => "beta1",
            (Self::Adam { .. } | Self::AdamW { .. }, "alpha") => "beta2",
            _ => return None,
        })
    }

    /// `PyTorch`'s default weight decay: 0.01 for `adamw`, else 0.
    #[must_use]
    pub const fn default_weight_decay(&self) -> f64 {
        match self {
            Self::AdamW { .. } => 0.01,
            Self::Sgd { .. } | Self::Adam { .. } | Self::RmsProp { .. } => 0.0,
        }
    }
}

/// A constant of an optimizer, by reference.
pub(crate) enum ArgumentSlot<'o> {
    Number(&'o mut f64, ValidRange),
    Flag(&'o mut bool),
}

/// The valid values of a constant, as `PyTorch`'s constructors check them.
#[derive(Clone, Copy)]
pub(crate) enum ValidRange {
    AtLeastZero,
    BelowOne,
    ToOne,
}

impl ValidRange {
    /// Why a value is invalid, if it is.
    pub(crate) fn rules_out(self, value: f64) -> Option<&'static str> {
        let (fits, reason) = match self {
            Self::BelowOne => ((0.0..1.0).contains(&value), "must lie in 0 to 1, 1 excluded"),
            Self::ToOne => ((0.0..=1.0).contains(&value), "must lie in 0 to 1"),
            Self::AtLeastZero => {
                (value.is_finite() && value >= 0.0, "must be finite and at least 0")
            }
        };
        (!fits).then_some(reason)
    }
}
