//! Durations and moments without their unit, or with that of another tool.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::{quoted, shown_number};
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::UNITS;

/// Units of time, in the singular.
const TIMES: [&str; 7] = ["second", "sec", "minute", "min", "hour", "hr", "day"];

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips: Vec<Slip> = stuck.near().flat_map(|index| at(stuck, index)).collect();
    slips.extend(missing_unit(stuck));
    slips
}

/// The unit of the language that a word is another name of.
fn unit(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "epochs" | "epoch" | "ep" | "eps" | "e" => "epochs",
        "steps" | "step" | "iters" | "iter" | "iterations" | "iteration" | "its" | "batches"
        | "batch" | "updates" | "minibatches" => "steps",
        _ => return None,
    })
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let mut slips = Vec::new();
    let (word, before) = (stuck.get(index), index.checked_sub(1).map(|index| stuck.get(index)));
    let follows_number = before.is_some_and(|before| before.kind == LexemeKind::Number);
    let next_is_number = stuck.get(index + 1).kind == LexemeKind::Number;
    let leads = before.map_or("", |before| before.text);
    if matches!(word.text, ">=" | "==") && matches!(leads, "epoch" | "step") && next_is_number {
        let (span, text) = stuck.without(index);
        slips.push(
            Slip::new(word.span, format!("{} in a moment", quoted(word.text)))
                .label(format!("a rule fires once, as soon as its {leads} is reached"))
                .help(format!("leave out {}", quoted(word.text)))
                .replace(span, text)
                .surely(),
        );
    }
    if let Some(unit) = unit(word.text) {
        if follows_number && stuck.is_glued(index) {
            let unit = if UNITS.contains(&word.text) { word.text } else { unit };
            slips.push(
                Slip::new(word.span, format!("no space before {}", quoted(word.text)))
                    .label("a number and its unit are two words")
                    .help(format!("write a space before `{unit}`"))
                    .replace(word.span, format!(" {unit}"))
                    .surely_if(UNITS.contains(&word.text)),
            );
        }
        if !UNITS.contains(&word.text) {
            slips.push(
                Slip::word(word.span, format!("{} is not a unit", quoted(word.text)))
                    .label("the units are `epochs` and `steps`")
                    .help(format!("write `{unit}`"))
                    .replace(
                        word.span,
                        if next_is_number { unit.trim_end_matches('s') } else { unit },
                    )
                    .surely_if(UNITS.contains(&word.text.to_lowercase().as_str())),
            );
        }
        if matches!(before.map(|before| before.text), Some("every" | "each" | "after" | "for")) {
            slips.push(
                Slip::new(word.span, format!("no number before {}", quoted(word.text)))
                    .label("a duration is a number and a unit")
                    .help(format!("write `1 {}`", word.text))
                    .insert(word.span.start, "1 ")
                    .surely_if(matches!(leads, "every" | "each")),
            );
        }
        if next_is_number {
            slips.extend(unit_first(stuck, index, unit));
        }
    }
    if matches!(word.text, "until" | "till") && stuck.get(index + 2).kind == LexemeKind::Number {
        let moment = stuck.slice(index + 1, index + 3);
        slips.push(
            Slip::new(word.span, format!("{} after an action", quoted(word.text)))
                .label("a rule stays in force until a later rule changes what it did")
                .note(format!("write what follows as a rule of its own, `{moment}: …`")),
        );
    }
    if matches!(word.text, "at" | "on" | "in" | "from" | "if" | "upon" | "@" | "when") {
        slips.extend(moment(stuck, index));
    }
    slips
}

