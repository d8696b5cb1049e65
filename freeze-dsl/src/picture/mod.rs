//! The picture of a plan: the model's modules down, time across, and what trains in each cell. Data
//! alone; the command draws it as text, SVG and HTML.
//!
//! ```
//! use freeze_dsl::model::Model;
//! use freeze_dsl::picture::{Picture, PictureSetup, RowCell, RowLimits};
//! use freeze_dsl::policy::Policy;
//!
//! let model = Model::from_json(
//!     r#"{"format":1,"tensors":[
//!         {"name":"body.weight","shape":[8,8],"dtype":"f32","role":"parameter"},
//!         {"name":"head.weight","shape":[2,8],"dtype":"f32","role":"parameter"}]}"#,
//! )?;
//! let policy = Policy::parse("run 4 epochs; start: train head lr 1e-3; epoch 2: unfreeze body")?;
//! let picture = Picture::new(&policy.plan(&model)?, PictureSetup::default())?;
//! let drawing = picture.drawing();
//! let rows = picture.rows(&drawing, RowLimits { shown: 40, all: 40 });
//! let body = rows.shown()[0];
//! assert_eq!(body.name, "body");
//! assert_eq!(picture.cell(&drawing, body, 1), RowCell::Frozen);
//! assert!(matches!(picture.cell(&drawing, body, 2), RowCell::Trains(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assumptions;
mod atoms;
mod axis;
mod cell;
mod error;
mod modules;
mod rows;
mod scenarios;
mod states;
mod walk;

pub use crate::index::{AtomId, StateId};
pub use axis::TimeAxis;
pub use cell::{RowCell, RowTraining};
pub use error::PictureError;
pub use rows::{ModuleRow, RowLimits, RowTree};
pub use scenarios::{Scenario, ScenarioGroup};
pub use states::{ColumnState, TrainingState};

use std::collections::HashMap;

use crate::clock::{Program, RuleId};
use crate::index::{SequenceId, SliceSet, ids};
use crate::plan::{BoundPolicy, Plan};
use crate::simulate::{Per, Setup, Table, simulate};
use assumptions::{Assumptions, waits_for_metrics};
use atoms::Atoms;
use modules::ModuleTree;
use rows::RowTreeBuilder;
use scenarios::{Budget, GroupSource};
use states::{OVER, StateTable};
use walk::{Walk, WatchedAtoms};

/// What a picture is of.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureSetup {
    /// The number of epochs; `None` for the length of the policy's `run`.
    pub epochs: Option<u64>,
    /// The training program's options, including the number of steps in an epoch.
    pub program: Program,
    /// What is observed at the end of each epoch; `None` where that is unknown, and moments that metrics
    /// decide are assumed.
    pub metrics: Option<Table>,
    /// For rules by their names, the epochs at whose start their conditions are assumed to hold: those
    /// of one rule are of its firings, in order.
    pub assumed: Vec<(String, u64)>,
    /// How many columns there may be.
    pub columns: u64,
    /// Whether the picture has a scenario for each choice of those moments.
    pub has_choices: bool,
}

impl Default for PictureSetup {
    fn default() -> Self {
        Self {
            epochs: None,
            program: Program::default(),
            metrics: None,
            assumed: Vec::new(),
            columns: 160,
            has_choices: false,
        }
    }
}

/// A plan, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The time axis.
    pub axis: TimeAxis,
    /// The states that atoms have.
    pub states: Vec<ColumnState>,
    /// The rules, in the order of [`Plan::rows`].
    pub rules: Vec<PictureRule>,
    /// What happens, by groups of sequences that do not depend on each other.
    pub groups: Vec<ScenarioGroup>,
    /// How many numbers the model's parameters have.
    pub elements: usize,
    atoms: usize,
    modules: ModuleTree,
}

/// A rule of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRule {
    /// Its name in messages.
    pub name: String,
    /// Its trigger, as it is written.
    pub trigger: String,
    /// Whether a metric can decide when it fires.
    pub is_by_metric: bool,
}

