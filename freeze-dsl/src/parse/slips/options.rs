//! Options under other names, or in another order.

use super::stuck::Stuck;
use super::{Slip, optimizers};
use crate::diagnostic::{quoted, shown_number};
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{ACTIONS, FLAGS, OPTIMIZERS, OPTIONS, VERBS};

/// Names that mean something else in some of these tools.
const GUESSED: [&str; 8] =
    ["decay", "l2", "l2_penalty", "base_lr", "init_lr", "max_lr", "lr_scheduler", "schedule"];

/// Names of options in other tools, in lower case and joined by `_`.
const SYNONYMS: [(&str, &str); 21] = [
    ("wd", "weight_decay"),
    ("decay", "weight_decay"),
    ("weightdecay", "weight_decay"),
    ("weight_decay", "weight_decay"),
    ("l2", "weight_decay"),
    ("l2_penalty", "weight_decay"),
    ("lr", "lr"),
    ("learning_rate", "lr"),
    ("learningrate", "lr"),
    ("learn_rate", "lr"),
    ("base_lr", "lr"),
    ("init_lr", "lr"),
    ("max_lr", "lr"),
    ("lrate", "lr"),
    ("rate", "lr"),
    ("lr_scheduler", "lr"),
    ("schedule", "lr"),
    ("optim", "optimizer"),
    ("opt", "optimizer"),
    ("optimiser", "optimizer"),
    ("optimizer", "optimizer"),
];

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips: Vec<Slip> = stuck.near().flat_map(|index| at(stuck, index)).collect();
    slips.extend(missing_verb(stuck));
    slips
}

/// Words that are joined by `-` or a space, as one name; and the index after them.
pub(super) fn joined(stuck: &Stuck<'_>, index: usize) -> Vec<(String, usize)> {
    let first = stuck.get(index);
    if !first.is_word() {
        return Vec::new();
    }
    let mut all = vec![(first.text.to_lowercase(), index + 1)];
    let (second, third) = (stuck.get(index + 1), stuck.get(index + 2));
    if second.is_word() && third.is_word() {
        let three = [first, second, third].map(|word| word.text.to_lowercase());
        all.insert(0, (three.join("_"), index + 3));
    }
    let word = |text: &str| text.to_lowercase();
    if second.text == "-" && third.is_word() {
        all.insert(0, (format!("{}_{}", word(first.text), word(third.text)), index + 3));
    } else if second.is_word() {
        let two = (format!("{}_{}", word(first.text), word(second.text)), index + 2);
        all.insert(all.len() - 1, two);
    }
    all
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let mut slips = Vec::new();
    for (name, end) in joined(stuck, index) {
        let span = stuck.span(index, end);
        let shown = quoted(stuck.slice(index, end));
        let known = SYNONYMS.iter().find(|(known, _)| *known == name).map(|(_, option)| *option);
        if let Some(option) = known.filter(|option| *option != stuck.slice(index, end)) {
            slips.push(
                Slip::word(span, format!("{shown} is not an option"))
                    .label(format!("the option is called `{option}`"))
                    .help(format!("write `{option}`"))
                    .replace(span, option)
                    .surely_if(!GUESSED.contains(&name.as_str())),
            );
        }
        slips.extend(optimizer_without_word(stuck, index, end, &name));
        slips.extend(argument_alone(stuck, index, end, &name));
        if matches!(name.as_str(), "warmup" | "warm_up" | "warmup_steps" | "warmup_epochs") {
            slips.push(warm_up(stuck, index, end));
        }
    }
    slips.extend(optimizers::slips(stuck, index));
    slips.extend(without_targets(stuck, index));
    slips.extend(scaled(stuck, index));
    slips.extend(scaled_by_suffix(stuck, index));
    slips.extend(scaled_decay(stuck, index));
    slips.extend(filler(stuck, index));
    slips
}

/// `set lr 1e-4`, `epoch 10: lr 1e-4`: an option without parameters.
fn without_targets(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let option = stuck.get(index);
    let before = stuck.get(index.checked_sub(1)?);
    if !OPTIONS.contains(&option.text) || !matches!(before.text, "set" | ":") {
        return None;
    }
    let set = if before.text == "set" { "@trainable " } else { "set @trainable " };
    Some(
        Slip::word(option.span, format!("{} of which parameters?", quoted(option.text)))
            .label("an option follows its parameters")
            .help("write `@trainable` for those that train then")
            .insert(option.span.start, set),
    )
}

