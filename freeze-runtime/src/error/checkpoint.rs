//! The errors of saving and resuming.

use std::io;
use std::path::PathBuf;

use freeze_dsl::clock::{MigrateError, SnapshotError};

/// A checkpoint that cannot be saved, or that a run cannot resume from.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The folder has no checkpoint.
    #[error("`{}` has no checkpoint", .0.display())]
    Missing(PathBuf),
    /// The path of the checkpoint is taken by something else.
    #[error("`{}` is not a checkpoint and is left as it is: save elsewhere", .0.display())]
    Foreign(PathBuf),
    /// A file or folder cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// A file differs from what was saved.
    #[error("`{}` is not as it was saved: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it differs.
        problem: String,
    },
    /// The checkpoint has a format that this version does not support.
    #[error("`{}` has format {format}, and only format {supported} is supported", path.display())]
    Format {
        /// The file with the format version.
        path: PathBuf,
        /// The format.
        format: u64,
        /// The format that this version reads and writes.
        supported: u64,
    },
    /// The policy differs from that of the checkpoint; shows the difference.
    #[error(
        "the checkpoint was saved with another policy (use `resume_with` and \
         `ResumeOptions::allow_policy_change` if this is intended):\n\n{0}"
    )]
    Policy(String),
    /// The model differs from that of the checkpoint; shows the difference.
    #[error(
        "the checkpoint was saved with another model (use `resume_with` and \
         `ResumeOptions::allow_model_change` if this is intended):\n\n{0}"
    )]
    Model(String),
    /// The settings of the program differ from those of the checkpoint; shows the difference.
    #[error(
        "the checkpoint was saved by a program with other settings (use `resume_with` and \
         `ResumeOptions::allow_program_change` if this is intended):\n\n{0}"
    )]
    Program(String),
    /// The checkpoint is one of another number of processes, each of which has random numbers of its own.
    #[error(
        "the checkpoint was saved by {saved} process{}, and there {} {now} now (use `resume_with` and \
         `ResumeOptions::allow_ranks_change` if this is intended)",
        if *saved == 1 { "" } else { "es" },
        if *now == 1 { "is" } else { "are" }
    )]
    Ranks {
        /// The number of processes that saved it.
        saved: usize,
        /// The number of processes now.
        now: usize,
    },
    /// The run cannot continue with this policy or model.
    #[error("the run cannot continue: {0}")]
    Migrate(MigrateError),
    /// The saved state of the schedule does not belong to the saved policy and model.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A safetensors file cannot have a tensor of this name: the format uses the name itself, or
    /// another tensor has it.
    #[error(
        "`{0}` cannot be saved: the format of safetensors files uses this name itself, or another \
         tensor of the checkpoint has it; rename the variable"
    )]
    Name(String),
    /// A tensor has a dtype that cannot be saved.
    #[error("`{name}` has elements of kind {kind}, which cannot be saved")]
    Kind {
        /// The tensor.
        name: String,
        /// libtorch's name of its dtype.
        kind: String,
    },
}

debug_as_display!(CheckpointError);

impl From<MigrateError> for CheckpointError {
    fn from(error: MigrateError) -> Self {
        Self::Migrate(error)
    }
}
