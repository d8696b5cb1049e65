//! Comparisons, metrics and what is restored or held, in another order or with a word too many.

use super::Slip;
use super::metrics::replaced;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    const KINDS: [fn(&Stuck<'_>, usize) -> Option<Slip>; 6] =
        [number_first, in_parentheses, is_above, two_words, filler, kept_statistics];
    let all = |index: usize| KINDS.iter().filter_map(move |kind| kind(stuck, index));
    stuck.near().flat_map(all).collect()
}

fn is_sign(text: &str) -> bool {
    matches!(text, "<" | "<=" | ">" | ">=")
}

fn begins_condition(stuck: &Stuck<'_>, index: usize) -> bool {
    let before = stuck.previous(index).text;
    matches!(before, "when" | "whenever" | "and")
}

/// `when 0.9 < val_acc`
fn number_first(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (number, sign, metric) = (stuck.get(index), stuck.get(index + 1), stuck.get(index + 2));
    let is_metric = metric.is_word() || metric.kind == LexemeKind::Quoted;
    let is_number = number.kind == LexemeKind::Number;
    let mirrored = match sign.text {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        _ => return None,
    };
    (begins_condition(stuck, index) && is_number && is_metric).then(|| {
        let written = format!("{} {mirrored} {}", metric.text, number.text);
        let span = stuck.span(index, index + 3);
        Slip::new(span, "a comparison that begins with its number")
            .label("the metric comes first")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written)
            .surely()
    })
}

/// `when (val_acc > 0.9)`
fn in_parentheses(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let open = stuck.get(index);
    let close = (index..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    let has_or = (index..close).any(|at| matches!(stuck.get(at).text, "or" | "||" | "("));
    let is_open = open.text == "(" && begins_condition(stuck, index);
    (is_open && (!has_or || open.span.start == stuck.error()) && index + 1 < close).then(|| {
        Slip::new(open.span.to(stuck.get(close).span), "a condition in parentheses")
            .label("conditions are joined by `and`, and moments by `or`, without them")
            .help("leave out the parentheses")
            .replace(open.span, "")
            .replace(stuck.get(close).span, "")
    })
}

/// `val_acc is above 0.9`, `val_acc greater than 0.9`
fn is_above(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let start = index;
    let mut at = if stuck.get(index).text == "is" { index + 1 } else { index };
    let sign = match stuck.get(at).text {
        "above" | "over" | "greater" | "higher" | "larger" | "more" => ">",
        "below" | "under" | "less" | "lower" | "smaller" => "<",
        sign if is_sign(sign) && at > start => sign,
        _ => return None,
    };
    at += if stuck.get(at + 1).text == "than" { 2 } else { 1 };
    let is_condition = stuck.last_of(&["when", "whenever", "and"], index).is_some();
    let is_compared = stuck.get(at).kind == LexemeKind::Number && at > start + 1;
    (is_condition && is_compared).then(|| replaced(stuck, start, at, sign).surely())
}

/// `when val loss < 0.5`
fn two_words(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (first, second, next) = (stuck.get(index), stuck.get(index + 1), stuck.get(index + 2));
    let is_test = is_sign(next.text) || next.text == "stops";
    let are_words = first.is_word() && second.is_word() && second.text != "stops";
    let is_filler = matches!(first.text, "not" | "the" | "a") || second.text == "is";
    (begins_condition(stuck, index) && are_words && is_test && !is_filler).then(|| {
        let span = first.span.to(second.span);
        let written = format!("{}_{}", first.text, second.text);
        Slip::new(span, "two words as the name of a metric")
            .label("the name of a metric is one word, or in quotes")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written)
    })
}

/// `restore the lowest val_loss`, `restore lowest of val_loss`, `sample 2 of @layers with seed 3`
fn filler(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let (before, next) = (stuck.get(index.checked_sub(1)?).text, stuck.get(index + 1).text);
    let is_best = |text: &str| matches!(text, "lowest" | "highest");
    let is_filler = match word.text {
        "the" => before == "restore" && is_best(next),
        "of" => is_best(before),
        "with" | "using" => next == "seed",
        _ => false,
    };
    is_filler.then(|| {
        Slip::word(word.span, format!("{} after {}", quoted(word.text), quoted(before)))
            .label(format!("{} follows directly", quoted(next)))
            .help("leave it out")
            .replace(Span::new(word.span.start, stuck.start_of(index + 1)), "")
            .surely()
    })
}

/// `freeze @norms keep stats`
fn kept_statistics(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_kept = stuck.get(index).text == "keep" && stuck.get(index + 1).text == "stats";
    is_kept.then(|| {
        let span = stuck.span(index, index + 2);
        Slip::new(span, "`keep stats` is not an option")
            .label("running statistics are `held` or `live`")
            .help("write `stats held`")
            .replace(span, "stats held")
    })
}