/// `set fc lr / 10`, `set fc lr x 0.5`, `set fc lr times 0.5`
fn scaled(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (sign, number) = (stuck.get(index), stuck.get(index + 1));
    let is_led = stuck.get(index.checked_sub(1)?).text == "lr";
    let is_number = number.kind == LexemeKind::Number;
    if !is_led || !(is_number || number.is_word() && sign.text == "/") {
        return None;
    }
    let factor = match sign.text {
        "/" if is_number => divided(number.text)?,
        "/" => format!("(1 / {})", number.text),
        "x" | "X" | "times" | "by" | "*=" => number.text.to_owned(),
        _ => return None,
    };
    let written = format!("* {factor}");
    Some(
        Slip::new(sign.span, format!("{} after `lr`", quoted(sign.text)))
            .label("a rate that is multiplied is written `lr * 0.5`")
            .help(format!("write `lr {written}`"))
            .replace(stuck.span(index, index + 2), written)
            .surely(),
    )
}

/// `set fc lr 0.5x`
fn scaled_by_suffix(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_led = stuck.get(index.checked_sub(1)?).text == "lr";
    let (factor, suffix) = (stuck.get(index), stuck.get(index + 1));
    let is_factor = is_led && factor.kind == LexemeKind::Number && stuck.is_glued(index + 1);
    (is_factor && matches!(suffix.text, "x" | "X")).then(|| {
        let written = format!("* {}", factor.text);
        let span = stuck.span(index, index + 2);
        Slip::new(span, format!("{} after `lr`", quoted(stuck.slice(index, index + 2))))
            .label("a rate that is multiplied is written `lr * 0.5`")
            .help(format!("write `lr {written}`"))
            .replace(span, written)
            .surely()
    })
}

/// `set fc weight_decay * 0.5`
fn scaled_decay(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (option, sign) = (stuck.get(index.checked_sub(1)?), stuck.get(index));
    let is_other = OPTIONS.contains(&option.text) && option.text != "lr";
    (is_other && matches!(sign.text, "*" | "*=")).then(|| {
        Slip::new(sign.span, format!("{} after {}", quoted(sign.text), quoted(option.text)))
            .label("only `lr` can be a multiple of what it was")
            .note(format!("write the new value, as in `{} 0.01`", option.text))
    })
}

/// What to multiply by in place of a division: `0.1` for 10, and `1 / 3` for 3.
fn divided(by: &str) -> Option<String> {
    let value: f64 = by.replace('_', "").parse().ok().filter(|value| *value > 0.0)?;
    let short = shown_number(1.0 / value);
    Some(if short.len() <= by.len() + 3 { short } else { format!("1 / {by}") })
}

/// `train fc with lr 1e-3`
fn filler(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let next = stuck.get(index + 1).text;
    let is_filler =
        matches!(word.text, "with" | "using" | "at" | "and" | "to" | "the" | "a" | "its");
    let is_optimizer = OPTIMIZERS.iter().any(|(known, _)| *known == next.to_lowercase());
    let leads = OPTIONS.contains(&next) || SYNONYMS.iter().any(|(known, _)| *known == next);
    (is_filler && (leads || is_optimizer) && index > 0).then(|| {
        if is_optimizer {
            return Slip::word(word.span, format!("{} before an optimizer", quoted(word.text)))
                .label("an optimizer follows the word `optimizer`")
                .help("write `optimizer`")
                .replace(word.span, "optimizer")
                .surely();
        }
        let (span, text) = stuck.without(index);
        Slip::word(word.span, format!("{} before an option", quoted(word.text)))
            .label("an option follows its parameters directly")
            .help(format!("leave out {}", quoted(word.text)))
            .replace(span, text)
            .surely()
    })
}

/// `train fc adamw lr 1e-3`: an optimizer without the word `optimizer`.
fn optimizer_without_word(stuck: &Stuck<'_>, from: usize, to: usize, name: &str) -> Option<Slip> {
    let known = OPTIMIZERS.iter().find(|(known, _)| *known == name)?.0;
    let span = stuck.span(from, to);
    (from.checked_sub(1).map(|before| stuck.get(before).text) != Some("optimizer")).then(|| {
        Slip::word(span, format!("{} is not an option", quoted(stuck.slice(from, to))))
            .label("an optimizer follows the word `optimizer`")
            .help(format!("write `optimizer {known}`"))
            .replace(span, format!("optimizer {known}"))
            .surely()
    })
}

