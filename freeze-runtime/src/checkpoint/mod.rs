//! A run as files, to go on from.
//!
//! This module knows files and their formats, and nothing of a tuner: what belongs into a
//! checkpoint, and what becomes of it, is the tuner's.
//!
//! A checkpoint is a folder of
//!
//! - `model.safetensors`: every parameter and buffer, under all of its names;
//! - `optimizer.safetensors`: optimizer state as `PyTorch` calls it, `fc.weight.exp_avg`;
//! - `bests.safetensors`: copies for rules that restore, `0.fc.weight`;
//! - `random.safetensors`: the states of libtorch's random number generators, `cpu`;
//! - `checkpoint.json`: everything else, with a format version and the CRC-32 of all of these.
//!
//! A complex tensor is one of real numbers with a last dimension of 2.

mod allow;
mod error;
mod folder;
mod manifest;
mod tensors;

use std::path::Path;

use tch::Tensor;

pub use allow::Allow;
pub(crate) use allow::Whole;
pub use error::CheckpointError;
pub(crate) use manifest::{Kept, Run, State};
pub(crate) use tensors::Tensors;

use crate::Error;

/// The tensors of a checkpoint, file by file.
pub(crate) struct Files<T> {
    /// Parameters and buffers, by all of their names.
    pub(crate) model: T,
    /// Optimizer state, by the names of part and tensor.
    pub(crate) optimizer: T,
    /// Copies at the bests of metrics, by the number of the metric and a name.
    pub(crate) bests: T,
    /// States of random number generators, by device.
    pub(crate) random: T,
}

const NAMES: Files<&str> = Files {
    model: "model.safetensors",
    optimizer: "optimizer.safetensors",
    bests: "bests.safetensors",
    random: "random.safetensors",
};

/// Saves a run in a folder, in the place of one that was saved there before.
pub(crate) fn write(
    dir: &Path,
    run: &Run,
    files: &Files<Vec<(String, Tensor)>>,
) -> Result<(), Error> {
    let Files { model, optimizer, bests, random } = files;
    folder::replace(dir, |folder| {
        let mut sums = manifest::Sums::new();
        for (name, tensors) in [
            (NAMES.model, model),
            (NAMES.optimizer, optimizer),
            (NAMES.bests, bests),
            (NAMES.random, random),
        ] {
            sums.insert(name.to_owned(), tensors::write(&folder.join(name), tensors)?);
        }
        Ok(manifest::write(folder, sums, run)?)
    })
}

/// Reads the run that was saved in a folder; all files are as they were written.
pub(crate) fn read(dir: &Path) -> Result<(Run, Files<Tensors>), Error> {
    folder::read(dir, |folder| {
        let (sums, run) = manifest::read(folder)?;
        let file = |name: &str| {
            let path = folder.join(name);
            match sums.get(name) {
                Some(sum) => Tensors::read(path, *sum),
                None => Err(error::damaged(&path, "the checkpoint does not know it")),
            }
        };
        let files = Files {
            model: file(NAMES.model)?,
            optimizer: file(NAMES.optimizer)?,
            bests: file(NAMES.bests)?,
            random: file(NAMES.random)?,
        };
        Ok((run, files))
    })
}
