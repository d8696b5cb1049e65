//! A line of the log: what there is to say of an epoch.

use std::collections::BTreeMap;

use freeze_dsl::clock::Change;
use serde::{Deserialize, Serialize};

use crate::Tuner;

/// The version of the lines.
pub(super) const FORMAT: u32 = 1;

/// What is known of the epoch that runs. It goes into checkpoints, so that a resumed run can write
/// the line of an epoch in the middle of which it was saved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Epoch {
    /// None before the first one.
    start: Option<Start>,
    fired: Vec<String>,
    metrics: BTreeMap<String, Option<f64>>,
}

/// What was in force when an epoch started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    epoch: u64,
    step: u64,
    trainable: Vec<String>,
    groups: Vec<Group>,
    live_stats: Vec<String>,
    trained_share: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    params: Vec<String>,
    lr: f64,
    weight_decay: f64,
    optimizer: String,
}

impl Start {
    pub(super) fn of(tuner: &Tuner) -> Self {
        let groups = tuner.groups().into_iter().map(|group| Group {
            params: group.parameters,
            lr: group.lr,
            weight_decay: group.weight_decay,
            optimizer: group.optimizer.name().to_owned(),
        });
        let modules = tuner.plan().model().normalisations().iter().enumerate();
        let live = modules.filter(|(index, _)| tuner.clock.is_live(*index));
        Self {
            epoch: tuner.epoch().saturating_sub(1),
            step: tuner.global_step(),
            trainable: tuner.trainable(),
            groups: groups.collect(),
            live_stats: live.map(|(_, module)| module.module.clone()).collect(),
            trained_share: tuner.clock.trained_share(),
        }
    }
}

impl Epoch {
    /// The next one started; what fires at its start comes after this.
    pub(super) fn start(&mut self, start: Start) {
        // What was observed before the first epoch counts as observed in it.
        if self.start.replace(start).is_some() {
            self.metrics.clear();
        }
        self.fired.clear();
    }

    pub(super) fn fired(&mut self, change: &Change) {
        self.fired.extend(change.fired.iter().map(|fired| fired.name.clone()));
    }

    pub(crate) fn observed(&mut self, metric: &str, value: f64) {
        self.metrics.insert(metric.to_owned(), Some(value).filter(|value| value.is_finite()));
    }
}

/// What a line says, in this order.
#[derive(Serialize)]
pub(super) struct Line<'t> {
    format: u32,
    pub(super) epoch: u64,
    step: u64,
    fired: &'t [String],
    trainable: &'t [String],
    groups: &'t [Group],
    live_stats: &'t [String],
    trained_share: f64,
    metrics: &'t BTreeMap<String, Option<f64>>,
    optimizer_bytes: usize,
    stopped: bool,
}

impl<'t> Line<'t> {
    /// The line of the epoch that runs, as it stands; none before the first one.
    pub(super) fn of(tuner: &'t Tuner) -> Option<Self> {
        let Epoch { start, fired, metrics } = &tuner.log.epoch;
        let Start { epoch, step, trainable, groups, live_stats, trained_share } = start.as_ref()?;
        Some(Self {
            format: FORMAT,
            epoch: *epoch,
            step: *step,
            fired,
            trainable,
            groups,
            live_stats,
            trained_share: *trained_share,
            metrics,
            optimizer_bytes: tuner.optimizer_bytes(),
            stopped: tuner.stopped(),
        })
    }
}
