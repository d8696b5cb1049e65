//! Rules bound to a model.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::{AppliedRule, BoundSequence, Effect, ParamSlice, SequenceWalk, State};
use crate::index::{ParamId, RuleId, SequenceId, SliceId, SliceSet, ids};
use crate::ir::{
    CurveUse, LoweredAction, LoweredPolicy, LoweredRule, Optimizer, Ownership, ParamOptions,
    RunLength, ValueCurve,
};
use crate::model::Parameter;
use crate::select::{NameIndex, SliceTable};
use crate::source::Spanned;
use crate::time::ActiveCurve;

/// The rules of a policy bound to a model, with everything that applying them requires.
#[derive(Debug, Clone)]
pub(crate) struct BoundPolicy {
    /// The main sequence, and the tracks in the order of the text.
    pub(crate) sequences: Vec<BoundSequence>,
    /// The rules of all sequences, one sequence after another.
    pub(crate) rules: Vec<LoweredRule>,
    pub(crate) defaults: ParamOptions,
    pub(crate) run: Option<Spanned<RunLength>>,
    pub(crate) table: SliceTable,
    /// The slices under the first names of parameters.
    pub(crate) slices: Vec<ParamSlice>,
    /// For each slice under another name, the slice under the first name.
    pub(crate) same: Vec<(SliceId, SliceId)>,
    /// The other names of these slices.
    aliases: Vec<String>,
    /// For each normalization, the slices that decide whether its statistics are live.
    pub(crate) deciding: Vec<SliceSet>,
    /// The paths of these normalizations.
    pub(crate) modules: Vec<String>,
    /// The names of the model's parameters.
    names: Vec<String>,
    elements: Vec<usize>,
    /// The dimensions of the model's parameters.
    shapes: Vec<Vec<usize>>,
    /// Whether each of the model's parameters is complex.
    complex: Vec<bool>,
    /// Whether the model's order is that in which the network uses its parameters.
    pub(crate) is_network_order: bool,
    /// How many elements all slices have.
    all_elements: usize,
    /// The slices in the order of their names, once it was asked for.
    by_name: OnceLock<Vec<SliceId>>,
}

/// The origin of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurveOrigin {
    /// What sets it.
    pub(crate) giver: CurveGiver,
    /// What follows it.
    pub(crate) of: CurveUse,
}

/// What sets a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CurveGiver {
    Default,
    /// An action, by its index and that of its rule.
    Action {
        rule: RuleId,
        action: usize,
    },
}

