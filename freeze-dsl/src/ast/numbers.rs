//! Numbers: expressions as they were written.

use serde::Serialize;

use super::{List, Listing, Text};
use crate::source::Spanned;

/// An expression in postfix order, so that evaluation needs a stack of numbers and no recursion.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Number {
    /// Operands and operators.
    pub steps: List<Spanned<Step>>,
}

/// An operand or an operator of an expression.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// `1e-3`
    #[serde(serialize_with = "crate::json::real")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::json::Real"))]
    Literal(f64),
    /// `base`
    Name(Text),
    /// `len(@stages)`
    Len(Listing),
    /// The value of the Rust expression of this number, counted from 0.
    Rust(usize),
    /// `-` before one operand.
    Negate,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
    /// `min(…)` of this many operands.
    Min(usize),
    /// `max(…)` of this many operands.
    Max(usize),
    /// `floor(…)`
    Floor,
    /// `ceil(…)`
    Ceil,
    /// `round(…)`: halves away from 0.
    Round,
}
