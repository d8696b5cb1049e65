//! Numbers as other languages write them: `.001`, `0,001`, `0.1%`, `1e-3f`.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::{quoted, shown_number};
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, INNER, OPTIONS};

/// Letters that end a number in other languages.
const SUFFIXES: [&str; 8] = ["f", "F", "f32", "f64", "f16", "d", "L", "u64"];

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    stuck.near().flat_map(|index| at(stuck, index)).collect()
}

/// Whether a number before an index is an index or a row.
fn is_indexed(stuck: &Stuck<'_>, index: usize) -> bool {
    index.checked_sub(2).is_some_and(|before| stuck.get(before).text == "[")
        || stuck.open_rows(index).is_some()
}

/// Whether a path or the rest of one may begin at an index.
fn begins_path(stuck: &Stuck<'_>, index: usize) -> bool {
    let before = |count: usize| index.checked_sub(count).map(|at| stuck.get(at));
    let follows_number = before(2).is_some_and(|it| it.kind == LexemeKind::Number)
        && before(3).is_none_or(|dot| dot.text != ".");
    before(1).is_some_and(|leads| match leads.text {
        "," => !follows_number,
        text => ACTIONS.contains(&text) || matches!(text, "except" | "in" | "of" | "." | "]" | "}"),
    })
}

/// Whether the number before an index is that of `epoch 3` or `step 3`.
fn leads_moment(stuck: &Stuck<'_>, index: usize) -> bool {
    index.checked_sub(2).is_some_and(|word| matches!(stuck.get(word).text, "epoch" | "step"))
}

/// Whether the number before an index is that of an option.
fn follows_option(stuck: &Stuck<'_>, index: usize) -> bool {
    index.checked_sub(2).is_some_and(|word| OPTIONS.contains(&stuck.get(word).text))
}

/// `lr to 1e-5`, `then then 1e-4`: a word that would be read as the name of a number.
fn word_before(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (leads, word) = (stuck.get(index.checked_sub(1)?).text, stuck.get(index));
    let is_led =
        OPTIONS.contains(&leads) || matches!(leads, "then" | "->" | "over" | "times" | "every");
    (is_led && INNER.contains(&word.text)).then(|| {
        Slip::new(word.span, format!("{} in place of a number", quoted(word.text)))
            .label("a number follows the word before it")
            .help("leave it out")
            .replace(Span::new(word.span.start, stuck.start_of(index + 1)), "")
    })
}

/// `3k`, `1.5M`: a number with a letter for thousands or millions.
fn scaled(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (number, letter) = (stuck.get(index.checked_sub(1)?), stuck.get(index));
    let scale = match letter.text {
        "k" | "K" => 1e3,
        "M" => 1e6,
        _ => return None,
    };
    let value = number.text.replace('_', "").parse::<f64>().ok()? * scale;
    let written = shown_number(value);
    stuck.is_glued(index).then(|| {
        Slip::new(letter.span, format!("{} at the end of a number", quoted(letter.text)))
            .label("a number is written out")
            .help(format!("write {}", quoted(&written)))
            .replace(number.span.to(letter.span), written)
            .surely()
    })
}

/// `lr 1 e-3`, `lr "1e-3"`
fn broken(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (word, sign, digits) = (stuck.get(index), stuck.get(index + 1), stuck.get(index + 2));
    let before = stuck.get(index.checked_sub(1)?);
    if word.kind == LexemeKind::Quoted && OPTIONS.contains(&before.text) {
        let number = word.text.trim_matches('"');
        let is_number = number.parse::<f64>().is_ok_and(f64::is_finite);
        return is_number.then(|| {
            Slip::new(word.span, "a number in quotes")
                .label("numbers have none")
                .help(format!("write {}", quoted(number)))
                .replace(word.span, number)
                .surely()
        });
    }
    let is_exponent = matches!(word.text, "e" | "E")
        && sign.text == "-"
        && digits.kind == LexemeKind::Number
        && stuck.is_glued(index + 1)
        && stuck.is_glued(index + 2);
    (is_exponent && before.kind == LexemeKind::Number).then(|| {
        let written = format!("{}e-{}", before.text, digits.text);
        let span = stuck.span(index - 1, index + 3);
        Slip::new(span, "a number in parts")
            .label("an exponent follows its number directly")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written)
    })
}

/// `50 percent`
fn percent(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (number, word) = (stuck.get(index.checked_sub(1)?), stuck.get(index));
    let is_percent = matches!(word.text, "percent" | "pct" | "perc");
    (is_percent && number.kind == LexemeKind::Number).then(|| {
        Slip::word(word.span, format!("{} is not a unit", quoted(word.text)))
            .label("a percentage is a number and `%`")
            .help("write `%`")
            .replace(Span::new(number.span.end, word.span.end), "%")
            .surely()
    })
}