impl BoundPolicy {
    pub(crate) fn new(lowered: LoweredPolicy, selecting: &NameIndex<'_>) -> Self {
        let model = selecting.model();
        let LoweredPolicy { rules, sequences, defaults, run, .. } = lowered;
        let parameter_of = |name| selecting.name(name).map(|(_, parameter)| parameter);
        let selections = rules
            .iter()
            .flat_map(|rule| &rule.actions)
            .filter_map(|action| action.value.targets().map(|targets| &targets.value));
        let observed = rules
            .iter()
            .flat_map(|rule| &rule.trigger.value)
            .flat_map(|moment| moment.value.conditions())
            .filter_map(|condition| condition.grad_norm_of.as_ref());
        let scopes = sequences.iter().filter_map(|sequence| match &sequence.ownership {
            Ownership::Scope(scope) => Some(&scope.value),
            Ownership::Rest | Ownership::Nothing => None,
        });
        let selections = selections.chain(observed).chain(scopes);
        let rows_of = |name| selecting.rows(name).unwrap_or_default();
        let table = SliceTable::new(selecting.len(), selections, parameter_of, rows_of);
        let own = table.of_first_names(model.parameters().len());
        let param_slice = |slice| {
            let parameter = parameter_of(table.name(slice)?)?;
            Some(ParamSlice { parameter, rows: table.rows(slice).cloned() })
        };
        let slices: Vec<ParamSlice> = ids(0..own).filter_map(param_slice).collect();
        let others = || ids::<SliceId>(own..table.len());
        let aliases = others()
            .filter_map(|slice| selecting.name(table.name(slice)?))
            .map(|(name, _)| name.to_owned())
            .collect();
        let own_place = |of: &ParamSlice| {
            let key = |slice: &ParamSlice| {
                (slice.parameter, slice.rows.as_ref().map_or(0, |rows| rows.start))
            };
            slices.binary_search_by_key(&key(of), key).ok()
        };
        let same = others()
            .filter_map(|slice| Some((slice, SliceId::new(own_place(&param_slice(slice)?)?))))
            .collect();
        let elements: Vec<usize> = slices
            .iter()
            .map(|slice| {
                let whole = model.parameters().get(slice.parameter.index());
                let (all, rows) = whole.map_or((0, 0), |whole| {
                    (whole.elements(), whole.shape.first().copied().unwrap_or(1))
                });
                slice.rows.as_ref().map_or(all, |cut| all / rows.max(1) * cut.len())
            })
            .collect();
        let mut slices_of: Vec<Vec<SliceId>> = vec![Vec::new(); model.parameters().len()];
        for slice in table.ids() {
            let parameter = table.name(slice).and_then(parameter_of);
            if let Some(of) = parameter.and_then(|it| slices_of.get_mut(it.index())) {
                of.push(slice);
            }
        }
        let deciding = model
            .normalisations()
            .iter()
            .map(|module| {
                let mut deciding = SliceSet::with_capacity(table.len());
                let own = module.parameters.iter().filter_map(|it| slices_of.get(it.index()));
                deciding.extend(own.flatten().copied());
                deciding
            })
            .collect();
        let names = model.parameters().iter().map(|parameter: &Parameter| parameter.name.clone());
        let shapes = model.parameters().iter().map(|parameter| parameter.shape.clone()).collect();
        let complex: HashSet<&str> = model
            .tensors()
            .iter()
            .filter(|tensor| tensor.dtype.starts_with('c'))
            .map(|tensor| tensor.name.as_str())
            .collect();
        let is_complex = |parameter: &Parameter| complex.contains(parameter.name.as_str());
        let complex = model.parameters().iter().map(is_complex).collect();
        Self {
            sequences: BoundSequence::all(sequences, &table),
            rules,
            defaults,
            run,
            slices,
            same,
            aliases,
            deciding,
            modules: model.normalisations().iter().map(|it| it.module.clone()).collect(),
            names: names.collect(),
            all_elements: elements.iter().sum(),
            elements,
            shapes,
            complex,
            is_network_order: model.is_network_order(),
            by_name: OnceLock::new(),
            table,
        }
    }

    /// The state before the first rule.
    pub(crate) fn start(&self) -> State {
        State::new(self.table.len(), self.deciding.len(), &self.defaults)
    }

    /// A slice under the first name of its parameter.
    pub(crate) fn slice(&self, slice: SliceId) -> Option<&ParamSlice> {
        self.slices.get(slice.index())
    }

    /// All slices under the first names of parameters.
    pub(crate) fn slice_ids(&self) -> impl Iterator<Item = SliceId> + Clone + use<> {
        ids(0..self.slices.len())
    }

    /// The parameter of a slice under its first name.
    pub(crate) fn parameter(&self, slice: SliceId) -> Option<ParamId> {
        self.slice(slice).map(|slice| slice.parameter)
    }

    /// The dimensions of a slice's parameter.
    pub(crate) fn shape(&self, slice: SliceId) -> &[usize] {
        let shape = self.parameter(slice).and_then(|it| self.shapes.get(it.index()));
        shape.map_or(&[], Vec::as_slice)
    }

