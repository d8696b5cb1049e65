//! Learning rates over time.

use serde::Serialize;

use super::Period;
use crate::ast::Shape;

/// A learning rate over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Curve"))]
pub(crate) struct LrCurve {
    /// Its pieces, one after another.
    pub(crate) pieces: Vec<LrPiece>,
    /// Whether the parameters that follow it freeze at its end.
    pub(crate) then_freeze: bool,
}

/// One piece of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Piece"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LrPiece {
    /// A constant.
    Hold(f64),
    /// From one value to another.
    Ramp {
        /// The shape between the two values.
        shape: Shape,
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

impl LrCurve {
    /// The learning rate, if it never changes.
    pub(crate) fn constant(&self) -> Option<f64> {
        match self.pieces.as_slice() {
            [LrPiece::Hold(value)] if !self.then_freeze => Some(*value),
            _ => None,
        }
    }
}
