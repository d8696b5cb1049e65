//! The errors of the crate.
//!
//! `Display` says all that there is to say, once. `source` is therefore empty unless it adds
//! something, and `Debug`, which a `main` that returns an error prints, reads like `Display`.

/// Implements `Debug` by `Display`.
macro_rules! debug_as_display {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }
    };
}

mod cache;
mod checkpoint;
mod weights;

use std::io;
use std::path::PathBuf;

use freeze_dsl::diagnostic::Findings;
use freeze_dsl::model::ModelError;
use tch::TchError;

pub use cache::{CacheError, FeatureType};
pub use checkpoint::CheckpointError;
pub use weights::{DtypeMismatch, ShapeMismatch, WeightsError, WeightsMismatch};

/// An error of a [`Tuner`](crate::Tuner) or of its builder.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The policy is invalid or does not fit the model. Prints every finding with its place.
    #[error("the policy does not fit:\n\n{0}")]
    Policy(Findings),
    /// The model cannot be described to a policy.
    #[error("the model cannot be described: {0}")]
    Model(ModelError),
    /// Neither the policy nor the program names an optimizer for a parameter that is trained.
    #[error(
        "no optimizer is set: write `default optimizer adamw;` in the policy, or pass the \
         program's own with `.optimizer(nn::AdamW::default())`"
    )]
    NoOptimizer,
    /// A setting of the [`TunerBuilder`](crate::TunerBuilder) is out of range.
    #[error("the program's own settings: {0}")]
    Program(String),
    /// A step was requested before the first epoch started, so no rule could have fired.
    #[error("call `start_epoch` before the first step: rules fire when an epoch starts")]
    NotStarted,
    /// A rule restores the best weights of a metric, and copying them failed when it was observed.
    #[error("the weights at the best `{0}` cannot be restored: copying them failed")]
    NotKept(String),
    /// With a loss scale, the gradients are not what the call requires.
    #[error("the loss scale: {0}")]
    LossScale(String),
    /// A selector of [`Tuner::frozen_prefix`](crate::Tuner::frozen_prefix) or of a
    /// [`FeatureCache`](crate::FeatureCache) is invalid or selects nothing in this model.
    #[error("the selector of a prefix:\n\n{0}")]
    Selector(Findings),
    /// `requires_grad`, the parameter groups and the policy do not agree, or cannot.
    #[error("the model is not in the state that the tuner requires: {0}")]
    Ownership(String),
    /// The log cannot be written, or the file is not a log.
    #[error("the log `{}`: {error}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// A checkpoint cannot be saved, or the run cannot resume from it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Features cannot be cached.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Weights cannot be loaded.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// An operation of libtorch failed. Prints the reason; the error inside also has libtorch's
    /// own backtrace.
    #[error("{}", reason(.0))]
    Torch(TchError),
}

debug_as_display!(Error);

impl From<Findings> for Error {
    fn from(findings: Findings) -> Self {
        Self::Policy(findings)
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<TchError> for Error {
    fn from(error: TchError) -> Self {
        Self::Torch(error)
    }
}

/// The message of libtorch, without the C++ functions in which it occurred.
fn reason(error: &TchError) -> String {
    let TchError::Torch(text) = error else { return error.to_string() };
    let message = text.split("\nException raised from").next().unwrap_or_default();
    message.strip_prefix("Internal Torch Error: ").unwrap_or(message).to_owned()
}
