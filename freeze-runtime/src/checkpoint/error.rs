//! What can be wrong with a checkpoint.

use std::io;
use std::path::{Path, PathBuf};

use freeze_dsl::clock::{SnapshotError, TransferError};

/// Why a checkpoint cannot be saved, or a run not go on from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The folder holds no checkpoint.
    #[error("`{}` holds no checkpoint", .0.display())]
    Missing(PathBuf),
    /// Where the checkpoint would be, there is something else.
    #[error("`{}` is no checkpoint, and stays as it is: save elsewhere", .0.display())]
    Foreign(PathBuf),
    /// A file or folder cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A file is not as it was written.
    #[error("`{}` is not as it was saved: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The checkpoint is of a format that this version does not know.
    #[error(
        "`{}` is of format {format}, and only format {known} is known",
        path.display(),
        known = FORMAT
    )]
    Format {
        /// The file that says so.
        path: PathBuf,
        /// The format.
        format: u64,
    },
    /// The policy is another than the checkpoint's; shows the difference.
    #[error(
        "the checkpoint is of another policy (`resume_with` and `Allow::policy()` if that is \
         meant):\n\n{0}"
    )]
    Policy(String),
    /// The model is another than the checkpoint's; shows the difference.
    #[error(
        "the checkpoint is of another model (`resume_with` and `Allow::model()` if that is \
         meant):\n\n{0}"
    )]
    Model(String),
    /// The program's own options are others than the checkpoint's; shows the difference.
    #[error(
        "the checkpoint is of a program with other options (`resume_with` and `Allow::program()` \
         if that is meant):\n\n{0}"
    )]
    Program(String),
    /// The run cannot go on with this policy or model.
    #[error("the run cannot go on like this: {0}")]
    Transfer(#[from] TransferError),
    /// The saved state of the clock is none of its policy and model.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A tensor has elements that cannot be saved.
    #[error("`{name}` has elements of kind {kind}, which cannot be saved")]
    Kind {
        /// The tensor.
        name: String,
        /// What libtorch calls its kind.
        kind: String,
    },
}

/// The version of the format.
pub(super) const FORMAT: u64 = 1;

/// Tells of which file or folder an error is.
pub(super) fn of(path: &Path) -> impl Fn(io::Error) -> CheckpointError + '_ {
    |error| CheckpointError::Io { path: path.to_owned(), error }
}

/// A file that is not as it was written.
pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> CheckpointError {
    CheckpointError::Damaged { path: path.to_owned(), problem: problem.into() }
}
