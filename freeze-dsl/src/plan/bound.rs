//! Rules bound to a model.

use std::ops::Range;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::{AppliedRule, Effect, ParamSlice, State};
use crate::ir::LoweredPolicy;
use crate::ir::RunLength;
use crate::ir::{LoweredRule, LrCurve, ParamOptions};
use crate::model::{Model, Parameter};
use crate::select::{NameIndex, Units};
use crate::source::Spanned;
use crate::time::ActiveCurve;
use crate::time::Time;

/// The rules of a policy bound to a model, with everything that applying them requires.
#[derive(Debug, Clone)]
pub(crate) struct BoundPolicy {
    pub(crate) rules: Vec<LoweredRule>,
    pub(crate) defaults: ParamOptions,
    pub(crate) run: Option<Spanned<RunLength>>,
    pub(crate) units: Units,
    /// The slices under the first names of parameters.
    pub(crate) parts: Vec<ParamSlice>,
    /// For each slice under another name, the slice under the first name.
    pub(crate) same: Vec<(usize, usize)>,
    /// The other names of these slices.
    pub(crate) aliases: Vec<String>,
    /// For each normalization, the slices that decide whether its statistics are live.
    pub(crate) deciding: Vec<FixedBitSet>,
    /// The model's parameters' names, for messages.
    pub(crate) names: Vec<String>,
    elements: Vec<usize>,
}

/// The origin of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CurveOrigin {
    Default,
    /// An action, by its index and that of its rule.
    Action {
        rule: usize,
        action: usize,
    },
}

impl BoundPolicy {
    pub(crate) fn new(lowered: LoweredPolicy, selecting: &NameIndex<'_>, model: &Model) -> Self {
        let LoweredPolicy { rules, defaults, run, .. } = lowered;
        let names = selecting.names();
        let parameter_of = |name: usize| names.get(name).map_or(0, |(_, parameter)| *parameter);
        let selections = rules
            .iter()
            .flat_map(|rule| &rule.actions)
            .filter_map(|action| action.value.targets().map(|targets| &targets.value));
        let rows_of = |name: usize| selecting.rows(name).unwrap_or_default();
        let units = Units::new(names.len(), selections, parameter_of, rows_of);
        let own = units.of_first_names(model.parameters().len());
        let parts: Vec<ParamSlice> = (0..own)
            .map(|unit| ParamSlice {
                parameter: units.name(unit).map_or(0, parameter_of),
                rows: units.rows(unit).cloned(),
            })
            .collect();
        let aliases = (own..units.len())
            .filter_map(|unit| names.get(units.name(unit)?))
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let same = (own..units.len())
            .filter_map(|unit| {
                let of = ParamSlice {
                    parameter: parameter_of(units.name(unit)?),
                    rows: units.rows(unit).cloned(),
                };
                Some((unit, parts.iter().position(|part| *part == of)?))
            })
            .collect();
        let elements = parts
            .iter()
            .map(|part| {
                let whole = model.parameters().get(part.parameter);
                let (all, rows) = whole.map_or((0, 0), |whole| {
                    (whole.elements(), whole.shape.first().copied().unwrap_or(1))
                });
                part.rows.as_ref().map_or(all, |cut| all / rows.max(1) * cut.len())
            })
            .collect();
        let deciding = model
            .normalisations()
            .iter()
            .map(|module| {
                let mut deciding = FixedBitSet::with_capacity(units.len());
                for unit in 0..units.len() {
                    let parameter = units.name(unit).map_or(0, parameter_of);
                    deciding.set(unit, module.parameters.binary_search(&parameter).is_ok());
                }
                deciding
            })
            .collect();
        let names = model.parameters().iter().map(|parameter: &Parameter| parameter.name.clone());
        Self {
            rules,
            defaults,
            run,
            parts,
            same,
            aliases,
            deciding,
            names: names.collect(),
            elements,
            units,
        }
    }

    /// The state before the first rule.
    pub(crate) fn start(&self) -> State {
        State::new(self.units.len(), self.deciding.len(), &self.defaults)
    }

    /// The name of a slice's parameter.
    pub(crate) fn unit_name(&self, unit: usize) -> &str {
        let of_own = |part: &ParamSlice| self.names.get(part.parameter);
        let of_other = || self.aliases.get(unit.checked_sub(self.parts.len())?);
        self.parts.get(unit).and_then(of_own).or_else(of_other).map_or("", String::as_str)
    }

    /// The curve of an origin, if it sets one.
    pub(crate) fn curve(&self, origin: CurveOrigin) -> Option<&Arc<LrCurve>> {
        let options = match origin {
            CurveOrigin::Default => &self.defaults,
            CurveOrigin::Action { rule, action } => {
                self.rules.get(rule)?.actions.get(action)?.value.options()?
            }
        };
        options.lr.as_ref().map(|lr| &lr.value)
    }

    /// The origin of an active curve.
    pub(crate) fn origin(&self, running: &ActiveCurve) -> Option<CurveOrigin> {
        let actions = self.rules.iter().enumerate().flat_map(|(index, rule)| {
            let actions = 0..rule.actions.len();
            actions.map(move |action| CurveOrigin::Action { rule: index, action })
        });
        let mut origins = std::iter::once(CurveOrigin::Default).chain(actions);
        origins.find(|origin| self.curve(*origin).is_some_and(|curve| running.is(curve)))
    }

