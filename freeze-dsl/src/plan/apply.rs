//! Applies a rule.

use super::{BoundPolicy, BoundSequence, State};
use crate::ast::Verb;
use crate::index::{SliceId, SliceSet};
use crate::ir::{LoweredAction, LoweredRule, ParamOptions};
use crate::time::Time;

/// One rule, applied.
pub(crate) struct AppliedRule<'a> {
    pub(crate) rule: &'a LoweredRule,
    /// The slices that each action selects.
    pub(crate) selections: Vec<SliceSet>,
    pub(crate) after: State,
    /// The slices whose optimizer state an action dropped; they may still train.
    pub(crate) dropped: SliceSet,
    /// The slices that an action froze; a later action may have unfrozen them.
    pub(crate) froze: SliceSet,
    /// The slices that keep their optimizer state if they are frozen.
    pub(crate) kept: SliceSet,
    /// Whether each action changed nothing.
    pub(crate) idle: Vec<bool>,
    /// The slices whose options an action set; all others have their previous options.
    pub(crate) given: SliceSet,
}

impl<'a> AppliedRule<'a> {
    /// Applies a rule that fires at `now`, and has fired `firing` times before.
    pub(crate) fn new(
        bound: &BoundPolicy,
        sequence: &BoundSequence,
        rule: &'a LoweredRule,
        before: &State,
        firing: u64,
        now: Time,
    ) -> Self {
        Self::onto(before.clone(), bound, sequence, rule, before, firing, now)
    }

    /// The same, where `after` is a copy of `before` already.
    pub(super) fn onto(
        after: State,
        bound: &BoundPolicy,
        sequence: &BoundSequence,
        rule: &'a LoweredRule,
        before: &State,
        firing: u64,
        now: Time,
    ) -> Self {
        let slices = before.options.len();
        let empty = || SliceSet::with_capacity(slices);
        let selections: Vec<SliceSet> = rule
            .actions
            .iter()
            .map(|action| match action.value.targets() {
                Some(targets) => targets.slices(&bound.table, &before.trains, firing),
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
            match &sequence.owned {
                Some(owned) => applied.after.trains.difference_with(owned),
                None => applied.after.trains.clear(),
            }
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

    /// Whether a slice loses its optimizer state, if it has one.
    pub(crate) fn drops(&self, before: &State, slice: SliceId) -> bool {
        let has_state = before.trains.contains(slice) || before.kept.contains(slice);
        let goes_on = self.after.trains.contains(slice) || self.after.kept.contains(slice);
        has_state && (self.dropped.contains(slice) || !goes_on)
    }

    /// Applies one action; returns whether anything changed.
    fn act(
        &mut self,
        bound: &BoundPolicy,
        action: &LoweredAction,
        selection: &SliceSet,
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
                changed |= self.set_options(options, selection, now);
                changed |= self.set_stats(bound, options, selection);
                changed
            }
        }
    }

    fn set_options(&mut self, given: &ParamOptions, selection: &SliceSet, now: Time) -> bool {
        let mut changed = false;
        if !given.is_empty() {
            self.given.union_with(selection);
        }
        if let Some(lr) = &given.lr {
            let constant = lr.constant();
            let begun = self.after.begin(&lr.value, now);
            for slice in selection.iter() {
                // The same constant continues; any other curve begins now.
                let same = constant.is_some()
                    && self
                        .after
                        .curve(slice)
                        .is_some_and(|was| was.curve().constant() == constant);
                if let Some(options) = self.after.options_mut(slice).filter(|_| !same) {
                    options.lr = Some(begun);
                    changed = true;
                }
            }
        }
        if let Some(decay) = given.weight_decay {
            for slice in selection.iter() {
                if let Some(options) = self.after.options_mut(slice) {
                    changed |= options.weight_decay.replace(decay.value) != Some(decay.value);
                }
            }
        }
        if let Some(optimizer) = given.optimizer {
            for slice in selection.iter() {
                if let Some(options) = self.after.options_mut(slice) {
                    changed |= options.optimizer.replace(optimizer.value) != Some(optimizer.value);
                }
            }
        }
        changed
    }

    /// Sets the statistics of every module that a selected parameter decides about.
    fn set_stats(
        &mut self,
        bound: &BoundPolicy,
        given: &ParamOptions,
        selection: &SliceSet,
    ) -> bool {
        let Some(stats) = given.stats else { return false };
        let mut changed = false;
        for (current, deciding) in self.after.stats.iter_mut().zip(&bound.deciding) {
            if !deciding.is_disjoint(selection) {
                changed |= current.replace(stats.value) != Some(stats.value);
            }
        }
        changed
    }
}