/// A rule that fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleFiring {
    /// The rule.
    pub rule: RuleId,
    /// The tick at which it does: it is in force for the whole of it.
    pub tick: u64,
}

/// A moment that metrics decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricMoment {
    /// The rule that waits for it.
    pub rule: RuleId,
    /// How often the rule has fired before.
    pub firing: u64,
    /// The epochs at whose start it can be chosen to come.
    pub choices: Vec<u64>,
    /// The epoch at whose start it is assumed to come; `None` where it is not in this run, or another
    /// moment of the rule comes first.
    pub assumed: Option<u64>,
}

/// What is drawn: one course of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// For each atom, its state in each column.
    states: Vec<Vec<StateId>>,
    /// The rules that fire, in order.
    pub firings: Vec<RuleFiring>,
    /// The tick at which a rule ends the training.
    pub end: Option<u64>,
    /// The moments that were assumed to come, in order.
    pub moments: Vec<MetricMoment>,
}

impl Picture {
    /// The picture of a plan.
    ///
    /// # Errors
    /// If the length of training is unknown, if steps are counted and their number in an epoch is
    /// unknown, or if an assumption names no rule that waits for a metric, or a moment at which it
    /// cannot fire.
    pub fn new(plan: &Plan, setup: PictureSetup) -> Result<Self, PictureError> {
        let PictureSetup { epochs, program, metrics, assumed, columns, has_choices } = setup;
        let chooses = metrics.is_none();
        let metrics = metrics.unwrap_or_default();
        let per = Per::Epoch;
        let simulation = simulate(plan.clone(), Setup { epochs, program, metrics, per })?;
        let (epochs, steps) = simulation.length();
        if epochs == 0 || steps == Some(0) {
            return Err(PictureError::NoEpochs);
        }
        let bound = plan.bound();
        let axis = TimeAxis::new(epochs, steps, program.steps_per_epoch, columns);
        let atoms = Atoms::new(bound);
        let assumptions = Assumptions::of(bound, &assumed)?;
        let mut table = StateTable::new();
        let mut groups = Vec::new();
        for (sequences, own, decides) in independent_groups(bound, &atoms, chooses) {
            let watched = WatchedAtoms::new(&atoms, axis, own.clone());
            let source = GroupSource {
                bound,
                start: Walk::new(simulation.clone(), &watched),
                watched,
                atoms: own,
                sequences,
                chooses: decides,
                assumptions: &assumptions,
                epochs,
            };
            let budget = has_choices.then_some(Budget::CHOICES);
            groups.push(source.explore(budget, &mut table));
        }
        let rules = ids(0..bound.rules.len()).zip(&bound.rules).map(|(id, rule)| PictureRule {
            name: rule.name.clone(),
            trigger: plan.trigger(id),
            is_by_metric: rule.trigger.iter().any(|it| !it.value.conditions().is_empty()),
        });
        let picture = Self {
            axis,
            states: table.into_states(),
            rules: rules.collect(),
            groups,
            elements: bound.all_elements(),
            atoms: atoms.representatives.len(),
            modules: modules(plan, &atoms),
        };
        picture.check(&assumptions)?;
        Ok(picture)
    }

    /// The course of the run in which each moment that metrics decide comes when it is assumed to.
    #[must_use]
    pub fn drawing(&self) -> Drawing {
        let columns = self.axis.columns();
        let mut drawing = Drawing {
            states: vec![vec![OVER; columns]; self.atoms],
            firings: Vec::new(),
            end: None,
            moments: Vec::new(),
        };
        for group in &self.groups {
            let mut at = group.scenarios.first();
            while let Some(scenario) = at {
                let assumed = scenario.moments.iter().filter_map(|it| Some((it.assumed?, it)));
                let epoch = assumed.clone().map(|(epoch, _)| epoch).min();
                let coming = assumed.filter(|(of, _)| Some(*of) == epoch).map(|(_, it)| it);
                let coming: Vec<&MetricMoment> = coming.collect();
                let rules: Vec<RuleId> = coming.iter().map(|it| it.rule).collect();
                let next = epoch.and_then(|epoch| scenario.next.get(&(epoch, rules)));
                let tick = epoch.map(|epoch| epoch.saturating_mul(self.axis.ticks_per_epoch));
                drawing.add(scenario, group, next.and(tick));
                drawing.moments.extend(coming.into_iter().filter(|_| next.is_some()).cloned());
                at = next.and_then(|next| group.scenarios.get(*next));
            }
        }
        drawing.cut(&self.axis);
        drawing
    }

