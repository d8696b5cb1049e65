//! Metrics: what was observed, and whether conditions hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BestMoment;
use crate::ast::{Best, Relation};
use crate::ir::{LoweredRule, MetricCondition, MetricTest, Period, TriggerMoment};
use crate::json::{from_real, real};
use crate::source::Spanned;
use crate::time::{CountedPeriod, Lengths, Time, float};

/// The observations of all metrics, and the state of the rules' conditions.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    bests: BestValues,
    rules: Vec<WatchedRule>,
    /// The indices of the rules that have conditions.
    conditional: Vec<usize>,
    /// Whether something may have been observed since the last look.
    is_fresh: bool,
    notes: Vec<String>,
}

/// The conditions of a rule.
#[derive(Debug, Clone, Default)]
struct WatchedRule {
    watch: Watch,
    /// Whether its conditions are taken to hold at the next look, whatever was observed.
    is_assumed: bool,
    moments: Vec<WatchedMoment>,
}

/// Which conditions of a rule see what is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Watch {
    /// Comparisons: the rule is still to wait for the first time.
    #[default]
    Later,
    /// All of them: the rule waits.
    Waiting,
    /// Those of `whenever`: the rule has fired, and may fire again.
    Recurring,
    /// None: the rule has fired.
    Past,
}

/// The conditions of one moment of a trigger; there are none where it waits for no metric.
#[derive(Debug, Clone, Default)]
struct WatchedMoment {
    /// Whether it is a `whenever`.
    recurs: bool,
    /// Whether its conditions have not all held since the rule fired last, so that they can come true.
    is_armed: bool,
    conditions: Vec<WatchedCondition>,
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
    /// Of each condition of a rule that can still fire.
    conditions: Vec<ConditionHistory>,
    /// Of each moment of such a rule.
    armed: Vec<bool>,
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
/// since its rule began to wait; in a later round of a `repeat`, by both since then.
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
    /// When its rule fired again, from where its durations count.
    restarted: Option<Time>,
    /// How many epochs in a row observed the metric and spoke for it, this one included.
    epochs: u64,
    /// The epoch of the last observation.
    epoch: Option<u64>,
}

