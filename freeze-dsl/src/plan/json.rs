//! A plan as JSON: one row for each rule.

use serde::{Serialize, Serializer};

use std::collections::BTreeMap;

use super::bound::CurveGiver;
use super::memory::OptimizerMemory;
use super::{AppliedRule, Plan, SliceOptions, State};
use crate::ast::Best;
use crate::index::{CurveId, RuleId, SliceId, SliceSet, ids};
use crate::ir::{LoweredAction, Optimizer, Program, RunLength, ValueCurve};
use crate::json::Format;
use crate::model::Parameter;
use crate::time::ActiveCurve;

/// The effect of every rule of a policy on a model.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct PlanJson<'p> {
    format: Format,
    /// The name of the policy in messages, usually the path of its file.
    policy: &'p str,
    /// The length of the run, if the policy has one.
    run: Option<RunLength>,
    /// How many parameters the model has.
    parameters: usize,
    /// How many numbers they have.
    elements: usize,
    /// The rules, loops unrolled: those of the main sequence and then those of each track, in the order
    /// in which they fire.
    rules: Vec<RuleJson<'p>>,
}

/// The effect of one rule, at its first firing.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PlanRule"))]
struct RuleJson<'p> {
    /// Its name, or its number in its sequence counted from 1; that of a track's rule begins with the
    /// track's name.
    name: &'p str,
    /// The name of its track; null outside of tracks. What trains, freezes and follows the data is that
    /// of what the track owns, or of what no track owns.
    track: Option<&'p str>,
    /// The line of its first character, from 1.
    line: usize,
    /// The column of its first character, in characters from 1.
    column: usize,
    /// Its trigger, as it is written.
    trigger: String,
    /// What trains after it, in the model's order; a row slice as `embed.weight[0..32000]`.
    trainable: Vec<String>,
    /// How many parameters that are, at least in part.
    parameters: usize,
    /// How many numbers they have.
    elements: usize,
    /// What part of the model's numbers that is, from 0 to 1.
    share: f64,
    /// How many bytes of optimizer state there are after it, where everything that trains has stepped;
    /// null where an optimizer is the program's.
    optimizer_bytes: Option<usize>,
    /// What trains, in groups with the same options, in the order of their first parameters.
    groups: Vec<GroupJson<'p>>,
    /// What it lets train that did not train before.
    unfrozen: Vec<String>,
    /// What it freezes.
    frozen: Vec<String>,
    /// What loses its optimizer state by being frozen or reset.
    dropped: Vec<String>,
    /// What it restores, in order.
    restores: Vec<RestoreJson<'p>>,
    /// The modules whose running statistics follow the data after it, in the model's order.
    live_stats: Vec<&'p str>,
    /// Whether training is over when it fires.
    stops: bool,
    /// Whether it does something else at each firing, as a `sample` does.
    changes: bool,
}

/// Parameters that train with the same options from a rule on, whatever the moment.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PlanGroup"))]
struct GroupJson<'p> {
    /// Their names, in the model's order.
    params: Vec<String>,
    /// Their learning rate over time; null for the program's.
    lr: Option<ValueCurve>,
    /// The rule at which that began; null for one that begins with the run.
    since: Option<&'p str>,
    /// The factor by which `lr *` multiplies it, as far as no `to` bounds it.
    lr_factor: f64,
    /// Their weight decay over time; null for the program's.
    weight_decay: Option<ValueCurve>,
    /// How strongly each step pulls them toward the values that they had when training began.
    anchor: f64,
    /// Their optimizer, with the first values of its curves; null for the program's.
    optimizer: Option<Optimizer>,
    /// The curves of its numbers, by their names.
    optimizer_curves: BTreeMap<&'static str, ValueCurve>,
}

/// Parameters and running statistics that are restored to the best value of a metric.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PlanRestore"))]
struct RestoreJson<'p> {
    /// The metric.
    metric: &'p str,
    /// Which value of it is its best.
    best: Best,
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let rows = RowWriter::new(self);
        let mut rules = Vec::with_capacity(self.rows().len());
        self.bound().walk(|index, _, before, applied| {
            rules.extend(rows.rule(index, before, applied));
        });
        PlanJson {
            format: Format,
            policy: self.policy().source().name(),
            run: self.bound().run.map(|run| run.value),
            parameters: self.model().parameters().len(),
            elements: rows.elements,
            rules,
        }
        .serialize(to)
    }
}

/// Makes the rows of a plan.
struct RowWriter<'p> {
    plan: &'p Plan,
    memory: OptimizerMemory<'p>,
    /// How many numbers the model's parameters have.
    elements: usize,
}

impl<'p> RowWriter<'p> {
    fn new(plan: &'p Plan) -> Self {
        let elements = plan.model().parameters().iter().map(Parameter::elements).sum();
        Self { plan, memory: OptimizerMemory::new(plan.bound(), plan.model()), elements }
    }

