//! Arguments of an optimizer that are a pair of numbers in `PyTorch`.

use super::Slip;
use super::stuck::Stuck;
use crate::parse::lexeme::LexemeKind;
use crate::vocabulary::OPTIMIZERS;

/// `adamw(betas (0.9, 0.99))`, `adafactor(eps 1e-30 1e-3)`; outside of an optimizer's arguments,
/// `optimizer adamw betas (0.9, 0.99)` and `betas 0.9 0.99`.
pub(super) fn slip(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let each = match word.text {
        "betas" => ("beta1", "beta2", "decay rate"),
        "eps" => ("eps1", "eps2", "number"),
        _ => return None,
    };
    let (first, second, end) = pair(stuck, index + 1)?;
    let arguments = format!("{} {first}, {} {second}", each.0, each.1);
    let before = stuck.get(index.checked_sub(1)?);
    let is_argument = matches!(before.text, "(" | ",");
    if !is_argument && word.text != "betas" {
        return None;
    }
    let follows_name = index.checked_sub(2).is_some_and(|it| stuck.get(it).text == "optimizer")
        && OPTIMIZERS.iter().any(|(name, _)| *name == before.text);
    let (from, written) = if is_argument {
        (index, arguments)
    } else if follows_name {
        (index - 2, format!("optimizer {}({arguments})", before.text))
    } else {
        (index, format!("optimizer adamw({arguments})"))
    };
    let what = if is_argument { "argument" } else { "option" };
    Some(
        Slip::new(word.span, format!("`{}` is not an {what}", word.text))
            .label(format!("each {} is an argument of its own", each.2))
            .help(format!("write `{written}`"))
            .replace(stuck.span(from, end), written)
            .surely_if(is_argument || follows_name),
    )
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
