//! Fine-tunes the network with one of the strategies.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_examples::{Dataset, Weights};
use freeze_runtime::{Policy, Transition, Tuner};
use tch::Device;
use tch::nn::{self, ModuleT};

use crate::network::Network;

const BATCH: i64 = 20;

/// The samples for training, validation and test.
pub(crate) struct Task {
    /// The few samples for training.
    pub(crate) few: Dataset,
    /// As many samples for validation, which ends a phase.
    pub(crate) validation: Dataset,
    /// All other samples, for the test.
    pub(crate) rest: Dataset,
    /// The seed of all random numbers of a run: the new head, the order of the batches.
    seed: i64,
}

/// The result of a run.
pub(crate) struct Run {
    /// The loss on the validation samples, before training and after each epoch.
    pub(crate) losses: Vec<f64>,
    /// The loss of the weights at the end of the run.
    pub(crate) kept: f64,
    /// The transitions, with the number of trainable elements after each.
    pub(crate) phases: Vec<Phase>,
    /// The accuracy on the rest at the end.
    pub(crate) accuracy: f64,
    /// The duration of all steps in seconds.
    pub(crate) seconds: f64,
}

/// The time from one transition to the next.
pub(crate) struct Phase {
    /// The transition.
    pub(crate) change: Transition,
    /// The number of trainable parameter elements after it.
    pub(crate) trained: usize,
}

impl Task {
    /// Draws the samples for training and validation, the same number for each class.
    pub(crate) fn draw(digits: &Dataset, per_class: i64, seed: i64) -> Self {
        tch::manual_seed(seed);
        let (few, others) = digits.draw(per_class);
        let (validation, rest) = others.draw(per_class);
        Self { few, validation, rest, seed }
    }
}

impl Phase {
    /// The phase after a transition.
    fn of(tuner: &Tuner, change: Transition) -> Self {
        let last = tuner.rules_fired().first().and_then(|fired| fired.checked_sub(1));
        let row = last.and_then(|rule| tuner.plan().rows().get(rule));
        let trained = row.map_or(0, |row| row.trainable_elements);
        Self { change, trained }
    }
}

impl Run {
    /// The number of its epochs.
    pub(crate) fn epochs(&self) -> usize {
        self.losses.len().saturating_sub(1)
    }
}

/// Trains a network by a policy, from pretrained weights, until the policy stops it or the epochs
/// are over.
///
/// # Errors
/// If the weights or the policy do not fit the network, or training fails.
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
