//! Signs of other languages: `=`, `&&`, `**`, a comma too many.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::Lexeme;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, OPTIMIZERS, OPTIONS, VERBS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips = Vec::new();
    for index in stuck.near() {
        let sign = stuck.get(index);
        match sign.text {
            // `layer[1:]` is a range.
            "=" | ":" | ":=" | "==" if stuck.open_index(index).is_none() => {
                slips.push(assignment(stuck, index, &sign));
            }
            // `+1e-3`
            "+" if stuck.is_glued(index + 1) && !stuck.is_glued(index) => {}
            "then" if !ACTIONS.contains(&stuck.get(index + 1).text) => {}
            "&&" | "&" | "and" | "then" | "+" | "plus" | "||" | "|" | "or" => {
                slips.extend(joining(stuck, index, &sign));
            }
            "**" => slips.push(
                Slip::new(sign.span, "`**` is not an operator of numbers")
                    .label("a power is written with `^`")
                    .help("write `^`")
                    .replace(sign.span, "^")
                    .surely(),
            ),
            "," => slips.extend(comma(stuck, index, &sign)),
            _ => {}
        }
    }
    slips
}

/// `lr = 1e-3`, `lr: 1e-3`
fn assignment(stuck: &Stuck<'_>, index: usize, sign: &Lexeme<'_>) -> Slip {
    let shown = quoted(sign.text);
    let (span, text) = stuck.without(index);
    let before = stuck.previous(index).text;
    let what = if VERBS.contains(&before) { "a selector" } else { "a value" };
    Slip::new(sign.span, format!("{shown} after {}", quoted(before)))
        .label(format!("{what} follows {} without a sign", quoted(before)))
        .help(format!("leave out {shown}"))
        .replace(span, text)
        .surely_if(takes_value(before))
}

/// Whether a value follows a word of the language.
fn takes_value(word: &str) -> bool {
    let is_argument = || OPTIMIZERS.iter().any(|(_, arguments)| arguments.contains(&word));
    OPTIONS.contains(&word)
        || matches!(word, "model" | "run" | "epoch" | "step" | "over" | "seed")
        || is_argument()
}

/// `fc and layer4`, `acc > 0.9 && loss < 1`
fn joining(stuck: &Stuck<'_>, index: usize, sign: &Lexeme<'_>) -> Vec<Slip> {
    let shown = quoted(sign.text);
    let joins_all = matches!(sign.text, "&&" | "&" | "and" | "then" | "+" | "plus");
    let words: &[&str] = if joins_all { &["and"] } else { &["or when", "or"] };
    let mut slips: Vec<Slip> = Vec::new();
    for word in words.iter().filter(|word| **word != sign.text) {
        slips.push(
            Slip::new(sign.span, format!("{shown} between conditions"))
                .label(format!("conditions are joined by `{word}`"))
                .help(format!("write `{word}`"))
                .replace(sign.span, *word)
                .surely(),
        );
    }
    let whole = Span::new(stuck.end_before(index), sign.span.end);
    let gap = if stuck.start_of(index + 1) > sign.span.end { "," } else { ", " };
    slips.push(
        Slip::new(sign.span, format!("{shown} in a list"))
            .label("targets and actions are joined by `,`")
            .help("write `,`")
            .replace(whole, gap)
            .surely_if(joins_all),
    );
    slips
}

fn comma(stuck: &Stuck<'_>, index: usize, sign: &Lexeme<'_>) -> Vec<Slip> {
    let mut slips = Vec::new();
    let next = stuck.get(index + 1);
    let before = stuck.previous(index).text;
    if before == "," {
        return vec![
            Slip::new(sign.span, "two `,` in a row")
                .label("one separates what is around it")
                .help("leave out the `,`")
                .replace(sign.span, "")
                .surely(),
        ];
    }
    if matches!(next.text, "," | ";" | ")" | "]" | "}" | "") || matches!(before, ":" | "(" | "[") {
        let ends = next.text == ";";
        let end = if ends { next.span.start } else { sign.span.end };
        let span = Span::new(stuck.end_before(index), end);
        slips.push(
            Slip::new(sign.span, "a `,` with nothing after it")
                .label("this separates nothing")
                .help("leave out the `,`")
                .replace(span, "")
                .surely(),
        );
    }
    if next.is_word() && !ACTIONS.contains(&next.text) && before != "." {
        let (span, text) = stuck.without(index);
        slips.push(
            Slip::new(sign.span, format!("`,` before {}", quoted(next.text)))
                .label("options follow their targets, and each other, without a `,`")
                .help("leave out the `,`")
                .replace(span, text)
                .surely_if(OPTIONS.contains(&next.text) || matches!(next.text, "keep" | "except")),
        );
    }
    if stuck
        .last_of(&["when", "whenever"], index)
        .is_some_and(|when| (when..index).all(|at| stuck.get(at).text != ":"))
    {
        slips.push(
            Slip::new(sign.span, "`,` between conditions")
                .label("conditions are joined by `and`")
                .help("write `and`")
                .replace(Span::new(stuck.end_before(index), sign.span.end), " and"),
        );
    }
    slips
}
