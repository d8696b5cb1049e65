//! Statements without the word that begins them, and triggers that follow their actions.

use super::Slip;
use super::renames::Rename;
use super::stuck::Stuck;
use crate::diagnostic::{Applicability, Code, Diagnostic, quoted};
use crate::parse::lexeme::{Lexeme, LexemeKind};
use crate::source::Span;
use crate::vocabulary::{ACTIONS, OPTIMIZERS, OPTIONS, STATEMENTS, TRIGGERS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let first = stuck.get(0);
    let mut slips = Vec::new();
    if first.is_word() && !STATEMENTS.contains(&first.text) && !TRIGGERS.contains(&first.text) {
        let is_assigned = matches!(stuck.get(1).text, "=" | ":=" | ":");
        let is_option = OPTIONS.contains(&first.text)
            || OPTIMIZERS.iter().any(|(name, _)| *name == first.text)
            || matches!(first.text, "wd" | "learning_rate");
        if ACTIONS.contains(&first.text) && first.text != "for" {
            slips.extend(without_trigger(stuck));
        } else if is_option {
            slips.push(
                Slip::word(
                    first.span,
                    format!("{} does not begin a statement", quoted(first.text)),
                )
                .label("an option of all parameters follows `default`")
                .help(format!("write `default {}`", first.text))
                .insert(first.span.start, "default "),
            );
        } else if matches!(first.text, "const" | "var" | "def" | "local" | "val") {
            slips.push(
                Slip::word(
                    first.span,
                    format!("{} does not begin a statement", quoted(first.text)),
                )
                .label("a name is defined with `let`")
                .help("write `let`")
                .replace(first.span, "let")
                .surely(),
            );
        } else if is_assigned && stuck.get(1).text != ":" {
            slips.push(assigned(stuck));
        }
    }
    slips.extend(without_when(stuck));
    if first.text == "model" {
        slips.extend(model_without_quotes(stuck));
    }
    if first.text == "@" && stuck.get(1).is_word() && stuck.get(2).text == "=" {
        slips.push(assigned(stuck));
    }
    slips.extend(missing_colon(stuck));
    slips.extend(braces_after_colon(stuck));
    if first.text == "let" {
        slips.extend(definition(stuck));
    }
    slips
}

/// `val_loss < 0.5: stop`: a condition without its `when`.
fn without_when(stuck: &Stuck<'_>) -> Option<Slip> {
    let metric = stuck.get(0);
    let is_test = matches!(stuck.get(1).text, "stops" | "<" | "<=" | ">" | ">=");
    let is_metric =
        metric.is_word() && !STATEMENTS.contains(&metric.text) || metric.kind == LexemeKind::Quoted;
    (is_test && is_metric && !TRIGGERS.contains(&metric.text)).then(|| {
        Slip::word(metric.span, format!("{} does not begin a statement", quoted(metric.text)))
            .label("a condition on a metric follows `when`")
            .help("write `when`")
            .insert(metric.span.start, "when ")
            .surely()
    })
}

/// `model resnet18.safetensors`
fn model_without_quotes(stuck: &Stuck<'_>) -> Option<Slip> {
    let is_part = |at: usize| {
        let lexeme = stuck.get(at);
        lexeme.is_word()
            || lexeme.kind == LexemeKind::Number
            || matches!(lexeme.text, "." | ".." | "/" | "-" | "~" | ":")
    };
    let end = (1..stuck.end()).find(|at| !is_part(*at) || *at > 1 && !stuck.is_glued(*at));
    let end = end.unwrap_or(stuck.end());
    let span = stuck.span(1, end);
    (end > 1 && stuck.get(1).text != ":").then(|| {
        let written = format!("\"{}\"", stuck.slice(1, end));
        Slip::new(span, "the path of a model without quotes")
            .label("a path of a file is written in quotes")
            .help(format!("write `{written}`"))
            .replace(span, written)
            .surely()
    })
}

