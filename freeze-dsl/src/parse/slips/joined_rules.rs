//! Rules that a comma joins, and words that touch the number after them.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, OPTIONS, TRIGGERS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips: Vec<Slip> = joined_rules(stuck).into_iter().collect();
    slips.extend(several_moments(stuck));
    slips.extend(glued_numbers(stuck));
    slips.extend(missing_start(stuck));
    slips.extend(missing_run(stuck));
    slips.extend(cut_options(stuck));
    slips
}

/// `start: train fc, epoch 3: unfreeze layer4`: a comma where a rule ends.
fn joined_rules(stuck: &Stuck<'_>) -> Option<Slip> {
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    for index in 0..stuck.count() {
        match stuck.get(index).text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 && begins_rule(stuck, index + 1) => commas.push(index),
            _ => {}
        }
    }
    let first = stuck.get(*commas.first()?);
    let next = stuck.get(commas.first()? + 1);
    let slip = Slip::new(first.span, format!("`,` before {}", quoted(next.text)))
        .label("this begins a new rule")
        .help("end the rule before it with `;`");
    Some(commas.iter().fold(slip, |slip, comma| slip.replace(stuck.get(*comma).span, ";")))
}

/// Whether a trigger with its `:` begins at an index.
fn begins_rule(stuck: &Stuck<'_>, index: usize) -> bool {
    let mut rest = (index..stuck.count()).map(|at| stuck.get(at).text);
    TRIGGERS.contains(&stuck.get(index).text)
        && rest.find(|text| matches!(*text, ":" | "," | ";" | "{" | "}")) == Some(":")
}

/// `epoch 3, 5: …`, `epoch 3 and 5: …`
fn several_moments(stuck: &Stuck<'_>) -> Option<Slip> {
    let word = stuck.get(0);
    let (first, sign, second) = (stuck.get(1), stuck.get(2), stuck.get(3));
    let is_several = matches!(word.text.trim_end_matches('s'), "epoch" | "step")
        && matches!(sign.text, "," | "and" | "or" | "&")
        && [first, second].iter().all(|it| it.kind == LexemeKind::Number);
    let is_thousand =
        sign.text == "," && second.text.len() == 3 && stuck.is_glued(2) && stuck.is_glued(3);
    if is_several && is_thousand {
        let written = format!("{}{}", first.text, second.text);
        return Some(
            Slip::new(sign.span, "`,` in a number")
                .label("digits are grouped by `_`, or not at all")
                .help(format!("write {}", quoted(&written)))
                .replace(sign.span, ""),
        );
    }
    is_several.then(|| {
        let unit = word.text.trim_end_matches('s');
        Slip::new(sign.span, format!("{} between moments", quoted(sign.text)))
            .label("a rule of one moment fires once")
            .note(format!(
                "write a rule for each, `{unit} {}: …; {unit} {}: …`",
                first.text, second.text
            ))
            .ambiguous()
    })
}

/// `epoch5: …`, `at50%: …`, `after2 epochs: …`
fn glued_numbers(stuck: &Stuck<'_>) -> Option<Slip> {
    let index = stuck.near().find(|index| glued(stuck, *index).is_some())?;
    let (word, number) = glued(stuck, index)?;
    let span = stuck.get(index).span;
    let written = format!("{word} {number}");
    Some(
        Slip::word(span, format!("no space in {}", quoted(stuck.get(index).text)))
            .label("a word and a number are apart")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written),
    )
}

/// The word of a trigger, and the number that touches it.
fn glued<'t>(stuck: &Stuck<'t>, index: usize) -> Option<(&'t str, &'t str)> {
    let begins = index == 0 || index.checked_sub(1).is_some_and(|it| stuck.get(it).text == "or");
    let lexeme = stuck.get(index);
    let text = lexeme.text;
    let word = text.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '_');
    let number = text.get(word.len()..).filter(|number| !number.is_empty())?;
    let is_trigger = matches!(word, "epoch" | "step" | "at" | "after" | "every");
    (begins && lexeme.is_word() && is_trigger).then_some((word, number))
}

