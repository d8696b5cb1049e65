//! What a run can become: a scenario for each choice of the moments that metrics decide.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::assumptions::Assumptions;
use super::states::StateTable;
use super::walk::{Walk, WatchedAtoms};
use super::{MetricMoment, RuleFiring};
use crate::clock::{AwaitingRule, RuleId};
use crate::index::{AtomId, SequenceId, StateId};
use crate::plan::BoundPolicy;

/// The run from one moment that metrics decide to its end, if metrics decide nothing after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The column in which it begins.
    pub first_column: usize,
    /// The state of each atom of its group in each column from there, until training is over.
    pub columns: Vec<Vec<StateId>>,
    /// The rules of its group that fire, in order, those of its first moment included.
    pub firings: Vec<RuleFiring>,
    /// The tick at which a rule ends the training.
    pub end: Option<u64>,
    /// What metrics can decide in it.
    pub moments: Vec<MetricMoment>,
    /// For an epoch, and the rules whose conditions hold when it starts, the scenario that begins there,
    /// as an index of the group's scenarios.
    pub next: BTreeMap<(u64, Vec<RuleId>), usize>,
}

/// The scenarios of some sequences and of the atoms that only they change. Those of another group are
/// the same whatever happens in this one, until training is over.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioGroup {
    /// Its atoms, in order.
    pub atoms: Vec<AtomId>,
    /// The first one begins with the run.
    pub scenarios: Vec<Scenario>,
    /// Whether each moment can be chosen at every epoch at which it can come, as far as that is known:
    /// where there would be too many scenarios, some of the choices are missing.
    pub has_all_choices: bool,
}

/// How finely the moments that metrics decide can be chosen.
#[derive(Debug, Clone, Copy)]
struct ChoiceGrid {
    /// One of so many epochs; 0 for the assumed ones alone.
    grain: u64,
    /// After so many choices, only the assumed ones are left.
    depth: usize,
}

/// What all scenarios of a group may take together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) scenarios: usize,
    /// States of an atom in a column.
    pub(super) states: usize,
    /// Ticks that are simulated.
    pub(super) ticks: u64,
}

impl Budget {
    pub(super) const NO_CHOICES: Self =
        Self { scenarios: usize::MAX, states: usize::MAX, ticks: u64::MAX };
    pub(super) const CHOICES: Self = Self { scenarios: 1_000, states: 600_000, ticks: 1_000_000 };
}

/// What a group of scenarios is made of.
pub(super) struct GroupSource<'p> {
    pub(super) bound: &'p BoundPolicy,
    pub(super) watched: WatchedAtoms<'p>,
    pub(super) atoms: Vec<AtomId>,
    /// The sequences whose rules belong to the group.
    pub(super) sequences: Vec<SequenceId>,
    /// Whether nothing is observed, so that moments that metrics decide are chosen.
    pub(super) chooses: bool,
    pub(super) assumptions: &'p Assumptions,
    /// The epochs of the run.
    pub(super) epochs: u64,
    pub(super) start: Walk,
}

