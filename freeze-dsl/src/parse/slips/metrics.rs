//! Conditions on metrics, as people say them.

use super::stuck::Stuck;
use super::{Slip, restoring};
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;

/// How a metric improves, as its name suggests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Improving {
    Down,
    Up,
}

impl Improving {
    /// What the name of a metric suggests.
    pub(super) fn of(metric: &str) -> Option<Self> {
        const DOWN: [&str; 12] = [
            "loss",
            "err",
            "ppl",
            "perplexity",
            "mse",
            "mae",
            "rmse",
            "wer",
            "cer",
            "nll",
            "fid",
            "norm",
        ];
        const UP: [&str; 14] = [
            "acc", "f1", "auc", "score", "prec", "recall", "bleu", "map", "iou", "dice", "top1",
            "top5", "reward", "r2",
        ];
        let metric = metric.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| metric.contains(part));
        match (has(&DOWN), has(&UP)) {
            (true, false) => Some(Self::Down),
            (false, true) => Some(Self::Up),
            _ => None,
        }
    }

    const fn direction(self) -> &'static str {
        match self {
            Self::Down => "falling",
            Self::Up => "rising",
        }
    }

    pub(super) const fn best(self) -> &'static str {
        match self {
            Self::Down => "lowest",
            Self::Up => "highest",
        }
    }

    const fn reaches(self) -> &'static str {
        match self {
            Self::Down => "<=",
            Self::Up => ">=",
        }
    }
}

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips: Vec<Slip> = stuck.near().flat_map(|index| at(stuck, index)).collect();
    if let Some(restore) = stuck.near().find(|index| stuck.get(*index).text == "restore") {
        slips.extend(restoring::restoring(stuck, restore));
    }
    slips
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let word = stuck.get(index);
    let before = |count: usize| index.checked_sub(count).map_or("", |at| stuck.get(at).text);
    let mut slips = Vec::new();
    let is_word = |words: &[&str]| words.contains(&word.text.to_lowercase().as_str());
    if is_word(&["grad_norm", "gradnorm", "gradient_norm", "norm_grad"]) {
        slips.extend(grad_norm(stuck, index));
    }
    if word.text == "by" {
        slips.extend(margin_first(stuck, index));
    }
    if word.text == "not" && (before(1) == "and" || before(1).starts_with("when")) {
        slips.extend(negated(stuck, index));
    }
    let is_condition = || stuck.last_of(&["when", "whenever"], index).is_some();
    if before(1) == "and" && is_condition() || index > 0 && before(1).starts_with("when") {
        slips.extend(moment(stuck, index));
    }
    if before(1) == "stops" {
        slips.extend(direction(stuck, index, before(2)));
        slips.extend(without_duration(stuck, index));
    }
    if matches!(before(2), "when" | "whenever" | "and") {
        slips.extend(without_part(stuck, index, before(1)));
    }
    if word.text == "stops" && matches!(before(1), "" | "when" | "whenever" | "and") {
        slips.push(without_observed(stuck, index));
    }
    if is_word(&["stop", "stopped", "stopping", "ceases", "quits"]) && index > 0 {
        slips.push(replaced(stuck, index, index + 1, "stops").surely());
    }
    if is_word(&["plateaus", "plateau", "stagnates", "stalls", "plateaued", "saturates"]) {
        let direction = Improving::of(before(1)).unwrap_or(Improving::Down).direction();
        slips.push(replaced(stuck, index, index + 1, &format!("stops {direction}")));
    }
    if index > 0 && is_word(&["not", "has", "hasn", "does", "doesn", "did", "is", "no", "never"]) {
        slips.extend(not_improving(stuck, index, before(1)));
    }
    let is_compared = before(2) == "and" || before(2).starts_with("when");
    if matches!(word.text, "==" | "=" | "equals")
        && is_compared
        && Improving::of(before(1)).is_none()
    {
        slips.push(
            Slip::word(word.span, format!("{} is not a comparison", quoted(word.text)))
                .label("a metric is hardly ever equal to a number")
                .note("write `<=` or `>=`")
                .ambiguous(),
        );
        return slips;
    }
    let sign = match word.text.to_lowercase().as_str() {
        "=>" => ">=",
        "=<" => "<=",
        "==" | "=" | "reaches" | "hits" | "equals" | "is" => {
            Improving::of(before(1)).unwrap_or(Improving::Up).reaches()
        }
        "above" | "over" | "exceeds" => ">",
        "below" | "under" => "<",
        _ => "",
    };
    if !sign.is_empty() {
        // Whether a value that is reached is a lower or a higher one is a guess.
        let is_same = matches!(sign, "<" | ">") || matches!(word.text, "=>" | "=<");
        slips.push(replaced(stuck, index, index + 1, sign).surely_if(is_same));
    }
    if matches!(word.text, "/" | "-" | "." | ":" | "@") {
        slips.extend(unquoted(stuck, index));
    }
    slips
}