    /// The names of some parts, given in the model's order. Neighbouring rows are one stretch, and
    /// all rows are the parameter.
    pub(crate) fn part_names(&self, parts: impl Iterator<Item = usize>) -> Vec<String> {
        let mut stretches: Vec<ParamSlice> = Vec::new();
        for part in parts.filter_map(|part| self.parts.get(part)) {
            match (stretches.last_mut(), &part.rows) {
                (Some(ParamSlice { parameter, rows: Some(before) }), Some(rows))
                    if *parameter == part.parameter && before.end == rows.start =>
                {
                    before.end = rows.end;
                }
                _ => stretches.push(part.clone()),
            }
        }
        let name = |ParamSlice { parameter, rows }: ParamSlice| {
            let name = self.names.get(parameter)?;
            // The parts of a parameter lie side by side, and the last one ends where it does.
            let end = self.parts.partition_point(|part| part.parameter <= parameter);
            let last = end.checked_sub(1).and_then(|last| self.parts.get(last)?.rows.as_ref());
            let is_part = |rows: &Range<usize>| last.is_some_and(|last| *rows != (0..last.end));
            Some(match rows.filter(is_part) {
                Some(rows) => format!("{name}[{}..{}]", rows.start, rows.end),
                None => name.clone(),
            })
        };
        stretches.into_iter().filter_map(name).collect()
    }

    /// The number of elements that train.
    pub(crate) fn elements(&self, trains: &FixedBitSet) -> usize {
        self.training(trains).filter_map(|part| self.elements.get(part)).sum()
    }

    /// The number of parameters that train, at least in part.
    pub(crate) fn trainable(&self, trains: &FixedBitSet) -> usize {
        let mut last = None;
        let of = |part: usize| self.parts.get(part).map(|part| part.parameter);
        let parameters = self.training(trains).filter_map(of);
        parameters.filter(|parameter| last.replace(*parameter) != Some(*parameter)).count()
    }

    /// The parts that train.
    pub(crate) fn training<'t>(&self, trains: &'t FixedBitSet) -> impl Iterator<Item = usize> + 't {
        let own = self.parts.len();
        trains.ones().take_while(move |unit| *unit < own)
    }

    /// Calls `look` with the effect of each rule after the rules before it, as if each fired once
    /// at the start.
    pub(crate) fn walk(&self, mut look: impl FnMut(usize, &LoweredRule, &State, &AppliedRule<'_>)) {
        let mut many_curves = 256;
        let mut state = self.start();
        let mut copy = state.clone();
        for (index, rule) in self.rules.iter().enumerate() {
            let applied = AppliedRule::onto(copy, self, rule, &state, 0, Time::default());
            look(index, rule, &state, &applied);
            let AppliedRule { after, given, .. } = applied;
            copy = std::mem::replace(&mut state, after);
            if state.running.len() > many_curves {
                state.compact();
                many_curves = many_curves.max(2 * state.running.len());
                copy = state.clone();
            } else {
                copy.follow(&state, &given);
            }
        }
    }

    /// The effects of each rule.
    pub(super) fn effects(&self) -> Vec<Vec<Effect>> {
        let mut all = Vec::with_capacity(self.rules.len());
        self.walk(|_, _, before, applied| {
            let effect = |part: usize| {
                let trained = before.trains.contains(part);
                let trains = applied.after.trains.contains(part);
                let drops_state = applied.drops(before, part);
                let same = trained == trains
                    && !drops_state
                    && before.options.get(part) == applied.after.options.get(part);
                (!same).then_some(Effect { part, trains, drops_state })
            };
            all.push((0..self.parts.len()).filter_map(effect).collect());
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use crate::model::{Model, Role, Tensor};
    use crate::policy::Policy;

    #[test]
    fn however_many_curves_run_a_rule_changes_what_it_selects_alone() {
        const LAYERS: usize = 700;
        let tensors = (0..LAYERS).map(|layer| Tensor {
            name: format!("layer.{layer}"),
            shape: vec![4],
            dtype: "f32".to_owned(),
            role: Role::Parameter,
            same_as: None,
        });
        let model = Model::new(tensors.collect()).unwrap();
        let mut text = String::from("start: train @all lr 1; ");
        for layer in 0..LAYERS {
            // Each has a curve of its own, so none of them is ever dropped.
            write!(text, "epoch {layer}: set layer.{layer} lr {layer}e-3; ").unwrap();
        }
        write!(text, "epoch {LAYERS}: set layer.0 lr 2").unwrap();
        let plan = Policy::parse(&text).unwrap().plan(&model).unwrap();
        let effects = plan.effects();
        let changed = |rule: usize| effects[rule].iter().map(|it| it.part).collect::<Vec<_>>();
        assert_eq!(changed(0), (0..LAYERS).collect::<Vec<_>>());
        for layer in 0..LAYERS {
            assert_eq!(changed(layer + 1), [layer]);
        }
        assert_eq!(changed(LAYERS + 1), [0_usize]);
    }
}
