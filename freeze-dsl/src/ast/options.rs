//! Options: learning rate, weight decay, optimizer, statistics.

use serde::{Deserialize, Serialize};

use super::{Duration, List, Number, Text};
use crate::source::Spanned;

/// One option of an action or of `default`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// `lr 1e-3`
    Lr(Spanned<Curve>),
    /// `lr * 0.5 to 1e-6`
    LrTimes {
        /// The factor.
        factor: Spanned<Number>,
        /// The last learning rate to which the factor leads, if there is one.
        to: Option<Spanned<Number>>,
    },
    /// `weight_decay 0.05`
    WeightDecay(Spanned<Curve>),
    /// `anchor 0.01`
    Anchor(Spanned<Number>),
    /// `optimizer sgd(momentum 0.9, nesterov)`
    Optimizer {
        /// Its name.
        name: Spanned<Text>,
        /// Its arguments; a flag has no value.
        arguments: List<Argument>,
    },
    /// `stats held`
    Stats(Stats),
    /// `keep state`
    KeepState,
}

impl Setting {
    /// The word that begins it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Lr(_) | Self::LrTimes { .. } => "lr",
            Self::WeightDecay(_) => "weight_decay",
            Self::Anchor(_) => "anchor",
            Self::Optimizer { .. } => "optimizer",
            Self::Stats(_) => "stats",
            Self::KeepState => "keep state",
        }
    }
}

/// Whether running statistics are updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stats {
    /// They keep their values.
    Held,
    /// They are updated by each batch.
    Live,
}

/// `momentum 0.9`, or a flag such as `nesterov`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Argument {
    /// Its name.
    pub name: Spanned<Text>,
    /// Its value over time, where it has one.
    pub value: Option<Spanned<Curve>>,
}

/// A number over time: a learning rate, a weight decay or an optimizer's number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Curve {
    /// Its pieces, one after another.
    pub pieces: List<Spanned<Piece>>,
    /// Whether the parameters are frozen at its end.
    pub then_freeze: bool,
}

/// One piece of a curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// `1e-3`
    Hold(Spanned<Number>),
    /// `cosine 1e-3 -> 0 over 10 epochs repeat stretching 2`
    Ramp {
        /// Its shape.
        shape: Shape,
        /// The value at its start.
        from: Spanned<Number>,
        /// The value at its end.
        to: Spanned<Number>,
        /// Its duration.
        over: Spanned<Duration>,
        /// Warm restarts, if any.
        repeat: Option<Repeat>,
    },
    /// `invsqrt 1e-3 over 4000 steps`
    InverseSqrt {
        /// The value at its start.
        from: Spanned<Number>,
        /// The time in which it falls to its value divided by √2.
        over: Spanned<Duration>,
    },
    /// `1e-3 times 0.1 every 30 epochs to 1e-6`
    Staircase {
        /// The value at its start.
        from: Spanned<Number>,
        /// The factor of each step.
        factor: Spanned<Number>,
        /// The time between two steps.
        every: Spanned<Duration>,
        /// The final value, if there is one.
        to: Option<Spanned<Number>>,
    },
}

/// Warm restarts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Repeat {
    /// The factor by which each cycle is longer than the one before.
    pub stretching: Option<Spanned<Number>>,
}

/// How a curve moves from one value to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Evenly.
    Linear,
    /// Along half a cosine.
    Cosine,
    /// By a constant factor.
    Exp,
    /// By the square root of the time that has passed.
    Sqrt,
    /// By a power of the time that is left.
    Power(Spanned<Number>),
}
