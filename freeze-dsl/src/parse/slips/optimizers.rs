//! Optimizers and their arguments as `PyTorch` has them.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{FLAGS, OPTIMIZERS, SHAPES};

pub(super) fn slips(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    const KINDS: [fn(&Stuck<'_>, usize) -> Option<Slip>; 7] =
        [betas, flag_value, adjusted_rate, named_class, quoted_optimizer, unnamed, flag_curve];
    KINDS.iter().filter_map(|kind| kind(stuck, index)).collect()
}

/// `adamw(betas (0.9, 0.99))`, `adafactor(eps 1e-30 1e-3)`; outside of an optimizer's arguments,
/// `optimizer adamw betas (0.9, 0.99)` and `betas 0.9 0.99`.
fn betas(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let each = match word.text {
        "betas" => ("beta1", "beta2", "decay rate"),
        "eps" => ("eps1", "eps2", "number"),
        _ => return None,
    };
    let (first, second, end) = pair(stuck, index + 1)?;
    let arguments = format!("{} {first}, {} {second}", each.0, each.1);
    let before = stuck.get(index.checked_sub(1)?);
    let brackets = (0..index).rev().map(|at| stuck.get(at).text);
    let nearest = brackets.into_iter().find(|text| matches!(*text, "(" | ")"));
    let is_argument = matches!(before.text, "(" | ",") || nearest == Some("(");
    if !is_argument && word.text != "betas" {
        return None;
    }
    let follows_name = index.checked_sub(2).is_some_and(|it| stuck.get(it).text == "optimizer")
        && OPTIMIZERS.iter().any(|(name, _)| *name == before.text);
    let is_closed = !is_argument && closed_before(stuck, index).is_some();
    let (from, written) = if is_argument || is_closed {
        (index, arguments)
    } else if follows_name {
        (index - 2, format!("optimizer {}({arguments})", before.text))
    } else {
        (index, format!("optimizer adamw({arguments})"))
    };
    let has_owner = is_argument || is_closed || follows_name;
    let what = if is_argument { "argument" } else { "option" };
    let slip = Slip::new(word.span, format!("`{}` is not an {what}", word.text))
        .label(format!("each {} is an argument of its own", each.2))
        .surely_if(has_owner);
    Some(if is_closed {
        slip.help(format!("write `{written}` in its parentheses"))
            .replace(stuck.span(index - 1, end), format!(", {written})"))
    } else {
        slip.help(format!("write `{written}`")).replace(stuck.span(from, end), written)
    })
}

/// The optimizer whose arguments end before an index.
pub(super) fn closed_before<'t>(stuck: &Stuck<'t>, index: usize) -> Option<&'t str> {
    let close = index.checked_sub(1).filter(|close| stuck.get(*close).text == ")")?;
    let open = (0..close).rev().find(|at| stuck.get(*at).text == "(")?;
    let word = open.checked_sub(2)?;
    (stuck.get(word).text == "optimizer").then(|| stuck.get(word + 1).text)
}

/// The two numbers that begin at an index, in brackets or not, and the index after them.
fn pair<'t>(stuck: &Stuck<'t>, start: usize) -> Option<(&'t str, &'t str, usize)> {
    let close = match stuck.get(start).text {
        "(" => Some(")"),
        "[" => Some("]"),
        _ => None,
    };
    let first = if close.is_some() { start + 1 } else { start };
    let second = if stuck.get(first + 1).text == "," { first + 2 } else { first + 1 };
    let is_number = |at: usize| stuck.get(at).kind == LexemeKind::Number;
    let is_closed = close.is_none_or(|close| stuck.get(second + 1).text == close);
    let end = if close.is_some() { second + 2 } else { second + 1 };
    (is_number(first) && is_number(second) && is_closed)
        .then(|| (stuck.get(first).text, stuck.get(second).text, end))
}

/// `optimizer torch.optim.AdamW`
fn named_class(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    if stuck.get(index.checked_sub(1)?).text != "optimizer" || stuck.get(index + 1).text != "." {
        return None;
    }
    let end = stuck.path_end(index)?;
    let name = stuck.get(end - 1).text.to_lowercase();
    let known = OPTIMIZERS.iter().find(|(known, _)| *known == name)?.0;
    let span = stuck.span(index, end);
    Some(
        Slip::new(span, format!("{} is not an optimizer", quoted(stuck.slice(index, end))))
            .label("optimizers are words of the language")
            .help(format!("write `{known}`"))
            .replace(span, known)
            .surely(),
    )
}

