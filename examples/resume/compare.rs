//! Two checkpoints, bit by bit.

use std::error::Error;
use std::path::Path;

use freeze_examples::Weights;

/// A file of two checkpoints.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its content.
    pub(crate) name: &'static str,
    /// The number of its bits.
    pub(crate) bits: u64,
    /// The number of bits that differ.
    pub(crate) differing: u64,
}

const PARTS: [(&str, &str); 4] = [
    ("parameters and running statistics", "model.safetensors"),
    ("optimizer state", "optimizer.safetensors"),
    ("best weights", "bests.safetensors"),
    ("random number generators", "random.safetensors"),
];

/// Compares the last checkpoints of two trainings.
///
/// # Errors
/// If one of them cannot be read, or they contain different tensors.
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
