//! Rules bound to a model.

use fixedbitset::FixedBitSet;

use super::{Applied, Effect, Part, Row, State};
use crate::diagnostic::Diagnostic;
use crate::model::{Model, Parameter};
use crate::policy::Length;
use crate::rule::{Action, Options, Rule};
use crate::select::{Selecting, Units};
use crate::source::Spanned;
use crate::time::Time;
use crate::unroll::Unrolled;

/// Rules bound to a model, with all that is needed to apply them.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) rules: Vec<Rule>,
    pub(crate) defaults: Options,
    pub(crate) run: Option<Spanned<Length>>,
    pub(crate) units: Units,
    /// What the units are, those under other names left out.
    pub(crate) parts: Vec<Part>,
    /// For each unit under another name, the one that it is.
    pub(super) same: Vec<(usize, usize)>,
    /// The other names of these.
    pub(super) aliases: Vec<String>,
    /// For each normalisation, the units that decide whether its statistics are live.
    pub(crate) deciding: Vec<FixedBitSet>,
    /// The model's parameters' names, for messages.
    pub(super) names: Vec<String>,
    elements: Vec<usize>,
}

impl Bound {
    pub(crate) fn new(unrolled: Unrolled, selecting: &Selecting<'_>, model: &Model) -> Self {
        let Unrolled { rules, defaults, run, .. } = unrolled;
        let names = selecting.names();
        let parameter_of = |name: usize| names.get(name).map_or(0, |(_, parameter)| *parameter);
        let selections = rules
            .iter()
            .flat_map(|rule| &rule.actions)
            .filter_map(|action| action.value.targets().map(|targets| &targets.value));
        let rows_of = |name: usize| selecting.rows(name).unwrap_or_default();
        let units = Units::new(names.len(), selections, parameter_of, rows_of);
        let own = units.of_first_names(model.parameters().len());
        let parts: Vec<Part> = (0..own)
            .map(|unit| Part {
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
                let of = Part {
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

    /// Before the first rule.
    pub(crate) fn start(&self) -> State {
        State::new(self.units.len(), self.deciding.len(), &self.defaults)
    }

    /// How many numbers the parts have that train.
    pub(crate) fn elements(&self, trains: &FixedBitSet) -> usize {
        self.elements
            .iter()
            .enumerate()
            .filter(|(part, _)| trains.contains(*part))
            .map(|(_, n)| n)
            .sum()
    }

    /// How many of the model's parameters train, at least in part.
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

    /// Looks at what each rule does to what the ones before it left, as if each fired once at the
    /// start.
    pub(super) fn walk(&self, mut look: impl FnMut(usize, &Rule, &State, &Applied<'_>)) {
        const MANY_CURVES: usize = 256;
        let mut state = self.start();
        let mut spare = state.clone();
        for (index, rule) in self.rules.iter().enumerate() {
            spare.set_to(&state);
            let applied = Applied::onto(spare, self, rule, &state, 0, Time::default());
            look(index, rule, &state, &applied);
            spare = std::mem::replace(&mut state, applied.after);
            if state.running.len() > MANY_CURVES {
                state.compact();
            }
        }
    }

    /// A row a rule, and all that is wrong with what the rules do.
    pub(crate) fn rows(&self, found: &mut Vec<Diagnostic>) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.rules.len());
        super::check::check(self, found, |rule, applied| {
            rows.push(Row {
                rule: rule.called.clone(),
                trainable: self.trainable(&applied.after.trains),
                trainable_elements: self.elements(&applied.after.trains),
                stops: rule.actions.iter().any(|action| matches!(action.value, Action::Stop)),
                changes: rule
                    .actions
                    .iter()
                    .filter_map(|action| action.value.targets())
                    .any(|targets| targets.value.changes()),
            });
        });
        rows
    }

    /// What each rule changes.
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