impl GroupSource<'_> {
    /// The scenarios of the finest grid of choices whose scenarios the budget has room for.
    pub(super) fn explore(&self, budget: Option<Budget>, states: &mut StateTable) -> ScenarioGroup {
        let grains = [1, 2, 5, 10, 20, 50, 100].into_iter().take_while(|it| *it <= self.epochs);
        let grids = grains.map(|grain| ChoiceGrid { grain, depth: usize::MAX });
        let shallow = [4, 2, 1].map(|depth| ChoiceGrid { grain: 1, depth });
        let coarse = [4, 2, 1].map(|depth| ChoiceGrid { grain: 10, depth });
        let grids = grids.chain(shallow).chain(coarse);
        let explored = budget.and_then(|budget| {
            grids.into_iter().find_map(|grid| self.explore_grid(grid, budget, states))
        });
        let assumed = ChoiceGrid { grain: 0, depth: 0 };
        let or_assumed = || self.explore_grid(assumed, Budget::NO_CHOICES, states);
        let (scenarios, grid) = explored.or_else(or_assumed).unwrap_or((Vec::new(), assumed));
        let has_all_choices = grid.grain == 1 && grid.depth == usize::MAX;
        ScenarioGroup { atoms: self.atoms.clone(), scenarios, has_all_choices }
    }

    /// The first epoch at whose start a metric can be chosen to decide.
    fn next_choice(
        &self,
        walk: &Walk,
        grid: ChoiceGrid,
        depth: usize,
        moments: &PendingMoments,
    ) -> u64 {
        if !self.chooses {
            return u64::MAX;
        }
        let awaiting = walk.awaiting();
        let own = awaiting.iter().filter(|it| self.sequences.contains(&it.sequence));
        let first = |waiting: &AwaitingRule| {
            let on_grid = depth < grid.depth && grid.grain > 0;
            let is_past = || {
                let moment = moments.get(&(waiting.rule, waiting.firings));
                moment.is_some_and(|pending| pending.moment.assumed.is_some())
            };
            let assumed = || self.assumptions.epoch(self.bound, waiting, self.epochs);
            let epoch =
                if on_grid { Some(waiting.earliest) } else { assumed().filter(|_| !is_past()) };
            epoch.map_or(u64::MAX, |epoch| epoch.max(waiting.earliest))
        };
        own.map(first).min().unwrap_or(u64::MAX)
    }

    fn explore_grid(
        &self,
        grid: ChoiceGrid,
        mut budget: Budget,
        states: &mut StateTable,
    ) -> Option<(Vec<Scenario>, ChoiceGrid)> {
        let mut known = HashMap::new();
        let mut scenarios: Vec<Scenario> = Vec::new();
        let mut queue = VecDeque::from([(self.start.clone(), 0, 0)]);
        let mut count = 1;
        while let Some((walk, place, depth)) = queue.pop_front() {
            let mut forks = Vec::new();
            let scenario = self.follow(walk, grid, depth, &mut budget, states, &mut forks)?;
            if place >= scenarios.len() {
                scenarios.push(scenario);
            }
            for (epoch, rules, mut fork) in forks {
                fork.advance(&self.watched, states);
                let next = *known.entry((fork.future(&self.watched), epoch)).or_insert_with(|| {
                    count += 1;
                    queue.push_back((fork, count - 1, depth + 1));
                    count - 1
                });
                if let Some(scenario) = scenarios.get_mut(place) {
                    scenario.next.insert((epoch, rules), next);
                }
            }
            if count > budget.scenarios {
                return None;
            }
        }
        Some((scenarios, grid))
    }

    /// Follows a walk to the end of the run, and forks it wherever a metric can be chosen to decide.
    fn follow(
        &self,
        mut walk: Walk,
        grid: ChoiceGrid,
        depth: usize,
        budget: &mut Budget,
        states: &mut StateTable,
        forks: &mut Vec<(u64, Vec<RuleId>, Walk)>,
    ) -> Option<Scenario> {
        let mut moments: PendingMoments = PendingMoments::new();
        let mut goes_on = walk.end().is_none();
        while goes_on {
            walk.pass_over(&self.watched, self.next_choice(&walk, grid, depth, &moments));
            let starts = walk.next_epoch().filter(|epoch| self.chooses && *epoch < self.epochs);
            if let Some(epoch) = starts {
                let awaiting = walk.awaiting();
                let own = awaiting.iter().filter(|it| self.sequences.contains(&it.sequence));
                let mut due: Vec<RuleId> = Vec::new();
                for waiting in own {
                    let assumed = || self.assumptions.epoch(self.bound, waiting, self.epochs);
                    let Some(past) = epoch.checked_sub(waiting.earliest) else { continue };
                    let is_on_grid =
                        depth < grid.depth && grid.grain > 0 && past.is_multiple_of(grid.grain);
                    if PendingMoment::of(waiting, &mut moments, assumed).is_due(epoch, is_on_grid) {
                        due.push(waiting.rule);
                    }
                }
                due.sort_unstable();
                let choices =
                    if grid.grain == 0 && !due.is_empty() { vec![due] } else { subsets(&due) };
                for rules in choices {
                    forks.push((epoch, rules.clone(), walk.fork(rules, &self.watched, states)));
                    // Where there are too many, the walk need not end.
                    budget.scenarios.checked_sub(forks.len())?;
                }
            }
            goes_on = walk.advance(&self.watched, states);
            budget.ticks = budget.ticks.checked_sub(1)?;
        }
        let held = walk.columns.iter().map(Vec::len).sum();
        budget.states = budget.states.checked_sub(held)?;
        let is_own =
            |firing: &RuleFiring| self.sequences.contains(&self.bound.sequence_of(firing.rule));
        Some(Scenario {
            first_column: walk.first_column,
            end: walk.end(),
            firings: walk.firings.iter().copied().filter(is_own).collect(),
            columns: walk.columns,
            moments: moments.into_values().map(|pending| pending.moment).collect(),
            next: BTreeMap::new(),
        })
    }
}

/// Moments that have not come yet, by their rules and how often these have fired.
type PendingMoments = BTreeMap<(RuleId, u64), PendingMoment>;

/// A moment that has not come yet.
struct PendingMoment {
    moment: MetricMoment,
    /// The epoch from which it is assumed to come.
    assumed_from: Option<u64>,
}

impl PendingMoment {
    /// The moment for which a rule waits, which may be new.
    fn of<'m>(
        waiting: &AwaitingRule,
        moments: &'m mut PendingMoments,
        assumed: impl FnOnce() -> Option<u64>,
    ) -> &'m mut Self {
        let (rule, firing) = (waiting.rule, waiting.firings);
        moments.entry((rule, firing)).or_insert_with(|| Self {
            moment: MetricMoment { rule, firing, choices: Vec::new(), assumed: None },
            assumed_from: assumed(),
        })
    }

    /// Whether it may come when this epoch starts.
    fn is_due(&mut self, epoch: u64, is_on_grid: bool) -> bool {
        let is_assumed = self.moment.assumed.is_none()
            && self.assumed_from.is_some_and(|assumed| assumed <= epoch);
        if is_assumed {
            self.moment.assumed = Some(epoch);
        }
        if is_assumed || is_on_grid {
            self.moment.choices.push(epoch);
        }
        is_assumed || is_on_grid
    }
}

/// All sets of some of these rules but the empty one; of many rules, each alone and all of them.
fn subsets(rules: &[RuleId]) -> Vec<Vec<RuleId>> {
    match rules {
        [] => Vec::new(),
        [one] => vec![vec![*one]],
        [one, other] => vec![vec![*one], vec![*other], vec![*one, *other]],
        many => {
            let alone = many.iter().map(|rule| vec![*rule]);
            alone.chain([many.to_vec()]).collect()
        }
    }
}
