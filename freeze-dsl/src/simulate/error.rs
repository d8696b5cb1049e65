//! Why a simulation cannot run.

use std::error::Error;
use std::fmt;

/// What a simulation lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulateError {
    /// The length of training is unknown.
    NoLength,
    /// The policy counts steps, or records of steps are asked for, and how many an epoch has is
    /// not known.
    NoSteps(&'static str),
    /// An epoch of no steps.
    EmptyEpoch,
}

impl SimulateError {
    /// The message, with what to do where the length of a run or of an epoch is unknown.
    ///
    /// # Examples
    /// ```
    /// use freeze_dsl::simulate::SimulateError;
    ///
    /// let message = SimulateError::NoLength.with_advice("pass `--epochs`", "pass `--steps`");
    /// assert!(message.starts_with("the number of epochs is unknown: pass `--epochs`, or "));
    /// ```
    #[must_use]
    pub fn with_advice(self, epochs: &str, steps: &str) -> String {
        match self {
            Self::NoLength => format!(
                "the number of epochs is unknown: {epochs}, or write `run 20 epochs;` in the policy"
            ),
            Self::NoSteps(what) => format!(
                "{what} counted in steps, and the number of steps in an epoch is unknown: {steps}"
            ),
            Self::EmptyEpoch => "an epoch has at least one step".to_owned(),
        }
    }
}

impl fmt::Display for SimulateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_advice("set `epochs`", "set `steps_per_epoch`"))
    }
}

impl Error for SimulateError {}

/// Why a table of metrics cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TableError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}
