//! Fine-tunes the network in one of the ways.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_examples::{Dataset, Weights};
use freeze_runtime::{Policy, Transition, Tuner};
use tch::Device;
use tch::nn::{self, ModuleT};

use crate::network::Network;

const BATCH: i64 = 20;

/// What there is to learn from, to stop by, and to be tested on.
pub(crate) struct Task {
    /// The few samples to learn from.
    pub(crate) few: Dataset,
    /// As many that say when to go on.
    pub(crate) validation: Dataset,
    /// All the others.
    pub(crate) rest: Dataset,
    /// Where every draw of a run begins: the new head, the order of the batches.
    seed: i64,
}

/// What came of a run.
pub(crate) struct Run {
    /// The loss on the validation samples, before training and after each epoch.
    pub(crate) losses: Vec<f64>,
    /// That of the weights with which the run ends.
    pub(crate) kept: f64,
    /// What the rules did, and what trained from then on.
    pub(crate) phases: Vec<Phase>,
    /// The share of the rest that is told right at the end.
    pub(crate) accuracy: f64,
    /// How long the steps took, in seconds.
    pub(crate) seconds: f64,
}

/// From one rule to the next.
pub(crate) struct Phase {
    /// What fired.
    pub(crate) change: Transition,
    /// How many numbers train from then on.
    pub(crate) trained: usize,
}

impl Task {
    /// Draws so many samples a class to learn from, and as many to stop by.
    pub(crate) fn draw(digits: &Dataset, per_class: i64, seed: i64) -> Self {
        tch::manual_seed(seed);
        let (few, others) = digits.draw(per_class);
        let (validation, rest) = others.draw(per_class);
        Self { few, validation, rest, seed }
    }
}

impl Phase {
    /// What a change leads to.
    fn of(tuner: &Tuner, change: Transition) -> Self {
        let last = tuner.rules_fired().checked_sub(1);
        let row = last.and_then(|rule| tuner.plan().rows().get(rule));
        let trained = row.map_or(0, |row| row.trainable_elements);
        Self { change, trained }
    }
}

impl Run {
    /// How many epochs it took.
    pub(crate) fn epochs(&self) -> usize {
        self.losses.len().saturating_sub(1)
    }
}

/// Trains a network as a policy says, from what another has learnt, until the policy stops it or
/// so many epochs are over.
///
/// # Errors
/// If that is not of such a network, the policy does not fit it, or training fails.
pub(crate) fn fine_tune(
    policy: &Policy,
    body: &Weights,
    task: &Task,
    epochs: u64,
) -> Result<Run, Box<dyn Error>> {
    tch::manual_seed(task.seed);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    body.put_into(&vs)?;
    let mut tuner = Tuner::builder(policy).attach(&vs)?;
    let mut losses = vec![validate(&network, &task.validation)];
    let mut phases = Vec::new();
    let mut time = Duration::ZERO;
    loop {
        let change = tuner.start_epoch()?;
        if !change.is_empty() {
            phases.push(Phase::of(&tuner, change));
        }
        if tuner.is_stopped() || tuner.epochs_started() > epochs {
            break;
        }
        let begun = Instant::now();
        for (images, labels) in task.few.batches(BATCH) {
            let loss = network.forward_t(&images, true).cross_entropy_for_logits(&labels);
            tuner.backward_step(&loss)?;
        }
        time += begun.elapsed();
        let loss = validate(&network, &task.validation);
        tuner.observe("val_loss", loss)?;
        losses.push(loss);
    }
    let kept = validate(&network, &task.validation);
    let accuracy = task.rest.accuracy(&network);
    Ok(Run { losses, kept, phases, accuracy, seconds: time.as_secs_f64() })
}

fn validate(network: &Network, samples: &Dataset) -> f64 {
    tch::no_grad(|| {
        let logits = network.forward_t(&samples.inputs, false);
        logits.cross_entropy_for_logits(&samples.labels).double_value(&[])
    })
}
