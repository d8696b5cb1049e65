//! Triggers and rules whose parts are joined or ordered otherwise.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{OPTIMIZERS, OPTIONS, SHAPES, TRIGGERS, UNITS, VERBS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    const KINDS: [fn(&Stuck<'_>, usize) -> Option<Slip>; 7] =
        [joined, two_colons, length_first, name_last, called, square_brackets, comma_in_curve];
    let all = |index: usize| KINDS.iter().filter_map(move |kind| kind(stuck, index));
    stuck.near().flat_map(all).collect()
}

/// Whether a trigger contains an index.
fn is_in_trigger(stuck: &Stuck<'_>, index: usize) -> bool {
    TRIGGERS.contains(&stuck.get(0).text) && (0..index).all(|at| stuck.get(at).text != ":")
}

/// `start, every 20 steps`, `start and every 20 steps`, `epoch 0 every 20 steps`
fn joined(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    if index == 0 || !TRIGGERS.contains(&word.text) || !is_in_trigger(stuck, index) {
        return None;
    }
    let sign = stuck.get(index - 1);
    let is_sign = matches!(sign.text, "," | "and");
    let is_bare =
        sign.kind == LexemeKind::Number || sign.text == "start" || UNITS.contains(&sign.text);
    if !is_sign && !is_bare {
        return None;
    }
    if matches!(word.text, "when" | "whenever") && sign.text != "start" {
        return Some(
            Slip::new(word.span, format!("{} after a moment", quoted(word.text)))
                .label("a moment is not joined to a condition so")
                .note(
                    "for a rule that waits from then on, write the moment as a rule before it; for \
                     one that fires at whichever comes first, write `or when …`",
                )
                .ambiguous(),
        );
    }
    // A rule fires once: `epoch 3 and epoch 5` may be two of them.
    if word.text != "every" {
        return None;
    }
    let from = if is_sign { index - 1 } else { index };
    let span = Span::new(stuck.end_before(from), word.span.start);
    let place = if is_sign { sign.span } else { word.span };
    let message = if is_sign {
        format!("{} between moments", quoted(sign.text))
    } else {
        format!("no `or` before {}", quoted(word.text))
    };
    Some(
        Slip::new(place, message)
            .label("the moments of a rule are joined by `or`")
            .help("write `or`")
            .replace(span, " or "),
    )
}

/// `start:: train fc`
fn two_colons(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index);
    (sign.text == "::" && is_in_trigger(stuck, index)).then(|| {
        Slip::new(sign.span, "`::` after a trigger")
            .label("one `:` follows a trigger")
            .help("write `:`")
            .replace(sign.span, ":")
            .surely()
    })
}

/// `3 epochs: train fc`
fn length_first(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (number, unit) = (stuck.get(0), stuck.get(1));
    let is_unit = UNITS.contains(&unit.text);
    let is_moment = index == 0 && number.kind == LexemeKind::Number && is_unit;
    (is_moment && stuck.get(2).text == ":").then(|| {
        let written = stuck.slice(0, 2);
        Slip::new(stuck.span(0, 2), format!("{} is not a trigger", quoted(written)))
            .label("a rule begins with when it fires")
            .note(format!(
                "write `{} {}: …` for that moment, or `after {written}: …` to count from the rule \
                 before",
                unit.text.trim_end_matches('s'),
                number.text
            ))
            .ambiguous()
    })
}

/// `start: train fc lr 1e-3 as head`
fn name_last(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (word, name) = (stuck.get(index), stuck.get(index + 1));
    let colon = (0..index).find(|at| stuck.get(*at).text == ":")?;
    let is_name = word.text == "as" && name.is_word() && index + 2 == stuck.end();
    let is_named = (0..colon).any(|at| stuck.get(at).text == "as");
    (is_name && !is_named).then(|| {
        let written = stuck.slice(index, index + 2);
        Slip::new(stuck.span(index, index + 2), "the name of a rule after its actions")
            .label("the name follows the trigger")
            .help(format!("write {} before the `:`", quoted(written)))
            .insert(stuck.end_before(colon), format!(" {written}"))
            .replace(Span::new(stuck.end_before(index), name.span.end), "")
            .surely()
    })
}

/// `train(fc, lr=1e-3)`
fn called(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let open = (0..=index).rev().find(|at| stuck.get(*at).text == "(")?;
    let verb = stuck.get(open.checked_sub(1)?);
    let close = (open..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    let is_option =
        |at: &usize| stuck.get(*at).text == "," && OPTIONS.contains(&stuck.get(*at + 1).text);
    let commas: Vec<usize> = (open..close).filter(is_option).collect();
    if !VERBS.contains(&verb.text) || commas.is_empty() {
        return None;
    }
    let start = Span::new(verb.span.end, stuck.start_of(open + 1));
    let slip = Slip::new(verb.span, format!("{} is not called like a function", quoted(verb.text)))
        .label("selectors and options follow it as words")
        .help("leave out the parentheses and the `,` before options")
        .replace(start, " ")
        .replace(stuck.get(close).span, "");
    Some(commas.into_iter().fold(slip, |slip, comma| slip.replace(stuck.get(comma).span, "")))
}

/// `optimizer sgd[momentum 0.9]`
fn square_brackets(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let open = stuck.get(index);
    let name = stuck.get(index.checked_sub(1)?).text;
    let close_text = match open.text {
        "[" => "]",
        "{" => "}",
        _ => return None,
    };
    let close = (index..stuck.count()).find(|at| stuck.get(*at).text == close_text)?;
    OPTIMIZERS.iter().any(|(known, _)| *known == name).then(|| {
        Slip::new(open.span, format!("{} after an optimizer", quoted(open.text)))
            .label("arguments of an optimizer are written in `(` and `)`")
            .help("write `(` and `)`")
            .replace(open.span, "(")
            .replace(stuck.get(close).span, ")")
            .surely()
    })
}

/// `lr linear 0 -> 1 over 3 epochs, cosine 1 -> 0 over rest`
fn comma_in_curve(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index);
    let shape = stuck.get(index + 1).text;
    let follows_curve = stuck.last_of(&["over", "train", "unfreeze", "set"], index);
    let follows_curve = follows_curve.is_some_and(|at| stuck.get(at).text == "over");
    (sign.text == "," && SHAPES.contains(&shape) && follows_curve).then(|| {
        Slip::new(sign.span, format!("`,` before `{shape}`"))
            .label("the pieces of a curve are joined by `then`")
            .help("write `then`")
            .replace(Span::new(stuck.end_before(index), stuck.start_of(index + 1)), " then ")
            .surely()
    })
}
