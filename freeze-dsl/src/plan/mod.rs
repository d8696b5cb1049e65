//! What every rule of a policy does to each parameter of a model.

mod apply;
mod bound;
mod display;
mod json;
mod row;
mod state;

pub(crate) use apply::AppliedRule;
pub(crate) use bound::{BoundPolicy, CurveOrigin};
pub(crate) use display::share;
pub(crate) use row::RowBuilder;
pub(crate) use state::{SliceOptions, State};

use std::ops::Range;
use std::sync::Arc;

use crate::ast::Best;
use crate::diagnostic::Diagnostic;
use crate::ir::{LoweredAction, TriggerMoment};
use crate::model::Model;
use crate::policy::Policy;

/// A policy bound to a model that it fits: a row a rule.
///
/// Because rules fire in the order in which they are written, what trains after each rule is
/// known here, whenever it will fire.
#[derive(Debug, Clone)]
pub struct Plan {
    policy: Policy,
    model: Model,
    bound: Arc<BoundPolicy>,
    rows: Vec<Row>,
    diagnostics: Vec<Diagnostic>,
}

/// What trains apart from everything else: a parameter, or a stretch of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The parameter, as an index of the model's parameters.
    pub parameter: usize,
    /// Its rows, where the policy names rows of this parameter.
    pub rows: Option<Range<usize>>,
}

/// What one rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What messages call the rule: its name, or its number in the text counted from 1.
    pub rule: String,
    /// How many parameters train after it, at least in part.
    pub trainable: usize,
    /// How many numbers train after it.
    pub trainable_elements: usize,
    /// Whether training is over when it fires.
    pub stops: bool,
    /// Whether it does something else at each firing, as a `sample` does; then this row is its
    /// first firing.
    pub changes: bool,
}

/// What a rule does to one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The part, as an index of the plan's parts.
    pub part: usize,
    /// Whether it trains after the rule.
    pub trains: bool,
    /// Whether its optimizer state is dropped, whether or not it trains after the rule.
    pub drops_state: bool,
}

impl Plan {
    /// A plan of a policy that fits the model.
    pub(crate) fn new(
        policy: Policy,
        model: Model,
        bound: BoundPolicy,
        rows: Vec<Row>,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        Self { policy, model, bound: Arc::new(bound), rows, diagnostics }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// A row a rule, in the order in which they fire.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What each rule changes, a list a rule, in the order of [`Plan::rows`]; parts that a rule
    /// leaves as they are do not stand in its list.
    #[must_use]
    pub fn effects(&self) -> Vec<Vec<Effect>> {
        self.bound.effects()
    }

    /// The metrics that rules wait for or restore the best moment of, by their names.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let rules = self.bound.rules.iter();
        let watched = rules.flat_map(|rule| rule.trigger.value.iter()).flat_map(|moment| {
            let conditions = match &moment.value {
                TriggerMoment::When(conditions) => conditions.as_slice(),
                _ => &[],
            };
            conditions.iter().map(|condition| condition.metric.to_string())
        });
        let restored = self.restores().into_iter().map(|(metric, _)| metric);
        let mut metrics: Vec<String> = watched.chain(restored).collect();
        metrics.sort_unstable();
        metrics.dedup();
        metrics
    }

    /// The metrics whose best moment a rule restores.
    #[must_use]
    pub fn restores(&self) -> Vec<(String, Best)> {
        let actions = self.bound.rules.iter().flat_map(|rule| &rule.actions);
        let mut restores: Vec<(String, Best)> = actions
            .filter_map(|action| match &action.value {
                LoweredAction::Restore { best, metric } => Some((metric.to_string(), *best)),
                _ => None,
            })
            .collect();
        restores.sort_by(|(one, _), (other, _)| one.cmp(other));
        restores.dedup();
        restores
    }

    /// What can train apart from everything else, in the model's order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.bound.parts
    }

    /// What messages call a part: its parameter's name, with its rows where it has some.
    #[must_use]
    pub fn part_name(&self, part: usize) -> String {
        let Some(part) = self.parts().get(part) else { return String::new() };
        let name = self.model.parameters().get(part.parameter).map_or("", |known| &known.name);
        match &part.rows {
            Some(rows) => format!("{name}[{}..{}]", rows.start, rows.end),
            None => name.to_owned(),
        }
    }

    /// The names of some parts, given in the model's order. Neighbouring rows are one stretch
    /// (`embed.weight[0..32000]`), and all rows are the parameter.
    #[must_use]
    pub fn names(&self, parts: impl Iterator<Item = usize>) -> Vec<String> {
        self.bound.part_names(parts)
    }

    /// The part of another plan that a part is, or in which it lies, and then which rows of it.
    #[must_use]
    pub fn part_in(&self, part: usize, other: &Self) -> Option<(usize, Option<Range<usize>>)> {
        let part = self.parts().get(part)?;
        let name = self.parameter_name(part);
        let mut others = other.parts().iter().enumerate();
        others.find_map(|(index, around)| {
            if other.parameter_name(around) != name {
                return None;
            }
            match (&part.rows, &around.rows) {
                (rows, same) if rows == same => Some((index, None)),
                (Some(rows), None) => Some((index, Some(rows.clone()))),
                (Some(rows), Some(around))
                    if around.start <= rows.start && rows.end <= around.end =>
                {
                    Some((index, Some(rows.start - around.start..rows.end - around.start)))
                }
                _ => None,
            }
        })
    }

    fn parameter_name(&self, part: &Part) -> Option<&str> {
        self.model.parameters().get(part.parameter).map(|known| known.name.as_str())
    }

    /// Its warnings and notes, which do not prevent training.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    pub(crate) fn bound(&self) -> &BoundPolicy {
        &self.bound
    }
}
