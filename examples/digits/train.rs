//! Fine-tunes the network with one of the strategies.

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

/// The epochs of each run.
pub(crate) const EPOCHS: u64 = 20;
const BATCH: i64 = 10;

/// The samples for training and for the test.
pub(crate) struct Task {
    /// The few samples for training.
    pub(crate) few: Dataset,
    /// All other samples, for the test.
    pub(crate) rest: Dataset,
    /// The seed of all random numbers of a run: the new head, the order of the batches.
    seed: i64,
}

impl Task {
    /// Draws the samples for training, the same number for each class.
    pub(crate) fn draw(digits: &Dataset, per_class: i64, seed: i64) -> Self {
        tch::manual_seed(seed);
        let (few, rest) = digits.draw(per_class);
        Self { few, rest, seed }
    }
}

/// The result of a run.
pub(crate) struct Run {
    /// The accuracy on the rest, before training and after each epoch.
    pub(crate) accuracy: Vec<f64>,
    /// The rules that fired.
    pub(crate) fired: Vec<Fired>,
    /// The transitions of these rules.
    pub(crate) changes: Vec<Transition>,
    /// The duration of training in seconds, without the tests between epochs.
    pub(crate) seconds: f64,
    /// The bytes of optimizer state after each epoch.
    pub(crate) optimizer_bytes: Vec<usize>,
    /// All weights of the network at the end.
    pub(crate) weights: Weights,
}

/// A rule that fired.
pub(crate) struct Fired {
    /// Its name.
    pub(crate) rule: String,
    /// The number of epochs that were done.
    pub(crate) epoch: u64,
    /// The number of trainable parameter elements after it.
    pub(crate) trained: usize,
}

/// Trains a network by a policy, from pretrained weights or from random ones.
///
/// # Errors
/// If the file or the policy does not fit the network, or training fails.
pub(crate) fn fine_tune(
    policy: &Policy,
    pretrained: Option<&Path>,
    task: &Task,
    progress: &ProgressBar,
) -> Result<Run, Box<dyn Error>> {
    tch::manual_seed(task.seed);
    let vs = nn::VarStore::new(Device::Cpu);
    let mut network = Network::new(&vs.root());
    if let Some(file) = pretrained {
        freeze_runtime::Weights::open(file)?.load(&vs)?;
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
    /// Records a transition.
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

    /// The accuracy on the rest at the end.
    pub(crate) fn final_accuracy(&self) -> f64 {
        self.accuracy.last().copied().unwrap_or(0.0)
    }
}
