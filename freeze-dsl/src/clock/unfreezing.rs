//! Which rule can unfreeze something at the earliest, and when.

use super::Clock;
use super::progress::Progress;
use crate::ast::{Stats, Verb};
use crate::index::{NormalisationId, SliceId, SliceSet};
use crate::ir::{LoweredAction, LoweredRule, TriggerMoment};
use crate::plan::{BoundPolicy, BoundSequence};
use crate::time::Time;

/// A rule that can unfreeze something. It does not fire before this epoch has started and as many steps
/// are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfreezingRule {
    /// Its name, or its number in its sequence counted from 1; that of a track's rule begins with the
    /// track's name, as in `vision: rule 2`.
    pub rule: String,
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// The optimizer steps.
    pub step: u64,
    /// Whether a metric can decide when it fires, or when a rule before it does.
    pub waits_for_metric: bool,
}

/// The earliest moment at which a rule can fire.
#[derive(Debug, Clone, Copy)]
struct EarliestMoment {
    at: Time,
    waits_for_metric: bool,
}

/// What is asked for.
struct Frozen {
    slices: SliceSet,
    /// The slices that decide about the running statistics.
    deciding: SliceSet,
}

impl Clock {
    /// The rule that can be the first to unfreeze one of these slices or running statistics; `None` if
    /// all of them stay frozen from now on.
    #[must_use]
    pub fn unfreezing_rule(
        &self,
        slices: impl IntoIterator<Item = SliceId>,
        statistics: impl IntoIterator<Item = NormalisationId>,
    ) -> Option<UnfreezingRule> {
        if self.is_stopped() {
            return None;
        }
        let bound = self.plan.bound();
        let mut frozen = Frozen {
            slices: SliceSet::with_capacity(bound.table.len()),
            deciding: SliceSet::with_capacity(bound.table.len()),
        };
        frozen.slices.extend(slices);
        for id in statistics {
            if let Some(deciding) = bound.deciding.get(id.index()) {
                frozen.deciding.union_with(deciding);
            }
        }
        frozen.slices.union_with(&frozen.deciding);
        let sequences = bound.sequences.iter().zip(&self.progress);
        let rules =
            sequences.filter_map(|(of, progress)| self.unfreezing_in(of, progress, &frozen));
        rules.min_by_key(|rule| (rule.epoch, rule.step))
    }

    /// The first rule of a sequence that can.
    fn unfreezing_in(
        &self,
        of: &BoundSequence,
        progress: &Progress,
        frozen: &Frozen,
    ) -> Option<UnfreezingRule> {
        let bound = self.plan.bound();
        let found = |rule: &LoweredRule,
                     EarliestMoment { at, waits_for_metric }: EarliestMoment| {
            let rule = rule.name.clone();
            UnfreezingRule { rule, epoch: at.epochs, step: at.steps, waits_for_metric }
        };
        let recurring = progress.recurring(of).and_then(|rule| bound.rules.get(rule));
        let recurring = recurring.filter(|rule| frozen.is_unfrozen_by(rule, bound));
        let recurring = recurring.and_then(|rule| {
            let moments = rule.trigger.iter().map(|moment| &moment.value);
            let again = moments.filter(|moment| moment.recurs());
            Some(found(rule, self.earliest(again, progress.recurred, false)?))
        });
        let mut earliest = EarliestMoment { at: progress.previous, waits_for_metric: false };
        let mut waiting = progress.waiting(of);
        let mut next = None;
        // Each rule once: after the last one of a `repeat`, its first ones.
        for _ in of.rules.clone() {
            let Some(rule) = bound.rules.get(waiting).filter(|_| of.rules.contains(&waiting))
            else {
                break;
            };
            let moments = rule.trigger.iter().map(|moment| &moment.value);
            let since = earliest.at;
            let Some(own) = self.earliest(moments, since, earliest.waits_for_metric) else { break };
            earliest = own;
            if rule.stops() {
                break;
            }
            if frozen.is_unfrozen_by(rule, bound) {
                next = Some(found(rule, earliest));
                break;
            }
            waiting = of.after(waiting);
        }
        recurring.into_iter().chain(next).min_by_key(|rule| (rule.epoch, rule.step))
    }

    /// The first of the moments of a rule that waits since `since` at the earliest.
    fn earliest<'m>(
        &self,
        moments: impl Iterator<Item = &'m TriggerMoment>,
        since: Time,
        waits_for_metric: bool,
    ) -> Option<EarliestMoment> {
        let start = Time::default();
        let at = |moment: &TriggerMoment| match moment {
            TriggerMoment::Epoch(epochs) => start.with(*epochs, 0),
            TriggerMoment::Step(steps) => start.with(0, *steps),
            TriggerMoment::At(part) => {
                let period = crate::ir::Period::Fraction(*part);
                self.lengths.count(period, start).end(start, self.time)
            }
            TriggerMoment::After(period) | TriggerMoment::Every(period) => {
                self.lengths.count_moment(*period, since).end(since, self.time)
            }
            TriggerMoment::When(_) | TriggerMoment::Whenever(_) => since,
        };
        let earliest = moments.map(|moment| EarliestMoment {
            at: at(moment).later(since).later(self.time),
            waits_for_metric: waits_for_metric || !moment.conditions().is_empty(),
        });
        // Whichever comes first: nothing is known of how many steps an epoch has.
        earliest.reduce(|one, other| EarliestMoment {
            at: one.at.earlier(other.at),
            waits_for_metric: one.waits_for_metric || other.waits_for_metric,
        })
    }
}

impl Frozen {
    /// Whether a rule can unfreeze a part of it.
    fn is_unfrozen_by(&self, rule: &LoweredRule, bound: &BoundPolicy) -> bool {
        rule.actions.iter().any(|action| {
            let LoweredAction::On { verb, targets, options, .. } = &action.value else {
                return false;
            };
            let trains = matches!(verb, Verb::Train | Verb::Unfreeze);
            let goes_live = options.stats.is_some_and(|stats| stats.value == Stats::Live);
            if !trains && !goes_live {
                return false;
            }
            let reach = targets.value.reach(&bound.table);
            (trains && !reach.is_disjoint(&self.slices))
                || (goes_live && !reach.is_disjoint(&self.deciding))
        })
    }
}