    /// The rows of a drawing: what looks alike in it is one row where there are many.
    #[must_use]
    pub fn rows(&self, drawing: &Drawing, limits: RowLimits) -> RowTree {
        let mut known: HashMap<Vec<Look>, usize> = HashMap::new();
        let mut classes = Vec::with_capacity(self.atoms);
        for states in &drawing.states {
            let looks = states.iter().map(|state| self.look(*state)).collect();
            let next = known.len();
            classes.push(*known.entry(looks).or_insert(next));
        }
        self.rows_of(&classes, limits)
    }

    /// The rows of all scenarios: what looks alike in each of them is one row where there are many.
    #[must_use]
    pub fn rows_of_all(&self, limits: RowLimits) -> RowTree {
        let mut classes = vec![0; self.atoms];
        for (index, group) in self.groups.iter().enumerate() {
            let mut known: HashMap<Vec<Look>, usize> = HashMap::new();
            for (place, atom) in group.atoms.iter().enumerate() {
                let columns = group.scenarios.iter().flat_map(|scenario| &scenario.columns);
                let states = columns.filter_map(|column| column.get(place));
                let looks = states.map(|state| self.look(*state)).collect();
                let next = known.len();
                if let Some(class) = classes.get_mut(atom.index()) {
                    // Classes of two groups are never equal.
                    *class = *known.entry(looks).or_insert(next) * self.groups.len() + index;
                }
            }
        }
        self.rows_of(&classes, limits)
    }

    fn rows_of(&self, classes: &[usize], limits: RowLimits) -> RowTree {
        let class_of = |atom: AtomId| classes.get(atom.index()).copied().unwrap_or_default();
        RowTreeBuilder::build(&self.modules, &class_of, limits)
    }

    /// What of a state can be seen in a cell.
    fn look(&self, state: StateId) -> Look {
        match self.states.get(state.index()) {
            Some(ColumnState::Trains(it)) => {
                Look::Trains(it.lr.map(f64::to_bits), it.is_drawn || it.is_part_of_time)
            }
            Some(ColumnState::Frozen) => Look::Frozen,
            Some(ColumnState::Over) | None => Look::Over,
        }
    }

    /// Checks that rules fire when they were assumed to.
    fn check(&self, assumptions: &Assumptions) -> Result<(), PictureError> {
        if assumptions.given.is_empty() {
            return Ok(());
        }
        let moments = self.drawing().moments;
        let scenarios = || self.groups.iter().flat_map(|group| &group.scenarios);
        for (rule, epochs) in &assumptions.given {
            let name = self.rules.get(rule.index()).map_or("", |rule| &rule.name);
            for (firing, epoch) in (0..).zip(epochs) {
                let is_it = |it: &&MetricMoment| (it.rule, it.firing) == (*rule, firing);
                if moments.iter().any(|it| is_it(&it) && it.assumed == Some(*epoch)) {
                    continue;
                }
                let choices =
                    scenarios().flat_map(|it| &it.moments).filter(is_it).flat_map(|it| &it.choices);
                let (rule, epoch) = (name.to_owned(), *epoch);
                let first = choices.copied().min().filter(|first| *first > epoch);
                return Err(PictureError::OtherMoment { rule, epoch, first });
            }
        }
        Ok(())
    }
}

/// What of a state can be seen in a cell: its learning rate, and whether it is there in part.
#[derive(PartialEq, Eq, Hash)]
enum Look {
    Over,
    Frozen,
    Trains(Option<u64>, bool),
}

