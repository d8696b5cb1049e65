//! A walk through a run, column by column.

use super::atoms::Atoms;
use super::states::{FROZEN, StateTable};
use super::{RuleFiring, TimeAxis};
use crate::clock::{AwaitingRule, RuleId};
use crate::index::{AtomId, SliceId, StateId};
use crate::simulate::Simulation;

/// Some atoms of a picture, which a walk looks at.
pub(super) struct WatchedAtoms<'p> {
    pub(super) atoms: &'p Atoms,
    pub(super) axis: TimeAxis,
    ids: Vec<AtomId>,
    representatives: Vec<SliceId>,
}

impl<'p> WatchedAtoms<'p> {
    pub(super) fn new(atoms: &'p Atoms, axis: TimeAxis, ids: Vec<AtomId>) -> Self {
        let slice = |atom: &AtomId| atoms.representatives.get(atom.index()).copied();
        let representatives = ids.iter().filter_map(slice).collect();
        Self { atoms, axis, ids, representatives }
    }

    /// The place of an atom among them.
    fn place(&self, atom: AtomId) -> Option<usize> {
        self.ids.binary_search(&atom).ok()
    }
}

/// A simulated run up to a moment.
#[derive(Clone)]
pub(super) struct Walk {
    simulation: Simulation,
    /// The tick at which it is; `None` before the first.
    tick: Option<u64>,
    /// Whether a `sample` drew each atom.
    drawn: Vec<bool>,
    /// The state of each atom now.
    now: Vec<StateId>,
    open: Option<OpenColumn>,
    /// The columns that are over, each with a state an atom, and the index of the first of them.
    pub(super) columns: Vec<Vec<StateId>>,
    pub(super) first_column: usize,
    pub(super) firings: Vec<RuleFiring>,
}

/// The column of the present tick.
#[derive(Clone, PartialEq)]
struct OpenColumn {
    index: usize,
    /// How each atom trains at the first tick at which it does.
    states: Vec<StateId>,
    /// Whether each atom trains at some ticks and not at others.
    are_parts: Vec<bool>,
}

impl Walk {
    pub(super) fn new(simulation: Simulation, of: &WatchedAtoms<'_>) -> Self {
        Self {
            simulation,
            tick: None,
            drawn: vec![false; of.ids.len()],
            now: vec![FROZEN; of.ids.len()],
            open: None,
            columns: Vec::new(),
            first_column: 0,
            firings: Vec::new(),
        }
    }

    /// The epoch that the next advance starts, if it starts one.
    pub(super) fn next_epoch(&self) -> Option<u64> {
        self.simulation.is_at_epoch_end().then(|| self.simulation.clock().epochs_started())
    }

    /// The rules that wait for metrics now.
    pub(super) fn awaiting(&self) -> Vec<AwaitingRule> {
        self.simulation.clock().awaiting()
    }

    /// A walk that goes on from here, in which the conditions of some rules hold when the next epoch
    /// starts. It has no column that is over.
    pub(super) fn fork(
        &self,
        rules: Vec<RuleId>,
        of: &WatchedAtoms<'_>,
        states: &mut StateTable,
    ) -> Self {
        let mut fork = self.clone();
        fork.simulation.assume(rules);
        fork.firings.clear();
        let next = self.tick.map_or(0, |tick| tick + 1);
        let column = of.axis.column_of(next);
        if fork.open.as_ref().is_some_and(|open| open.index != column) {
            fork.close(states);
        }
        fork.columns.clear();
        fork.first_column = column;
        fork
    }

    /// Passes over ticks of the open column at which nothing happens, and starts no epoch from this one on.
    pub(super) fn pass_over(&mut self, of: &WatchedAtoms<'_>, until_epoch: u64) {
        let Some(tick) = self.tick else { return };
        let next = of.axis.first_tick(of.axis.column_of(tick) + 1);
        let passed = self.simulation.pass_over(next.saturating_sub(tick + 1), until_epoch);
        self.tick = Some(tick + passed);
    }

    /// Goes to the next tick; returns whether there is one.
    pub(super) fn advance(&mut self, of: &WatchedAtoms<'_>, states: &mut StateTable) -> bool {
        if self.simulation.advance().is_none() {
            self.close(states);
            return false;
        }
        let tick = self.tick.map_or(0, |tick| tick + 1);
        self.tick = Some(tick);
        for fired in self.simulation.take_fired() {
            let (drawn, plain) = of.atoms.drawn_and_plain(fired.rule.index());
            for (atoms, is_drawn) in [(drawn, true), (plain, false)] {
                for place in atoms.iter().filter_map(|atom| of.place(*atom)) {
                    if let Some(own) = self.drawn.get_mut(place) {
                        *own = is_drawn;
                    }
                }
            }
            self.firings.push(RuleFiring { rule: fired.rule, tick });
        }
        if self.simulation.clock().is_stopped() {
            self.close(states);
            return false;
        }
        let column = of.axis.column_of(tick);
        let is_new = self.open.as_ref().is_none_or(|open| open.index != column);
        let has_changed = self.simulation.has_changed() || tick == 0;
        if has_changed || (is_new && self.simulation.clock().moves()) {
            self.read(of, states);
        }
        if is_new {
            self.close(states);
            let (all, are_parts) = (self.now.clone(), vec![false; self.now.len()]);
            self.open = Some(OpenColumn { index: column, states: all, are_parts });
        } else if has_changed {
            self.mix();
        }
        true
    }

    /// The tick at which training has ended, after the last advance.
    pub(super) fn end(&self) -> Option<u64> {
        self.tick.filter(|_| self.simulation.clock().is_stopped())
    }

    /// What decides about everything that follows.
    pub(super) fn future(&self, of: &WatchedAtoms<'_>) -> (Vec<u64>, Option<Vec<(StateId, bool)>>) {
        let open = self
            .open
            .as_ref()
            .map(|open| open.states.iter().copied().zip(open.are_parts.iter().copied()).collect());
        let mut future = self.simulation.clock().future(&of.representatives);
        future.extend(self.drawn.iter().map(|drawn| u64::from(*drawn)));
        (future, open)
    }

    fn read(&mut self, of: &WatchedAtoms<'_>, states: &mut StateTable) {
        let groups = self.simulation.clock().groups_of(&of.representatives);
        let read = groups.iter().zip(&self.drawn);
        self.now = read.map(|(group, drawn)| states.of_group(group.as_ref(), *drawn)).collect();
    }

    /// Adds what trains now to the open column.
    fn mix(&mut self) {
        let Some(open) = &mut self.open else { return };
        for ((state, is_part), now) in
            open.states.iter_mut().zip(&mut open.are_parts).zip(&self.now)
        {
            let (was, is) = (*state != FROZEN, *now != FROZEN);
            *is_part |= was != is;
            if is && !was {
                *state = *now;
            }
        }
    }

    fn close(&mut self, states: &mut StateTable) {
        let Some(open) = self.open.take() else { return };
        let of = open.states.into_iter().zip(open.are_parts);
        let column =
            of.map(|(state, is_part)| if is_part { states.part_of_time(state) } else { state });
        self.columns.push(column.collect());
    }
}
