//! The constants of optimizers, by name, and their valid values.

use super::Optimizer;
use crate::diagnostic::shown_number;

impl Optimizer {
    /// What is wrong with its constants, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let mut own = *self;
        let wrong = own.slots().into_iter().find_map(|(name, slot)| {
            let (value, range) = match slot {
                ArgumentSlot::Number(value, range) => (*value, range),
                ArgumentSlot::Optional(value, range) => ((*value)?, range),
                ArgumentSlot::Whole(value, range) => (f64::from(*value), range),
                ArgumentSlot::Flag(_) => return None,
            };
            let reason = range.rules_out(value)?;
            Some(format!("`{name}` {reason}, and is {}", shown_number(value)))
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
        use ArgumentSlot::{Flag, Number, Optional, Whole};
        use ValidRange::{AtLeastOne, AtLeastZero, AtMostZero, BelowHundred, BelowOne, ToOne};
        match self {
            Self::Sgd { momentum, dampening, nesterov } => vec![
                ("momentum", Number(momentum, ToOne)),
                ("dampening", Number(dampening, ToOne)),
                ("nesterov", Flag(nesterov)),
            ],
            Self::Adam { beta1, beta2, eps, amsgrad }
            | Self::AdamW { beta1, beta2, eps, amsgrad } => vec![
                ("beta1", Number(beta1, BelowOne)),
                ("beta2", Number(beta2, BelowOne)),
                ("eps", Number(eps, AtLeastZero)),
                ("amsgrad", Flag(amsgrad)),
            ],
            Self::RmsProp { alpha, eps, momentum, centered } => vec![
                ("alpha", Number(alpha, ToOne)),
                ("eps", Number(eps, AtLeastZero)),
                ("momentum", Number(momentum, ToOne)),
                ("centered", Flag(centered)),
            ],
            Self::Adagrad { lr_decay, initial, eps } => vec![
                ("lr_decay", Number(lr_decay, AtLeastZero)),
                ("initial", Number(initial, AtLeastZero)),
                ("eps", Number(eps, AtLeastZero)),
            ],
            Self::Adamax { beta1, beta2, eps } => vec![
                ("beta1", Number(beta1, BelowOne)),
                ("beta2", Number(beta2, BelowOne)),
                ("eps", Number(eps, AtLeastZero)),
            ],
            Self::NAdam { beta1, beta2, eps, momentum_decay, decoupled } => vec![
                ("beta1", Number(beta1, BelowOne)),
                ("beta2", Number(beta2, BelowOne)),
                ("eps", Number(eps, AtLeastZero)),
                ("momentum_decay", Number(momentum_decay, AtLeastZero)),
                ("decoupled", Flag(decoupled)),
            ],
            Self::RAdam { beta1, beta2, eps, decoupled } => vec![
                ("beta1", Number(beta1, BelowOne)),
                ("beta2", Number(beta2, BelowOne)),
                ("eps", Number(eps, AtLeastZero)),
                ("decoupled", Flag(decoupled)),
            ],
            Self::Adafactor { beta2_decay, eps1, eps2, d } => vec![
                ("beta2_decay", Number(beta2_decay, AtMostZero)),
                ("eps1", Optional(eps1, AtLeastZero)),
                ("eps2", Number(eps2, AtLeastZero)),
                ("d", Number(d, AtLeastOne)),
            ],
            Self::Muon { momentum, nesterov, eps, steps, match_rms } => vec![
                ("momentum", Number(momentum, ToOne)),
                ("nesterov", Flag(nesterov)),
                ("eps", Number(eps, AtLeastZero)),
                ("steps", Whole(steps, BelowHundred)),
                ("match_rms", Flag(match_rms)),
            ],
            Self::Lion { beta1, beta2 } => {
                vec![("beta1", Number(beta1, BelowOne)), ("beta2", Number(beta2, BelowOne))]
            }
        }
    }
}

/// A constant of an optimizer, by reference.
pub(crate) enum ArgumentSlot<'o> {
    Number(&'o mut f64, ValidRange),
    /// A number whose default depends on the parameter.
    Optional(&'o mut Option<f64>, ValidRange),
    /// A whole number.
    Whole(&'o mut u32, ValidRange),
    Flag(&'o mut bool),
}

/// The valid values of a constant, as `PyTorch`'s constructors check them.
#[derive(Clone, Copy)]
pub(crate) enum ValidRange {
    AtLeastOne,
    AtLeastZero,
    AtMostZero,
    BelowHundred,
    BelowOne,
    ToOne,
}

impl ValidRange {
    /// Why a value is invalid, if it is.
    pub(crate) fn rules_out(self, value: f64) -> Option<&'static str> {
        let (fits, reason) = match self {
            Self::BelowOne => ((0.0..1.0).contains(&value), "must lie in 0 to 1, 1 excluded"),
            Self::ToOne => ((0.0..=1.0).contains(&value), "must lie in 0 to 1"),
            Self::BelowHundred => ((0.0..100.0).contains(&value), "must lie in 0 to 99"),
            Self::AtLeastOne => {
                (value.is_finite() && value >= 1.0, "must be finite and at least 1")
            }
            Self::AtLeastZero => {
                (value.is_finite() && value >= 0.0, "must be finite and at least 0")
            }
            Self::AtMostZero => (value.is_finite() && value <= 0.0, "must be finite and at most 0"),
        };
        (!fits).then_some(reason)
    }
}
