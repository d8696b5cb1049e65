//! What a look at the rules changed.

use std::fmt;

use fixedbitset::FixedBitSet;

use super::Group;
use crate::ast::Best;
use crate::plan::{Bound, share};

/// What happened when the rules were looked at. Printed, it is a line for a person.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
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
    summary: String,
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

impl Change {
    pub(super) fn at(epoch: u64, step: u64) -> Self {
        Self { epoch, step, ..Self::default() }
    }

    /// Whether nothing is other than before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fired.is_empty() && self.frozen.is_empty()
    }

    /// Puts into words what trains now.
    pub(super) fn summarize(&mut self, bound: &Bound, trains: &FixedBitSet, groups: &[Group]) {
        let mut all = FixedBitSet::with_capacity(trains.len());
        all.insert_range(..);
        let rates: Vec<String> = groups
            .iter()
            .map(|group| group.lr.map_or("none".to_owned(), |lr| format!("{lr:e}")))
            .collect();
        self.summary = format!(
            "{} of {} parameters train ({}), lr {}",
            bound.trainable(trains),
            bound.trainable(&all),
            share(bound.elements(trains), bound.elements(&all)),
            if rates.is_empty() { "none".to_owned() } else { rates.join(", ") },
        );
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}, step {}: ", self.epoch, self.step)?;
        if self.is_empty() {
            f.write_str(if self.stopped { "training is over" } else { "no rule fired" })?;
        } else {
            let names: Vec<&str> = self.fired.iter().map(|fired| fired.name.as_str()).collect();
            match names.as_slice() {
                [] => f.write_str("a curve ended: ")?,
                names => write!(f, "{} fired: ", names.join(", "))?,
            }
            if !self.unfrozen.is_empty() {
                write!(f, "{} unfrozen, ", self.unfrozen.len())?;
            }
            if !self.frozen.is_empty() {
                write!(f, "{} frozen, ", self.frozen.len())?;
            }
            f.write_str(&self.summary)?;
            f.write_str(if self.stopped { "; training is over" } else { "" })?;
        }
        for restore in &self.restored {
            if let Some((value, epoch, _)) = restore.observed {
                write!(f, "; restored to {} {value} of epoch {epoch}", restore.metric)?;
            }
        }
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}
