//! Words that say nothing, and words of what the program sets.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, TRIGGERS, UNITS, VERBS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    const KINDS: [fn(&Stuck<'_>, usize) -> Option<Slip>; 7] =
        [adverb, numbered, recurring, remainder, comparison, lasting, of_the_program];
    let all = |index: usize| KINDS.iter().filter_map(move |kind| kind(stuck, index));
    stuck.near().flat_map(all).collect()
}

/// `train only fc`, `only train fc`, `reset optimizer fc`
fn adverb(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let next = stuck.get(index + 1);
    let is_adverb = matches!(word.text, "only" | "just" | "fully" | "also" | "then" | "again");
    let is_before_verb =
        is_adverb && VERBS.contains(&next.text) && stuck.previous(index).text != ",";
    let after_verb = is_adverb && VERBS.contains(&stuck.previous(index).text);
    let is_state =
        matches!(word.text, "optimizer" | "state") && stuck.previous(index).text == "reset";
    let has_path = next.is_word() || next.text == "@" || next.kind == LexemeKind::Quoted;
    (has_path && (is_before_verb || after_verb || is_state)).then(|| {
        Slip::word(word.span, format!("{} beside an action", quoted(word.text)))
            .label("an action is a verb and its parameters")
            .help("leave it out")
            .replace(Span::new(word.span.start, stuck.start_of(index + 1)), "")
            .surely()
    })
}

/// `train layer 4`, `train layers 3 to 5`
fn numbered(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (name, first) = (stuck.get(index), stuck.get(index + 1));
    let leads = stuck.previous(index).text;
    let is_path = name.is_word() && (VERBS.contains(&leads) || matches!(leads, "," | "except"));
    let is_number = |at: usize| stuck.get(at).text.bytes().all(|digit| digit.is_ascii_digit());
    let is_index = first.kind == LexemeKind::Number && is_number(index + 1);
    if !is_path || !is_index || stuck.is_glued(index + 1) || stuck.get(index + 2).text == "of" {
        return None;
    }
    let last = stuck.get(index + 3);
    let is_range = matches!(stuck.get(index + 2).text, "to" | "-" | ".." | "..=" | "through")
        && last.kind == LexemeKind::Number;
    let (written, end) = if is_range {
        (format!("{}[{}..={}]", name.text, first.text, last.text), index + 4)
    } else {
        (format!("{}[{}]", name.text, first.text), index + 2)
    };
    let span = stuck.span(index, end);
    Some(
        Slip::new(span, format!("{} is not a path", quoted(stuck.slice(index, end))))
            .label("a number in a path is written in `[` and `]`")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written),
    )
}

/// `after every 2 epochs`, `every epoch end`, `on epoch end`
fn recurring(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (word, next) = (stuck.get(index), stuck.get(index + 1));
    if index == 0 && word.text == "after" && matches!(next.text, "every" | "each") {
        return Some(
            Slip::new(word.span, format!("`after` before {}", quoted(next.text)))
                .label("`every` alone begins a trigger")
                .help("write `every`")
                .replace(word.span.to(next.span), "every"),
        );
    }
    let is_end = next.text == "end" && matches!(word.text, "epoch" | "step");
    (is_end && index <= 1).then(|| {
        let written = format!("every 1 {}", word.text);
        let span = stuck.span(0, index + 2);
        Slip::new(span, format!("{} is not a trigger", quoted(stuck.slice(0, index + 2))))
            .label("what happens again and again follows `every`")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written)
    })
}

/// `epoch % 5 == 0`
fn remainder(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (unit, number) = (stuck.get(index), stuck.get(index + 2));
    let is_unit = matches!(unit.text, "epoch" | "step") && stuck.get(index + 1).text == "%";
    let is_zero = stuck.get(index + 3).text == "==" && stuck.get(index + 4).text == "0";
    let leads = stuck.previous(index).text;
    let is_led = index == 0 || index == 1 && matches!(leads, "when" | "if" | "whenever");
    (is_unit && is_zero && is_led && number.kind == LexemeKind::Number).then(|| {
        let written = format!("every {} {}s", number.text, unit.text);
        let span = stuck.span(0, index + 5);
        Slip::new(span, "a remainder as a trigger")
            .label("what happens again and again follows `every`")
            .help(format!("write {}, or `start or {written}`", quoted(&written)))
            .replace(span, written.clone())
    })
}

/// `epoch 3+`, `epoch > 3`
fn comparison(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (sign, number) = (stuck.get(index), stuck.get(index + 1));
    let is_unit = |text: &str| matches!(text, "epoch" | "step");
    let slip = Slip::new(sign.span, format!("{} in a moment", quoted(sign.text)))
        .label("a rule fires once, as soon as its moment is reached");
    let follows_number = index.checked_sub(2).is_some_and(|unit| is_unit(stuck.get(unit).text));
    if sign.text == "+" && follows_number && matches!(number.text, ":" | "as" | "or") {
        return Some(slip.help("leave out `+`").replace(sign.span, ""));
    }
    let unit = stuck.previous(index).text;
    if sign.text != ">" || !is_unit(unit) {
        return None;
    }
    let first = number.text.parse::<u64>().ok()?.checked_add(1)?.to_string();
    Some(
        slip.help(format!("write `{unit} {first}`, the first after {}", number.text))
            .replace(Span::new(stuck.end_before(index), number.span.end), format!(" {first}")),
    )
}

/// `train fc for 3 epochs`, `train fc during 3 epochs`, `train fc then epoch 3: …`
fn lasting(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (word, next) = (stuck.get(index), stuck.get(index + 1));
    let colon = (0..index).any(|at| stuck.get(at).text == ":");
    if word.text == "then" && colon && TRIGGERS.contains(&next.text) {
        return Some(
            Slip::new(word.span, format!("`then` before {}", quoted(next.text)))
                .label("this begins a new rule")
                .help("end the rule before it with `;`")
                .replace(Span::new(stuck.end_before(index), word.span.end), ";"),
        );
    }
    let unit = stuck.get(index + 2);
    let is_lasting = matches!(word.text, "for" | "during")
        && next.kind == LexemeKind::Number
        && UNITS.contains(&unit.text);
    let follows = (0..index).rev().map(|at| stuck.get(at));
    let action = follows.take_while(|it| it.text != ":").find(|it| ACTIONS.contains(&it.text));
    let is_number = index.checked_sub(1).is_some_and(|at| stuck.get(at).kind == LexemeKind::Number);
    (is_lasting && action.is_some() && colon && !is_number).then(|| {
        let length = stuck.slice(index + 1, index + 3);
        Slip::new(stuck.span(index, index + 3), "an action has no duration")
            .label("a rule stays in force until a later rule changes what it did")
            .note(format!("write what follows as a rule of its own, `after {length}: …`"))
    })
}

/// `train fc dropout 0.1`
fn of_the_program(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let is_set = matches!(
        word.text,
        "dropout" | "clip" | "clip_grad" | "grad_clip" | "max_norm" | "batch_size" | "accumulate"
    );
    let value = stuck.get(index + 1);
    let is_value = value.kind == LexemeKind::Number || matches!(value.text, "=" | ":");
    (is_set && is_value).then(|| {
        Slip::word(word.span, format!("{} is not an option", quoted(word.text)))
            .label("the program sets this, in its loop or in its model")
            .note("the options are `lr`, `weight_decay`, `anchor`, `optimizer` and `stats`")
    })
}
