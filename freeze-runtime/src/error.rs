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

use std::fmt::Write;
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
    /// The processes of a [`Group`](crate::Group) cannot join, or have lost each other.
    #[error("the group of processes: {0}")]
    Group(String),
    /// The ranks of a [`Group`](crate::Group) do not agree. All of them return this error.
    #[error("the ranks differ in {what}:{}", listed(rows))]
    Ranks {
        /// In what they differ.
        what: String,
        /// What each rank has, by its number.
        rows: Vec<(usize, String)>,
    },
    /// Another rank of a [`Group`](crate::Group) has failed with this text.
    #[error("rank {rank} failed: {text}")]
    Failed {
        /// Its number.
        rank: usize,
        /// Its error.
        text: String,
    },
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

/// What each rank has, a line or more for each different text.
fn listed(rows: &[(usize, String)]) -> String {
    /// So many ranks are named.
    const MOST: usize = 8;
    let mut texts: Vec<(&str, Vec<usize>)> = Vec::new();
    for (rank, text) in rows {
        match texts.iter_mut().find(|(known, _)| known == text) {
            Some((_, ranks)) => ranks.push(*rank),
            None => texts.push((text, vec![*rank])),
        }
    }
    let mut listed = String::new();
    for (text, ranks) in texts {
        let names: Vec<String> = ranks.iter().take(MOST).map(usize::to_string).collect();
        let more = ranks.len().checked_sub(MOST).filter(|more| *more > 0);
        let more = more.map_or(String::new(), |more| format!(" and {more} more"));
        let ranks = if ranks.len() == 1 { "rank" } else { "ranks" };
        let _ = write!(listed, "\n  {ranks} {}{more}:", names.join(", "));
        match text.split_once('\n') {
            None => listed.extend([" ", text]),
            Some(_) => text.lines().for_each(|line| listed.extend(["\n    ", line])),
        }
    }
    listed
}

/// The message of libtorch, without the C++ functions in which it occurred.
fn reason(error: &TchError) -> String {
    let TchError::Torch(text) = error else { return error.to_string() };
    let message = text.split("\nException raised from").next().unwrap_or_default();
    message.strip_prefix("Internal Torch Error: ").unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_the_same_text_are_listed_once() {
        let ranks = |rows: &[(usize, &str)]| {
            let rows = rows.iter().map(|(rank, text)| (*rank, (*text).to_owned())).collect();
            Error::Ranks { what: "lr".to_owned(), rows }.to_string()
        };
        assert_eq!(
            ranks(&[(0, "1"), (1, "2\n3"), (2, "1")]),
            "the ranks differ in lr:\n  ranks 0, 2: 1\n  rank 1:\n    2\n    3"
        );
        let many: Vec<(usize, &str)> = (0..10).map(|rank| (rank, "x")).collect();
        assert_eq!(
            ranks(&many),
            "the ranks differ in lr:\n  ranks 0, 1, 2, 3, 4, 5, 6, 7 and 2 more: x"
        );
    }
}
