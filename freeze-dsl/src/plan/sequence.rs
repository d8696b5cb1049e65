//! Sequences of rules bound to a model, and the walk through the rules of one.

use std::ops::Range;

use super::{AppliedRule, BoundPolicy, FiringMoment, State};
use crate::index::SliceSet;
use crate::ir::{LoopTrace, LoweredRule, Ownership, Sequence};
use crate::select::SliceTable;
use crate::source::Span;

/// Rules that wait for one another, with the slices that they alone may train and freeze.
#[derive(Debug, Clone)]
pub(crate) struct BoundSequence {
    /// The name of the track; `None` for the main sequence.
    pub(crate) name: Option<String>,
    /// The head of the track, or what it has after `in`.
    pub(crate) span: Span,
    /// Its rules, as indices of the policy's rules.
    pub(crate) rules: Range<usize>,
    /// The index of the first rule of its `repeat`.
    pub(crate) repeat: Option<usize>,
    /// The slices that it owns; `None` for all of them.
    pub(crate) owned: Option<SliceSet>,
    /// Whether it is a track without a scope: it changes no trainable set, and its actions reach
    /// every slice.
    pub(crate) is_ownerless: bool,
    pub(crate) trace: LoopTrace,
}

impl BoundSequence {
    pub(super) fn all(sequences: Vec<Sequence>, table: &SliceTable) -> Vec<Self> {
        let everything = SliceSet::all(table.len());
        let slices = |sequence: &Sequence| match &sequence.ownership {
            Ownership::Scope(scope) => Some(scope.value.slices(table, &everything, 0)),
            Ownership::Rest | Ownership::Nothing => None,
        };
        let scopes: Vec<Option<SliceSet>> = sequences.iter().map(slices).collect();
        let has_scopes = scopes.iter().any(Option::is_some);
        let mut rest = everything;
        for scope in scopes.iter().flatten() {
            rest.difference_with(scope);
        }
        let bind = |(sequence, scope): (Sequence, Option<SliceSet>)| Self {
            owned: match sequence.ownership {
                Ownership::Rest => has_scopes.then(|| rest.clone()),
                Ownership::Nothing => Some(SliceSet::with_capacity(table.len())),
                Ownership::Scope(_) => scope,
            },
            span: match &sequence.ownership {
                Ownership::Scope(scope) => scope.span,
                Ownership::Rest | Ownership::Nothing => sequence.span,
            },
            is_ownerless: sequence.ownership == Ownership::Nothing,
            name: sequence.name,
            rules: sequence.rules,
            repeat: sequence.repeat,
            trace: sequence.trace,
        };
        sequences.into_iter().zip(scopes).map(bind).collect()
    }

    /// The part of a set that it owns.
    pub(crate) fn part_of(&self, slices: &SliceSet) -> SliceSet {
        let mut part = slices.clone();
        if let Some(owned) = &self.owned {
            part.intersect_with(owned);
        }
        part
    }

    /// The index of the rule that waits after the one with this index.
    pub(crate) fn after(&self, rule: usize) -> usize {
        match self.repeat {
            Some(first) if rule + 1 == self.rules.end => first,
            _ => rule + 1,
        }
    }
}

/// A walk through the rules of a sequence, as if each fired at the start.
pub(crate) struct SequenceWalk<'b> {
    bound: &'b BoundPolicy,
    sequence: &'b BoundSequence,
    pub(crate) state: State,
    /// A copy of it, which the next rule is applied to.
    copy: State,
    many_curves: usize,
}

impl<'b> SequenceWalk<'b> {
    pub(crate) fn new(bound: &'b BoundPolicy, sequence: &'b BoundSequence) -> Self {
        let state = bound.start();
        Self { bound, sequence, copy: state.clone(), state, many_curves: 256 }
    }

    /// Calls `look` with what of the sequence's own trains wherever steps may be made: before its first
    /// rule, and after each rule that does not fire together with the next.
    pub(crate) fn each_trained(
        bound: &'b BoundPolicy,
        sequence: &'b BoundSequence,
        mut look: impl FnMut(&SliceSet),
    ) {
        let mut walk = Self::new(bound, sequence);
        let rules = bound.rules.get(sequence.rules.clone()).unwrap_or_default();
        if !rules.first().is_some_and(LoweredRule::fires_at_once) {
            look(&sequence.part_of(&walk.state.trains));
        }
        for (place, rule) in rules.iter().enumerate() {
            walk.go(sequence.rules.start + place, 0, |_, _, _| {});
            if !rules.get(place + 1).is_some_and(|next| next.fires_with(rule)) {
                look(&sequence.part_of(&walk.state.trains));
            }
        }
    }

    /// Applies the rule with this index, which has fired `firing` times before.
    pub(crate) fn go(
        &mut self,
        index: usize,
        firing: u64,
        look: impl FnOnce(&LoweredRule, &State, &AppliedRule<'_>),
    ) {
        let Some(rule) = self.bound.rules.get(index) else { return };
        let copy = std::mem::replace(&mut self.copy, State::nothing());
        let applied = AppliedRule::onto(
            copy,
            self.bound,
            self.sequence,
            rule,
            &self.state,
            firing,
            &FiringMoment::default(),
        );
        look(rule, &self.state, &applied);
        let AppliedRule { after, given, .. } = applied;
        self.copy = std::mem::replace(&mut self.state, after);
        if self.state.running.len() > self.many_curves {
            self.state.compact();
            self.many_curves = self.many_curves.max(2 * self.state.running.len());
            self.copy = self.state.clone();
        } else {
            self.copy.follow(&self.state, &given);
        }
    }
}
