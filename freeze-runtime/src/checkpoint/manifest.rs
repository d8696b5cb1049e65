//! `checkpoint.json`: all of a checkpoint but its tensors, and the checksums of the files with the
//! tensors.

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

use super::folder::MANIFEST;
use super::tensors::Checksum;
use super::{damaged, io_error};
use crate::CheckpointError;
use crate::log::EpochRecord;
use crate::precision::Precision;

/// The version of the format.
const FORMAT: u64 = 1;

/// A run without its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRecord {
    pub(crate) policy: Policy,
    pub(crate) program: Program,
    /// The tensors of the model, in its order.
    pub(crate) model: Vec<model::Tensor>,
    pub(crate) clock: Snapshot,
    /// What the log has of the running epoch.
    pub(crate) log: EpochRecord,
    /// The optimizer state that was saved.
    pub(crate) states: Vec<StateRecord>,
    /// The metrics whose best weights were saved.
    pub(crate) bests: Vec<BestRecord>,
    /// The norms of gradients that rules wait for, over the running epoch.
    pub(crate) grad_means: Vec<GradMeanRecord>,
    /// The parameters and row slices whose values at the start of training were saved.
    pub(crate) anchors: Vec<String>,
    /// The parameters and row slices of which a master was saved.
    pub(crate) masters: Vec<String>,
    /// The program's settings of mixed precision.
    pub(crate) precision: Precision,
    /// The progress of the loss scale, if there is one.
    pub(crate) scale: Option<ScaleRecord>,
}

/// The progress of a loss scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScaleRecord {
    /// The bits of the scale.
    pub(crate) scale: u32,
    pub(crate) growth_tracker: i32,
    pub(crate) skipped: i64,
}

/// The optimizer state of a parameter or row slice.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRecord {
    /// The name of the parameter or row slice.
    #[serde(rename = "part")]
    pub(crate) slice: String,
    /// The optimizer that it belongs to.
    pub(crate) optimizer: Optimizer,
}

/// A copy of the model at the best value of a metric.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BestRecord {
    pub(crate) metric: String,
    pub(crate) best: Best,
}

/// The progress of a mean over an epoch of the norms of gradients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GradMeanRecord {
    /// Its name as a metric.
    pub(crate) metric: String,
    /// The bits of the sum of the norms so far.
    pub(crate) sum: u64,
    pub(crate) steps: u64,
}

/// The checksum of each of the other files.
pub(super) type Checksums = BTreeMap<String, Checksum>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestContents<R> {
    files: Checksums,
    run: R,
}

/// The file: a format version, and the checksum of the contents.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile<'c> {
    format: u64,
    crc32: u32,
    #[serde(borrow)]
    checkpoint: &'c RawValue,
}

/// The version is read first, since a file of another version may have other fields.
#[derive(Deserialize)]
struct ManifestVersion {
    format: u64,
}

pub(super) fn write(
    folder: &Path,
    files: Checksums,
    run: &RunRecord,
) -> Result<(), CheckpointError> {
    let path = folder.join(MANIFEST);
    let unwritable = |error: serde_json::Error| io_error(&path)(error.into());
    let contents = serde_json::to_string(&ManifestContents { files, run }).map_err(unwritable)?;
    let sealed = ManifestFile {
        format: FORMAT,
        crc32: crc32fast::hash(contents.as_bytes()),
        checkpoint: serde_json::from_str(&contents).map_err(unwritable)?,
    };
    let text = serde_json::to_string(&sealed).map_err(unwritable)?;
    fs::write(&path, text).map_err(io_error(&path))
}

pub(super) fn read(folder: &Path) -> Result<(Checksums, RunRecord), CheckpointError> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).map_err(io_error(&path))?;
    let unreadable = |error: serde_json::Error| damaged(&path, error.to_string());
    let ManifestVersion { format } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if format != FORMAT {
        return Err(CheckpointError::Format { path, format, supported: FORMAT });
    }
    let sealed: ManifestFile<'_> = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let contents = sealed.checkpoint.get();
    if crc32fast::hash(contents.as_bytes()) != sealed.crc32 {
        return Err(damaged(&path, "its text differs (by its CRC-32)"));
    }
    let ManifestContents { files, run } = serde_json::from_str(contents).map_err(unreadable)?;
    Ok((files, run))
}