impl Metrics {
    pub(super) fn new(rules: &[LoweredRule]) -> Self {
        let moment = |moment: &Spanned<TriggerMoment>| WatchedMoment {
            recurs: matches!(moment.value, TriggerMoment::Whenever(_)),
            is_armed: true,
            conditions: moment.value.conditions().iter().map(WatchedCondition::new).collect(),
        };
        let watched = |rule: &LoweredRule| WatchedRule {
            watch: Watch::Later,
            is_assumed: false,
            moments: rule.trigger.value.iter().map(moment).collect(),
        };
        let rules: Vec<WatchedRule> = rules.iter().map(watched).collect();
        let has_any = |rule: &WatchedRule| rule.moments.iter().any(|it| !it.conditions.is_empty());
        let indexed = rules.iter().enumerate().filter(|(_, rule)| has_any(rule));
        Self {
            bests: BestValues::default(),
            conditional: indexed.map(|(index, _)| index).collect(),
            rules,
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
        for index in &self.conditional {
            let Some(rule) = self.rules.get_mut(*index) else { continue };
            for moment in &mut rule.moments {
                moment.observe(rule.watch, metric, value, now);
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

    /// Whether something may have been observed since the last look.
    pub(super) const fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Sets which conditions of a rule see what is observed from now on.
    pub(super) fn watch(&mut self, rule: usize, watch: Watch) {
        if let Some(rule) = self.rules.get_mut(rule) {
            rule.watch = watch;
        }
    }

    /// A rule begins to wait in another round: its conditions see nothing of what was observed so far.
    pub(super) fn wait_again(&mut self, rule: usize) {
        let Some(rule) = self.rules.get_mut(rule) else { return };
        rule.watch = Watch::Waiting;
        for moment in &mut rule.moments {
            moment.is_armed = true;
            for watched in &mut moment.conditions {
                watched.history = ConditionHistory::default();
            }
        }
    }

    /// A rule has fired: the durations of its conditions count from now on.
    pub(super) fn restart(&mut self, rule: usize, now: Time) {
        let moments = self.rules.get_mut(rule).into_iter().flat_map(|rule| &mut rule.moments);
        for moment in moments.filter(|moment| moment.recurs) {
            let is_over = |watched: &WatchedCondition| {
                watched.condition.test.duration().is_some() || !watched.history.speaks
            };
            moment.is_armed = moment.conditions.iter().any(is_over);
            for watched in &mut moment.conditions {
                watched.history.restart(now);
            }
        }
    }

    /// The conditions of the rules that can still fire.
    fn watched(&mut self) -> impl Iterator<Item = &mut WatchedCondition> {
        self.watched_moments().flat_map(|moment| &mut moment.conditions)
    }

    fn watched_moments(&mut self) -> impl Iterator<Item = &mut WatchedMoment> {
        let rules = self.rules.iter_mut().filter(|rule| rule.watch != Watch::Past);
        rules.flat_map(|rule| &mut rule.moments)
    }

    /// Whether all conditions of a moment hold, one of them by something observed since the last
    /// look.
    pub(super) fn hold(&self, rule: usize, moment: usize, lengths: &Lengths, now: Time) -> bool {
        let Some(rule) = self.rules.get(rule) else { return false };
        let Some(moment) = rule.moments.get(moment) else { return false };
        if rule.is_assumed {
            return true;
        }
        moment.is_armed
            && moment.conditions.iter().any(|watched| watched.history.is_fresh)
            && moment.conditions.iter().all(|WatchedCondition { condition, history }| {
                history.holds(&condition.test, lengths, now)
            })
    }

    /// Takes the conditions of a rule to hold at the next look, if it waits for them.
    pub(super) fn assume(&mut self, rule: usize) {
        if let Some(rule) = self.rules.get_mut(rule) {
            rule.is_assumed = true;
            self.is_fresh = true;
        }
    }

    /// Ends a look at the rules: what was observed before it is no longer fresh.
    pub(super) fn looked(&mut self) {
        if !std::mem::take(&mut self.is_fresh) {
            return;
        }
        for index in &self.conditional {
            let Some(rule) = self.rules.get_mut(*index) else { continue };
            rule.is_assumed = false;
            for watched in rule.moments.iter_mut().flat_map(|moment| &mut moment.conditions) {
                watched.history.is_fresh = false;
            }
        }
    }

    /// What was observed so far.
    pub(super) fn observations(&self) -> Observations {
        let rules = self.rules.iter().filter(|rule| rule.watch != Watch::Past);
        let moments = rules.flat_map(|rule| &rule.moments);
        let conditions = moments.clone().flat_map(|moment| &moment.conditions);
        Observations {
            bests: self.bests.clone(),
            conditions: conditions.map(|watched| watched.history.clone()).collect(),
            armed: moments.map(|moment| moment.is_armed).collect(),
            notes: self.notes.clone(),
        }
    }

    /// Restores what was observed; returns whether that fits the conditions of the rules that can
    /// still fire, and is not later than `now`.
    pub(super) fn resume(&mut self, from: &Observations, now: Time) -> bool {
        let Observations { bests, conditions, armed, notes } = from;
        let fits = conditions.len() == self.watched().count()
            && armed.len() == self.watched_moments().count()
            && conditions.iter().all(|history| history.is_past(now))
            && bests.values().flatten().flatten().all(|best| best.at.is_past(now));
        if fits {
            for (watched, history) in self.watched().zip(conditions) {
                watched.history.clone_from(history);
            }
            for (moment, is_armed) in self.watched_moments().zip(armed) {
                moment.is_armed = *is_armed;
            }
            self.bests.clone_from(bests);
            self.notes.clone_from(notes);
            self.is_fresh = true;
        }
        fits
    }

    /// Takes over what another one observed, whose rules may have other conditions. `pairs` are the
    /// rules that wait or recur in both, by their indices here and there.
    pub(super) fn take_over(&mut self, from: &Self, pairs: &[(usize, usize)]) {
        let known =
            from.rules.iter().filter(|rule| matches!(rule.watch, Watch::Later | Watch::Waiting));
        let known = known.flat_map(|rule| &rule.moments).flat_map(|moment| &moment.conditions);
        let compared: Vec<&WatchedCondition> =
            known.filter(|it| matches!(it.condition.test, MetricTest::Compares { .. })).collect();
        for watched in self.watched() {
            let same = compared.iter().find(|known| known.condition == watched.condition);
            if let Some(known) = same {
                watched.history.clone_from(&known.history);
            }
        }
        // What stops falling or rising does so since its rule began to wait.
        for (own, other) in pairs {
            let (Some(own), Some(other)) = (self.rules.get_mut(*own), from.rules.get(*other))
            else {
                continue;
            };
            if own.has_conditions_of(other) {
                own.moments.clone_from(&other.moments);
            }
        }
        self.bests.clone_from(&from.bests);
        self.notes.clone_from(&from.notes);
        self.is_fresh = from.is_fresh;
    }

    /// Every moment at which something was observed.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Time> {
        let bests = self.bests.values_mut().flatten().flatten().map(|best| &mut best.at);
        let moments = self.rules.iter_mut().flat_map(|rule| &mut rule.moments);
        let histories =
            moments.flat_map(|moment| &mut moment.conditions).map(|known| &mut known.history);
        bests.chain(histories.flat_map(|history| {
            let best = history.best.iter_mut().map(|best| &mut best.at);
            best.chain(&mut history.since).chain(&mut history.restarted)
        }))
    }

    /// The conditions for which rules wait now.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &MetricCondition> {
        let rules = self.conditional.iter().filter_map(|index| self.rules.get(*index));
        let moments = rules.flat_map(|rule| {
            let watch = rule.watch;
            rule.moments.iter().filter(move |moment| match watch {
                Watch::Waiting => true,
                Watch::Recurring => moment.recurs,
                Watch::Later | Watch::Past => false,
            })
        });
        moments.flat_map(|moment| &moment.conditions).map(|watched| &watched.condition)
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

impl WatchedRule {
    /// Whether it has the conditions of another one.
    fn has_conditions_of(&self, other: &Self) -> bool {
        let conditions = |rule: &Self| -> Vec<(bool, Vec<MetricCondition>)> {
            let conditions = |moment: &WatchedMoment| {
                moment.conditions.iter().map(|watched| watched.condition.clone()).collect()
            };
            rule.moments.iter().map(|moment| (moment.recurs, conditions(moment))).collect()
        };
        conditions(self) == conditions(other)
    }
}

impl WatchedMoment {
    fn observe(&mut self, watch: Watch, metric: &str, value: f64, now: Time) {
        let sees = |test: &MetricTest| match watch {
            Watch::Later => matches!(test, MetricTest::Compares { .. }),
            Watch::Waiting => true,
            Watch::Recurring => self.recurs,
            Watch::Past => false,
        };
        for WatchedCondition { condition, history } in &mut self.conditions {
            if condition.metric == metric && sees(&condition.test) {
                history.observe(&condition.test, value, now);
            }
        }
        self.is_armed |= self.conditions.iter().any(|watched| !watched.history.speaks);
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
        let times = self.best.map(|best| best.at).into_iter();
        let times = times.chain(self.since).chain(self.restarted);
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
                let improved =
                    self.best.is_some_and(|best| by.improves(value, best.value, *direction));
                if is_first || improved {
                    self.best = Some(ObservedValue { value, at: now });
                    self.restarted = None;
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

    /// Counts durations from now on; the best value stays.
    fn restart(&mut self, now: Time) {
        self.epochs = 0;
        self.since = self.speaks.then_some(now);
        self.restarted = Some(now);
    }

    fn holds(&self, test: &MetricTest, lengths: &Lengths, now: Time) -> bool {
        let (lasting, since) = match test {
            MetricTest::Stops { patience, .. } => {
                let best = self.best.map(|best| best.at);
                (Some(*patience), self.restarted.or(best).or(self.since))
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
