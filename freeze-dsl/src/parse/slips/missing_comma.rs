//! Targets and actions that follow others without a comma.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, OPTIONS, VERBS};

/// `train fc layer4`, `train fc lr 1e-3 layer4 lr 1e-4`
pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    missing_comma(stuck).into_iter().chain(second_verb(stuck)).collect()
}

/// `train fc set lr 1e-3`, `train fc unfreeze layer4`
fn second_verb(stuck: &Stuck<'_>) -> Option<Slip> {
    let (before, verb) = (stuck.before(1), stuck.here());
    if VERBS.contains(&before.text) && VERBS.contains(&verb.text) {
        let (slip, both) =
            (stuck.at() - 1..=stuck.at(), stuck.slice(stuck.at() - 1, stuck.at() + 1));
        let span = stuck.span(*slip.start(), *slip.end() + 1);
        return Some(
            Slip::word(span, format!("`{both}` has two verbs"))
                .label("an action has one")
                .note("write `train` for these parameters alone, or `unfreeze` for these as well")
                .ambiguous(),
        );
    }
    let is_second = stuck.last_of(&ACTIONS, stuck.at()).is_some()
        && !ACTIONS.contains(&before.text)
        && !matches!(before.text, "," | ":" | "{");
    if !is_second || !ACTIONS.contains(&verb.text) || verb.text == "for" {
        return None;
    }
    if verb.text == "set" && OPTIONS.contains(&stuck.after(1).text) {
        let (span, text) = stuck.without(stuck.at());
        return Some(
            Slip::word(verb.span, "`set` before an option of an action")
                .label("an option follows its parameters directly")
                .help("leave out `set`")
                .replace(span, text),
        );
    }
    Some(
        Slip::new(verb.span, format!("no `,` before `{}`", verb.text))
            .label("another action begins here")
            .help("write `,`")
            .insert(before.span.end, ",")
            // When training is over is rarely the moment at which something changes.
            .surely_if(verb.text != "stop"),
    )
}

fn missing_comma(stuck: &Stuck<'_>) -> Option<Slip> {
    let index = stuck.at();
    let end = stuck.path_end(index)?;
    let path = stuck.slice(index, end);
    let next = stuck.get(end).text;
    // Other words may be options, which have values, or of a sentence.
    let is_path = path.contains(|sign: char| sign.is_ascii_digit() || ".*[".contains(sign));
    let is_whole = OPTIONS.contains(&next) || matches!(next, "," | ";" | "" | "except");
    if !is_path || !is_whole || stuck.is_glued(index) {
        return None;
    }
    let verb = stuck.last_of(&VERBS, index)?;
    let has_options = (verb..index).any(|at| OPTIONS.contains(&stuck.get(at).text));
    let slip = Slip::new(stuck.span(index, end), format!("no `,` before {}", quoted(path)));
    let place = Span::new(stuck.end_before(index), stuck.start_of(index));
    Some(if has_options {
        let verb = stuck.get(verb).text;
        slip.label("another action begins here")
            .help(format!("write `, {verb}`"))
            .replace(place, format!(", {verb} "))
    } else {
        slip.label("selectors are joined by `,`").help("write `,`").replace(place, ", ").surely()
    })
}
