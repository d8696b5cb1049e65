//! Checks the effects of the rules on a model.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::ops::Range;

use super::ownership::ownership;
use super::undone_rules::PassingRules;
use super::unsteppable::UnsteppableParams;
use crate::ast::Verb;
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink, readable, removal};
use crate::index::{SliceId, SliceSet};
use crate::ir::{LoweredAction, LoweredRule, ParamOptions};
use crate::plan::{AppliedRule, BoundPolicy, BoundSequence, SequenceWalk, State};
use crate::select::Selection;
use crate::source::{Span, Spanned};

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

#[expect(clippy::struct_excessive_bools, reason = "facts about one rule, each used by itself")]
pub(super) struct EffectCheck<'a> {
    bound: &'a BoundPolicy,
    sequence: &'a BoundSequence,
    text: &'a str,
    pub(super) applied: &'a AppliedRule<'a>,
    before: &'a State,
    /// Whether something must train after it: steps follow, something trained in those before, and
    /// what trains now is known.
    must_train: bool,
    /// Whether what trains before it depends on a curve's end, or on how often rules have fired.
    varies: bool,
    /// Whether what trains so far depends on draws, or on how often rules have fired.
    pub(super) is_drawn: bool,
    /// Whether the model's order is the network's, and worth a note: beside an error it is not.
    has_order: bool,
    pub(super) found: &'a mut Vec<Diagnostic>,
}

