//! Fine-tunes the network in one of the ways.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_examples::{Dataset, Weights};
use freeze_runtime::{Policy, Transition, Tuner};
use indicatif::ProgressBar;
use tch::Device;
use tch::nn::{self, ModuleT};

use crate::network::Network;

/// How many epochs each run has; the policies say so too.
pub(crate) const EPOCHS: u64 = 20;
/// Labelled samples of each new digit.
pub(crate) const PER_CLASS: i64 = 40;
const BATCH: i64 = 20;
/// How many optimizer steps lie between two looks at how far each part has moved.
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

/// What there is to learn from, and what it is tested on.
pub(crate) struct Task {
    /// The few samples to learn from.
    pub(crate) few: Dataset,
    /// All the others.
    pub(crate) rest: Dataset,
    /// Where every draw of a run begins: the new head, the order of the batches.
    pub(crate) seed: i64,
}

/// What came of a run.
pub(crate) struct Run {
    /// The share of the rest that is told right at the end.
    pub(crate) accuracy: f64,
    /// How long the steps took, in seconds.
    pub(crate) seconds: f64,
    /// The most bytes that optimizer state ever held.
    pub(crate) optimizer_bytes: usize,
    /// How far each part moved in each window of steps: the root of the mean square over its
    /// numbers, 0 where not one bit changed.
    pub(crate) moved: Vec<[f64; PARTS.len()]>,
    /// What the tuner said when rules fired.
    pub(crate) changes: Vec<Transition>,
}

impl Task {
    /// Draws so many samples a class to learn from.
    pub(crate) fn draw(digits: &Dataset, per_class: i64, seed: i64) -> Self {
        tch::manual_seed(seed);
        let (few, rest) = digits.draw(per_class);
        Self { few, rest, seed }
    }
}

/// Trains a network as a policy says, from what another has learnt.
///
/// # Errors
/// If that is not of such a network, the policy does not fit it, or training fails.
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
