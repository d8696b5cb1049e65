//! Checks the effect of one rule on a model.

use std::cell::LazyCell;

use crate::ast::Verb;
use crate::diagnostic::{Code, Diagnostic, readable, removal};
use crate::index::SliceSet;
use crate::ir::{LoweredAction, LoweredRule};
use crate::plan::{AppliedRule, BoundPolicy, BoundSequence, State};
use crate::select::Selection;
use crate::source::{Span, Spanned};

#[expect(clippy::struct_excessive_bools, reason = "facts about one rule, each used by itself")]
pub(super) struct EffectCheck<'a> {
    pub(super) bound: &'a BoundPolicy,
    pub(super) sequence: &'a BoundSequence,
    pub(super) text: &'a str,
    pub(super) applied: &'a AppliedRule<'a>,
    pub(super) before: &'a State,
    /// Whether something must train after it: steps follow, something trained in those before, and
    /// what trains now is known.
    pub(super) must_train: bool,
    /// Whether what trains before it depends on a curve's end, or on how often rules have fired.
    pub(super) varies: bool,
    /// Whether what trains so far depends on draws, or on how often rules have fired.
    pub(super) is_drawn: bool,
    /// Whether the model's order is the network's, and worth a note: beside an error it is not.
    pub(super) has_order: bool,
    pub(super) found: &'a mut Vec<Diagnostic>,
}

impl EffectCheck<'_> {
    pub(super) fn all(&mut self, first: bool) {
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
        let stops = rule.stops();
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
