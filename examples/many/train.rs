//! Trains the network on the rank's share of the digits.

use std::error::Error;
use std::fmt;
use std::path::Path;

use freeze_examples::Dataset;
use freeze_runtime::{Group, Policy, Tuner};
use tch::nn::{Module, VarStore};
use tch::{Kind, Tensor};

use crate::network::Network;

/// The samples of a step, over all ranks.
const BATCH: usize = 64;
/// Every fifth sample is one of the test.
const TEST: usize = 5;

/// A run, as each rank has seen it.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    processes: usize,
    pub(crate) epochs: Vec<Epoch>,
}

/// An epoch that is over.
#[derive(Debug, PartialEq)]
pub(crate) struct Epoch {
    /// The rules that fired at its start.
    pub(crate) fired: String,
    /// The bytes of gradients that a rank averages with the others in a step.
    pub(crate) bytes: usize,
    /// The share of right answers in the test, over all ranks.
    pub(crate) accuracy: f64,
}

/// Trains until the policy stops, and saves the network.
///
/// # Errors
/// If training or saving fails on any rank.
pub(crate) fn train(
    group: &Group,
    policy: &Policy,
    digits: &Dataset,
    folder: &Path,
) -> Result<Run, Box<dyn Error>> {
    tch::set_num_threads(1);
    // Every rank has random numbers of its own; the first values are those of rank 0.
    tch::manual_seed(i64::try_from(group.rank())?);
    let vs = VarStore::new(group.device());
    let network = Network::new(&vs.root());
    let mut tuner = Tuner::builder(policy).group(group).attach(&vs)?;
    let (test, learned): (Vec<usize>, Vec<usize>) =
        (0..usize::try_from(digits.len())?).partition(|sample| sample % TEST == 0);
    let mut epochs = Vec::new();
    while !tuner.is_stopped() {
        let transition = tuner.start_epoch()?;
        if tuner.is_stopped() {
            break;
        }
        let trained = tuner.trainable_variables();
        let bytes = trained.iter().map(|it| it.numel() * it.kind().elt_size_in_bytes()).sum();
        let own: Vec<usize> = group.share(learned.len(), tuner.epochs_started(), 0).collect();
        for batch in own.chunks((BATCH / group.size()).max(1)) {
            let samples = batch.iter().filter_map(|place| learned.get(*place).copied());
            let (x, y) = select(digits, samples)?;
            let loss = network.forward(&x).cross_entropy_for_logits(&y);
            tuner.backward_step(&loss)?;
        }
        // Each rank tests a part; the shares need not be equal.
        let own = test.iter().copied().skip(group.rank()).step_by(group.size());
        let (x, y) = select(digits, own)?;
        let right = network.forward(&x).argmax(-1, false).eq_tensor(&y);
        let accuracy = right.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        let accuracy = tuner.observe_weighted("val_acc", accuracy, right.numel())?;
        epochs.push(Epoch { fired: transition.fired.join(", "), bytes, accuracy });
    }
    // Compares the weights of all ranks before it saves those of rank 0.
    tuner.save(folder)?;
    Ok(Run { processes: group.size(), epochs })
}

/// Samples of a data set and their labels.
fn select(
    digits: &Dataset,
    samples: impl Iterator<Item = usize>,
) -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let samples = samples.map(i64::try_from).collect::<Result<Vec<_>, _>>()?;
    let samples = Tensor::from_slice(&samples);
    Ok((digits.inputs.index_select(0, &samples), digits.labels.index_select(0, &samples)))
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let are = if self.processes == 1 { "process" } else { "processes" };
        writeln!(f, "{} {are}\n", self.processes)?;
        writeln!(f, "epoch  bytes a step  accuracy  fired")?;
        for (number, epoch) in self.epochs.iter().enumerate() {
            let Epoch { fired, bytes, accuracy } = epoch;
            let line = format!("{number:5}  {bytes:12}  {accuracy:8.4}  {fired}");
            writeln!(f, "{}", line.trim_end())?;
        }
        match self.processes {
            1 => write!(f, "\nthe weights are saved"),
            _ => write!(f, "\nthe weights of all ranks have the same bits, and are saved"),
        }
    }
}
