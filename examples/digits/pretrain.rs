//! Learns digits 0 to 4, for what is of use to others.

use std::error::Error;
use std::path::Path;

use freeze_examples::Dataset;
use indicatif::ProgressBar;
use tch::Device;
use tch::nn;

use crate::network::Network;

/// How many epochs it takes.
pub(crate) const EPOCHS: u64 = 100;

/// Trains a network on these digits and saves it; gives the share of them that it gets right.
///
/// # Errors
/// If training fails or the file cannot be written.
pub(crate) fn pretrain(
    digits: &Dataset,
    file: &Path,
    progress: &ProgressBar,
) -> Result<f64, Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    freeze_examples::pretrain(&vs, &network, digits, EPOCHS, progress)?;
    vs.save(file)?;
    Ok(network.accuracy(digits))
}
