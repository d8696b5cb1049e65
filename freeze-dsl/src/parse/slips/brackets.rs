//! Brackets that are missing, or of another kind.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::last_character;
use crate::source::Span;
use crate::vocabulary::OPTIONS;

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips = missing(stuck);
    slips.extend(stuck.near().filter_map(|index| excess(stuck, index)));
    slips
}

/// An opening bracket without a closing one: it is inserted at the error or at the end.
fn missing(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut open: Vec<usize> = Vec::new();
    for index in 0..stuck.end() {
        match stuck.get(index).text {
            "(" | "[" | "{" => open.push(index),
            ")" | "]" | "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    let Some(opened) = open.pop() else { return Vec::new() };
    let last = stuck.get(opened);
    let close = match last.text {
        "(" => ")",
        "[" => "]",
        _ => "}",
    };
    let found = if stuck.at() < stuck.end() || stuck.here().text == ";" {
        stuck.here().span
    } else {
        last_character(stuck.text())
    };
    // Before the next option, else where the text stops being valid, else at its end.
    let option = (opened..stuck.end()).find(|index| OPTIONS.contains(&stuck.get(*index).text));
    let places = option.into_iter().chain([stuck.at(), stuck.end()]);
    places
        .map(|index| stuck.end_before(index))
        .map(|place| {
            Slip::new(found, format!("{} is not closed", quoted(last.text)))
                .label(format!("expected {} before this", quoted(close)))
                .help(format!("write {}", quoted(close)))
                .insert(place, close)
        })
        .collect()
}

/// A closing bracket without an opening one.
fn excess(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index);
    let count = |signs: [&str; 3]| {
        (0..stuck.count()).filter(|at| signs.contains(&stuck.get(*at).text)).count()
    };
    let is_excess = count([")", "]", "}"]) > count(["(", "[", "{"]);
    (is_excess && matches!(sign.text, ")" | "]" | "}")).then(|| {
        let span = Span::new(stuck.end_before(index), sign.span.end);
        Slip::new(sign.span, format!("{} closes nothing", quoted(sign.text)))
            .label("nothing is open here")
            .help(format!("leave out {}", quoted(sign.text)))
            .replace(span, "")
            .surely()
    })
}
