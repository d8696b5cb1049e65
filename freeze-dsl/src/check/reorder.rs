//! Rules whose moments are not in order, moved to where they are.

use crate::diagnostic::{Applicability, Edit, Suggestion, removal};
use crate::ir::{LoweredRule, TriggerMoment};
use crate::source::Span;

/// The edits that move a rule in front of the rules just before it that fire later.
pub(super) fn moved_up(
    rule: &LoweredRule,
    before: &[LoweredRule],
    text: &str,
) -> Option<Suggestion> {
    let own = moment(rule)?;
    let later: Vec<&LoweredRule> = before
        .iter()
        .rev()
        .take_while(|earlier| {
            moment(earlier).is_some_and(|other| other.0 == own.0 && other.1 > own.1)
        })
        .collect();
    // The rule before them must fire no later, or be none.
    let rest = before.len() - later.len();
    let last = before.get(..rest)?.last();
    if last.is_some_and(|last| moment(last).is_none_or(|other| other.0 != own.0)) {
        return None;
    }
    let target = later.last()?.span.start;
    let written = text.get(rule.span.range())?;
    let line = text.get(..target)?.rfind('\n').map_or(0, |end| end + 1);
    let indent = text.get(line..target)?;
    let gap = if indent.trim().is_empty() && text.get(target..rule.span.start)?.contains('\n') {
        format!("\n{indent}")
    } else {
        " ".to_owned()
    };
    Some(Suggestion {
        message: "write the rules in the order in which they fire".to_owned(),
        applicability: Applicability::Maybe,
        edits: vec![
            Edit { span: Span::new(target, target), text: format!("{written};{gap}") },
            Edit { span: removal::of_statement(text, rule.span)?, text: String::new() },
        ],
    })
}

/// The unit and the number of a rule's only moment, outside of loops.
fn moment(rule: &LoweredRule) -> Option<(&'static str, u64)> {
    match &rule.trigger.value[..] {
        [only] if rule.trace.is_empty() => match only.value {
            TriggerMoment::Epoch(at) => Some(("epoch", at)),
            TriggerMoment::Step(at) => Some(("step", at)),
            _ => None,
        },
        _ => None,
    }
}
