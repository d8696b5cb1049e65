//! Why a simulation cannot run.

/// What a simulation lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SimulateError {
    /// The length of training is unknown.
    #[error(
        "the number of epochs is unknown: set `epochs`, or write `run 20 epochs;` in the policy"
    )]
    NoLength,
    /// The policy counts steps, or records of steps are asked for, and how many an epoch has is
    /// not known.
    #[error(
        "{0} counted in steps, and the number of steps in an epoch is unknown: set `steps_per_epoch`"
    )]
    NoSteps(&'static str),
    /// An epoch of no steps.
    #[error("an epoch has at least one step")]
    EmptyEpoch,
}

/// Why a table of metrics cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TableError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}
