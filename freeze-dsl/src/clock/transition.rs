//! The result of an epoch start or a step.

use crate::ast::Best;
use crate::index::{NormalisationId, RuleId, SliceId};

/// What changed at an epoch start or a step. It prints as a line that a person can read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transition {
    /// Epochs that are done.
    pub epoch: u64,
    /// Optimizer steps that are done.
    pub step: u64,
    /// The rules that fired, in order.
    pub fired: Vec<Fired>,
    /// Slices that train now and did not before.
    pub unfrozen: Vec<SliceId>,
    /// Slices that trained before and do not now.
    pub frozen: Vec<SliceId>,
    /// Slices whose optimizer state is dropped.
    pub dropped: Vec<SliceId>,
    /// Slices that train before and after, and were frozen in between: what was gathered for them
    /// is gone all the same.
    pub interrupted: Vec<SliceId>,
    /// What is restored to its values at the best of a metric, in order.
    pub restored: Vec<Restore>,
    /// Whether training is over.
    pub stopped: bool,
    /// Notes for a person: a metric that is not a number, or nothing to restore.
    pub notes: Vec<String>,
    /// What froze and what trains, in words.
    pub(super) summary: String,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Its index in the policy, loops unrolled.
    pub rule: RuleId,
    /// Its name, or its number in its sequence counted from 1; that of a track's rule begins with
    /// the track's name, as in `vision: rule 2`.
    pub name: String,
}

/// Parameters and running statistics that are restored to their values at the best of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Restore {
    /// The metric.
    pub metric: String,
    /// Whether its best is its lowest value or its highest.
    pub best: Best,
    /// Its best value; `None` where it was never observed, and nothing is restored.
    pub observed: Option<BestMoment>,
    /// What is restored, in the model's order: the slices that the sequence of the rule owns. `None`
    /// for everything.
    pub slices: Option<Vec<SliceId>>,
    /// The modules whose running statistics are restored; `None` for all of them.
    pub normalisations: Option<Vec<NormalisationId>>,
}

/// The best value of a metric, and when it was observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestMoment {
    /// The value.
    pub value: f64,
    /// Epochs that were done.
    pub epoch: u64,
    /// Optimizer steps that were done.
    pub step: u64,
}

impl Transition {
    pub(super) fn at(epoch: u64, step: u64) -> Self {
        Self { epoch, step, ..Self::default() }
    }

    /// Whether nothing is other than before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fired.is_empty() && self.frozen.is_empty()
    }
}
