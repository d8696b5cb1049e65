//! Applies a rule.

use fixedbitset::FixedBitSet;

use super::{BoundPolicy, State};
use crate::ast::Verb;
use crate::ir::{LoweredAction, LoweredRule, ParamOptions};
use crate::time::Time;

/// One rule, applied.
pub(crate) struct AppliedRule<'a> {
    pub(crate) rule: &'a LoweredRule,
    /// What each action selects.
    pub(crate) selections: Vec<FixedBitSet>,
    pub(crate) after: State,
    /// Whose optimizer state an action dropped, though it may train on.
    pub(crate) dropped: FixedBitSet,
    /// What an action froze, though it may train on.
    pub(crate) froze: FixedBitSet,
    /// Whose optimizer state is kept though it is frozen.
    pub(crate) kept: FixedBitSet,
    /// Which actions changed nothing when their turn came.
    pub(crate) idle: Vec<bool>,
    /// Whose options an action gave; all others have those that they had.
    pub(crate) given: FixedBitSet,
}

impl<'a> AppliedRule<'a> {
    /// Applies a rule that fires at `now`, and has fired `firing` times before.
    pub(crate) fn new(
        bound: &BoundPolicy,
        rule: &'a LoweredRule,
        before: &State,
        firing: u64,
        now: Time,
    ) -> Self {
        Self::onto(before.clone(), bound, rule, before, firing, now)
    }

    /// The same, where `after` is a copy of `before` already.
    pub(super) fn onto(
        after: State,
        bound: &BoundPolicy,
        rule: &'a LoweredRule,
        before: &State,
        firing: u64,
        now: Time,
    ) -> Self {
        let units = before.options.len();
        let empty = || FixedBitSet::with_capacity(units);
        let selections: Vec<FixedBitSet> = rule
            .actions
            .iter()
            .map(|action| match action.value.targets() {
                Some(targets) => targets.units(&bound.units, &before.trains, firing),
                None => empty(),
            })
            .collect();
        let mut applied = Self {
            rule,
            after,
            dropped: empty(),
            froze: empty(),
            kept: empty(),
            idle: Vec::with_capacity(selections.len()),
            given: empty(),
            selections: Vec::new(),
        };
        if rule.actions.iter().any(|action| action.value.is(Verb::Train)) {
            applied.after.trains.clear();
        }
        for (action, selection) in rule.actions.iter().zip(&selections) {
            let changed = applied.act(bound, &action.value, selection, now);
            applied.idle.push(!changed);
        }
        applied.selections = selections;
        let mut kept = before.trains.clone();
        kept.intersect_with(&applied.kept);
        kept.union_with(&before.kept);
        kept.difference_with(&applied.dropped);
        kept.difference_with(&applied.after.trains);
        applied.after.kept = kept;
        applied
    }

    /// Whether a unit loses its optimizer state, if it has one.
    pub(crate) fn drops(&self, before: &State, unit: usize) -> bool {
        let has_state = before.trains.contains(unit) || before.kept.contains(unit);
        let goes_on = self.after.trains.contains(unit) || self.after.kept.contains(unit);
        has_state && (self.dropped.contains(unit) || !goes_on)
    }

    /// Applies one action; gives whether anything changed.
    fn act(
        &mut self,
        bound: &BoundPolicy,
        action: &LoweredAction,
        selection: &FixedBitSet,
        now: Time,
    ) -> bool {
        match action {
            LoweredAction::Stop | LoweredAction::Restore { .. } => true,
            LoweredAction::Reset(_) => {
                self.dropped.union_with(selection);
                !(selection.is_disjoint(&self.after.trains)
                    && selection.is_disjoint(&self.after.kept))
            }
            LoweredAction::On { verb, options, keep_state, .. } => {
                let mut changed = match verb {
                    Verb::Train | Verb::Unfreeze => {
                        let changed = !selection.is_subset(&self.after.trains);
                        self.after.trains.union_with(selection);
                        changed
                    }
                    Verb::Freeze => {
                        let drops_kept = !keep_state && !selection.is_disjoint(&self.after.kept);
                        let changed = drops_kept || !selection.is_disjoint(&self.after.trains);
                        self.after.trains.difference_with(selection);
                        self.froze.union_with(selection);
                        if *keep_state {
                            self.kept.union_with(selection);
                        } else {
                            self.kept.difference_with(selection);
                            self.dropped.union_with(selection);
                        }
                        changed
                    }
                    Verb::Set => false,
                };
                changed |= self.give(options, selection, now);
                changed |= self.give_stats(bound, options, selection);
                changed
            }
        }
    }

    fn give(&mut self, given: &ParamOptions, selection: &FixedBitSet, now: Time) -> bool {
        let mut changed = false;
        if !given.is_empty() {
            self.given.union_with(selection);
        }
        if let Some(lr) = &given.lr {
            let constant = lr.constant();
            let begun = self.after.begin(&lr.value, now);
            for unit in selection.ones() {
                // The same constant goes on as it was; any other curve begins anew.
                let same = constant.is_some()
                    && self.after.curve(unit).is_some_and(|was| was.curve().constant() == constant);
                if let Some(options) = self.after.options.get_mut(unit).filter(|_| !same) {
                    options.lr = Some(begun);
                    changed = true;
                }
            }
        }
        if let Some(decay) = given.weight_decay {
            for unit in selection.ones() {
                if let Some(options) = self.after.options.get_mut(unit) {
                    changed |= options.weight_decay.replace(decay.value) != Some(decay.value);
                }
            }
        }
        if let Some(optimizer) = given.optimizer {
            for unit in selection.ones() {
                if let Some(options) = self.after.options.get_mut(unit) {
                    changed |= options.optimizer.replace(optimizer.value) != Some(optimizer.value);
                }
            }
        }
        changed
    }

    /// Statistics belong to modules; a module is meant where a parameter that decides about it is.
    fn give_stats(
        &mut self,
        bound: &BoundPolicy,
        given: &ParamOptions,
        selection: &FixedBitSet,
    ) -> bool {
        let Some(stats) = given.stats else { return false };
        let mut changed = false;
        for (said, deciding) in self.after.stats.iter_mut().zip(&bound.deciding) {
            if !deciding.is_disjoint(selection) {
                changed |= said.replace(stats.value) != Some(stats.value);
            }
        }
        changed
    }
}