/// `let head = fc, bn1`, `let x: 1e-3`, `let x 1e-3`
fn definition(stuck: &Stuck<'_>) -> Option<Slip> {
    let name = stuck.get(1);
    let end = if name.text == "@" { 3 } else { 2 };
    let sign = stuck.get(end);
    if matches!(sign.text, ":" | ":=" | "==" | "is" | "<") {
        let span = Span::new(stuck.end_before(end), sign.span.end);
        return Some(
            Slip::new(sign.span, format!("{} in a definition", quoted(sign.text)))
                .label("a name and its value are joined by `=`")
                .help("write `=`")
                .replace(span, " =")
                .surely_if(sign.text != "<"),
        );
    }
    if sign.text != "=" {
        return Some(
            Slip::new(stuck.span(0, end), "a definition without `=`")
                .label("a name and its value are joined by `=`")
                .help("write `=`")
                .insert(stuck.end_before(end), " =")
                .surely(),
        );
    }
    let value = stuck.get(end + 1);
    let is_targets = value.is_word()
        || matches!(value.text, "[" | "@" | "{" | "*" | "**" | "~" | "(")
        || value.kind == LexemeKind::Quoted;
    (name.is_word() && is_targets).then(|| without_sign(name.text, name.span))
}

/// The name of targets or of a list, without `@`.
fn without_sign(name: &str, place: Span) -> Slip {
    Slip::new(place, format!("{} names parameters", quoted(name)))
        .label("a name of parameters is written with `@`")
        .help(format!("write `@{name}`"))
        .insert(place.start, "@")
        .rename(Rename::with_sign(name))
}

/// `x = 1e-3`, `@stages = [fc]`
fn assigned(stuck: &Stuck<'_>) -> Slip {
    let first = stuck.get(0);
    let end = if first.text == "@" { 2 } else { 1 };
    let name = stuck.slice(0, end);
    Slip::word(stuck.span(0, end), format!("{} does not begin a statement", quoted(name)))
        .label("a name is defined with `let`")
        .help(format!("write `let {name}`"))
        .insert(first.span.start, "let ")
}

/// `train fc lr 1e-3;`: actions without a trigger. In a loop, two things may be meant.
fn without_trigger(stuck: &Stuck<'_>) -> Option<Slip> {
    let first = stuck.get(0);
    let slip = Slip::word(first.span, format!("{} has no trigger", quoted(first.text)))
        .label("a rule begins with when it fires");
    if stuck.block() == "repeat" {
        return Some(slip.note("write `after 1 epoch: …`, which comes again in each round"));
    }
    if stuck.is_in_loop() && stuck.block() != "track" {
        return Some(slip.note(
            "write `after 1 epoch: …` for one turn after another, or `start: for … { … }` for all \
             turns at once",
        ));
    }
    if matches!(first.text, "stop" | "restore" | "reset") {
        let action = first.text;
        return Some(slip.note(format!(
            "write `epoch 20: {action} …` for a moment, or `when val_loss stops falling for 3 \
             epochs: {action} …` for a metric"
        )));
    }
    if trailing_trigger(stuck, stuck.end()).is_some() {
        return None;
    }
    let at = first.span.start;
    Some(match trigger_before(stuck).as_deref() {
        None | Some("start") => {
            slip.help("write `start:` to let it fire at the start").insert(at, "start: ")
        }
        Some(moment) if ["epoch ", "step ", "at "].iter().any(|it| moment.starts_with(it)) => slip
            .help(format!("write `{moment}:` to let it fire with the rule before it"))
            .insert(at, format!("{moment}: ")),
        Some(_) => slip.note(format!(
            "write `, {0} …` in place of the `;` to let it fire with the rule before it, or \
             `after 1 epoch: {0} …` to let it fire later",
            first.text
        )),
    })
}