impl Drawing {
    /// Adds a scenario of a group up to a tick.
    fn add(&mut self, scenario: &Scenario, group: &ScenarioGroup, until: Option<u64>) {
        for (place, atom) in group.atoms.iter().enumerate() {
            let Some(states) = self.states.get_mut(atom.index()) else { continue };
            let own = states.iter_mut().skip(scenario.first_column);
            for (state, column) in own.zip(&scenario.columns) {
                *state = column.get(place).copied().unwrap_or(OVER);
            }
        }
        let is_before = |tick: u64| until.is_none_or(|until| tick < until);
        let firings = scenario.firings.iter().filter(|firing| is_before(firing.tick));
        self.firings.extend(firings.copied());
        if let Some(end) = scenario.end.filter(|end| is_before(*end)) {
            self.end = Some(self.end.map_or(end, |other| other.min(end)));
        }
    }

    /// Cuts everything off after the end of the training, and sorts what is left.
    fn cut(&mut self, axis: &TimeAxis) {
        if let Some(end) = self.end {
            self.firings.retain(|firing| firing.tick <= end);
            let is_over = |column: usize| axis.first_tick(column) >= end;
            for states in &mut self.states {
                for (column, state) in states.iter_mut().enumerate() {
                    if is_over(column) {
                        *state = OVER;
                    }
                }
            }
        }
        // At one look, the main sequence comes first, and then the tracks in their order.
        self.firings.sort_by_key(|firing| (firing.tick, firing.rule));
        self.moments.sort_by_key(|moment| (moment.assumed, moment.rule));
    }

    /// The state of an atom in a column.
    #[must_use]
    pub fn state(&self, atom: AtomId, column: usize) -> StateId {
        let states = self.states.get(atom.index());
        states.and_then(|states| states.get(column)).copied().unwrap_or(OVER)
    }
}

/// The sequences that depend on each other, with the atoms that only they change, and whether they wait
/// for metrics that can be chosen.
fn independent_groups(
    bound: &BoundPolicy,
    atoms: &Atoms,
    chooses: bool,
) -> Vec<(Vec<SequenceId>, Vec<AtomId>, bool)> {
    let waits = |id: &SequenceId| {
        let rules = bound.sequence(*id).and_then(|of| bound.rules.get(of.rules.clone()));
        rules.unwrap_or_default().iter().any(waits_for_metrics)
    };
    let all: Vec<SequenceId> = bound.sequence_ids().collect();
    let waiting: Vec<SequenceId> = all.iter().copied().filter(waits).collect();
    let is_ownerless = |id: &SequenceId| bound.sequence(*id).is_some_and(|of| of.is_ownerless);
    if !chooses || waiting.is_empty() || waiting.iter().any(is_ownerless) {
        return vec![(all, atoms.ids().collect(), chooses)];
    }
    let everything = SliceSet::all(bound.slices.len());
    let mut groups: Vec<(Vec<SequenceId>, Vec<AtomId>, bool)> = Vec::new();
    for id in &waiting {
        let own = bound.sequence(*id).map_or_else(SliceSet::new, |of| of.part_of(&everything));
        groups.push((vec![*id], atoms.of(&own), true));
    }
    let others = all.into_iter().filter(|id| !waiting.contains(id)).collect();
    let owned: Vec<AtomId> = groups.iter().flat_map(|(_, atoms, _)| atoms.clone()).collect();
    let rest = atoms.ids().filter(|atom| !owned.contains(atom)).collect();
    groups.push((others, rest, false));
    groups
}

/// The tree of the model's parameters.
fn modules(plan: &Plan, atoms: &Atoms) -> ModuleTree {
    let bound = plan.bound();
    let mut of_parameters = vec![Vec::new(); plan.model().parameters().len()];
    for slice in bound.slice_ids() {
        let Some((parameter, atom)) = bound.parameter(slice).zip(atoms.of_slice(slice)) else {
            continue;
        };
        if let Some(of) = of_parameters.get_mut(parameter.index()) {
            of.push((atom, bound.elements_of(slice)));
        }
    }
    let names = plan.model().parameters().iter().map(|parameter| parameter.name.as_str());
    ModuleTree::new(names.zip(of_parameters))
}