impl EffectCheck<'_> {
    fn all(&mut self, first: bool) {
        self.selects_nothing();
        self.conflicts();
        self.undone();
        self.idle(first);
        self.nothing_left();
        self.tied();
        self.order_of_model();
    }

    /// Targets that are empty once rows, or the trainable parameters, are known.
    fn selects_nothing(&mut self) {
        let AppliedRule { rule, selections, .. } = self.applied;
        for (action, selection) in rule.actions.iter().zip(selections) {
            let Some(targets) = action.value.targets().filter(|_| selection.is_clear()) else {
                continue;
            };
            let varies = self.varies || self.sequence.is_ownerless;
            if targets.value.is_optional() || targets.value.changes() && varies {
                continue;
            }
            let label = if !targets.value.changes() {
                "nothing is left of this"
            } else if self.trains_all() {
                "everything trains just before this rule, and nothing is frozen"
            } else if self.sequence.part_of(&self.before.trains).is_clear() {
                "everything is frozen just before this rule, and nothing trains"
            } else {
                "nothing of the kind is left when this rule fires"
            };
            let written = readable(self.text.get(targets.span.range()).unwrap_or_default());
            let message = format!("`{written}` selects no parameter");
            self.found
                .push(Diagnostic::new(Code::SelectsNothing, targets.span, message).label(label));
        }
    }

    fn trains_all(&self) -> bool {
        match &self.sequence.owned {
            Some(owned) => owned.is_subset(&self.before.trains),
            None => self.bound.slice_ids().all(|slice| self.before.trains.contains(slice)),
        }
    }

    fn nothing_left(&mut self) {
        let rule = self.applied.rule;
        // Nothing trains because a selector selects nothing, which is reported.
        if self.found.iter().any(|finding| finding.code == Code::SelectsNothing) {
            return;
        }
        let stops = rule.actions.iter().any(|action| matches!(action.value, LoweredAction::Stop));
        let left = self.must_train
            && self.sequence.part_of(&self.applied.after.trains).is_clear()
            && !self.sequence.is_ownerless;
        if left && !stops {
            let last = rule.actions.last();
            let place = last.map_or(rule.span, |action| action.span);
            // After a `stop` no other rule can fire.
            let last_rule = self.bound.rules.get(self.sequence.rules.clone()).and_then(<[_]>::last);
            let is_end = last_rule.is_some_and(|last| last.span == rule.span)
                && self.sequence.repeat.is_none();
            let stop = last.filter(|_| is_end && rule.is_written_once);
            let finding =
                Diagnostic::new(Code::NothingTrains, place, "after this rule nothing trains")
                    .label("this leaves every parameter frozen");
            let mut targets = rule.actions.iter().filter_map(|action| action.value.targets());
            let absent = targets.find(|targets| targets.value == Selection::Absent);
            let finding = match absent.and_then(|targets| self.text.get(targets.span.range())) {
                Some(written) => {
                    finding.note(format!("`{}` selects nothing here", readable(written)))
                }
                None => finding,
            };
            self.found.push(finding.note("to end training here, write `stop`").guess(
                "end training here",
                stop.map(|last| (Span::new(last.span.end, last.span.end), ", stop")),
            ));
        }
    }

    /// A tensor under two names that the rule treats differently.
    fn tied(&mut self) {
        let differs = |state: &State, alias: SliceId, first: SliceId| {
            state.trains.contains(alias) != state.trains.contains(first)
                || state.trains.contains(alias) && !state.agree(alias, first)
        };
        // Reported at the rule that causes it, not again at every later rule.
        let newly = |(alias, first): &(SliceId, SliceId)| {
            differs(&self.applied.after, *alias, *first) && !differs(self.before, *alias, *first)
        };
        let Some((_, first)) = self.bound.same.iter().copied().find(newly) else { return };
        let names: Vec<String> =
            self.names_of(first).map(|slice| format!("`{}`", self.bound.name(slice))).collect();
        let Some((last, others)) = names.split_last() else { return };
        let AppliedRule { rule, selections, .. } = self.applied;
        let differs = |selection: &SliceSet| {
            let selected = self.names_of(first).filter(|slice| selection.contains(*slice)).count();
            selected > 0 && selected < names.len()
        };
        let mut touching = rule.actions.iter().zip(selections).filter_map(|(action, selection)| {
            let targets = action.value.targets().filter(|_| differs(selection))?;
            Some((targets.span, selection))
        });
        let touching = touching.next_back();
        let place = touching.map_or(rule.span, |(targets, _)| targets);
        // After `except`, the names would be taken away.
        let all = touching.filter(|(targets, _)| {
            let written = self.text.get(targets.range()).unwrap_or_default();
            rule.is_written_once && !written.contains("except")
        });
        let all = all.map(|(targets, selection)| {
            (Span::new(targets.start, targets.start), self.other_names(first, selection))
        });
        self.found.push(
            Diagnostic::new(
                Code::TiedDifferently,
                place,
                format!("{} and {last} are one tensor, treated differently", others.join(", ")),
            )
            .label("this does not mean all of its names")
            .note("name all of them, or leave all of them out")
            .guess("name all of them", all),
        );
    }

    /// A slice under each name of its tensor.
    fn names_of(&self, first: SliceId) -> impl Iterator<Item = SliceId> {
        let others = self.bound.same.iter().filter(move |(_, of)| *of == first);
        std::iter::once(first).chain(others.map(|(alias, _)| *alias))
    }

    /// The names of a tensor, or rows of them, that a selection leaves out while it has others, each
    /// followed by a comma.
    fn other_names(&self, first: SliceId, selection: &SliceSet) -> String {
        let parameter = self.bound.parameter(first);
        let mut missing: Vec<(&str, Vec<Range<usize>>)> = Vec::new();
        for own in self.bound.slice_ids().filter(|slice| self.bound.parameter(*slice) == parameter)
        {
            let rows = self.bound.slice(own).and_then(|slice| slice.rows.clone());
            if !self.names_of(own).any(|slice| selection.contains(slice)) {
                continue;
            }
            for slice in self.names_of(own).filter(|slice| !selection.contains(*slice)) {
                let name = self.bound.name(slice);
                let at = missing.iter().position(|(known, _)| *known == name);
                let at = at.unwrap_or_else(|| {
                    missing.push((name, Vec::new()));
                    missing.len() - 1
                });
                let Some(((_, all), rows)) = missing.get_mut(at).zip(rows.clone()) else {
                    continue;
                };
                match all.last_mut().filter(|last| last.end == rows.start) {
                    Some(last) => last.end = rows.end,
                    None => all.push(rows),
                }
            }
        }
        let written = missing.iter().map(|(name, rows)| {
            let rows: Vec<String> =
                rows.iter().map(|rows| format!("{}..{}", rows.start, rows.end)).collect();
            match rows.as_slice() {
                [] => format!("{name:?}, "),
                [only] => format!("rows {only} of {name:?}, "),
                several => format!("rows [{}] of {name:?}, ", several.join(", ")),
            }
        });
        written.collect()
    }

    /// Frozen parameters after trainable ones: the backward pass still goes through them.
    fn order_of_model(&mut self) {
        let trains = &self.applied.after.trains;
        if !self.has_order || *trains == self.before.trains {
            return;
        }
        let Some(first) = self.bound.training(trains).next() else { return };
        // Rows share their backward work with the others of their parameter.
        let parameter = |slice| self.bound.parameter(slice);
        let mut later = self.bound.slice_ids().skip_while(|slice| *slice < first);
        let after =
            later.find(|slice| !trains.contains(*slice) && parameter(*slice) != parameter(first));
        let newly =
            self.applied.rule.actions.iter().find(|action| action.value.targets().is_some());
        if let (Some(after), Some(action)) = (after, newly) {
            let name = |slice| self.bound.name(slice);
            self.found.push(
                Diagnostic::new(
                    Code::NoWorkSaved,
                    action.span,
                    format!(
                        "`{}` is frozen and comes after `{}`, which trains: it saves no backward \
                         work",
                        name(after),
                        name(first)
                    ),
                )
                .label("only parameters that are frozen before all trainable ones save it"),
            );
        }
    }

    /// Whether it decides about any running statistics.
    fn decides(&self, selection: &SliceSet) -> bool {
        self.bound.deciding.iter().any(|deciding| !deciding.is_disjoint(selection))
    }

    /// An action with a comma, where it is not the rule's only one.
    pub(super) fn without(&self, action: &Spanned<LoweredAction>) -> Option<Span> {
        removal::of_element(self.text, action.span).filter(|_| self.applied.rule.is_written_once)
    }

    fn idle(&mut self, first: bool) {
        let AppliedRule { rule, after, dropped, given, .. } = self.applied;
        if self.is_drawn {
            return;
        }
        // What its curve freezes at the end may be frozen by now.
        let may_be_frozen = |selection: &SliceSet| {
            let mut curves = selection.iter().filter_map(|slice| self.before.curve(slice));
            curves.any(|running| running.curve().then_freeze)
        };
        let clears = rule.actions.iter().any(|action| action.value.is(Verb::Train));
        let same = |slice| self.before.options(slice) == after.options(slice);
        // Once for all actions.
        let whole_rule = LazyCell::new(|| {
            self.before.trains == after.trains
                && self.before.stats == after.stats
                && dropped.is_clear()
                && given.iter().all(same)
        });
        for ((action, idle), selection) in
            rule.actions.iter().zip(&self.applied.idle).zip(&self.applied.selections)
        {
            // What is selected only when the rule fires may be nothing now and something then.
            if action.value.targets().is_some_and(|targets| targets.value.changes())
                || selection.is_clear()
            {
                continue;
            }
            let reason = match &action.value {
                LoweredAction::On { reported: Some(_), .. } => continue,
                LoweredAction::On { verb: Verb::Freeze, .. }
                    if selection.is_subset(&after.trains) =>
                {
                    continue;
                }
                LoweredAction::On { verb: Verb::Train | Verb::Unfreeze, .. }
                    if may_be_frozen(selection) =>
                {
                    continue;
                }
                LoweredAction::On { verb: Verb::Train, .. } if !first && *whole_rule => {
                    if after.trains.is_subset(selection) {
                        "just this trains already"
                    } else {
                        "the same parameters train already"
                    }
                }
                LoweredAction::On { verb: Verb::Unfreeze, .. } if *idle => {
                    if self.is_untouched() {
                        self.untouched(action.span);
                        continue;
                    }
                    "all of this trains already"
                }
                LoweredAction::On { verb: Verb::Freeze, .. } if *idle && clears => {
                    "`train` in the same rule freezes this already"
                }
                LoweredAction::On { verb: Verb::Freeze, .. } if *idle => {
                    "all of this is frozen already"
                }
                LoweredAction::On { verb: Verb::Set, .. } | LoweredAction::Reset(_)
                    if self.sequence.is_ownerless =>
                {
                    continue;
                }
                // A factor may be 1 in one turn of a loop.
                LoweredAction::On { verb: Verb::Set, options, .. }
                    if options.lr_times().is_some() && !rule.is_written_once =>
                {
                    continue;
                }
                LoweredAction::On { verb: Verb::Set, options, .. } if *idle => {
                    if options.stats.is_some() && !self.decides(selection) {
                        "no running statistics belong to this"
                    } else {
                        "all of this has these options already"
                    }
                }
                LoweredAction::Reset(_) if *idle => "frozen parameters have no optimizer state",
                _ => continue,
            };
            let of_rule = removal::of_statement(self.text, rule.span)
                .filter(|_| rule.actions.len() == 1 && self.bound.rules.len() > 1)
                .filter(|_| rule.is_written_once);
            self.found.push(
                Diagnostic::new(Code::NoEffect, action.span, "this action has no effect")
                    .label(reason)
                    .guess_without("leave it out", self.without(action).or(of_rule)),
            );
        }
    }
}