/// `gradnorm(fc)`, `grad_norm fc`
fn grad_norm(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    let slip = Slip::word(word.span, format!("{} is not a metric", quoted(word.text)));
    if stuck.get(index + 1).text == "(" {
        return (word.text != "grad_norm").then(|| {
            slip.label("the norm of gradients is called `grad_norm`")
                .help("write `grad_norm`")
                .replace(word.span, "grad_norm")
                .surely()
        });
    }
    let end = match stuck.get(index + 1).text {
        "@" => index + 3,
        _ => stuck.path_end(index + 1)?,
    };
    let is_test = |word: &str| matches!(word, "stops" | "<" | "<=" | ">" | ">=");
    let of = stuck.slice(index + 1, end);
    (is_test(stuck.get(end).text) && !is_test(of)).then(|| {
        slip.label("the parameters whose norm it is follow in parentheses")
            .help(format!("write `grad_norm({of})`"))
            .replace(stuck.span(index, end), format!("grad_norm({of})"))
            .surely()
    })
}

/// `stops falling by 1% for 3 epochs`
fn margin_first(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let end = (index..stuck.count()).find(|at| stuck.get(*at).text == "for")?;
    let unit = stuck.get(end + 2);
    let ends = end + 3;
    if !matches!(unit.text, "epoch" | "epochs" | "step" | "steps") {
        return None;
    }
    let (margin, lasting) = (stuck.slice(index, end), stuck.slice(end, ends));
    Some(
        Slip::new(stuck.get(index).span, "the margin before the duration")
            .label("`by` follows the duration")
            .help(format!("write `{lasting} {margin}`"))
            .replace(stuck.span(index, ends), format!("{lasting} {margin}"))
            .surely(),
    )
}

/// `when val_loss < 1 and epoch 3`: a moment among conditions.
fn moment(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (word, number) = (stuck.get(index), stuck.get(index + 1));
    if number.kind != LexemeKind::Number {
        return None;
    }
    if matches!(word.text, "after" | "every") {
        let period = stuck.slice(index + 1, index + 3);
        return Some(
            Slip::new(stuck.span(index, index + 3), "a moment in place of a metric")
                .label("expected a metric")
                .note(format!(
                    "without a metric, write `after {period}: …` to fire once, or `every \
                     {period}: …` to fire again and again"
                ))
                .ambiguous(),
        );
    }
    if !matches!(word.text, "epoch" | "step") {
        return None;
    }
    let place = stuck.span(index, index + 2);
    let shown = stuck.slice(index, index + 2);
    Some(
        Slip::new(place, format!("`{shown}` is a moment, and no condition on a metric"))
            .label("expected a metric")
            .note(format!(
                "for a rule that waits from then on, write `{shown}: …` as a rule before it; for one \
                 that fires at whichever comes first, `{shown} or when …`"
            )),
    )
}

/// `when not val_loss < 0.5`
fn negated(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index + 2);
    let opposite = match sign.text {
        "<" => ">=",
        "<=" => ">",
        ">" => "<=",
        ">=" => "<",
        _ => return None,
    };
    let word = stuck.get(index);
    Some(
        Slip::word(word.span, "`not` is not a word of the language")
            .label("a comparison has an opposite")
            .help(format!("write `{opposite}`"))
            .replace(Span::new(word.span.start, stuck.start_of(index + 1)), "")
            .replace(sign.span, opposite),
    )
}

/// `does not improve for 3 epochs`, `has not improved for …`
fn not_improving(stuck: &Stuck<'_>, index: usize, metric: &str) -> Option<Slip> {
    let end = (index..stuck.count()).find(|at| stuck.get(*at).text == "for")?;
    let words = stuck.slice(index, end).to_lowercase();
    let direction = if words.contains("improv") || words.contains("chang") {
        Improving::of(metric.trim_matches('"'))?.direction()
    } else if ["decreas", "drop", "fall", "lower"].iter().any(|part| words.contains(part)) {
        "falling"
    } else if ["increas", "ris", "grow"].iter().any(|part| words.contains(part)) {
        "rising"
    } else {
        return None;
    };
    Some(replaced(stuck, index, end, &format!("stops {direction}")))
}

/// `stops improving`, `stops dropping`
fn direction(stuck: &Stuck<'_>, index: usize, metric: &str) -> Option<Slip> {
    let written = stuck.get(index);
    let direction = match written.text.to_lowercase().as_str() {
        "decreasing" | "dropping" | "droping" | "declining" | "lowering" | "sinking"
        | "shrinking" | "reducing" | "descending" => "falling",
        "increasing" | "growing" | "climbing" | "ascending" => "rising",
        "improving" | "changing" | "moving" | "getting" => {
            let Some(improving) = Improving::of(metric.trim_matches('"')) else {
                return Some(
                    Slip::word(
                        written.span,
                        format!("`stops {}` does not say in which direction", written.text),
                    )
                    .label("falling or rising?")
                    .note(
                        "write `stops falling` for a metric that is better when it is lower, or \
                         `stops rising` for one that is better when it is higher",
                    ),
                );
            };
            improving.direction()
        }
        _ => return None,
    };
    let is_guess = Improving::of(metric.trim_matches('"')).is_some()
        && matches!(written.text, "improving" | "changing" | "moving" | "getting");
    Some(replaced(stuck, index, index + 1, direction).surely_if(!is_guess))
}

