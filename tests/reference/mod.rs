//! `PyTorch`'s arithmetic: policies against schedules that were written by hand in Python, with
//! `torch.optim`, and run there. `README.md` says how the numbers came about.

mod case;
mod networks;
mod replay;

use std::error::Error;

use tch::Device;

use networks::{Network, attention, convolutional, tied};
use replay::Replay;

/// A case, and its network.
type Entry = (&'static str, fn(Device) -> Network);

const CASES: [Entry; 15] = [
    ("amsgrad", attention),
    ("backbone", convolutional),
    ("chain", convolutional),
    ("clipped_norm", attention),
    ("clipped_value", tied),
    ("curves", tied),
    ("freezeout", convolutional),
    ("layerwise", attention),
    ("momentum", tied),
    ("nesterov", tied),
    ("optimizers", tied),
    ("plateau", convolutional),
    ("rows", attention),
    ("sample", convolutional),
    ("statistics", convolutional),
];

/// The variable that was farthest from the one by hand.
#[derive(Debug, Clone)]
pub struct Farthest {
    /// The norm of the difference, as a part of the norm of the one by hand.
    pub off: f64,
    /// Which variable it was, and after how many epochs.
    pub place: String,
}

/// The names of the cases.
pub fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name)
}

/// Runs the policy of a case on a device, and holds it against the run by hand.
///
/// # Errors
/// If the case's files cannot be read, or training fails.
///
/// # Panics
/// If the policy does not have the numbers of the schedule by hand.
pub fn replay(name: &str, device: Device) -> Result<Farthest, Box<dyn Error>> {
    let case = CASES.iter().find(|(of, _)| *of == name).ok_or("no such case")?;
    let (name, network) = *case;
    // As the runs by hand: sums are added up in the same order everywhere.
    tch::set_num_threads(1);
    Replay::new(&case::Case::load(name)?, network(device)).run()
}
