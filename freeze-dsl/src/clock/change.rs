//! What a look at the rules changed.

use std::fmt;

use fixedbitset::FixedBitSet;

use super::Group;
use crate::model::Parameter;
use crate::plan::{Plan, share};

/// What happened when the rules were looked at. Printed, it is a line for a person.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// Epochs that are done.
    pub epoch: u64,
    /// Optimizer steps that are done.
    pub step: u64,
    /// The rules that fired, in order.
    pub fired: Vec<Fired>,
    /// Parameters that train now and did not before, as indices of the model's parameters.
    pub unfrozen: Vec<usize>,
    /// Parameters that trained before and do not now.
    pub frozen: Vec<usize>,
    /// Parameters whose optimizer state is dropped.
    pub dropped: Vec<usize>,
    /// Whether training is over.
    pub stopped: bool,
    summary: String,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Its index in the policy.
    pub rule: usize,
    /// Its name, or its number in the text counted from 1.
    pub name: String,
}

impl Change {
    pub(super) fn at(epoch: u64, step: u64) -> Self {
        Self { epoch, step, ..Self::default() }
    }

    /// Whether no rule fired.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fired.is_empty()
    }

    /// Puts into words what trains now.
    pub(super) fn summarize(&mut self, plan: &Plan, trains: &FixedBitSet, groups: &[Group]) {
        let parameters = plan.model().parameters();
        let elements = |index: usize| parameters.get(index).map_or(0, Parameter::elements);
        let rates: Vec<String> = groups
            .iter()
            .map(|group| group.lr.map_or("none".to_owned(), |lr| format!("{lr:e}")))
            .collect();
        self.summary = format!(
            "{} of {} parameters train ({}), lr {}",
            trains.count_ones(..),
            parameters.len(),
            share(trains.ones().map(elements).sum(), (0..parameters.len()).map(elements).sum()),
            if rates.is_empty() { "none".to_owned() } else { rates.join(", ") },
        );
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}, step {}: ", self.epoch, self.step)?;
        if self.is_empty() {
            return f.write_str(if self.stopped { "training is over" } else { "no rule fired" });
        }
        let names: Vec<&str> = self.fired.iter().map(|fired| fired.name.as_str()).collect();
        write!(f, "{} fired: ", names.join(", "))?;
        if !self.unfrozen.is_empty() {
            write!(f, "{} unfrozen, ", self.unfrozen.len())?;
        }
        if !self.frozen.is_empty() {
            write!(f, "{} frozen, ", self.frozen.len())?;
        }
        f.write_str(&self.summary)?;
        f.write_str(if self.stopped { "; training is over" } else { "" })
    }
}