/// `epoch 3s`, `epoch 3rd`
fn ordinal(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let letters = stuck.get(index);
    let is_ordinal = matches!(letters.text, "s" | "st" | "nd" | "rd" | "th");
    (is_ordinal && stuck.is_glued(index) && leads_moment(stuck, index)).then(|| {
        Slip::new(letters.span, format!("{} at the end of a number", quoted(letters.text)))
            .label("a moment is a word and a number, as in `epoch 3`")
            .help("leave it out")
            .replace(letters.span, "")
    })
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let mut slips: Vec<Slip> = [scaled, broken, percent, ordinal]
        .into_iter()
        .filter_map(|kind: fn(&Stuck<'_>, usize) -> Option<Slip>| kind(stuck, index))
        .collect();
    let (sign, next) = (stuck.get(index), stuck.get(index + 1));
    let is_number = |index: usize| stuck.get(index).kind == LexemeKind::Number;
    let follows_number = index > 0 && is_number(index - 1);
    let glued = stuck.is_glued(index);
    if is_number(index + 1) && !glued {
        slips.extend(word_before(stuck, index));
    }
    match sign.text {
        "+" if is_number(index + 1) && stuck.is_glued(index + 1) && !follows_number => slips.push(
            Slip::new(sign.span, "`+` before a number")
                .label("a number without a sign is above zero")
                .help("leave out the `+`")
                .replace(sign.span, "")
                .surely(),
        ),
        "%" if follows_number && leads_moment(stuck, index) => slips.push(
            Slip::new(sign.span, "a percentage as a moment")
                .label("a part of the run is written `at 50%`")
                .help("write `at`")
                .replace(stuck.get(index - 2).span, "at"),
        ),
        ".." if next.text == "." && stuck.is_glued(index + 1) => {
            let dots = sign.span.to(next.span);
            slips.push(
                Slip::new(dots, "`...` in a range")
                    .label("a range with its end is written `..=`, and without it `..`")
                    .help("write `..=`")
                    .replace(dots, "..=")
                    .surely(),
            );
        }
        "." if is_number(index + 1)
            && stuck.is_glued(index + 1)
            && !begins_path(stuck, index)
            && !(glued && (follows_number || index > 0 && stuck.get(index - 1).text == "..")) =>
        {
            slips.push(
                Slip::new(sign.span.to(next.span), "a number without a digit before its `.`")
                    .label("a number begins with a digit")
                    .help(format!("write `0.{}`", next.text))
                    .insert(sign.span.start, "0")
                    .surely(),
            );
        }
        "." if glued && follows_number => slips.push(
            Slip::new(sign.span, "a number without a digit after its `.`")
                .label("a number ends with a digit")
                .help("leave out the `.`")
                .replace(sign.span, "")
                .surely(),
        ),
        "," if follows_number && is_number(index + 1) && !is_indexed(stuck, index) => slips.push(
            Slip::new(sign.span, "`,` in a number")
                .label("the decimal sign is `.`")
                .help("write `.`")
                .replace(Span::new(sign.span.start, next.span.start), ".")
                // `epoch 1,2` may be two of them, and `1,000` a thousand.
                .surely_if(
                    glued
                        && stuck.is_glued(index + 1)
                        && follows_option(stuck, index)
                        && (next.text.len() != 3 || stuck.get(index - 1).text == "0"),
                ),
        ),
        "%" if follows_number && !is_indexed(stuck, index) => {
            let number = stuck.get(index - 1);
            let value = number.text.replace('_', "").parse::<f64>().map(|value| value / 100.0);
            if let Ok(value) = value {
                let value = shown_number(value);
                slips.push(
                    Slip::new(sign.span, "a percentage where a number is required")
                        .label("a percentage is a part of the run, of a list or of a metric")
                        .help(format!("write {}", quoted(&value)))
                        .replace(number.span.to(sign.span), value),
                );
            }
        }
        "=" | "-" | "+" => {}
        _ if sign.is_word() && glued && follows_number && SUFFIXES.contains(&sign.text) => {
            slips.push(
                Slip::new(sign.span, format!("{} at the end of a number", quoted(sign.text)))
                    .label("numbers have no types")
                    .help(format!("leave out {}", quoted(sign.text)))
                    .replace(sign.span, "")
                    .surely(),
            );
        }
        _ => {}
    }
    slips
}
