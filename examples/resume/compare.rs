//! Two checkpoints, bit by bit.

use std::error::Error;
use std::path::Path;

use freeze_examples::Weights;

/// A file of two checkpoints.
#[derive(Debug)]
pub(crate) struct Part {
    /// What it holds.
    pub(crate) name: &'static str,
    /// How many bits that is.
    pub(crate) bits: u64,
    /// How many of them differ.
    pub(crate) differing: u64,
}

const PARTS: [(&str, &str); 4] = [
    ("parameters and running statistics", "model.safetensors"),
    ("optimizer state", "optimizer.safetensors"),
    ("best weights", "bests.safetensors"),
    ("random number generators", "random.safetensors"),
];

/// Compares what two trainings have saved at the end.
///
/// # Errors
/// If one of them cannot be read, or they hold other tensors.
pub(crate) fn compare(left: &Path, right: &Path) -> Result<Vec<Part>, Box<dyn Error>> {
    let part = |(name, file): (&'static str, &str)| {
        let load = |folder: &Path| Weights::load(&folder.join("checkpoint").join(file));
        let (left, right) = (load(left)?, load(right)?);
        let differing =
            left.differing_bits(&right).ok_or_else(|| format!("{file} differs in its tensors"))?;
        Ok(Part { name, bits: left.bits(), differing })
    };
    PARTS.into_iter().map(part).collect()
}