/// `momentum 0.9`: an argument of an optimizer as an option.
fn argument_alone(stuck: &Stuck<'_>, from: usize, to: usize, name: &str) -> Option<Slip> {
    // `optimizer sgd momentum 0.9`: the argument of the optimizer just named.
    let named = stuck.previous(from).text;
    let is_named = from.checked_sub(2).is_some_and(|before| stuck.get(before).text == "optimizer");
    let named = OPTIMIZERS.iter().find(|(known, arguments)| {
        is_named && *known == named && (arguments.contains(&name) || name == "betas")
    });
    let owner = match name {
        _ if named.is_some() => named?.0,
        // Each of these means something else more often.
        "steps" | "initial" | "lr_decay" | "d" => return None,
        "betas" | "eps" | "amsgrad" => "adamw",
        _ => OPTIMIZERS.iter().find(|(_, arguments)| arguments.contains(&name))?.0,
    };
    let brackets = (0..from).rev().map(|at| stuck.get(at).text);
    let nearest = brackets.into_iter().find(|text| matches!(*text, "(" | ")"));
    if FLAGS.contains(&name) && nearest == Some("(") {
        return None;
    }
    if FLAGS.contains(&name) {
        let slip = Slip::word(stuck.span(from, to), format!("`{name}` is not an option"));
        return Some(
            slip.label("this is an argument of an optimizer").note(format!(
                "write it among the arguments, as in `optimizer {owner}(…, {name})`"
            )),
        );
    }
    let to = if matches!(stuck.get(to).text, "=" | ":") { to + 1 } else { to };
    let value = stuck.get(to);
    if !matches!(value.kind, LexemeKind::Number) {
        return None;
    }
    // `optimizer sgd(momentum 0.9) dampening 0.1`
    let closed = optimizers::closed_before(stuck, from);
    let takes = |of: &str| {
        OPTIMIZERS.iter().any(|(known, arguments)| *known == of && arguments.contains(&name))
    };
    if closed.is_some_and(takes) {
        let written = format!("{name} {}", value.text);
        return Some(
            Slip::word(stuck.span(from, to), format!("`{name}` is not an option"))
                .label("this is an argument of the optimizer before it")
                .help(format!("write `{written}` in its parentheses"))
                .replace(stuck.span(from - 1, to + 1), format!(", {written})"))
                .surely(),
        );
    }
    let written = format!("optimizer {owner}({name} {})", value.text);
    let span = stuck.span(if named.is_some() { from - 2 } else { from }, to + 1);
    Some(
        Slip::word(stuck.span(from, to), format!("`{name}` is not an option"))
            .label("this is an argument of an optimizer")
            .help(format!("write `{written}`"))
            .replace(span, written)
            .surely_if(named.is_some()),
    )
}

/// `warmup 500 steps`
fn warm_up(stuck: &Stuck<'_>, from: usize, to: usize) -> Slip {
    let (number, unit) = (stuck.get(to), stuck.get(to + 1));
    let slip = Slip::word(
        stuck.span(from, to),
        format!("{} is not an option", quoted(stuck.slice(from, to))),
    )
    .label("a warm-up is a piece of the learning rate's curve");
    if number.kind == LexemeKind::Number && matches!(unit.text, "over" | "for" | "in") {
        return slip
            .help(format!("write `linear 0 -> {}`", number.text))
            .replace(stuck.span(from, to), "linear 0 ->")
            .replace(unit.span, "over");
    }
    if number.kind == LexemeKind::Number && unit.text == "->" {
        let span = stuck.span(from, to);
        return slip.help("write `linear`").replace(span, "linear");
    }
    let over = if number.kind == LexemeKind::Number {
        let unit = if unit.text.starts_with("epoch") { "epochs" } else { "steps" };
        format!("{} {unit}", number.text)
    } else {
        "500 steps".to_owned()
    };
    slip.note(format!(
        "write `lr linear 0 -> 1e-3 over {over}` with your learning rate, and `then …` for \
             what follows"
    ))
}

/// `train fc lr 1e-3, layer3 lr 1e-4`: targets after the comma that separates actions.
fn missing_verb(stuck: &Stuck<'_>) -> Vec<Slip> {
    let Some(comma) = (1..=stuck.at()).rev().take(4).find(|index| stuck.get(*index).text == ",")
    else {
        return Vec::new();
    };
    let target = stuck.get(comma + 1);
    let begins = target.is_word() || matches!(target.text, "@" | "*" | "**" | "{" | "[" | "(");
    let is_free = !ACTIONS.contains(&target.text) && !OPTIONS.contains(&target.text);
    let verb = stuck.last_of(&VERBS, comma);
    let (Some(verb), true) = (verb, begins && is_free) else { return Vec::new() };
    let verb = stuck.get(verb).text;
    let place = Span::new(target.span.start, target.span.start);
    vec![
        Slip::new(target.span, format!("{} after the options of an action", quoted(target.text)))
            .label("an action begins here, and has no verb")
            .help(format!("write `{verb}` before it"))
            .replace(place, format!("{verb} ")),
    ]
}
