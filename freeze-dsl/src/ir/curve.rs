//! Numbers over time.

use serde::Serialize;

use super::Period;

/// A number over time: a learning rate, a weight decay or an optimizer's number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Curve"))]
pub(crate) struct ValueCurve {
    /// Its pieces, one after another.
    pub(crate) pieces: Vec<CurvePiece>,
    /// Whether the parameters whose learning rate follows it freeze at its end.
    pub(crate) then_freeze: bool,
}

/// One piece of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Piece"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum CurvePiece {
    /// A constant.
    Hold(f64),
    /// From one value to another.
    Ramp {
        /// The shape between the two values.
        shape: RampShape,
        /// The first value.
        from: f64,
        /// The last value.
        to: f64,
        /// How long it takes.
        over: Period,
        /// For a ramp that starts again and again: the factor by which each round is longer than
        /// the round before it.
        repeat: Option<f64>,
    },
    /// A value that falls with the square root of the time, without an end.
    InverseSqrt {
        /// The first value.
        from: f64,
        /// The time in which it falls to the first value divided by √2.
        over: Period,
    },
    /// A value that is multiplied at regular intervals.
    Staircase {
        /// The first value.
        from: f64,
        /// The factor.
        factor: f64,
        /// The length of a stair.
        every: Period,
        /// The last value, if there is one.
        to: Option<f64>,
    },
}

/// How a ramp moves from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Shape"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum RampShape {
    /// Evenly.
    Linear,
    /// Along half a cosine.
    Cosine,
    /// By a constant factor.
    Exp,
    /// By the square root of the time that has passed.
    Sqrt,
    /// By this power of the time that is left.
    Power(f64),
}

impl ValueCurve {
    /// A curve that never changes.
    pub(crate) fn of_constant(value: f64) -> Self {
        Self { pieces: vec![CurvePiece::Hold(value)], then_freeze: false }
    }

    /// The value, if it never changes.
    pub(crate) fn constant(&self) -> Option<f64> {
        match self.pieces.as_slice() {
            [CurvePiece::Hold(value)] if !self.then_freeze => Some(*value),
            _ => None,
        }
    }

    /// The values at the ends of its pieces, between which all others lie.
    pub(crate) fn ends(&self) -> impl Iterator<Item = f64> + '_ {
        self.pieces
            .iter()
            .flat_map(|piece| match *piece {
                CurvePiece::Hold(from) | CurvePiece::InverseSqrt { from, .. } => [Some(from), None],
                CurvePiece::Ramp { from, to, .. } => [Some(from), Some(to)],
                CurvePiece::Staircase { from, to, .. } => [Some(from), to],
            })
            .flatten()
    }
}
