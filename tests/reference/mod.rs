//! `PyTorch`'s arithmetic: policies against schedules that were written by hand in Python, with
//! `torch.optim`, and run there. `README.md` says how the numbers came about.

mod case;
mod networks;
mod replay;

use std::error::Error;

use freeze_runtime::Group;
use tch::Device;

use networks::{Network, attention, convolutional, tied};
use replay::Replay;

/// A schedule that was written by hand, as its files have it, and its network.
struct Entry {
    name: &'static str,
    policy: &'static str,
    tensors: &'static [u8],
    network: fn(Device) -> Network,
}

/// The files are part of the program, so that it runs wherever it is copied to.
macro_rules! cases {
    ($($name:literal $network:ident)*) => {
        const CASES: &[Entry] = &[$(Entry {
            name: $name,
            policy: include_str!(concat!("cases/", $name, ".freeze")),
            tensors: include_bytes!(concat!("cases/", $name, ".safetensors")),
            network: $network,
        }),*];
    };
}

cases! {
    "amsgrad" attention
    "anchor" tied
    "backbone" convolutional
    "chain" convolutional
    "clipped_norm" attention
    "clipped_value" tied
    "curves" tied
    "cycled" tied
    "cycled_betas" attention
    "freezeout" convolutional
    "layerwise" attention
    "momentum" tied
    "nesterov" tied
    "optimizers" tied
    "plateau" convolutional
    "rows" attention
    "sample" convolutional
    "statistics" convolutional
}

/// The variable that was farthest from the one by hand.
#[derive(Debug, Clone)]
pub struct Farthest {
    /// The norm of the difference, as a part of the norm of the one by hand.
    pub off: f64,
    /// Which variable it was, and after how many epochs.
    pub place: String,
    /// The fingerprints of all variables after each epoch.
    pub fingerprints: Vec<u64>,
}

/// The names of the cases.
pub fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.name)
}

/// Whether the network of a case has running statistics.
#[must_use]
pub fn has_statistics(name: &str) -> bool {
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.and_then(|case| case::Case::read(case.policy, case.tensors).ok());
    case.is_some_and(|case| case.weights.keys().any(|name| name.contains("running")))
}

/// Runs the policy of a case on a device, and holds it against the run by hand.
///
/// # Errors
/// If the case's files cannot be read, or training fails.
///
/// # Panics
/// If the policy does not have the numbers of the schedule by hand.
pub fn replay(name: &str, device: Device) -> Result<Farthest, Box<dyn Error>> {
    replay_in(&Group::from_env()?, name, device)
}

/// The same in a group, of which each rank has a share of each batch.
///
/// # Errors
/// As for [`replay`].
///
/// # Panics
/// As for [`replay`].
pub fn replay_in(group: &Group, name: &str, device: Device) -> Result<Farthest, Box<dyn Error>> {
    let entry = CASES.iter().find(|case| case.name == name).ok_or("no such case")?;
    // As the runs by hand: sums are added up in the same order everywhere.
    tch::set_num_threads(1);
    let case = case::Case::read(entry.policy, entry.tensors)?;
    Replay::new(&case, (entry.network)(device), group).run()
}
