//! Checks the effects of the rules on a model.

use std::collections::BTreeMap;

use super::ownership::ownership;
use super::rule_effects::EffectCheck;
use super::undone_rules::PassingRules;
use super::unsteppable::UnsteppableParams;
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink};
use crate::index::SliceSet;
use crate::ir::{LoweredRule, ParamOptions};
use crate::plan::{AppliedRule, BoundPolicy, BoundSequence, SequenceWalk, State};

/// Applies the rules of each sequence one after another, reports what is wrong with their effects, and
/// calls `show` with each.
pub(crate) fn effects(
    bound: &BoundPolicy,
    text: &str,
    sink: &mut DiagnosticSink,
    mut show: impl FnMut(&LoweredRule, &AppliedRule<'_>),
) {
    let has_errors = sink.iter().any(Diagnostic::is_error);
    // What rules do to parameters of others would be a second finding.
    if ownership(bound, text, sink) {
        return;
    }
    let may_train: Vec<bool> = bound.sequences.iter().map(|of| may_train(bound, of)).collect();
    let mut ever = SliceSet::with_capacity(bound.table.len());
    let mut unsteppable = UnsteppableParams::new(bound, text);
    for (index, sequence) in bound.sequences.iter().enumerate() {
        let others = may_train.iter().enumerate();
        let mut check = SequenceCheck {
            bound,
            sequence,
            text,
            others_train: others.filter(|(other, _)| *other != index).any(|(_, trains)| *trains),
            has_order: bound.is_network_order && !has_errors && !bound.has_owners(),
            ends: ends_frozen(&bound.defaults),
            is_drawn: false,
            is_open: false,
            trained: true,
            passing: PassingRules::default(),
            ever: &mut ever,
            unsteppable: &mut unsteppable,
            found: BTreeMap::new(),
        };
        check.all(sink, &mut show);
    }
    // Beside an error, a note is no help.
    if !sink.iter().any(Diagnostic::is_error) {
        never_trained(bound, &ever, sink);
    }
}

/// Whether something that a sequence owns trains in some steps; only asked where there are others.
fn may_train(bound: &BoundPolicy, of: &BoundSequence) -> bool {
    if of.is_ownerless || bound.sequences.len() == 1 {
        return false;
    }
    let mut trains = false;
    SequenceWalk::each_trained(bound, of, |own| trains |= !own.is_clear());
    trains
}

/// More rounds than any `repeat` takes until one begins as an earlier one did: what a round does to a
/// slice depends on that slice alone, which trains, is frozen, or is frozen with its state.
const MOST_ROUNDS: usize = 64;

#[expect(clippy::struct_excessive_bools, reason = "facts about the rules so far")]
struct SequenceCheck<'a, 'b> {
    bound: &'b BoundPolicy,
    sequence: &'a BoundSequence,
    text: &'a str,
    /// Whether something that others own trains in some steps.
    others_train: bool,
    has_order: bool,
    /// Whether a curve so far may freeze something.
    ends: bool,
    is_drawn: bool,
    /// Whether rules so far may have fired any number of times, each with another outcome.
    is_open: bool,
    /// Whether something trained in the steps before the rules that fire now.
    trained: bool,
    passing: PassingRules,
    /// What trains in some steps.
    ever: &'a mut SliceSet,
    unsteppable: &'a mut UnsteppableParams<'b>,
    /// The findings about each rule of a `repeat`, in each round.
    found: BTreeMap<usize, Vec<Vec<Diagnostic>>>,
}

impl SequenceCheck<'_, '_> {
    fn all(
        &mut self,
        sink: &mut DiagnosticSink,
        show: &mut impl FnMut(&LoweredRule, &AppliedRule<'_>),
    ) {
        let rules = self.sequence.rules.clone();
        let mut walk = SequenceWalk::new(self.bound, self.sequence);
        let first = self.bound.rules.get(rules.start).filter(|_| !rules.is_empty());
        if !first.is_some_and(LoweredRule::fires_at_once) && !self.sequence.is_ownerless {
            self.ever.union_with(&self.sequence.part_of(&walk.state.trains));
            self.unsteppable.before_all(self.sequence, sink);
        }
        let mut starts = Vec::new();
        for index in rules.clone() {
            if self.sequence.repeat == Some(index) {
                starts.push(walk.state.clone());
            }
            walk.go(index, 0, |rule, before, applied| {
                self.rule(index, rule, before, applied, sink);
                show(rule, applied);
            });
        }
        let Some(first) = self.sequence.repeat else { return };
        // What a draw or the end of a curve leaves is not known: one more round shows what it can.
        let most = if self.is_drawn || self.ends { 1 } else { MOST_ROUNDS };
        for round in 1..=most {
            if starts.iter().any(|start| start.starts_like(&walk.state)) {
                break;
            }
            debug_assert!(round < MOST_ROUNDS, "rounds that never begin alike");
            starts.push(walk.state.clone());
            for index in first..rules.end {
                walk.go(index, round as u64, |rule, before, applied| {
                    self.rule(index, rule, before, applied, sink);
                });
            }
        }
        self.report(sink);
    }

    /// Checks a rule.
    fn rule(
        &mut self,
        index: usize,
        rule: &LoweredRule,
        before: &State,
        applied: &AppliedRule<'_>,
        sink: &mut DiagnosticSink,
    ) {
        let bound = self.bound;
        let mut own = Vec::new();
        let next = bound.rules.get(index + 1).filter(|_| index + 1 < self.sequence.rules.end);
        // A moment that would come together with this rule cannot come again in a `repeat`.
        let is_passing = next.is_some_and(|next| next.fires_with(rule))
            && self.sequence.repeat.is_none_or(|first| index + 1 < first);
        let recurs = rule.trigger.iter().any(|moment| moment.value.recurs());
        for action in rule.actions.iter().map(|action| &action.value) {
            self.ends |= action.options().is_some_and(ends_frozen);
            self.is_drawn |= action
                .targets()
                .is_some_and(|targets| targets.value.draws() || recurs && targets.value.changes());
        }
        let is_first = index == self.sequence.rules.start;
        let mut checking = EffectCheck {
            bound,
            sequence: self.sequence,
            text: self.text,
            applied,
            before,
            must_train: self.trained && !is_passing && !self.is_open && !self.others_train,
            varies: self.ends || self.is_open,
            is_drawn: self.is_drawn,
            has_order: self.has_order,
            found: &mut own,
        };
        checking.all(is_first && rule.fires_at_once());
        let mut targets = rule.actions.iter().filter_map(|action| action.value.targets());
        self.is_open |= recurs && targets.any(|targets| targets.value.changes());
        let trains = self.sequence.part_of(&applied.after.trains);
        if !is_passing {
            self.trained = !trains.is_clear();
        }
        if self.sequence.repeat.is_some_and(|first| index >= first) {
            self.found.entry(index).or_default().push(own);
        } else {
            for finding in own {
                rule.trace.report(finding, sink);
            }
        }
        self.unsteppable.after(index, self.sequence, applied, before, is_passing, sink);
        // What is drawn, and what a curve freezes, is not known.
        if is_passing && !self.is_drawn && !self.ends {
            self.passing.add(index, applied);
        } else {
            self.passing.report(&bound.rules, rule, &applied.after.trains, self.text, sink);
        }
        if self.sequence.is_ownerless {
            return;
        }
        self.ever.union_with(&trains);
        // What a later firing selects may be anything of what it selects from.
        let targets = rule.actions.iter().filter_map(|action| action.value.targets());
        for targets in targets.filter(|targets| targets.value.changes()) {
            for firing in 0..64 {
                self.ever.union_with(&targets.value.slices(&bound.table, &before.trains, firing));
            }
        }
    }

    /// Reports what was found of the rules of a `repeat`: errors in any round, once, and warnings that
    /// are true in every round.
    fn report(&mut self, sink: &mut DiagnosticSink) {
        for (index, rounds) in std::mem::take(&mut self.found) {
            let Some(rule) = self.bound.rules.get(index) else { continue };
            let is_same = |one: &Diagnostic, other: &Diagnostic| {
                (one.code, one.span) == (other.code, other.span)
            };
            let mut reported: Vec<&Diagnostic> = Vec::new();
            for finding in rounds.iter().flatten() {
                let in_round =
                    |round: &Vec<Diagnostic>| round.iter().any(|it| is_same(it, finding));
                let holds = finding.is_error() || rounds.iter().all(in_round);
                if holds && !reported.iter().any(|known| is_same(known, finding)) {
                    reported.push(finding);
                    rule.trace.report(finding.clone(), sink);
                }
            }
        }
    }
}

fn never_trained(bound: &BoundPolicy, ever: &SliceSet, sink: &mut DiagnosticSink) {
    let never = bound.slice_names(bound.slice_ids().filter(|slice| !ever.contains(*slice)));
    let (Some(first), Some(rule)) = (never.first(), bound.rules.first()) else { return };
    let more = match never.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    sink.push(
        Diagnostic::new(
            Code::NeverTrains,
            rule.span,
            format!("no rule ever trains `{first}`{more}"),
        )
        .label("frozen from here on"),
    );
}

/// Whether these options freeze something in the end.
fn ends_frozen(options: &ParamOptions) -> bool {
    options.lr_curve().is_some_and(|lr| lr.then_freeze)
}
