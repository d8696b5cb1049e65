//! Metrics: what was observed, and whether conditions hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::BestMoment;
use crate::ast::{Best, Direction, Relation};
use crate::ir::{LoweredRule, MetricCondition, MetricTest, Period, TriggerMoment};
use crate::json::{from_real, real};
use crate::source::Spanned;
use crate::time::{CountedPeriod, Lengths, Time, float};

/// The observations of all metrics, and the state of the rules' conditions.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    bests: BestValues,
    /// The conditions of each rule's moments.
    rules: Vec<Vec<Vec<WatchedCondition>>>,
    /// The index of the rule that waits.
    next: usize,
    /// Whether something may have been observed since the last look.
    is_fresh: bool,
    notes: Vec<String>,
}

/// The lowest and the highest value of each metric.
type BestValues = BTreeMap<String, [Option<ObservedValue>; 2]>;

/// An observed value, and when it was observed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObservedValue {
    #[serde(serialize_with = "real", deserialize_with = "from_real")]
    value: f64,
    at: Time,
}

/// What was observed so far, without the conditions, which are the plan's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Observations {
    bests: BestValues,
    /// Of each condition of a rule that is still to fire.
    conditions: Vec<ConditionHistory>,
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

/// A condition, and what was observed for it.
#[derive(Debug, Clone)]
struct WatchedCondition {
    condition: MetricCondition,
    history: ConditionHistory,
}

/// What was observed of a condition's metric: by a comparison since the run began, by `stops …`
/// since its rule began to wait.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionHistory {
    /// Whether its metric was observed since the last look.
    is_fresh: bool,
    /// The best value so far, and when it was observed.
    best: Option<ObservedValue>,
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
    pub(super) fn new(rules: &[LoweredRule]) -> Self {
        let conditions = |moment: &Spanned<TriggerMoment>| match &moment.value {
            TriggerMoment::When(conditions) => {
                conditions.iter().map(WatchedCondition::new).collect()
            }
            _ => Vec::new(),
        };
        let moments = |rule: &LoweredRule| rule.trigger.value.iter().map(conditions).collect();
        Self {
            bests: BestValues::default(),
            rules: rules.iter().map(moments).collect(),
            next: 0,
            is_fresh: false,
            notes: Vec::new(),
        }
    }

    pub(super) fn observe(&mut self, metric: &str, value: f64, now: Time) -> Observed {
        self.is_fresh = true;
        let mut observed = Observed::default();
        if value.is_nan() {
            self.notes.push(format!(
                "`{metric}` is not a number in epoch {}: no improvement, and no comparison holds",
                now.epochs
            ));
        } else {
            let [lowest, highest] = self.bests.entry(metric.to_owned()).or_default();
            if lowest.is_none_or(|best| value < best.value) {
                *lowest = Some(ObservedValue { value, at: now });
                observed.is_lowest = true;
            }
            if highest.is_none_or(|best| value > best.value) {
                *highest = Some(ObservedValue { value, at: now });
                observed.is_highest = true;
            }
        }
        for (index, moments) in self.rules.iter_mut().enumerate().skip(self.next) {
            for WatchedCondition { condition, history } in moments.iter_mut().flatten() {
                let has_begun =
                    index == self.next || matches!(condition.test, MetricTest::Compares { .. });
                if has_begun && condition.metric == metric {
                    history.observe(&condition.test, value, now);
                }
            }
        }
        observed
    }

    /// The best value of a metric, and when it was observed.
    pub(super) fn best(&self, metric: &str, best: Best) -> Option<BestMoment> {
        let [lowest, highest] = self.bests.get(metric)?;
        let ObservedValue { value, at } = match best {
            Best::Lowest => *lowest,
            Best::Highest => *highest,
        }?;
        Some(BestMoment { value, epoch: at.epochs, step: at.steps })
    }

    /// The rule with this index begins to wait.
    pub(super) const fn wait(&mut self, next: usize) {
        self.next = next;
    }

    /// The conditions of the rules that are still to fire.
    fn watched(&mut self) -> impl Iterator<Item = &mut WatchedCondition> {
        self.rules.iter_mut().skip(self.next).flatten().flatten()
    }

    /// Whether all conditions of a moment hold, one of them by something observed since the last
    /// look.
    pub(super) fn hold(&self, moment: usize, lengths: &Lengths, now: Time) -> bool {
        let moments = self.rules.get(self.next);
        let Some(conditions) = moments.and_then(|moments| moments.get(moment)) else {
            return false;
        };
        conditions.iter().any(|watched| watched.history.is_fresh)
            && conditions.iter().all(|WatchedCondition { condition, history }| {
                history.holds(&condition.test, lengths, now)
            })
    }

    /// Ends a look at the rules: what was observed before it is no longer fresh.
    pub(super) fn looked(&mut self) {
        if !std::mem::take(&mut self.is_fresh) {
            return;
        }
        for watched in self.watched() {
            watched.history.is_fresh = false;
        }
    }

    /// What was observed so far.
    pub(super) fn observations(&self) -> Observations {
        let waiting = self.rules.iter().skip(self.next).flatten().flatten();
        Observations {
            bests: self.bests.clone(),
            conditions: waiting.map(|watched| watched.history.clone()).collect(),
            notes: self.notes.clone(),
        }
    }

    /// Restores what was observed; returns whether that fits the conditions of the rules that are
    /// still to fire, and is not later than `now`.
    pub(super) fn resume(&mut self, from: &Observations, now: Time) -> bool {
        let Observations { bests, conditions, notes } = from;
        let fits = conditions.len() == self.watched().count()
            && conditions.iter().all(|history| history.is_past(now))
            && bests.values().flatten().flatten().all(|best| best.at.is_past(now));
        if fits {
            for (watched, history) in self.watched().zip(conditions) {
                watched.history.clone_from(history);
            }
            self.bests.clone_from(bests);
            self.notes.clone_from(notes);
            self.is_fresh = true;
        }
        fits
    }

    /// Takes over what another one observed, whose rules may have other conditions.
    pub(super) fn take_over(&mut self, from: &Self) {
        let is_compared = |watched: &&WatchedCondition| {
            matches!(watched.condition.test, MetricTest::Compares { .. })
        };
        let known = from.rules.iter().skip(from.next).flatten().flatten();
        let compared: Vec<&WatchedCondition> = known.filter(is_compared).collect();
        for watched in self.watched() {
            let same = compared.iter().find(|known| known.condition == watched.condition);
            if let Some(known) = same {
                watched.history.clone_from(&known.history);
            }
        }
        // What stops falling or rising does so since its rule began to wait.
        let waiting = from.rules.get(from.next);
        if let Some((moments, known)) = self.rules.get_mut(self.next).zip(waiting) {
            let condition = |watched: &WatchedCondition| watched.condition.clone();
            let conditions = |moments: &[Vec<WatchedCondition>]| -> Vec<Vec<MetricCondition>> {
                moments.iter().map(|all| all.iter().map(condition).collect()).collect()
            };
            if conditions(moments) == conditions(known) {
                moments.clone_from(known);
            }
        }
        self.bests.clone_from(&from.bests);
        self.notes.clone_from(&from.notes);
        self.is_fresh = from.is_fresh;
    }

    /// Every moment at which something was observed.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Time> {
        let bests = self.bests.values_mut().flatten().flatten().map(|best| &mut best.at);
        let histories = self.rules.iter_mut().flatten().flatten().map(|known| &mut known.history);
        bests.chain(histories.flat_map(|history| {
            history.best.iter_mut().map(|best| &mut best.at).chain(&mut history.since)
        }))
    }

    /// The metrics of the rule that waits, once each.
    pub(super) fn awaited(&self) -> BTreeSet<&str> {
        let conditions = self.rules.get(self.next).into_iter().flatten().flatten();
        conditions.map(|watched| &*watched.condition.metric).collect()
    }

    /// The metrics that were observed, by their names.
    pub(super) fn observed(&self) -> impl Iterator<Item = &str> {
        self.bests.keys().map(String::as_str)
    }

    /// Drops the best values for which this holds: they count from now on.
    pub(super) fn drop_bests(&mut self, is_dropped: impl Fn(&str, Best) -> bool) {
        for (metric, bests) in &mut self.bests {
            for (best, value) in [Best::Lowest, Best::Highest].into_iter().zip(bests) {
                value.take_if(|_| is_dropped(metric, best));
            }
        }
    }

    /// What is to be reported of the observations since the last look.
    pub(super) fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

