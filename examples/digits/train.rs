//! Fine-tunes the network in one of the ways.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use freeze_examples::{Dataset, Weights};
use freeze_runtime::plan::Plan;
use freeze_runtime::{Policy, Transition, Tuner};
use indicatif::ProgressBar;
use tch::Device;
use tch::nn::{self, ModuleT};

use crate::network::Network;

/// How many epochs each run has.
pub(crate) const EPOCHS: u64 = 20;
const BATCH: i64 = 10;

/// What there is to learn from, and what it is tested on.
pub(crate) struct Task {
    /// The few samples to learn from.
    pub(crate) few: Dataset,
    /// All the others.
    pub(crate) rest: Dataset,
    /// Where every draw of a run begins: the new head, the order of the batches.
    seed: i64,
}

impl Task {
    /// Draws so many samples a class to learn from.
    pub(crate) fn draw(digits: &Dataset, per_class: i64, seed: i64) -> Self {
        tch::manual_seed(seed);
        let (few, rest) = digits.draw(per_class);
        Self { few, rest, seed }
    }
}

/// What came of a run.
pub(crate) struct Run {
    /// The share of the rest that is told right, before training and after each epoch.
    pub(crate) accuracy: Vec<f64>,
    /// The rules that fired.
    pub(crate) fired: Vec<Fired>,
    /// What the tuner said when they did.
    pub(crate) changes: Vec<Transition>,
    /// How long training took, the tests between epochs left out.
    pub(crate) seconds: f64,
    /// The bytes that optimizer state held after each epoch.
    pub(crate) optimizer_bytes: Vec<usize>,
    /// Everything that the network consists of.
    pub(crate) weights: Weights,
}

/// A rule that fired.
pub(crate) struct Fired {
    /// Its name.
    pub(crate) rule: String,
    /// How many epochs were done.
    pub(crate) epoch: u64,
    /// How many numbers train from then on.
    pub(crate) trained: usize,
}

/// Trains a network as a policy says, from what is in the file or from nothing.
///
/// # Errors
/// If the file does not hold the network, the policy does not fit it, or training fails.
pub(crate) fn fine_tune(
    policy: &Policy,
    pretrained: Option<&Path>,
    task: &Task,
    progress: &ProgressBar,
) -> Result<Run, Box<dyn Error>> {
    tch::manual_seed(task.seed);
    let mut vs = nn::VarStore::new(Device::Cpu);
    let mut network = Network::new(&vs.root());
    if let Some(file) = pretrained {
        vs.load(file)?;
        network.renew_head();
    }
    let mut tuner = Tuner::builder(policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    let mut run = Run {
        accuracy: vec![task.rest.accuracy(&network)],
        fired: Vec::new(),
        changes: Vec::new(),
        seconds: 0.0,
        optimizer_bytes: Vec::new(),
        weights: Weights::default(),
    };
    while tuner.epochs_started() < EPOCHS && !tuner.is_stopped() {
        let begun = Instant::now();
        let change = tuner.start_epoch()?;
        run.note(tuner.plan(), change);
        for (images, labels) in task.few.batches(BATCH) {
            let loss = network.forward_t(&images, true).cross_entropy_for_logits(&labels);
            let change = tuner.backward_step(&loss)?;
            run.note(tuner.plan(), change);
        }
        run.seconds += begun.elapsed().as_secs_f64();
        run.optimizer_bytes.push(tuner.optimizer_bytes());
        run.accuracy.push(task.rest.accuracy(&network));
        progress.inc(1);
    }
    run.weights = Weights::of(&vs);
    Ok(run)
}

impl Run {
    /// Keeps what a look at the rules changed.
    fn note(&mut self, plan: &Plan, change: Transition) {
        let row = |name: &String| plan.rows().iter().find(|row| row.rule == *name);
        let rows = change.fired.iter().filter_map(row);
        self.fired.extend(rows.map(|row| Fired {
            rule: row.rule.clone(),
            epoch: change.epoch,
            trained: row.trainable_elements,
        }));
        if !change.is_empty() {
            self.changes.push(change);
        }
    }

    /// The share of the rest that is told right at the end.
    pub(crate) fn final_accuracy(&self) -> f64 {
        self.accuracy.last().copied().unwrap_or(0.0)
    }
}
