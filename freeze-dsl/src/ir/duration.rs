//! Lengths of training.

use serde::Serialize;

/// The length of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Length"))]
#[serde(rename_all = "snake_case")]
pub enum RunLength {
    /// A number of epochs.
    Epochs(u64),
    /// A number of optimizer steps.
    Steps(u64),
}

/// The length of a part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Period {
    /// A number of epochs.
    Epochs(f64),
    /// A number of optimizer steps.
    Steps(f64),
    /// A fraction of the run.
    Fraction(f64),
    /// The rest of the run.
    Rest,
}
