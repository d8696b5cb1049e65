//! A run as files.
//!
//! This module handles files and their formats alone. What belongs in a checkpoint, and how a run
//! resumes from it, is decided by the tuner.
//!
//! A checkpoint is a folder of
//!
//! - `model.safetensors`: every parameter and buffer, under all of its names;
//! - `optimizer.safetensors`: optimizer state as `PyTorch` calls it, `fc.weight.exp_avg`;
//! - `bests.safetensors`: copies for rules that restore, `0.fc.weight`;
//! - `anchors.safetensors`: the values at the start of training that rules pull toward, `fc.weight`;
//! - `masters.safetensors`: parameters of half precision in f32, `fc.weight`;
//! - `random.safetensors`: the states of libtorch's random number generators, `cpu`; of several
//!   processes, `rank0.cpu` and so on;
//! - `checkpoint.json`: everything else, with a format version and the CRC-32 of all of these.
//!
//! A complex tensor is one of real numbers with a last dimension of 2.

mod folder;
mod manifest;
mod tensors;

use std::io;
use std::path::Path;

use tch::Tensor;

pub(crate) use manifest::{BestRecord, GradMeanRecord, RunRecord, ScaleRecord, StateRecord};
pub(crate) use tensors::{TensorFile, crc32, dtype_of, kind_of};

use crate::{CheckpointError, Error};

/// The tensors of a checkpoint, file by file.
pub(crate) struct TensorFiles<T> {
    /// Parameters and buffers, by all of their names.
    pub(crate) model: T,
    /// Optimizer state, by the names of parameter and state.
    pub(crate) optimizer: T,
    /// Best weights, by the number of the metric and the name of the parameter or buffer.
    pub(crate) bests: T,
    /// The values toward which anchors pull, by the names of parameters and row slices.
    pub(crate) anchors: T,
    /// Masters of parameters of half precision, by the names of parameters and row slices.
    pub(crate) masters: T,
    /// States of random number generators, by device.
    pub(crate) random: T,
}

impl<T> TensorFiles<T> {
    /// The files in their order.
    pub(crate) fn each(&self) -> [&T; 6] {
        let Self { model, optimizer, bests, anchors, masters, random } = self;
        [model, optimizer, bests, anchors, masters, random]
    }

    /// The same from files in this order.
    pub(crate) fn from_each([model, optimizer, bests, anchors, masters, random]: [T; 6]) -> Self {
        Self { model, optimizer, bests, anchors, masters, random }
    }
}

const NAMES: TensorFiles<&str> = TensorFiles {
    model: "model.safetensors",
    optimizer: "optimizer.safetensors",
    bests: "bests.safetensors",
    anchors: "anchors.safetensors",
    masters: "masters.safetensors",
    random: "random.safetensors",
};

/// Saves a run in a folder, and replaces the one that was saved there before.
pub(crate) fn write(
    dir: &Path,
    run: &RunRecord,
    files: &TensorFiles<Vec<(String, Tensor)>>,
) -> Result<(), Error> {
    let TensorFiles { model, optimizer, bests, anchors, masters, random } = files;
    folder::replace(dir, |folder| {
        let mut sums = manifest::Checksums::new();
        for (name, tensors) in [
            (NAMES.model, model),
            (NAMES.optimizer, optimizer),
            (NAMES.bests, bests),
            (NAMES.anchors, anchors),
            (NAMES.masters, masters),
            (NAMES.random, random),
        ] {
            sums.insert(name.to_owned(), tensors::write(&folder.join(name), tensors)?);
        }
        Ok(manifest::write(folder, sums, run)?)
    })
}

/// Reads the run that was saved in a folder, and verifies all checksums.
pub(crate) fn read(dir: &Path) -> Result<(RunRecord, TensorFiles<TensorFile>), Error> {
    folder::read(dir, |folder| {
        let (sums, run) = manifest::read(folder)?;
        let file = |name: &str| {
            let path = folder.join(name);
            match sums.get(name) {
                Some(sum) => TensorFile::read(path, *sum),
                None => Err(damaged(&path, "it is not listed in the checkpoint")),
            }
        };
        let files = TensorFiles {
            model: file(NAMES.model)?,
            optimizer: file(NAMES.optimizer)?,
            bests: file(NAMES.bests)?,
            anchors: file(NAMES.anchors)?,
            masters: file(NAMES.masters)?,
            random: file(NAMES.random)?,
        };
        Ok((run, files))
    })
}

/// Adds the path to an error of a file or folder.
fn io_error(path: &Path) -> impl Fn(io::Error) -> CheckpointError + '_ {
    |error| CheckpointError::Io { path: path.to_owned(), error }
}

/// A file that differs from what was saved.
fn damaged(path: &Path, problem: impl Into<String>) -> CheckpointError {
    CheckpointError::Damaged { path: path.to_owned(), problem: problem.into() }
}
