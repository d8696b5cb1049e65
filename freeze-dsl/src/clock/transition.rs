//! What a look at the rules changed.

use crate::ast::Best;

/// What happened when the rules were looked at. Printed, it is a line for a person.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transition {
    /// Epochs that are done.
    pub epoch: u64,
    /// Optimizer steps that are done.
    pub step: u64,
    /// The rules that fired, in order.
    pub fired: Vec<Fired>,
    /// Parts that train now and did not before, as indices of the plan's parts.
    pub unfrozen: Vec<usize>,
    /// Parts that trained before and do not now.
    pub frozen: Vec<usize>,
    /// Parts whose optimizer state is dropped.
    pub dropped: Vec<usize>,
    /// Parts that train before and after, and were frozen in between: what was gathered for them
    /// is gone all the same.
    pub interrupted: Vec<usize>,
    /// What is put back to how it was at a metric's best, in order.
    pub restored: Vec<Restore>,
    /// Whether training is over.
    pub stopped: bool,
    /// What a person should know of: a metric that is no number, nothing to restore.
    pub notes: Vec<String>,
    /// What froze and what trains, in words.
    pub(super) summary: String,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Its index in the policy, loops unrolled.
    pub rule: usize,
    /// Its name, or its number in the text counted from 1.
    pub name: String,
}

/// Parameters and running statistics are put back to how they were at a metric's best.
#[derive(Debug, Clone, PartialEq)]
pub struct Restore {
    /// The metric.
    pub metric: String,
    /// Whether its best is its lowest value or its highest.
    pub best: Best,
    /// Its best value, and the epochs and steps that were done when it was observed; `None` where
    /// it never was, and nothing is put back.
    pub observed: Option<(f64, u64, u64)>,
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
