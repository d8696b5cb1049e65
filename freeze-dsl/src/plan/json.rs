//! A plan as JSON: a row a rule, as a person sees it.

use serde::{Serialize, Serializer};

use super::bound::CurveOrigin;
use super::{AppliedRule, Plan, SliceOptions, State};
use crate::ast::Best;
use crate::ir::Optimizer;
use crate::ir::Program;
use crate::ir::RunLength;
use crate::ir::{LoweredAction, LrCurve};
use crate::json::Format;
use crate::model::Parameter;
use crate::time::ActiveCurve;

/// What every rule of a policy does to a model.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct PlanJson<'p> {
    format: Format,
    /// What messages call the policy: a file's path, for most.
    policy: &'p str,
    /// The length of the run, where the policy says it.
    run: Option<RunLength>,
    /// How many parameters the model has.
    parameters: usize,
    /// How many numbers they have.
    elements: usize,
    /// The rules, loops unrolled, in the order in which they fire.
    rules: Vec<RuleJson<'p>>,
}

/// What one rule does, at its first firing.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PlanRule"))]
struct RuleJson<'p> {
    /// Its name, or its number in the text counted from 1.
    name: &'p str,
    /// The line of its first character, from 1.
    line: usize,
    /// The column of its first character, in characters from 1.
    column: usize,
    /// Its trigger, as it is written.
    trigger: String,
    /// What trains after it, in the model's order; a stretch of rows as `embed.weight[0..32000]`.
    trainable: Vec<String>,
    /// How many parameters that are, at least in part.
    parameters: usize,
    /// How many numbers they have.
    elements: usize,
    /// What part of the model's numbers that is, from 0 to 1.
    share: f64,
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

/// Parameters that train with the same options.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PlanGroup"))]
struct GroupJson<'p> {
    /// Their names, in the model's order.
    params: Vec<String>,
    /// Their learning rate over time; null where the program gives it.
    lr: Option<LrCurve>,
    /// The rule at which that began; null for one that begins with the run.
    since: Option<&'p str>,
    /// Their weight decay; null where the program gives it.
    weight_decay: Option<f64>,
    /// Their optimizer; null where the program gives it.
    optimizer: Option<Optimizer>,
}

/// Parameters and running statistics are put back to how they were at a metric's best.
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
    /// How many numbers the model's parameters have.
    elements: usize,
}

impl<'p> RowWriter<'p> {
    fn new(plan: &'p Plan) -> Self {
        let elements = plan.model().parameters().iter().map(Parameter::elements).sum();
        Self { plan, elements }
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
        let trigger = source.slice(rule.trigger.span);
        let after = &applied.after;
        let parts = |fits: &dyn Fn(&usize) -> bool| {
            plan.names((0..plan.parts().len()).filter(|part| fits(part)))
        };
        let (was, is) = (&before.trains, &after.trains);
        let modules = plan.model().normalisations().iter().zip(&bound.deciding).enumerate();
        let follow = modules.filter(|(index, (_, deciding))| after.is_live(*index, deciding));
        let restores = rule.actions.iter().filter_map(|action| match &action.value {
            LoweredAction::Restore { best, metric } => Some(RestoreJson { metric, best: *best }),
            _ => None,
        });
        Some(RuleJson {
            name: &row.rule,
            line,
            column,
            trigger: trigger.split_whitespace().collect::<Vec<_>>().join(" "),
            trainable: plan.names(bound.training(is)),
            parameters: row.trainable,
            elements: row.trainable_elements,
            share: share(row.trainable_elements, self.elements),
            groups: self.groups(after),
            unfrozen: parts(&|part| is.contains(*part) && !was.contains(*part)),
            frozen: parts(&|part| was.contains(*part) && !is.contains(*part)),
            dropped: parts(&|part| applied.drops(before, *part)),
            restores: restores.collect(),
            live_stats: follow.map(|(_, (module, _))| module.module.as_str()).collect(),
            stops: row.stops,
            changes: row.changes,
        })
    }

    /// What trains, in groups: two curves are one where they began together, or never move.
    fn groups(&self, state: &State) -> Vec<GroupJson<'p>> {
        let constant = |options: &SliceOptions| state.running.get(options.lr?)?.curve().constant();
        let same = |one: &SliceOptions, other: &SliceOptions| {
            (one.weight_decay, one.optimizer) == (other.weight_decay, other.optimizer)
                && (one.lr == other.lr
                    || constant(one).is_some() && constant(one) == constant(other))
        };
        let mut groups: Vec<(SliceOptions, Vec<usize>)> = Vec::new();
        for part in self.plan.bound().training(&state.trains) {
            let Some(options) = state.options.get(part) else { continue };
            match groups.iter_mut().find(|(of, _)| same(of, options)) {
                Some((_, parts)) => parts.push(part),
                None => groups.push((*options, vec![part])),
            }
        }
        let group = |(options, parts): (SliceOptions, Vec<usize>)| {
            let running = options.lr.and_then(|lr| state.running.get(lr));
            GroupJson {
                params: self.plan.names(parts.into_iter()),
                lr: running.map(|running| LrCurve::clone(running.curve())),
                since: running.and_then(|running| self.giver(running)),
                weight_decay: Program::default()
                    .weight_decay_or(options.weight_decay, options.optimizer),
                optimizer: options.optimizer,
            }
        };
        groups.into_iter().map(group).collect()
    }

    /// The rule that gave a learning rate; none for that of `default`.
    fn giver(&self, running: &ActiveCurve) -> Option<&'p str> {
        let bound = self.plan.bound();
        match bound.giver(running)? {
            CurveOrigin::Default => None,
            CurveOrigin::Action { rule, .. } => Some(&bound.rules.get(rule)?.name),
        }
    }
}

/// What part of the whole that is, from 0 to 1.
fn share(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
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
