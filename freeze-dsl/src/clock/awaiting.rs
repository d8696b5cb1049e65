//! Which rules wait for metrics now, and when their conditions can hold at the earliest.

use super::Clock;
use crate::index::{RuleId, SequenceId};
use crate::ir::{MetricCondition, MetricTest, Period, TriggerMoment};
use crate::time::{CountedPeriod, Time, float, round};

/// A rule that waits for a metric, or that a metric can fire again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AwaitingRule {
    pub(crate) rule: RuleId,
    pub(crate) sequence: SequenceId,
    /// How often it has fired.
    pub(crate) firings: u64,
    /// The epoch in which it began to wait.
    pub(crate) since: u64,
    /// The first epoch after `since` at whose start its conditions can hold by what is observed once an
    /// epoch. (A comparison that holds already lets it fire at once.)
    pub(crate) earliest: u64,
    /// Whether it also waits for a moment that no metric decides.
    pub(crate) has_latest: bool,
    /// Whether it fires again after it has fired.
    pub(crate) recurs: bool,
}

/// For how long a rule has waited already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    /// It waits for the first time.
    First,
    /// It waits in a later round of a `repeat`, and has seen nothing of what was observed before.
    Later,
    /// It has fired, and may fire again.
    Again,
}

impl Clock {
    /// Takes the conditions of a rule to hold at the next look, if it waits for them then.
    pub(crate) fn assume(&mut self, rule: RuleId) {
        self.metrics.assume(rule.index());
    }

    /// The rules that wait for metrics now, and those that metrics can fire again.
    pub(crate) fn awaiting(&self) -> Vec<AwaitingRule> {
        let bound = self.plan.bound();
        let mut found = Vec::new();
        if self.stopped {
            return found;
        }
        for (sequence, of) in bound.sequence_ids().zip(&bound.sequences) {
            let Some(progress) = self.progress.get(sequence.index()) else { continue };
            let round = if progress.rounds > 0 { Round::Later } else { Round::First };
            let recurring = progress.recurring(of).map(|it| (it, progress.recurred, Round::Again));
            let waiting = self.waiting(sequence).map(|it| (it, progress.previous, round));
            for (index, since, round) in recurring.into_iter().chain(waiting) {
                let Some(rule) = bound.rules.get(index) else { continue };
                let moments = rule.trigger.iter().map(|moment| &moment.value);
                let fits = |moment: &&TriggerMoment| round != Round::Again || moment.recurs();
                let moments = moments.filter(fits);
                let by_metric = moments.clone().map(TriggerMoment::conditions);
                let epochs = by_metric
                    .filter(|conditions| !conditions.is_empty())
                    .map(|conditions| self.earliest_epoch(conditions, since, round))
                    .min();
                let Some(earliest) = epochs else { continue };
                let has_latest = moments.clone().any(|moment| moment.conditions().is_empty());
                found.push(AwaitingRule {
                    rule: RuleId::new(index),
                    sequence,
                    firings: self.firings.get(index).copied().unwrap_or_default(),
                    since: since.epochs,
                    earliest,
                    has_latest,
                    recurs: rule.trigger.iter().any(|moment| moment.value.recurs())
                        || of.repeat.is_some_and(|first| first <= index),
                });
            }
        }
        found
    }

    /// The first epoch at whose start these conditions can hold together.
    fn earliest_epoch(&self, conditions: &[MetricCondition], since: Time, round: Round) -> u64 {
        let earliest = |condition: &MetricCondition| match &condition.test {
            // The first value is the best, and neither an improvement nor the lack of one; a rule that
            // has fired keeps its best value.
            MetricTest::Stops { patience, .. } => {
                let first = u64::from(round != Round::Again);
                since.epochs + first + self.observations(*patience, since)
            }
            MetricTest::Compares { lasting: None, .. } => {
                // Between two firings it is false once.
                since.epochs + if round == Round::Again { 2 } else { 1 }
            }
            MetricTest::Compares { lasting: Some(lasting), .. } => {
                let all = self.observations(*lasting, since);
                match round {
                    Round::First => all.max(since.epochs + 1),
                    Round::Later | Round::Again => since.epochs + all,
                }
            }
        };
        conditions.iter().map(earliest).max().unwrap_or_default()
    }

    /// How many epochs in a row must observe a metric for a duration to be over.
    fn observations(&self, period: Period, since: Time) -> u64 {
        let counted = match period {
            Period::Epochs(epochs) => return round(epochs.ceil()).max(1),
            period => self.lengths.without_steps().count(period, since),
        };
        match (counted, self.lengths.steps_per_epoch) {
            (CountedPeriod::Epochs(epochs), _) => round(epochs.ceil()).max(1),
            (CountedPeriod::Steps(steps) | CountedPeriod::Scaled(steps), Some(each)) => {
                // The observation from which they are counted is at the end of an epoch.
                round((float(steps) / float(each.max(1))).ceil()).saturating_add(1)
            }
            (CountedPeriod::Steps(steps) | CountedPeriod::Scaled(steps), None) => steps.max(1),
        }
    }
}
