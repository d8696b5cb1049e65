//! Targets that follow others, or options, without a comma.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::source::Span;
use crate::vocabulary::{OPTIONS, VERBS};

/// `train fc layer4`, `train fc lr 1e-3 layer4 lr 1e-4`
pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    missing_comma(stuck).into_iter().collect()
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
