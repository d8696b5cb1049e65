//! Rules that another rule undoes before a step is made.

use crate::ast::Verb;
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink};
use crate::index::SliceSet;
use crate::ir::{LoweredAction, LoweredRule};
use crate::plan::AppliedRule;
use crate::source::Span;

/// The actions of the rules that fire together with the next one.
#[derive(Default)]
pub(super) struct PassingRules {
    actions: Vec<PassingAction>,
}

struct PassingAction {
    /// The index of its rule.
    rule: usize,
    place: Span,
    verb: Verb,
    selection: SliceSet,
}

impl PassingRules {
    /// Adds a rule that fires together with the next.
    pub(super) fn add(&mut self, rule: usize, applied: &AppliedRule<'_>) {
        let trains = &applied.after.trains;
        for (action, selection) in applied.rule.actions.iter().zip(&applied.selections) {
            let LoweredAction::On { verb, targets, .. } = &action.value else { continue };
            // What its own rule undoes is reported already.
            let holds = match verb {
                Verb::Train | Verb::Unfreeze => !selection.is_disjoint(trains),
                Verb::Freeze => !selection.is_subset(trains),
                Verb::Set => false,
            };
            if holds && !targets.value.changes() && !targets.value.draws() {
                let (place, verb, selection) = (action.span, *verb, selection.clone());
                self.actions.push(PassingAction { rule, place, verb, selection });
            }
        }
    }

    /// Reports what is left of no rule, now that the last of those that fire together, has fired.
    pub(super) fn report(
        &mut self,
        rules: &[LoweredRule],
        last: &LoweredRule,
        trains: &SliceSet,
        text: &str,
        sink: &mut DiagnosticSink,
    ) {
        for PassingAction { rule, place, verb, selection } in std::mem::take(&mut self.actions) {
            let is_undone = match verb {
                Verb::Freeze => selection.is_subset(trains),
                _ => selection.is_disjoint(trains),
            };
            if let Some(rule) = rules.get(rule).filter(|_| is_undone) {
                let finding = Diagnostic::new(
                    Code::UndoneRule,
                    place,
                    "another rule undoes all of this before a step is made",
                )
                .label("nothing of this is left at the first step")
                .also(last.trigger.span, "this rule fires at the same moment")
                .guess("write both in one rule", joined(rule, last, verb, text));
                rule.trace.report(finding, sink);
            }
        }
    }
}

/// The edit that makes two rules with a `train` at one moment one rule.
fn joined(
    first: &LoweredRule,
    second: &LoweredRule,
    verb: Verb,
    text: &str,
) -> Option<(Span, &'static str)> {
    let both_train = verb == Verb::Train
        && second.actions.iter().any(|action| action.value.is(Verb::Train))
        && first.is_written_once
        && second.is_written_once
        && first.trigger.value.len() == second.trigger.value.len();
    let gap = text.get(first.span.end..second.span.start)?;
    let head = text.get(second.trigger.span.end..second.actions.first()?.span.start)?;
    let is_next = gap.trim() == ";" && head.trim() == ":";
    let end = first.actions.last()?.span.end;
    (both_train && is_next)
        .then(|| (Span::new(end, second.actions.first().map_or(end, |it| it.span.start)), ", "))
}