/// `epochs 3:`, `after epoch 3:`, `epochs 0-3:`
fn unit_first(stuck: &Stuck<'_>, index: usize, unit: &str) -> Vec<Slip> {
    let (word, number) = (stuck.get(index), stuck.get(index + 1));
    let single = unit.trim_end_matches('s');
    let mut slips = Vec::new();
    let (dash, last) = (stuck.get(index + 2), stuck.get(index + 3));
    if matches!(dash.text, "-" | ".." | "..=" | "to" | ":" | "until")
        && last.kind == LexemeKind::Number
        && index == 0
    {
        let (first, past) = (number.text, last.text);
        return vec![
            Slip::new(word.span.to(last.span), "a rule fires at a moment, not over a range")
                .label("a rule stays in force until a later rule changes what it did")
                .note(format!(
                    "write `{single} {first}: …` for what begins then, and `{single} {past}: …` \
                     for what follows"
                ))
                .ambiguous(),
        ];
    }
    if index == 0 && word.text != single {
        slips.push(
            Slip::word(word.span, format!("{} does not begin a trigger", quoted(word.text)))
                .label(format!("a moment is written `{single} {}`", number.text))
                .help(format!("write `{single}`"))
                .replace(word.span, single)
                .surely_if(UNITS.contains(&word.text.to_lowercase().as_str())),
        );
    }
    if index == 1 && stuck.get(0).text == "after" {
        let (at, after) = (format!("{single} {}", number.text), format!("{} {unit}", number.text));
        slips.push(
            Slip::new(word.span, format!("`after {} {}`", word.text, number.text))
                .label("`after` is followed by a duration")
                .note(format!(
                    "write `{at}: …` for that moment, or `after {after}: …` to count from the \
                     rule before"
                )),
        );
    }
    slips
}

/// `at epoch 3:`, `at 0.5:`, `on epoch 3:`
fn moment(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let (word, next) = (stuck.get(index), stuck.get(index + 1));
    let shown = quoted(word.text);
    let mut slips = Vec::new();
    let is_moment = next.text == "start" || stuck.get(index + 2).text != "end";
    if matches!(next.text, "epoch" | "step" | "start") && is_moment {
        let span = Span::new(word.span.start, next.span.start);
        slips.push(
            Slip::new(word.span, format!("{shown} before {}", quoted(next.text)))
                .label(format!("{} begins a trigger", quoted(next.text)))
                .help(format!("leave out {shown}"))
                .replace(span, "")
                .surely(),
        );
    }
    if next.kind != LexemeKind::Number {
        return slips;
    }
    let unit_word = stuck.get(index + 2);
    if let Some(unit) = unit(unit_word.text) {
        let moment = format!("{} {}", unit.trim_end_matches('s'), next.text);
        slips.push(
            Slip::new(word.span.to(unit_word.span), format!("{shown} with a unit"))
                .label("a moment begins with its unit")
                .help(format!("write {}", quoted(&moment)))
                .replace(word.span.to(unit_word.span), moment)
                .surely_if(matches!(word.text, "at" | "on") && UNITS.contains(&unit_word.text)),
        );
    }
    let value = next.text.replace('_', "").parse::<f64>();
    match value {
        Ok(value) if value > 0.0 && value < 1.0 => {
            let percent = shown_number(value * 100.0);
            slips.push(
                Slip::new(next.span, format!("`{} {}` without a `%`", word.text, next.text))
                    .label("a moment of the run is written in percent")
                    .help(format!("write `at {percent}%`"))
                    .replace(word.span.to(next.span), format!("at {percent}%")),
            );
        }
        Ok(_) if index == 0 && unit_word.text == ":" => slips.push(
            Slip::new(next.span, format!("`{} {}` without a unit", word.text, next.text))
                .label("epochs, steps or percent?")
                .note(format!(
                    "write `epoch {0}: …` for an epoch, `step {0}: …` for a step, or `at {0}%: …` \
                     for a part of the run",
                    next.text
                )),
        ),
        _ => {}
    }
    slips
}

/// `run 20;`, `after 2:`, `over 5`
fn missing_unit(stuck: &Stuck<'_>) -> Option<Slip> {
    let number = stuck.before(1);
    let leads = stuck.before(2).text;
    let is_led = matches!(leads, "run" | "after" | "every" | "for" | "over");
    if number.kind != LexemeKind::Number || !is_led || stuck.here().text == "%" {
        return None;
    }
    let value = number.text;
    let (epochs, steps) = if value == "1" { ("epoch", "step") } else { ("epochs", "steps") };
    let unit = stuck.here();
    let is_time = TIMES.contains(&unit.text.trim_end_matches('s'));
    let slip = if is_time {
        Slip::new(number.span.to(unit.span), format!("`{leads} {value} {}`", unit.text))
            .label("training is counted in epochs and steps, not in time")
    } else {
        Slip::new(number.span, format!("`{leads} {value}` without a unit"))
            .label("epochs or steps?")
    };
    Some(slip.note(format!(
        "write `{leads} {value} {epochs}` to count epochs, or `{leads} {value} {steps}` to count \
         optimizer steps"
    )))
}
