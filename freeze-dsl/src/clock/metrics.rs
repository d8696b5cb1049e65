//! Metrics: what was observed, and whether conditions hold.

use std::collections::BTreeMap;

use crate::ast::{Best, Direction, Relation};
use crate::rule::{Condition, Moment, Test};
use crate::time::{Counted, Lengths, Time};

/// What was observed of all metrics, and how the conditions of the waiting rule stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    /// The lowest and the highest value of each metric, and when these were observed.
    bests: BTreeMap<String, [Option<(f64, Time)>; 2]>,
    /// The conditions of the waiting rule's moments.
    waiting: Vec<Vec<Watched>>,
    notes: Vec<String>,
}

/// What an observation is among those of its metric so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// The lowest.
    pub is_lowest: bool,
    /// The highest.
    pub is_highest: bool,
}

/// A condition, and how it stands since its rule began to wait.
#[derive(Debug, Clone)]
struct Watched {
    condition: Condition,
    /// Whether its metric was observed since the last look.
    is_fresh: bool,
    /// The best value so far, and when it was observed.
    best: Option<(f64, Time)>,
    /// Whether the last observation speaks for the condition: no improvement, or the comparison
    /// holds.
    speaks: bool,
    /// Since when, without a break, every observation has spoken for it.
    since: Option<Time>,
    /// How many epochs in a row observed the metric and spoke for it, this one included.
    epochs: u64,
    /// The epoch of the last observation.
    epoch: Option<u64>,
}

impl Metrics {
    pub(super) fn observe(&mut self, metric: &str, value: f64, now: Time) -> Observed {
        let mut observed = Observed::default();
        if value.is_nan() {
            self.notes.push(format!("`{metric}` is no number, which is no improvement"));
        } else {
            let [lowest, highest] = self.bests.entry(metric.to_owned()).or_default();
            if lowest.is_none_or(|(best, _)| value < best) {
                *lowest = Some((value, now));
                observed.is_lowest = true;
            }
            if highest.is_none_or(|(best, _)| value > best) {
                *highest = Some((value, now));
                observed.is_highest = true;
            }
        }
        for watched in self.waiting.iter_mut().flatten() {
            if watched.condition.metric == metric {
                watched.observe(value, now);
            }
        }
        observed
    }

    /// The best value of a metric, and when it was observed: epochs started before it, and steps.
    pub(super) fn best(&self, metric: &str, best: Best) -> Option<(f64, u64, u64)> {
        let [lowest, highest] = self.bests.get(metric)?;
        let (value, time) = match best {
            Best::Lowest => *lowest,
            Best::Highest => *highest,
        }?;
        Some((value, time.epochs, time.steps))
    }

    /// Begins to watch the conditions of the rule that waits now.
    pub(super) fn wait<'m>(&mut self, moments: impl Iterator<Item = &'m Moment>) {
        self.waiting = moments
            .map(|moment| match moment {
                Moment::When(conditions) => conditions.iter().cloned().map(Watched::new).collect(),
                _ => Vec::new(),
            })
            .collect();
    }

    /// Whether all conditions of a moment hold, one of them by something observed since the last
    /// look.
    pub(super) fn hold(&self, moment: usize, lengths: &Lengths, now: Time) -> bool {
        let Some(conditions) = self.waiting.get(moment) else { return false };
        conditions.iter().any(|watched| watched.is_fresh)
            && conditions.iter().all(|watched| watched.holds(lengths, now))
    }

    /// Tells that the rules were looked at.
    pub(super) fn looked(&mut self) {
        for watched in self.waiting.iter_mut().flatten() {
            watched.is_fresh = false;
        }
    }

    /// What is to be reported of the observations since the last look.
    pub(super) fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

impl Watched {
    const fn new(condition: Condition) -> Self {
        Self {
            condition,
            is_fresh: false,
            best: None,
            speaks: false,
            since: None,
            epochs: 0,
            epoch: None,
        }
    }

    fn observe(&mut self, value: f64, now: Time) {
        self.is_fresh = true;
        self.speaks = match &self.condition.test {
            Test::Stops { direction, by, .. } => {
                let is_first = self.best.is_none() && !value.is_nan();
                let improved = self.best.is_some_and(|(best, _)| match direction {
                    Direction::Falling => value < best - by,
                    Direction::Rising => value > best + by,
                });
                if is_first || improved {
                    self.best = Some((value, now));
                }
                // The first value is the best, and neither an improvement nor the lack of one.
                !is_first && !improved
            }
            Test::Compares { relation, bound, .. } => match relation {
                Relation::Below => value < *bound,
                Relation::AtMost => value <= *bound,
                Relation::Above => value > *bound,
                Relation::AtLeast => value >= *bound,
            },
        };
        if self.speaks {
            // An epoch in which some observation did not speak for it does not count.
            if self.epoch != Some(now.epochs) {
                self.epochs += 1;
            }
            if self.since.is_none() {
                self.since = Some(now);
            }
        } else {
            self.epochs = 0;
            self.since = None;
        }
        self.epoch = Some(now.epochs);
    }

    fn holds(&self, lengths: &Lengths, now: Time) -> bool {
        let (lasting, since) = match &self.condition.test {
            Test::Stops { patience, .. } => {
                (Some(*patience), self.best.map(|(_, at)| at).or(self.since))
            }
            Test::Compares { lasting, .. } => (*lasting, self.since),
        };
        let Some(period) = lasting else { return self.speaks };
        if !self.speaks {
            return false;
        }
        match (period, since) {
            // Epochs that observed the metric are counted, not epochs that passed.
            (crate::rule::Period::Epochs(epochs), _) => crate::time::float(self.epochs) >= epochs,
            (period, Some(since)) => match lengths.count(period, since) {
                Counted::Epochs(epochs) => crate::time::float(self.epochs) >= epochs,
                steps @ Counted::Steps(_) => steps.is_over(since, now),
            },
            (_, None) => false,
        }
    }
}