/// `optimizer "adamw"`
fn quoted_optimizer(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let name = stuck.get(index);
    let follows = stuck.get(index.checked_sub(1)?).text == "optimizer";
    (follows && name.kind == LexemeKind::Quoted).then(|| {
        let written = name.text.trim_matches('"').to_lowercase();
        Slip::new(name.span, "the name of an optimizer in quotes")
            .label("optimizers are words of the language")
            .help(format!("write `{written}`"))
            .replace(name.span, written)
            .surely()
    })
}

/// `nesterov=True`
fn flag_value(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (flag, value) = (stuck.get(index), stuck.get(index + 2));
    if !FLAGS.contains(&flag.text) || !matches!(stuck.get(index + 1).text, "=" | ":") {
        return None;
    }
    let slip = Slip::new(stuck.span(index, index + 3), format!("{} is 0 or 1", quoted(flag.text)));
    match value.text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(
            slip.label("its name alone switches it on")
                .help("leave out the value")
                .replace(Span::new(flag.span.end, value.span.end), "")
                .surely(),
        ),
        "false" | "0" | "no" | "off" => Some(
            slip.label("0 switches it off")
                .help(format!("write `{} 0`", flag.text))
                .replace(Span::new(flag.span.end, value.span.end), " 0")
                .surely(),
        ),
        _ => None,
    }
}

/// `adamw(amsgrad linear 0 -> 1 over 3 epochs)`
fn flag_curve(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (flag, shape) = (stuck.get(index), stuck.get(index + 1));
    let is_curve = SHAPES.contains(&shape.text) || shape.text == "invsqrt";
    (FLAGS.contains(&flag.text) && is_curve).then(|| {
        Slip::new(shape.span, format!("{} takes no curve", quoted(flag.text)))
            .label("it is on or off")
            .note(format!(
                "write `{0}` or `{0} 0`, and name the optimizer again in the rule that changes it",
                flag.text
            ))
    })
}

/// `muon(adjust_lr_fn="match_rms_adamw")`
fn adjusted_rate(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let value = if matches!(stuck.get(index + 1).text, "=" | ":") { index + 2 } else { index + 1 };
    if word.text != "adjust_lr_fn" || stuck.get(value).kind != LexemeKind::Quoted {
        return None;
    }
    let written = match stuck.get(value).text.trim_matches('"') {
        "match_rms_adamw" => "match_rms",
        "original" => "match_rms 0",
        _ => return None,
    };
    let span = stuck.span(index, value + 1);
    Some(
        Slip::new(span, "`adjust_lr_fn` is not an argument")
            .label("whether updates have the size of those of `adamw` is a flag")
            .help(format!("write `{written}`"))
            .replace(span, written)
            .surely(),
    )
}

/// `sgd(0.9)`, `adamw(0.9, 0.95)`: arguments without their names.
fn unnamed(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    /// A learning rate is hardly ever as high, a momentum or a decay rate hardly ever lower.
    const LEAST: f64 = 0.5;
    let name = stuck.get(index.checked_sub(2)?).text;
    let (_, arguments) = OPTIMIZERS.iter().find(|(known, _)| *known == name)?;
    let close = (index..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    let numbers: Vec<_> = (index..close).step_by(2).map(|at| stuck.get(at)).collect();
    let are_numbers = numbers.iter().all(|number| number.kind == LexemeKind::Number);
    let are_joined = (index + 1..close).step_by(2).all(|at| stuck.get(at).text == ",");
    if stuck.get(index - 1).text != "(" || numbers.is_empty() || !are_numbers || !are_joined {
        return None;
    }
    let span = stuck.span(index, close);
    let slip = Slip::new(span, "an argument without its name")
        .label("arguments of an optimizer are named");
    let first = numbers.first()?.text.parse::<f64>().ok()?;
    let value = stuck.get(index).text;
    if first < LEAST || numbers.len() > arguments.len() {
        return Some(
            slip.note(format!(
                "write its name before it, as in `{name}({} …)`; a learning rate is an option \
                 beside the optimizer, as in `lr {value} optimizer {name}`",
                arguments.first()?
            ))
            .ambiguous(),
        );
    }
    let named: Vec<String> = numbers
        .iter()
        .zip(*arguments)
        .map(|(number, argument)| format!("{argument} {}", number.text))
        .collect();
    let written = named.join(", ");
    Some(slip.help(format!("write {}", quoted(&written))).replace(span, written))
}