/// `val_loss falling for 3 epochs`, `val_loss stops for 3 epochs`
fn without_part(stuck: &Stuck<'_>, index: usize, metric: &str) -> Option<Slip> {
    let word = stuck.get(index);
    let is_stop = word.text == "stops" && stuck.get(index + 1).text == "for";
    let is_direction = matches!(word.text, "falling" | "rising" | "falls" | "rises");
    let slip = Slip::word(word.span, format!("{} is half of a condition", quoted(word.text)))
        .label("a metric stops falling, or stops rising");
    if is_direction {
        let direction = if word.text.starts_with("fall") { "falling" } else { "rising" };
        let written = format!("stops {direction}");
        return Some(slip.help(format!("write `{written}`")).replace(word.span, written));
    }
    is_stop.then(|| match Improving::of(metric.trim_matches('"')) {
        Some(improving) => {
            let written = format!("stops {}", improving.direction());
            slip.help(format!("write `{written}`")).replace(word.span, written)
        }
        None => slip.note("write `stops falling` or `stops rising`"),
    })
}

/// `stops falling: stop`, `stops falling 3 epochs`, `stops falling after 3 epochs`
fn without_duration(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (direction, next) = (stuck.get(index), stuck.get(index + 1));
    let metric = stuck.get(index.checked_sub(2)?).text;
    let has_metric = !matches!(metric, "when" | "whenever" | "and");
    if !matches!(direction.text, "falling" | "rising") || next.text == "for" || !has_metric {
        return None;
    }
    let is_other = matches!(next.text, "after" | "in" | "within" | "during" | "over");
    if is_other && stuck.get(index + 2).kind == LexemeKind::Number {
        return Some(replaced(stuck, index + 1, index + 2, "for").surely());
    }
    if next.kind == LexemeKind::Number {
        return Some(
            Slip::new(next.span, "no `for` before a duration")
                .label("how long there was no improvement follows `for`")
                .help("write `for`")
                .insert(next.span.start, "for ")
                .surely(),
        );
    }
    let written = stuck.slice(index - 1, index + 1);
    Some(
        Slip::new(stuck.span(index - 1, index + 1), format!("`{written}` without a duration"))
            .label("for how long without an improvement?")
            .note(format!("write `{written} for 3 epochs`, or another number of epochs or steps")),
    )
}

/// `stops falling: stop`, `when stops falling for 3 epochs: stop`
fn without_observed(stuck: &Stuck<'_>, index: usize) -> Slip {
    Slip::new(stuck.get(index).span, "`stops` without a metric")
        .label("of which metric?")
        .note("write its name before it, as in `when val_loss stops falling for 3 epochs: …`")
        .ambiguous()
}

/// `val/acc`, `val-loss`: a metric whose name is no word.
fn unquoted(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_part = |at: usize| {
        let lexeme = stuck.get(at);
        lexeme.is_word()
            || lexeme.kind == LexemeKind::Number
            || matches!(lexeme.text, "/" | "-" | "." | ":" | "@")
    };
    let mut start = index;
    while start > 0 && stuck.is_glued(start) && is_part(start - 1) {
        start -= 1;
    }
    let mut end = index + 1;
    while stuck.is_glued(end) && is_part(end) {
        end += 1;
    }
    let leads = stuck.previous(start).text;
    let is_metric = matches!(leads, "when" | "and" | "lowest" | "highest" | "whenever")
        && stuck.get(start).text != "grad_norm";
    if !is_metric || stuck.get(end - 1).text == ":" {
        return None;
    }
    let name = stuck.slice(start, end);
    Some(
        Slip::new(stuck.span(start, end), format!("{} is not a word", quoted(name)))
            .label("a metric with other signs than letters, digits and `_` is written in quotes")
            .help(format!("write `\"{name}\"`"))
            .replace(stuck.span(start, end), format!("\"{name}\""))
            .surely(),
    )
}

pub(super) fn replaced(stuck: &Stuck<'_>, from: usize, to: usize, with: &str) -> Slip {
    let span: Span = stuck.span(from, to);
    Slip::word(span, format!("{} is not a word of the language", quoted(stuck.slice(from, to))))
        .label(format!("the language says `{with}`"))
        .help(format!("write `{with}`"))
        .replace(span, with)
}
