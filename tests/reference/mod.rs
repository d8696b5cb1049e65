//! `PyTorch`'s arithmetic: policies against schedules that were written by hand in Python, with
//! `torch.optim`, and run there. `README.md` says how the numbers came about.

mod case;
mod networks;
mod replay;

use std::error::Error;

use freeze_runtime::Group;
use tch::{Device, Kind};

use networks::{Network, attention, convolutional, convolutional_over, tied};
use replay::Replay;

/// A schedule that was written by hand, as its files have it, and its network.
struct Entry {
    name: &'static str,
    policy: &'static str,
    tensors: &'static [u8],
    network: Make,
}

/// What makes a network on a device.
type Make = fn(Device) -> Network;

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

/// The variable that was farthest from the one by hand, or of one process.
#[derive(Debug, Clone)]
pub struct Farthest {
    /// The norm of the difference, as a part of the norm of the other.
    pub off: f64,
    /// Which variable it was, and after how many epochs.
    pub place: String,
    /// The fingerprints of all variables after each epoch.
    pub fingerprints: Vec<u64>,
}

impl Farthest {
    fn keep(&mut self, off: f64, place: &str) {
        if off > self.off || off.is_nan() {
            (self.off, self.place) = (off, place.to_owned());
        }
    }
}

/// The names of the cases.
pub fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.name)
}

/// Runs the policy of a case on a device, and holds it against the run by hand.
///
/// # Errors
/// If the case's files cannot be read, or training fails.
///
/// # Panics
/// If the policy does not have the numbers of the schedule by hand.
pub fn replay(name: &str, device: Device) -> Result<Farthest, Box<dyn Error>> {
    let (case, network) = read(name)?;
    Replay::new(&case, network(device), None).run()
}

/// The same in a group, of which each rank has a share of each batch.
///
/// Ranks normalize by the whole batch only with normalisations of this project, which hold other numbers than
/// tch's while they are frozen. The cases that have some are therefore held against one process that trains
/// the same network, in double precision: in single precision, normalisations carry the rounding of sums in
/// another order to the weights.
///
/// # Errors
/// As for [`replay`].
///
/// # Panics
/// As for [`replay`].
pub fn replay_in(group: &Group, name: &str) -> Result<Farthest, Box<dyn Error>> {
    let (case, network) = read(name)?;
    if !case.weights.keys().any(|name| name.contains("running")) {
        return Replay::new(&case, network(Device::Cpu), Some(group)).run();
    }
    let [mut whole, mut shared] = [convolutional_over(None)?, convolutional_over(Some(group))?];
    whole.vs.set_kind(Kind::Double);
    shared.vs.set_kind(Kind::Double);
    Replay::new(&case, shared, Some(group)).run_beside(&Replay::new(&case, whole, None))
}

/// The case of a name, and what makes its network.
fn read(name: &str) -> Result<(case::Case, Make), Box<dyn Error>> {
    let entry = CASES.iter().find(|case| case.name == name).ok_or("no such case")?;
    // As the runs by hand: sums are added up in the same order everywhere.
    tch::set_num_threads(1);
    Ok((case::Case::read(entry.policy, entry.tensors)?, entry.network))
}