impl WatchedCondition {
    fn new(condition: &MetricCondition) -> Self {
        Self { condition: condition.clone(), history: ConditionHistory::default() }
    }
}

impl ConditionHistory {
    /// Whether nothing of it is from later than `now`.
    fn is_past(&self, now: Time) -> bool {
        let times = self.best.map(|best| best.at).into_iter().chain(self.since);
        times.into_iter().all(|time| time.is_past(now))
            && self.epoch.is_none_or(|epoch| epoch <= now.epochs)
            // As many as there were, the one that runs included.
            && self.epochs <= now.epochs + 1
    }

    fn observe(&mut self, test: &MetricTest, value: f64, now: Time) {
        self.is_fresh = true;
        self.speaks = match test {
            MetricTest::Stops { direction, by, .. } => {
                let is_first = self.best.is_none() && !value.is_nan();
                let improved = self.best.is_some_and(|best| match direction {
                    Direction::Falling => value < best.value - by,
                    Direction::Rising => value > best.value + by,
                });
                if is_first || improved {
                    self.best = Some(ObservedValue { value, at: now });
                }
                // The first value is the best, and neither an improvement nor the lack of one.
                !is_first && !improved
            }
            MetricTest::Compares { relation, bound, .. } => match relation {
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

    fn holds(&self, test: &MetricTest, lengths: &Lengths, now: Time) -> bool {
        let (lasting, since) = match test {
            MetricTest::Stops { patience, .. } => {
                (Some(*patience), self.best.map(|best| best.at).or(self.since))
            }
            MetricTest::Compares { lasting, .. } => (*lasting, self.since),
        };
        let Some(period) = lasting else { return self.speaks };
        if !self.speaks {
            return false;
        }
        match (period, since) {
            // Epochs that observed the metric are counted, not epochs that passed, and so is a part of
            // a run in epochs.
            (Period::Epochs(epochs), _) => float(self.epochs) >= epochs,
            (period, Some(since)) => match lengths.without_steps().count(period, since) {
                CountedPeriod::Epochs(epochs) => float(self.epochs) >= epochs,
                steps => steps.is_over(since, now),
            },
            (_, None) => false,
        }
    }
}
