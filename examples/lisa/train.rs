//! Fine-tunes the network with one of the strategies.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_examples::{Dataset, Weights};
use freeze_runtime::{Policy, Transition, Tuner};
use indicatif::ProgressBar;
use tch::Device;
use tch::nn::{self, ModuleT};

use crate::network::Network;

/// The epochs of each run, as in the policies.
pub(crate) const EPOCHS: u64 = 20;
/// Labelled samples of each new digit.
pub(crate) const PER_CLASS: i64 = 40;
const BATCH: i64 = 20;
/// The number of optimizer steps between two measurements of how far each part has moved.
pub(crate) const WINDOW: u64 = 10;

/// The parts of the network, from the head down.
pub(crate) const PARTS: [&str; 9] = [
    "head",
    "encoder.norm",
    "encoder.layer.5",
    "encoder.layer.4",
    "encoder.layer.3",
    "encoder.layer.2",
    "encoder.layer.1",
    "encoder.layer.0",
    "embeddings",
];

/// The samples for training and for the test.
pub(crate) struct Task {
    /// The few samples for training.
    pub(crate) few: Dataset,
    /// All other samples, for the test.
    pub(crate) rest: Dataset,
    /// The seed of all random numbers of a run: the new head, the order of the batches.
    pub(crate) seed: i64,
}

/// The result of a run.
pub(crate) struct Run {
    /// The accuracy on the rest at the end.
    pub(crate) accuracy: f64,
    /// The duration of all steps in seconds.
    pub(crate) seconds: f64,
    /// The largest number of bytes of optimizer state.
    pub(crate) optimizer_bytes: usize,
    /// The distance that each part moved in each window of steps: the root of the mean square over
    /// its elements, 0 where no bit changed.
    pub(crate) moved: Vec<[f64; PARTS.len()]>,
    /// The transitions in which rules fired.
    pub(crate) changes: Vec<Transition>,
}

impl Task {
    /// Draws the samples for training, the same number for each class.
    pub(crate) fn draw(digits: &Dataset, per_class: i64, seed: i64) -> Self {
        tch::manual_seed(seed);
        let (few, rest) = digits.draw(per_class);
        Self { few, rest, seed }
    }
}

/// Trains a network by a policy, from pretrained weights.
///
/// # Errors
/// If the weights or the policy do not fit the network, or training fails.
pub(crate) fn fine_tune(
    policy: &Policy,
    body: &Weights,
    task: &Task,
    progress: &ProgressBar,
) -> Result<Run, Box<dyn Error>> {
    tch::manual_seed(task.seed);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    body.put_into(&vs)?;
    let mut tuner = Tuner::builder(policy)
        .optimizer(nn::AdamW::default())
        .steps_per_epoch(usize::try_from(task.few.len() / BATCH)?)
        .attach(&vs)?;
    let mut before = Weights::of(&vs);
    let mut time = Duration::ZERO;
    let (mut optimizer_bytes, mut moved, mut changes) = (0, Vec::new(), Vec::new());
    while tuner.epochs_started() < EPOCHS {
        changes.push(tuner.start_epoch()?);
        for (images, labels) in task.few.batches(BATCH) {
            let begun = Instant::now();
            let loss = network.forward_t(&images, true).cross_entropy_for_logits(&labels);
            changes.push(tuner.backward_step(&loss)?);
            time += begun.elapsed();
            optimizer_bytes = tuner.optimizer_bytes().max(optimizer_bytes);
            if tuner.global_step() % WINDOW == 0 {
                let now = Weights::of(&vs);
                moved.push(
                    PARTS.map(|part| {
                        before.part(part).distance(&now.part(part)).unwrap_or(f64::NAN)
                    }),
                );
                before = now;
            }
        }
        progress.inc(1);
    }
    changes.retain(|change| !change.is_empty());
    let accuracy = task.rest.accuracy(&network);
    Ok(Run { accuracy, seconds: time.as_secs_f64(), optimizer_bytes, moved, changes })
}
