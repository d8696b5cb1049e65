//! A line of the log: one epoch.

use std::collections::{BTreeMap, BTreeSet};

use freeze_dsl::simulate::{GroupChange, RecordGroup};
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
    /// How its start differs from that of the epoch before; `None` where rules have fired since, or
    /// where there is no such epoch.
    changes: Option<Vec<GroupChange>>,
    /// Whether something changed in its middle.
    has_transition: bool,
    fired: Vec<String>,
    metrics: BTreeMap<String, Option<f64>>,
    warnings: Vec<String>,
    /// What was reported in this run.
    reported: BTreeSet<EpochFinding>,
}

/// What was in force when an epoch started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochStart {
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    /// What the program said.
    pub(crate) steps_per_epoch: Option<u64>,
    pub(crate) trainable: Vec<String>,
    pub(crate) groups: Vec<RecordGroup>,
    pub(crate) live_stats: Vec<String>,
    pub(crate) trained_share: f64,
}

/// A kind of finding that is reported once in a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EpochFinding {
    /// A metric for which a rule waits was not observed.
    Unobserved(String),
    /// An epoch had another number of steps than the program said.
    Steps,
    /// Gradients were left over.
    Accumulation,
}

impl EpochRecord {
    /// Begins the next epoch, at whose start these rules fired.
    pub(super) fn begin(&mut self, start: EpochStart, fired: Option<&[String]>) {
        let is_same = fired.is_none() && !self.has_transition;
        let before = self.start.as_ref().filter(|_| is_same);
        self.changes = before.and_then(|before| before.changes(&start));
        // What was observed before the first epoch counts as observed in it.
        if self.start.replace(start).is_some() {
            self.metrics.clear();
        }
        self.has_transition = false;
        self.fired = fired.unwrap_or_default().to_vec();
        self.warnings.clear();
    }

    /// Records a transition in the middle of the epoch.
    pub(super) fn add_transition(&mut self, fired: &[String]) {
        self.has_transition = true;
        self.fired.extend_from_slice(fired);
    }

    pub(crate) fn add_metric(&mut self, metric: &str, value: f64) {
        self.metrics.insert(metric.to_owned(), Some(value).filter(|value| value.is_finite()));
    }

    /// Whether a metric was observed in the running epoch.
    pub(crate) fn has_metric(&self, metric: &str) -> bool {
        self.metrics.contains_key(metric)
    }

    /// The steps of the running epoch, if it started with this number of steps an epoch.
    pub(crate) fn steps_since_start(&self, now: u64, announced: Option<u64>) -> Option<u64> {
        let start = self.start.as_ref().filter(|start| start.steps_per_epoch == announced)?;
        Some(now.saturating_sub(start.step))
    }

    /// Sets the warnings about the running epoch, which has ended.
    pub(crate) fn set_warnings(&mut self, warnings: Vec<String>) {
        self.warnings = warnings;
    }

    pub(crate) fn is_reported(&self, finding: &EpochFinding) -> bool {
        self.reported.contains(finding)
    }

    pub(crate) fn add_reported(&mut self, findings: impl IntoIterator<Item = EpochFinding>) {
        self.reported.extend(findings);
    }

    /// The number of the running epoch; `None` before the first one.
    pub(super) fn epoch(&self) -> Option<u64> {
        self.start.as_ref().map(|start| start.epoch)
    }

    /// The line of the running epoch up to now; `None` before the first epoch. It `continues` if the
    /// line before it is that of the epoch before.
    pub(super) fn line(&self, continues: bool, end: EpochEnd) -> Option<EpochLine<'_>> {
        let start = self.start.as_ref()?;
        let state = match &self.changes {
            Some(changed) if continues => LineState::Changes { changed },
            _ => LineState::Whole {
                trainable: &start.trainable,
                groups: &start.groups,
                live_stats: &start.live_stats,
                trained_share: start.trained_share,
            },
        };
        Some(EpochLine {
            format: FORMAT,
            epoch: start.epoch,
            step: start.step,
            fired: &self.fired,
            state,
            metrics: &self.metrics,
            warnings: &self.warnings,
            end,
        })
    }
}

impl EpochStart {
    /// The numbers of groups that changed by a later epoch; `None` if more than numbers changed.
    fn changes(&self, later: &Self) -> Option<Vec<GroupChange>> {
        let is_same = self.trainable == later.trainable && self.live_stats == later.live_stats;
        GroupChange::between(&self.groups, &later.groups).filter(|_| is_same)
    }
}

/// The fields of a line, in this order.
#[derive(Serialize)]
pub(super) struct EpochLine<'r> {
    format: u32,
    pub(super) epoch: u64,
    step: u64,
    fired: &'r [String],
    #[serde(flatten)]
    state: LineState<'r>,
    metrics: &'r BTreeMap<String, Option<f64>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'r [String],
    #[serde(flatten)]
    end: EpochEnd,
}

/// What was the case when an epoch was over.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct EpochEnd {
    pub(crate) optimizer_bytes: usize,
    #[serde(flatten)]
    pub(crate) scale: Option<ScaleState>,
    pub(crate) stopped: bool,
}

/// The loss scale, where there is one.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ScaleState {
    pub(crate) loss_scale: f64,
    /// Since the run started.
    pub(crate) skipped_steps: u64,
}

/// What was in force: all of it, or what differs from the line before.
#[derive(Serialize)]
#[serde(untagged)]
enum LineState<'r> {
    Whole {
        trainable: &'r [String],
        groups: &'r [RecordGroup],
        live_stats: &'r [String],
        trained_share: f64,
    },
    Changes {
        changed: &'r [GroupChange],
    },
}