    fn rule(
        &self,
        index: usize,
        before: &State,
        applied: &AppliedRule<'_>,
    ) -> Option<RuleJson<'p>> {
        let (plan, bound) = (self.plan, self.plan.bound());
        let (row, rule) = (plan.rows().get(index)?, bound.rules.get(index)?);
        let source = plan.policy().source();
        let (line, column) = source.line_column(rule.span.start);
        let of = bound.sequence(bound.sequence_of(RuleId::new(index)))?;
        let after = &applied.after;
        let names = |fits: &dyn Fn(SliceId) -> bool| {
            plan.names(plan.slice_ids().filter(|slice| fits(*slice)))
        };
        let (was, is) = (&of.part_of(&before.trains), &of.part_of(&after.trains));
        let modules = plan.model().normalisations().iter().zip(&bound.deciding);
        let modules = ids(0..bound.deciding.len()).zip(modules);
        let owns = |deciding: &SliceSet| match &of.owned {
            Some(owned) => !deciding.is_disjoint(owned),
            None => true,
        };
        let follow =
            modules.filter(|(id, (_, deciding))| owns(deciding) && after.is_live(*id, deciding));
        let restores = rule.actions.iter().filter_map(|action| match &action.value {
            LoweredAction::Restore { best, metric } => Some(RestoreJson { metric, best: *best }),
            _ => None,
        });
        Some(RuleJson {
            name: &row.rule,
            track: row.track.as_deref(),
            line,
            column,
            trigger: plan.trigger(RuleId::new(index)),
            trainable: plan.names(bound.training(is)),
            parameters: row.trainable,
            elements: row.trainable_elements,
            share: share(row.trainable_elements, self.elements),
            optimizer_bytes: self.memory.bytes(after, &of.part_of(&after.with_state())),
            groups: self.groups(after, is),
            unfrozen: names(&|slice| is.contains(slice) && !was.contains(slice)),
            frozen: names(&|slice| was.contains(slice) && !is.contains(slice)),
            dropped: names(&|slice| applied.drops(before, slice)),
            restores: restores.collect(),
            live_stats: follow.map(|(_, (module, _))| module.module.as_str()).collect(),
            stops: row.stops,
            changes: row.changes,
        })
    }

    /// The trainable slices, in groups: two curves are one if they began together or are constant.
    fn groups(&self, state: &State, trains: &SliceSet) -> Vec<GroupJson<'p>> {
        let constant = |curve| state.curve_at(curve)?.curve().constant();
        let same_curve = |one: Option<CurveId>, other: Option<CurveId>| {
            one == other || constant(one).is_some() && constant(one) == constant(other)
        };
        let same = |one: &SliceOptions, other: &SliceOptions| {
            (one.lr_factor, one.anchor, one.optimizer, one.arguments)
                == (other.lr_factor, other.anchor, other.optimizer, other.arguments)
                && same_curve(one.lr, other.lr)
                && same_curve(one.weight_decay, other.weight_decay)
        };
        let mut groups: Vec<(SliceOptions, Vec<SliceId>)> = Vec::new();
        for slice in self.plan.bound().training(trains) {
            let Some(options) = state.options(slice) else { continue };
            match groups.iter_mut().find(|(of, _)| same(of, options)) {
                Some((_, slices)) => slices.push(slice),
                None => groups.push((*options, vec![slice])),
            }
        }
        let group = |(options, slices): (SliceOptions, Vec<SliceId>)| {
            let running = state.curve_at(options.lr);
            let curve = |id| state.curve_at(id).map(|running| ValueCurve::clone(running.curve()));
            let decay = || Program::default().weight_decay_or(None, options.optimizer);
            let arguments = options.optimizer.iter().flat_map(Optimizer::numbers);
            GroupJson {
                params: self.plan.names(slices.into_iter()),
                lr: curve(options.lr),
                since: running.and_then(|running| self.origin(running)),
                lr_factor: options.lr_factor,
                weight_decay: curve(options.weight_decay)
                    .or_else(|| decay().map(ValueCurve::of_constant)),
                anchor: options.anchor,
                optimizer: options.optimizer,
                optimizer_curves: arguments
                    .zip(options.arguments)
                    .filter_map(|((name, _), id)| Some((name, curve(id)?)))
                    .collect(),
            }
        };
        groups.into_iter().map(group).collect()
    }

    /// The rule that began a curve; `None` for the curve of `default`.
    fn origin(&self, running: &ActiveCurve) -> Option<&'p str> {
        let bound = self.plan.bound();
        match bound.origin(running)?.giver {
            CurveGiver::Default => None,
            CurveGiver::Action { rule, .. } => Some(&bound.rule(rule)?.name),
        }
    }
}

/// An amount as a fraction of the whole.
fn share(amount: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    if whole == 0 { 0.0 } else { amount as f64 / whole as f64 }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Plan {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Plan".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        PlanJson::json_schema(generator)
    }
}