    /// Why an optimizer cannot step a slice, if it cannot.
    pub(crate) fn refusal(&self, slice: SliceId, optimizer: &Optimizer) -> Option<&'static str> {
        let complex = self.parameter(slice).and_then(|it| self.complex.get(it.index()));
        optimizer.refuses(self.shape(slice).len(), complex.copied().unwrap_or_default())
    }

    /// The name of a slice's parameter, under which the slice can be trained.
    pub(crate) fn name(&self, slice: SliceId) -> &str {
        let of_first = |parameter: ParamId| self.names.get(parameter.index());
        let of_other = || self.aliases.get(slice.index().checked_sub(self.slices.len())?);
        self.parameter(slice).and_then(of_first).or_else(of_other).map_or("", String::as_str)
    }

    /// How many parameters there are.
    pub(crate) const fn parameters(&self) -> usize {
        self.names.len()
    }

    /// How many elements all parameters have.
    pub(crate) const fn all_elements(&self) -> usize {
        self.all_elements
    }

    /// How many slices lie at or under a path; all of them for an empty one.
    pub(crate) fn count_under(&self, path: &str) -> usize {
        if path.is_empty() {
            return self.slices.len();
        }
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: Vec<SliceId> = self.slice_ids().collect();
            by_name.sort_by_key(|slice| self.name(*slice));
            by_name
        });
        let before =
            |fits: &dyn Fn(&str) -> bool| by_name.partition_point(|slice| fits(self.name(*slice)));
        let module = format!("{path}.");
        let own = before(&|name| name <= path) - before(&|name| name < path);
        let under = before(&|name| name < module.as_str() || name.starts_with(&module))
            - before(&|name| name < module.as_str());
        own + under
    }

    /// The main sequence, and the tracks in the order of the text, by their ids.
    pub(crate) fn sequence_ids(&self) -> impl Iterator<Item = SequenceId> + use<> {
        ids(0..self.sequences.len())
    }

    /// A sequence.
    pub(crate) fn sequence(&self, sequence: SequenceId) -> Option<&BoundSequence> {
        self.sequences.get(sequence.index())
    }

    /// The sequence of a rule.
    pub(crate) fn sequence_of(&self, rule: RuleId) -> SequenceId {
        let before = |of: &BoundSequence| of.rules.end <= rule.index();
        SequenceId::new(self.sequences.partition_point(before))
    }

    /// The sequence that owns a slice.
    pub(crate) fn owner(&self, slice: SliceId) -> Option<&BoundSequence> {
        let owns = |of: &&BoundSequence| of.owned.as_ref().is_none_or(|it| it.contains(slice));
        self.sequences.iter().find(owns)
    }

    /// Whether some track owns parameters.
    pub(crate) fn has_owners(&self) -> bool {
        self.sequences.len() > 1 && self.sequences.iter().skip(1).any(|track| !track.is_ownerless)
    }

    /// A rule.
    pub(crate) fn rule(&self, rule: RuleId) -> Option<&LoweredRule> {
        self.rules.get(rule.index())
    }

    /// The curve of an origin, if it sets one.
    pub(crate) fn curve(&self, origin: CurveOrigin) -> Option<&Arc<ValueCurve>> {
        let mut curves = self.options_of(origin.giver)?.curves();
        curves.find_map(|(of, curve)| (of == origin.of).then_some(curve))
    }

    /// The options that include a curve.
    fn options_of(&self, giver: CurveGiver) -> Option<&ParamOptions> {
        match giver {
            CurveGiver::Default => Some(&self.defaults),
            CurveGiver::Action { rule, action } => {
                self.rule(rule)?.actions.get(action)?.value.options()
            }
        }
    }

    /// The slices that `default` or a rule may anchor, under the first names of parameters.
    pub(super) fn anchored(&self) -> Vec<SliceId> {
        let pulls =
            |options: &ParamOptions| options.anchor.is_some_and(|anchor| anchor.value > 0.0);
        if pulls(&self.defaults) {
            return self.slice_ids().collect();
        }
        let mut anchored = SliceSet::with_capacity(self.table.len());
        for action in self.rules.iter().flat_map(|rule| &rule.actions) {
            if let LoweredAction::On { targets, options, .. } = &action.value
                && pulls(options)
            {
                anchored.union_with(&targets.value.reach(&self.table));
            }
        }
        self.training(&anchored).collect()
    }

    /// The origin of an active curve.
    pub(crate) fn origin(&self, running: &ActiveCurve) -> Option<CurveOrigin> {
        let actions = self.rules.iter().enumerate().flat_map(|(index, rule)| {
            let actions = 0..rule.actions.len();
            actions.map(move |action| CurveGiver::Action { rule: RuleId::new(index), action })
        });
        let mut givers = std::iter::once(CurveGiver::Default).chain(actions);
        givers.find_map(|giver| {
            let mut curves = self.options_of(giver)?.curves();
            let (of, _) = curves.find(|(_, curve)| running.is(curve))?;
            Some(CurveOrigin { giver, of })
        })
    }

    /// The name of a slice: its parameter's name, with its rows if it has any.
    pub(crate) fn slice_name(&self, slice: &ParamSlice) -> Option<String> {
        let name = self.names.get(slice.parameter.index())?;
        Some(match &slice.rows {
            Some(rows) => format!("{name}[{}..{}]", rows.start, rows.end),
            None => name.clone(),
        })
    }

    /// The names of some slices, given in the model's order. Neighbouring rows are one slice, and
    /// all rows are the parameter.
    pub(crate) fn slice_names(&self, slices: impl Iterator<Item = SliceId>) -> Vec<String> {
        let mut joined: Vec<ParamSlice> = Vec::new();
        for slice in slices.filter_map(|slice| self.slice(slice)) {
            match (joined.last_mut(), &slice.rows) {
                (Some(ParamSlice { parameter, rows: Some(before) }), Some(rows))
                    if *parameter == slice.parameter && before.end == rows.start =>
                {
                    before.end = rows.end;
                }
                _ => joined.push(slice.clone()),
            }
        }
        let name = |mut slice: ParamSlice| {
            // The slices of a parameter are contiguous, and the last one ends where it does.
            let end = self.slices.partition_point(|known| known.parameter <= slice.parameter);
            let last = end.checked_sub(1).and_then(|last| self.slices.get(last)?.rows.as_ref());
            slice.rows.take_if(|rows| last.is_none_or(|last| *rows == (0..last.end)));
            self.slice_name(&slice)
        };
        joined.into_iter().filter_map(name).collect()
    }

    /// The number of elements of a slice.
    pub(crate) fn elements_of(&self, slice: SliceId) -> usize {
        self.elements.get(slice.index()).copied().unwrap_or_default()
    }

    /// The number of elements that train.
    pub(crate) fn elements(&self, trains: &SliceSet) -> usize {
        self.training(trains).filter_map(|slice| self.elements.get(slice.index())).sum()
    }

    /// The number of parameters that train, at least in part.
    pub(crate) fn trainable(&self, trains: &SliceSet) -> usize {
        let mut last = None;
        let parameters = self.training(trains).filter_map(|slice| self.parameter(slice));
        parameters.filter(|parameter| last.replace(*parameter) != Some(*parameter)).count()
    }

    /// The slices that train, under the first names of parameters.
    pub(crate) fn training<'t>(
        &self,
        trains: &'t SliceSet,
    ) -> impl Iterator<Item = SliceId> + use<'t> {
        let own = self.slices.len();
        trains.iter().take_while(move |slice| slice.index() < own)
    }

    /// Calls `look` with the effect of each rule after the rules of its sequence before it, as if each
    /// fired once at the start.
    pub(crate) fn walk(&self, mut look: impl FnMut(usize, &LoweredRule, &State, &AppliedRule<'_>)) {
        for sequence in &self.sequences {
            let mut walk = SequenceWalk::new(self, sequence);
            for index in sequence.rules.clone() {
                walk.go(index, 0, |rule, before, applied| look(index, rule, before, applied));
            }
        }
    }

    /// The effects of each rule.
    pub(super) fn effects(&self) -> Vec<Vec<Effect>> {
        let mut all = Vec::with_capacity(self.rules.len());
        self.walk(|_, _, before, applied| {
            let effect = |slice: SliceId| {
                let trained = before.trains.contains(slice);
                let trains = applied.after.trains.contains(slice);
                let drops_state = applied.drops(before, slice);
                let same = trained == trains
                    && !drops_state
                    && before.options(slice) == applied.after.options(slice);
                (!same).then_some(Effect { slice, trains, drops_state })
            };
            all.push(self.slice_ids().filter_map(effect).collect());
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
        let changed =
            |rule: usize| effects[rule].iter().map(|it| it.slice.index()).collect::<Vec<_>>();
        assert_eq!(changed(0), (0..LAYERS).collect::<Vec<_>>());
        for layer in 0..LAYERS {
            assert_eq!(changed(layer + 1), [layer]);
        }
        assert_eq!(changed(LAYERS + 1), [0_usize]);
    }
}