/// `: train fc lr 1e-3`
fn missing_start(stuck: &Stuck<'_>) -> Option<Slip> {
    let colon = stuck.get(0);
    (colon.text == ":" && ACTIONS.contains(&stuck.get(1).text)).then(|| {
        Slip::new(colon.span, "`:` without a trigger")
            .label("a rule begins with when it fires")
            .help("write `start:` to let it fire at the start")
            .insert(colon.span.start, "start")
    })
}

/// `epochs 20;`, `run for 20 epochs;`
fn missing_run(stuck: &Stuck<'_>) -> Option<Slip> {
    let (first, second) = (stuck.get(0), stuck.get(1));
    if first.text == "run" && matches!(second.text, "for" | "in") {
        let (span, text) = stuck.without(1);
        return Some(
            Slip::word(second.span, format!("{} after `run`", quoted(second.text)))
                .label("the length of the run follows `run` directly")
                .help(format!("leave out {}", quoted(second.text)))
                .replace(span, text),
        );
    }
    let is_length = matches!(first.text, "epochs" | "steps")
        && second.kind == LexemeKind::Number
        && stuck.end() == 2;
    is_length.then(|| {
        let written = format!("run {} {}", second.text, first.text);
        Slip::word(first.span, format!("{} does not begin a statement", quoted(first.text)))
            .label("the length of the run follows `run`")
            .help(format!("write {}", quoted(&written)))
            .replace(stuck.span(0, 2), written)
    })
}

/// `epoch 3: unfreeze layer4; lr 1e-4`: an option that a `;` cuts off from its rule.
fn cut_options(stuck: &Stuck<'_>) -> Option<Slip> {
    let option = stuck.get(0);
    let before = stuck.nearby().trim_end().strip_suffix(';')?;
    let rule = before.rsplit([';', '{', '}']).next()?.trim_start();
    let is_rule = rule.contains(':') && TRIGGERS.iter().any(|word| rule.starts_with(word));
    let is_value = stuck.get(1).kind == LexemeKind::Number && stuck.end() == 2;
    let has_option = rule.split_whitespace().any(|word| word == option.text);
    (OPTIONS.contains(&option.text) && is_rule && is_value && !has_option).then(|| {
        let written = stuck.slice(0, 2);
        Slip::word(option.span, format!("{} does not begin a statement", quoted(option.text)))
            .label("an option follows its parameters, or `default`")
            .note(format!(
                "leave out the `;` before it for the action before, or write `default {written}` \
                 for all parameters"
            ))
            .ambiguous()
    })
}

/// `linear 1e-3 -> 0 10 epochs`: a curve without `over`, or with `over` in place of its last value.
pub(super) fn missing_over(stuck: &Stuck<'_>) -> Vec<Slip> {
    if let Some(slip) = stuck.near().find_map(|index| missing_end(stuck, index)) {
        return vec![slip];
    }
    let number = stuck.here();
    let is_led = stuck.at() >= 2 && stuck.before(2).text == "->";
    let is_duration = number.kind == LexemeKind::Number
        && matches!(stuck.after(1).text, "epoch" | "epochs" | "step" | "steps" | "%");
    if !is_led || !is_duration {
        return Vec::new();
    }
    let place = Span::new(number.span.start, number.span.start);
    vec![
        Slip::new(number.span, "no `over` before the duration of a curve")
            .label("a curve ends after its `over`")
            .help("write `over`")
            .insert(place.start, "over "),
    ]
}

/// `lr cosine 1e-3 -> over 5 epochs`
fn missing_end(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    if stuck.get(index).text != "->" {
        return None;
    }
    let is_missing = match stuck.get(index + 1).text {
        ";" | "," | "" => true,
        // A number may have this name.
        next @ ("over" | "then") => stuck.get(index + 2).text != next,
        _ => false,
    };
    is_missing.then(|| {
        Slip::new(stuck.get(index).span, "no value after `->`")
            .label("a curve goes from one value to another")
            .note("write the value at its end, as in `-> 1e-5`")
            .ambiguous()
    })
}
