//! Fine-tuning with and without a cache of features.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use freeze_examples::{Dataset, Weights};
use freeze_runtime::{CacheCounts, FeatureCache, Policy, Transition, Tuner};
use indicatif::ProgressBar;
use tch::nn;
use tch::{Device, Kind, Tensor};

use crate::network::{FEATURES, Network};

/// The epochs of a run.
pub(crate) const EPOCHS: u64 = 30;
/// The size of all batches.
pub(crate) const BATCH: i64 = 20;
/// The most bytes of features.
const BUDGET: u64 = 64 << 20;

/// The result of a run.
pub(crate) struct Run {
    /// The rules that fired, as lines.
    pub(crate) changes: Vec<Transition>,
    /// Whether the lower layers are frozen, and until when, at the start of the first epoch.
    pub(crate) prefix: String,
    /// The seconds of each epoch.
    pub(crate) seconds: Vec<f64>,
    /// Where the samples' features came from.
    pub(crate) counts: CacheCounts,
    /// The bytes of features, at most.
    pub(crate) bytes: u64,
    /// The accuracy on other samples at the end.
    pub(crate) accuracy: f64,
    /// All weights of the network at the end.
    pub(crate) weights: Weights,
}

/// Trains a pretrained network by a policy.
///
/// # Errors
/// If the file or the policy does not fit the network, or training fails.
pub(crate) fn fine_tune(
    policy: &Policy,
    pretrained: &Path,
    [samples, others]: [&Dataset; 2],
    is_cached: bool,
    progress: &ProgressBar,
) -> Result<Run, Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    freeze_runtime::Weights::open(pretrained)?.load(&vs)?;
    let mut tuner = Tuner::builder(policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    let mut cache = FeatureCache::new(&FEATURES, BUDGET);
    let (mut changes, mut seconds) = (Vec::new(), Vec::new());
    let (mut prefix, mut bytes) = (String::new(), 0);
    while tuner.epochs_started() < EPOCHS && !tuner.is_stopped() {
        let begun = Instant::now();
        let change = tuner.start_epoch()?;
        if tuner.epochs_started() == 1 {
            prefix = tuner.frozen_prefix(&FEATURES)?.to_string();
        }
        for ids in batches(samples.len()) {
            let rows = Tensor::from_slice(&ids);
            let labels = samples.labels.index_select(0, &rows);
            let compute =
                |rows: &Tensor| network.features(&samples.inputs.index_select(0, rows), true);
            let features = if is_cached {
                cache.get_or_compute(&tuner, &ids, |missing| {
                    compute(&Tensor::from_slice(missing.ids()))
                })?
            } else {
                compute(&rows)
            };
            let loss = network.classify(&features, true).cross_entropy_for_logits(&labels);
            tuner.backward_step(&loss)?;
        }
        seconds.push(begun.elapsed().as_secs_f64());
        bytes = bytes.max(cache.bytes());
        changes.extend(Some(change).filter(|change| !change.is_empty()));
        progress.inc(1);
    }
    let (accuracy, weights) = (others.accuracy(&network), Weights::of(&vs));
    let counts = cache.counts();
    Ok(Run { changes, prefix, seconds, counts, bytes, accuracy, weights })
}

/// The ids of the samples in batches of one size, in an order drawn with tch's generator.
fn batches(samples: i64) -> Vec<Vec<i64>> {
    let order = Tensor::randperm(samples, (Kind::Int64, Device::Cpu));
    let ids: Vec<i64> = Vec::try_from(order).unwrap_or_default();
    let size = usize::try_from(BATCH).unwrap_or(1);
    ids.chunks_exact(size).map(<[i64]>::to_vec).collect()
}