/// The trigger of the rule before the statement, without its name.
fn trigger_before(stuck: &Stuck<'_>) -> Option<String> {
    let before = stuck.nearby();
    let lexemes: Vec<_> = Lexeme::all(before, Span::new(0, before.len())).collect();
    let rule = lexemes
        .split(|lexeme| matches!(lexeme.text, ";" | "{" | "}"))
        .rev()
        .find(|rule| rule.first().is_some_and(|first| TRIGGERS.contains(&first.text)))?;
    let end = rule.iter().position(|lexeme| matches!(lexeme.text, ":" | "as"))?;
    let trigger = rule.get(..end)?;
    // Of several moments, the first to come is not known.
    let is_one = trigger.iter().all(|lexeme| lexeme.text != "or");
    let span = trigger.first()?.span.to(trigger.last()?.span);
    Some(if is_one { before.get(span.range())?.to_owned() } else { "when".to_owned() })
}

/// The index at which a trigger begins that follows the actions before `end`.
fn trailing_trigger(stuck: &Stuck<'_>, end: usize) -> Option<usize> {
    const WORDS: [&str; 10] =
        ["at", "after", "every", "when", "if", "once", "on", "from", "epoch", "step"];
    let mut last = stuck.last_of(&WORDS, end)?;
    // `at epoch 3`: both words belong to it.
    while let Some(before) = last.checked_sub(1) {
        let word = stuck.get(before).text;
        if matches!(word, "or" | "and") {
            match stuck.last_of(&WORDS, before) {
                Some(earlier) => last = earlier,
                None => break,
            }
        } else if WORDS.contains(&word) {
            last = before;
        } else {
            break;
        }
    }
    // `1e-3 times 0.1 every 30 epochs` is a learning rate.
    let is_stairs = stuck.get(last).text == "every"
        && last.checked_sub(2).is_some_and(|before| stuck.get(before).text == "times");
    let starts_action = last > 0 && !stuck.slice(0, last).contains('"');
    (starts_action && !is_stairs).then_some(last)
}

/// `unfreeze fc at epoch 3`: the trigger after the action.
pub(super) fn moved_triggers(stuck: &Stuck<'_>) -> Vec<Slip> {
    let end = stuck.end();
    let Some(trigger) = trailing_trigger(stuck, end) else { return Vec::new() };
    // Options may follow the trigger.
    let end = (trigger..end).find(|at| OPTIONS.contains(&stuck.get(*at).text)).unwrap_or(end);
    let moment = match stuck.slice(trigger, end).trim_end_matches(',') {
        moment if moment.starts_with("at epoch") || moment.starts_with("at step") => {
            moment.get("at ".len()..).unwrap_or(moment)
        }
        moment => moment,
    };
    let Some(moment) = moment_of(moment) else { return Vec::new() };
    let place = stuck.span(trigger, end);
    let tail = Span::new(stuck.end_before(trigger), place.end);
    let slip = |message: &str| {
        Slip::new(place, message)
            .label("a rule begins with when it fires")
            .help(format!("write `{moment}:` before its actions"))
    };
    let first = stuck.get(0);
    if ACTIONS.contains(&first.text) {
        return vec![
            slip("a trigger after its actions")
                .insert(first.span.start, format!("{moment}: "))
                .replace(tail, ""),
        ];
    }
    // `start: train fc, unfreeze layer4 at epoch 3`: the last action is a rule of its own.
    let mut commas = (0..trigger).rev().filter(|index| {
        stuck.get(*index).text == "," && ACTIONS.contains(&stuck.get(index + 1).text)
    });
    let Some(comma) = commas.next() else { return Vec::new() };
    let sign = stuck.get(comma).span;
    vec![
        slip("a trigger after an action")
            .replace(Span::new(sign.start, stuck.start_of(comma + 1)), format!("; {moment}: "))
            .replace(tail, ""),
    ]
}

