//! What can go wrong while a policy is put to work.

use std::io;
use std::path::PathBuf;

use freeze_dsl::diagnostic::Findings;
use freeze_dsl::model::ModelError;
use tch::TchError;

use crate::CheckpointError;

/// Why a policy cannot be put to work, or a step not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The policy is wrong, or does not fit the model; prints every finding with its place.
    #[error("the policy does not fit:\n\n{0}")]
    Policy(#[from] Findings),
    /// The model has a name that no policy could speak of.
    #[error("the model cannot be described: {0}")]
    Model(#[from] ModelError),
    /// Neither the policy nor the program names an optimizer for something that trains.
    #[error(
        "nothing gives an optimizer: write `default optimizer adamw;` in the policy, or give the \
         program's own with `.optimizer(nn::AdamW::default())`"
    )]
    NoOptimizer,
    /// A number that the program gives makes no sense.
    #[error("the program's own settings: {0}")]
    Program(String),
    /// A step was made before the first epoch started, so that no rule could have fired.
    #[error("call `start_epoch` before the first step: rules fire when an epoch starts")]
    NotStarted,
    /// A rule restores a metric's best moment, and copying the weights failed when it was observed.
    #[error("the weights at the best `{0}` are not there to restore: they could not be copied")]
    NotKept(String),
    /// Flags, groups and policy do not agree, or cannot.
    #[error("the model is not as its tuner needs it: {0}")]
    Ownership(String),
    /// The log cannot be written, or the file is something else than a log.
    #[error("the log `{}`: {error}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What went wrong with it.
        error: io::Error,
    },
    /// A checkpoint cannot be saved, or the run not go on from it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch refused. Prints why; the error within has libtorch's own backtrace as well.
    #[error("{}", reason(.0))]
    Torch(#[from] TchError),
}

/// What libtorch says, without the C++ functions in which it did.
fn reason(error: &TchError) -> String {
    let TchError::Torch(text) = error else { return error.to_string() };
    let said = text.split("\nException raised from").next().unwrap_or_default();
    said.strip_prefix("Internal Torch Error: ").unwrap_or(said).to_owned()
}
