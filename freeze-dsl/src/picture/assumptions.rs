//! When the moments come that metrics decide, where nothing says how the metrics move.

use std::collections::BTreeMap;

use crate::clock::{AwaitingRule, RuleId};
use crate::diagnostic::quoted;
use crate::index::ids;
use crate::ir::{LoweredRule, TriggerMoment};
use crate::plan::BoundPolicy;

use super::PictureError;

/// Firings that recur are assumed as if at least so many of them shared the rest of the run.
const RECURRENCES: u64 = 3;

/// The epochs at which rules are assumed to fire by metrics.
#[derive(Debug, Clone, Default)]
pub(super) struct Assumptions {
    /// For rules that the caller has named: the epochs of its firings, in order.
    pub(super) given: BTreeMap<RuleId, Vec<u64>>,
}

impl Assumptions {
    /// The epochs that the caller assumes, by the names of rules.
    pub(super) fn of(bound: &BoundPolicy, assumed: &[(String, u64)]) -> Result<Self, PictureError> {
        let mut assumptions = Self::default();
        for (name, epoch) in assumed {
            let rules = ids::<RuleId>(0..bound.rules.len()).zip(&bound.rules);
            let Some((id, rule)) = rules.into_iter().find(|(_, rule)| rule.name == *name) else {
                let waiting = bound.rules.iter().filter(|rule| waits_for_metrics(rule));
                let waiting = waiting.map(|rule| quoted(&rule.name)).collect();
                return Err(PictureError::UnknownRule { name: name.clone(), waiting });
            };
            if !waits_for_metrics(rule) {
                return Err(PictureError::NoMetric(name.clone()));
            }
            assumptions.given.entry(id).or_default().push(*epoch);
        }
        Ok(assumptions)
    }

    /// The epoch at whose start the conditions of a rule are assumed to hold; `None` for none in this
    /// run. A rule that also waits for another moment fires then. Other rules share the rest of the run
    /// evenly with the rules of their sequence that are yet to wait for metrics.
    pub(super) fn epoch(
        &self,
        bound: &BoundPolicy,
        waiting: &AwaitingRule,
        epochs: u64,
    ) -> Option<u64> {
        if let Some(given) = self.given.get(&waiting.rule) {
            let firing = usize::try_from(waiting.firings).unwrap_or(usize::MAX);
            return given.get(firing).copied();
        }
        if waiting.has_latest {
            return None;
        }
        let of = bound.sequence(waiting.sequence)?;
        let later = bound.rules.get(waiting.rule.index()..of.rules.end).unwrap_or_default();
        let by_metric = later.iter().filter(|rule| {
            let mut moments = rule.trigger.iter().map(|moment| &moment.value);
            moments
                .all(|moment| matches!(moment, TriggerMoment::When(_) | TriggerMoment::Whenever(_)))
        });
        let mut shares = by_metric.count() as u64;
        if waiting.recurs {
            shares = shares.max(RECURRENCES);
        }
        let rest = epochs.saturating_sub(waiting.since);
        let share = rest / (shares + 1);
        Some(waiting.since + share.max(1)).map(|epoch| epoch.max(waiting.earliest))
    }
}

/// Whether a rule waits for metrics, whatever else it waits for.
pub(super) fn waits_for_metrics(rule: &LoweredRule) -> bool {
    rule.trigger.iter().any(|moment| !moment.value.conditions().is_empty())
}