impl EffectCheck<'_> {
    /// Whether it is the first rule of its track that can freeze something, so that all that the track
    /// owns trains before it.
    fn is_untouched(&self) -> bool {
        let before = self.bound.rules.get(self.sequence.rules.clone()).unwrap_or_default();
        let changes = |rule: &LoweredRule| {
            rule.actions.iter().any(|it| it.value.is(Verb::Train) || it.value.is(Verb::Freeze))
        };
        let mut before = before.iter().take_while(|rule| rule.span != self.applied.rule.span);
        self.sequence.name.is_some() && !before.any(changes)
    }

    /// Reports an `unfreeze` in a track that no rule has frozen anything in.
    fn untouched(&mut self, place: Span) {
        let first = self.bound.rules.get(self.sequence.rules.start);
        let start = first.filter(|rule| {
            rule.is_written_once && self.sequence.trace.is_empty() && !rule.fires_at_once()
        });
        self.found.push(
            Diagnostic::new(Code::NoEffect, place, "this action has no effect")
                .label("what a track owns trains until a rule of the track freezes it")
                .guess(
                    "let the track begin frozen",
                    start.map(|rule| {
                        let start = rule.span.start;
                        (Span::new(start, start), "start: freeze @all; ".to_owned())
                    }),
                ),
        );
    }
}

/// Whether these options freeze something in the end.
fn ends_frozen(options: &ParamOptions) -> bool {
    options.lr_curve().is_some_and(|lr| lr.then_freeze)
}
