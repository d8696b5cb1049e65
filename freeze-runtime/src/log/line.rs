//! A line of the log: one epoch.

use std::collections::BTreeMap;

use freeze_dsl::simulate::RecordGroup;
use serde::{Deserialize, Serialize};

/// The version of the format of a line.
pub(super) const FORMAT: u32 = 1;

/// What is known of the running epoch. It is saved in checkpoints, so that a resumed run can write
/// the line of an epoch in which it was saved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochRecord {
    /// `None` before the first epoch.
    start: Option<EpochStart>,
    fired: Vec<String>,
    metrics: BTreeMap<String, Option<f64>>,
}

/// What was in force when an epoch started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochStart {
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    pub(crate) trainable: Vec<String>,
    pub(crate) groups: Vec<RecordGroup>,
    pub(crate) live_stats: Vec<String>,
    pub(crate) trained_share: f64,
}

impl EpochRecord {
    /// Begins the next epoch; the rules that fire at its start come after this.
    pub(super) fn begin(&mut self, start: EpochStart) {
        // What was observed before the first epoch counts as observed in it.
        if self.start.replace(start).is_some() {
            self.metrics.clear();
        }
        self.fired.clear();
    }

    pub(super) fn add_fired(&mut self, rules: &[String]) {
        self.fired.extend_from_slice(rules);
    }

    pub(crate) fn add_metric(&mut self, metric: &str, value: f64) {
        self.metrics.insert(metric.to_owned(), Some(value).filter(|value| value.is_finite()));
    }

    /// The line of the running epoch up to now; `None` before the first epoch.
    pub(super) fn line(&self, optimizer_bytes: usize, stopped: bool) -> Option<EpochLine<'_>> {
        let Self { start, fired, metrics } = self;
        let EpochStart { epoch, step, trainable, groups, live_stats, trained_share } =
            start.as_ref()?;
        Some(EpochLine {
            format: FORMAT,
            epoch: *epoch,
            step: *step,
            fired,
            trainable,
            groups,
            live_stats,
            trained_share: *trained_share,
            metrics,
            optimizer_bytes,
            stopped,
        })
    }
}

/// The fields of a line, in this order.
#[derive(Serialize)]
pub(super) struct EpochLine<'r> {
    format: u32,
    pub(super) epoch: u64,
    step: u64,
    fired: &'r [String],
    trainable: &'r [String],
    groups: &'r [RecordGroup],
    live_stats: &'r [String],
    trained_share: f64,
    metrics: &'r BTreeMap<String, Option<f64>>,
    optimizer_bytes: usize,
    stopped: bool,
}
