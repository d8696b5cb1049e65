//! `checkpoint.json`: everything of a checkpoint that is no tensor, and the sums of the files that
//! hold the tensors.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use freeze_dsl::Optimizer;
use freeze_dsl::ast::Best;
use freeze_dsl::clock::{Program, Snapshot};
use freeze_dsl::model;
use freeze_dsl::policy::Policy;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::CheckpointError;
use super::error::{FORMAT, damaged, of};
use super::folder::MANIFEST;
use super::tensors::Sum;
use crate::log;

/// What a run is, but for its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    pub(crate) policy: Policy,
    pub(crate) program: Program,
    /// The tensors of the model, in its order.
    pub(crate) model: Vec<model::Tensor>,
    pub(crate) clock: Snapshot,
    /// What the log has of the epoch that runs.
    pub(crate) log: log::Epoch,
    /// What has optimizer state.
    pub(crate) states: Vec<State>,
    /// The metrics of whose best moment there are copies.
    pub(crate) bests: Vec<Kept>,
}

/// Optimizer state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// The part of the plan that has it, by its name.
    pub(crate) part: String,
    /// The optimizer that made it.
    pub(crate) optimizer: Optimizer,
}

/// Copies of the model at a metric's best.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) metric: String,
    pub(crate) best: Best,
}

/// The sum of each file beside this one.
pub(super) type Sums = BTreeMap<String, Sum>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents<R> {
    files: Sums,
    run: R,
}

/// The file: a format version, and the sum of what follows it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'c> {
    format: u64,
    crc32: u32,
    #[serde(borrow)]
    checkpoint: &'c RawValue,
}

/// The version comes first: what another one wrote may have other fields.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

pub(super) fn write(folder: &Path, files: Sums, run: &Run) -> Result<(), CheckpointError> {
    let path = folder.join(MANIFEST);
    let unwritable = |error: serde_json::Error| of(&path)(error.into());
    let contents = serde_json::to_string(&Contents { files, run }).map_err(unwritable)?;
    let sealed = Sealed {
        format: FORMAT,
        crc32: crc32fast::hash(contents.as_bytes()),
        checkpoint: serde_json::from_str(&contents).map_err(unwritable)?,
    };
    let text = serde_json::to_string(&sealed).map_err(unwritable)?;
    fs::write(&path, text).map_err(of(&path))
}

pub(super) fn read(folder: &Path) -> Result<(Sums, Run), CheckpointError> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).map_err(of(&path))?;
    let unreadable = |error: serde_json::Error| damaged(&path, error.to_string());
    let Version { format } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if format != FORMAT {
        return Err(CheckpointError::Format { path, format });
    }
    let sealed: Sealed<'_> = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let contents = sealed.checkpoint.get();
    if crc32fast::hash(contents.as_bytes()) != sealed.crc32 {
        return Err(damaged(&path, "its text is another (the CRC-32 differs)"));
    }
    let Contents { files, run } = serde_json::from_str(contents).map_err(unreadable)?;
    Ok((files, run))
}
