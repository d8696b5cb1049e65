//! What the process does that is killed: it trains, saves after each epoch, and goes on from what
//! was saved before.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use freeze_examples::{Dataset, digits, policy};
use freeze_runtime::{CheckpointError, Error as TunerError, Tuner};
use tch::Device;
use tch::nn::{self, ModuleT};

use crate::network::Network;

/// How many epochs a run has; the policy says so too.
pub(crate) const EPOCHS: u64 = 40;
/// Samples of each digit to learn from.
const PER_CLASS: i64 = 50;
/// Samples of each digit to watch the loss on.
const VALIDATION: i64 = 20;
const BATCH: i64 = 50;

/// Where a run is, as the process tells it: a line each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It goes on behind so many epochs.
    From(u64),
    /// So many epochs are done and saved.
    Saved(u64),
}

impl Told {
    fn tell(self, to: &mut impl Write) -> std::io::Result<()> {
        match self {
            Self::From(epochs) => writeln!(to, "from {epochs}")?,
            Self::Saved(epochs) => writeln!(to, "saved {epochs}")?,
        }
        to.flush()
    }

    /// What a line says, if it says anything.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (word, epochs) = line.trim().split_once(' ')?;
        match (word, epochs.parse().ok()?) {
            ("from", epochs) => Some(Self::From(epochs)),
            ("saved", epochs) => Some(Self::Saved(epochs)),
            _ => None,
        }
    }
}

/// Trains until all epochs are done, from what is saved in `folder` or from nothing, and saves
/// there after each epoch.
///
/// # Errors
/// If the digits or the policy cannot be read, or training, saving or going on fails.
pub(crate) fn train(folder: &Path, to: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // The same sums on any machine; and on a network this small, no slower.
    tch::set_num_threads(1);
    tch::manual_seed(1);
    let (few, rest) = digits::load()?.draw(PER_CLASS);
    let (validation, _) = rest.draw(VALIDATION);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    let policy = policy("resume", "resume.freeze")?;
    let mut tuner =
        Tuner::builder(&policy).steps_per_epoch(usize::try_from(few.len() / BATCH)?).attach(&vs)?;
    match tuner.resume(folder) {
        // The first time, there is nothing to go on from.
        Ok(()) | Err(TunerError::Checkpoint(CheckpointError::Missing(_))) => {}
        Err(error) => return Err(error.into()),
    }
    Told::From(tuner.epochs_started()).tell(to)?;
    while tuner.epochs_started() < EPOCHS {
        tuner.start_epoch()?;
        for (images, labels) in few.batches(BATCH) {
            let loss = network.forward_t(&images, true).cross_entropy_for_logits(&labels);
            tuner.backward_step(&loss)?;
        }
        tuner.observe("val_loss", validate(&network, &validation))?;
        tuner.save(folder)?;
        Told::Saved(tuner.epochs_started()).tell(to)?;
    }
    Ok(())
}

fn validate(network: &Network, samples: &Dataset) -> f64 {
    tch::no_grad(|| {
        let logits = network.forward_t(&samples.inputs, false);
        logits.cross_entropy_for_logits(&samples.labels).double_value(&[])
    })
}
