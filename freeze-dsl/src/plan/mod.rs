//! The effect of every rule of a policy on each parameter of a model.

mod apply;
mod bound;
mod display;
mod json;
mod memory;
mod rates;
mod row;
mod sequence;
mod state;
mod table_layout;

pub use crate::index::SliceId;
pub(crate) use apply::{AppliedRule, FiringMoment};
pub(crate) use bound::{BoundPolicy, CurveGiver, CurveOrigin};
pub(crate) use display::{percentage, shortened};
pub(crate) use row::RowBuilder;
pub(crate) use sequence::{BoundSequence, SequenceWalk};
pub(crate) use state::{SliceOptions, State};

use std::ops::Range;
use std::sync::Arc;

use crate::allow::Allowances;
use crate::ast::Best;
use crate::diagnostic::Diagnostic;
use crate::ir::LoweredAction;
use crate::model::{Model, ParamId};
use crate::policy::Policy;

/// A policy bound to a model that it fits: one row for each rule.
///
/// The rules of a sequence fire in the order of the text, and no other sequence changes what it owns.
/// So the trainable parameters after each rule are known here, whenever the rule fires.
#[derive(Debug, Clone)]
pub struct Plan {
    policy: Policy,
    model: Arc<Model>,
    bound: Arc<BoundPolicy>,
    rows: Vec<Row>,
    diagnostics: Vec<Diagnostic>,
}

/// A parameter, or a row slice of it, that can train separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamSlice {
    /// The parameter.
    pub parameter: ParamId,
    /// Its rows, where the policy names rows of this parameter.
    pub rows: Option<Range<usize>>,
}

/// The effect of one rule on what its sequence owns: the parameters of its track, or those of no
/// track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name of the rule in messages: its name, or its number in its sequence counted from 1; that
    /// of a track's rule begins with the track's name, as in `vision: rule 2`.
    pub rule: String,
    /// The name of its track, if it is in one.
    pub track: Option<String>,
    /// How many parameters of its sequence train after it, at least in part; 0 in a track without a
    /// scope, which owns none.
    pub trainable: usize,
    /// How many numbers of them train after it.
    pub trainable_elements: usize,
    /// Whether training is over when it fires.
    pub stops: bool,
    /// Whether it does something else at each firing, as a `sample` does; then this row is its
    /// first firing.
    pub changes: bool,
}

/// The effect of a rule on one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The slice.
    pub slice: SliceId,
    /// Whether it trains after the rule.
    pub trains: bool,
    /// Whether its optimizer state is dropped, whether or not it trains after the rule.
    pub drops_state: bool,
}

impl Plan {
    /// A plan of a policy that fits the model.
    pub(crate) fn new(
        policy: Policy,
        model: Arc<Model>,
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
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// One row for each rule: those of the main sequence and then those of each track, in the order in
    /// which they fire.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The effects of each rule, in the order of [`Plan::rows`]; slices that a rule does not
    /// change are not in its list.
    #[must_use]
    pub fn effects(&self) -> Vec<Vec<Effect>> {
        self.bound.effects()
    }

    /// The metrics that rules wait for or restore the best moment of, by their names.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let rules = self.bound.rules.iter();
        let watched = rules.flat_map(|rule| rule.trigger.value.iter()).flat_map(|moment| {
            moment.value.conditions().iter().map(|condition| condition.metric.to_string())
        });
        let restored = self.restores().into_iter().map(|(metric, _)| metric);
        let mut metrics: Vec<String> = watched.chain(restored).collect();
        metrics.sort_unstable();
        metrics.dedup();
        metrics
    }

    /// The metrics whose best moment a rule restores, and which of their values is the best.
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

    /// The slices that `default` or a rule may anchor to the values that they had when training
    /// began, in the model's order.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"},
    /// #   {"name":"fc.bias","shape":[2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let policy = Policy::parse("start: train fc lr 1e-3; epoch 1: set fc.bias anchor 0.01")?;
    /// let plan = policy.plan(&model)?;
    /// let names: Vec<_> = plan.anchored().into_iter().map(|it| plan.slice_name(it)).collect();
    /// assert_eq!(names, ["fc.bias"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn anchored(&self) -> Vec<SliceId> {
        self.bound.anchored()
    }

    /// The slices that can train separately, in the model's order. A [`SliceId`] is an index in
    /// this list.
    #[must_use]
    pub fn slices(&self) -> &[ParamSlice] {
        &self.bound.slices
    }

    /// The ids of all slices, in order.
    pub fn slice_ids(&self) -> impl Iterator<Item = SliceId> + Clone + use<> {
        self.bound.slice_ids()
    }

    /// The name of a slice: its parameter's name, with its rows if it has any.
    #[must_use]
    pub fn slice_name(&self, slice: SliceId) -> String {
        let name = |slice| self.bound.slice_name(slice);
        self.bound.slice(slice).and_then(name).unwrap_or_default()
    }

    /// The names of some slices, given in the model's order. Neighbouring rows are one slice
    /// (`embed.weight[0..32000]`), and all rows are the parameter.
    #[must_use]
    pub fn names(&self, slices: impl Iterator<Item = SliceId>) -> Vec<String> {
        self.bound.slice_names(slices)
    }

    /// The slice of another plan that equals or contains a slice, and which rows of it the slice is
    /// unless it is all of it.
    #[must_use]
    pub fn slice_in(
        &self,
        slice: SliceId,
        other: &Self,
    ) -> Option<(SliceId, Option<Range<usize>>)> {
        let name = self.bound.name(slice);
        let slice = self.bound.slice(slice)?;
        other.slice_ids().zip(other.slices()).find_map(|(id, around)| {
            if other.bound.name(id) != name {
                return None;
            }
            match (&slice.rows, &around.rows) {
                (rows, same) if rows == same => Some((id, None)),
                (Some(rows), None) => Some((id, Some(rows.clone()))),
                (Some(rows), Some(around))
                    if around.start <= rows.start && rows.end <= around.end =>
                {
                    Some((id, Some(rows.start - around.start..rows.end - around.start)))
                }
                _ => None,
            }
        })
    }

    /// Its warnings and notes, which do not prevent training.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether a comment of the policy allows a finding, `// freeze: allow FRZ0508`.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::{model::Model, policy::Policy};
    /// # let model = Model::from_json(r#"{"format":1,"tensors":[
    /// #   {"name":"fc.weight","shape":[2,2],"dtype":"f32","role":"parameter"}]}"#)?;
    /// let text = "// freeze: allow FRZ0508\nwhen loss < 1: train fc lr 1e-3";
    /// let plan = Policy::parse(text)?.plan(&model)?;
    /// assert!(plan.allows(&plan.unobserved_metric("loss", &[])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allows(&self, finding: &Diagnostic) -> bool {
        Allowances::read(self.policy.source().text(), self.policy.tree()).allows(finding)
    }

    pub(crate) fn bound(&self) -> &BoundPolicy {
        &self.bound
    }
}