/// `epoch 3; unfreeze fc`: where the rest of a rule begins, of which the statement at `span` is the
/// trigger alone; and the finding for its `;`.
pub(in crate::parse) fn cut_rule(text: &str, span: Span) -> Option<(usize, Diagnostic)> {
    let trigger: Vec<Lexeme<'_>> =
        Lexeme::all(text, span).filter(|lexeme| lexeme.text != ";").collect();
    let (first, last) = (trigger.first()?, trigger.last()?);
    if !TRIGGERS.contains(&first.text) || trigger.iter().any(|lexeme| lexeme.text == ":") {
        return None;
    }
    // As much as it takes to find the next word.
    let near_enough = last.span.end + 200;
    let near = Span::new(last.span.end, text.len().min(near_enough));
    let mut after = Lexeme::all(text, near);
    let (sign, next) = (after.next()?, after.next()?);
    (sign.text == ";" && ACTIONS.contains(&next.text) && next.text != "for").then(|| {
        let gap = Span::new(last.span.end, next.span.start);
        let finding = Diagnostic::new(Code::Syntax, sign.span, "`;` after a trigger")
            .label("the actions of a rule follow a `:`")
            .suggest(Applicability::Safe, "write `:`", gap, ": ");
        (next.span.start, finding)
    })
}

/// A moment as a trigger: `epoch 3` of `on epoch 3`, `when loss < 1` of `if loss < 1`.
fn moment_of(written: &str) -> Option<String> {
    let (word, rest) = written.split_once(' ')?;
    let rest = rest.trim();
    Some(match word {
        "on" | "from" | "at" if rest.starts_with("epoch") || rest.starts_with("step") => {
            rest.to_owned()
        }
        "if" | "once" => format!("when {rest}"),
        "on" | "from" => return None,
        _ => written.to_owned(),
    })
}

/// `epoch 3 unfreeze fc`, `start { train fc }`: another sign in place of the `:`.
fn missing_colon(stuck: &Stuck<'_>) -> Option<Slip> {
    let sign = stuck.here();
    let has_colon = (0..stuck.at()).any(|index| stuck.get(index).text == ":");
    if stuck.at() == 0 || has_colon || !TRIGGERS.contains(&stuck.get(0).text) {
        return None;
    }
    let is_other = matches!(sign.text, "->" | "=>" | "," | "=" | "do" | "then" | "-")
        || sign.kind == LexemeKind::Sign && sign.text == "{";
    if !is_other || !ACTIONS.contains(&stuck.after(1).text) {
        return None;
    }
    let span = Span::new(stuck.end_before(stuck.at()), sign.span.end);
    let slip = Slip::new(sign.span, format!("{} before an action", quoted(sign.text)))
        .label("the actions of a rule follow a `:`")
        .help("write `:`")
        .replace(span, ":")
        .surely();
    Some(if sign.text == "{" { without_braces(stuck, slip) } else { slip })
}

/// `start: { train fc; freeze bn1 }`
fn braces_after_colon(stuck: &Stuck<'_>) -> Option<Slip> {
    let (colon, open) = (stuck.before(1), stuck.here());
    if colon.text != ":" || open.text != "{" || !ACTIONS.contains(&stuck.after(1).text) {
        return None;
    }
    let span = Span::new(open.span.start, stuck.start_of(stuck.at() + 1));
    let slip = Slip::new(open.span, "`{` before an action")
        .label("the actions of a rule have no braces; `,` is between them")
        .help("leave them out")
        .replace(span, "")
        .surely();
    Some(without_braces(stuck, slip))
}

/// Joins the actions between the `{` at the error and its `}` by `,`.
fn without_braces(stuck: &Stuck<'_>, mut slip: Slip) -> Slip {
    let open = stuck.at();
    let mut depth = 0_usize;
    let mut between = Vec::new();
    for index in open..stuck.count() {
        match stuck.get(index).text {
            "{" => depth += 1,
            "}" if depth == 1 => {
                let last = stuck.get(index - 1);
                let is_ended = last.text == ";";
                if is_ended {
                    between.pop();
                }
                for semicolon in between {
                    slip = slip.replace(semicolon, ",");
                }
                let close = Span::new(stuck.end_before(index), stuck.get(index).span.end);
                let is_last = index + 1 >= stuck.end();
                return slip.replace(close, if is_ended || is_last { "" } else { ";" });
            }
            "}" => depth -= 1,
            ";" if depth == 1 => between.push(stuck.get(index).span),
            _ => {}
        }
    }
    slip
}
