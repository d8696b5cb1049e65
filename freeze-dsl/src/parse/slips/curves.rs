//! Learning rates over time, as people say them.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;
use crate::source::Span;
use crate::vocabulary::{OPTIONS, SHAPES, UNITS};

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    // The head of a track has none.
    let has_curves = stuck.get(0).text != "track";
    stuck.near().filter(|_| has_curves).flat_map(|index| at(stuck, index)).collect()
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let word = stuck.get(index);
    let before = stuck.previous(index).text;
    let lower = word.text.to_lowercase();
    let mut slips = Vec::new();
    match lower.as_str() {
        "to" | "=>" | "-->" | ".." | "..=" | "until" | ">" => {
            slips.push(arrow(stuck, index));
        }
        "," => {
            let span = Span::new(stuck.end_before(index), word.span.end);
            slips.push(
                Slip::new(word.span, "`,` between the ends of a curve")
                    .label("the ends of a curve are joined by `->`")
                    .help("write `->`")
                    .replace(span, " ->"),
            );
        }
        "from" | "constant" | "const" | "fixed" => {
            slips.extend(without_all(stuck, index).filter(|_| before == "lr"));
            slips.push(leave_out(stuck, index));
        }
        "in" | "for" | "during" | "within" | "across" | "through" => {
            slips.push(instead(stuck, index, "over").surely());
            slips.extend(held_for(stuck, index));
        }
        "over" => {
            slips.extend(constant_over(stuck, index));
            slips.extend(without_end(stuck, index));
        }
        "every" => slips.extend(without_times(stuck, index)),
        "cos" | "cosine_annealing" | "cosine_decay" | "cosineannealing" => {
            slips.push(instead(stuck, index, "cosine").surely());
        }
        "lin" | "linearly" | "linear_decay" | "linear_warmup" => {
            slips.push(instead(stuck, index, "linear").surely());
        }
        "exponential" | "exponentially" | "expo" | "exponential_decay" => {
            slips.push(instead(stuck, index, "exp").surely());
        }
        "poly" | "polynomial" | "polynomial_decay" | "pow" => slips.push(polynomial(stuck, index)),
        "power" => {
            slips.extend(without_exponent(stuck, index));
            slips.extend(exponent_in_parentheses(stuck, index));
        }
        "inverse_sqrt" | "inv_sqrt" | "rsqrt" | "inverse_square_root" | "noam" => {
            slips.push(instead(stuck, index, "invsqrt"));
        }
        "sqrt" => slips.extend(one_minus_sqrt(stuck, index)),
        "one_minus_sqrt" | "1_sqrt" | "square_root" => slips.push(instead(stuck, index, "sqrt")),
        "until_end" | "end" | "remaining" | "remainder" if before == "over" => {
            slips.push(instead(stuck, index, "rest"));
        }
        "the" if before == "over" => slips.push(leave_out(stuck, index)),
        _ => {}
    }
    if matches!(word.text, "->" | "to") {
        slips.extend(without_shape(stuck, index));
    }
    if matches!(lower.as_str(), "first" | "next" | "last" | "another") && before == "over" {
        slips.push(leave_out(stuck, index));
    }
    if SHAPES.contains(&word.text) {
        slips.extend(without_arrow(stuck, index));
    }
    if word.text == "->" {
        slips.extend(without_over(stuck, index));
    }
    if word.text == "(" && SHAPES.contains(&before.to_lowercase().as_str()) {
        slips.extend(called(stuck, index - 1));
    }
    slips
}

fn arrow(stuck: &Stuck<'_>, index: usize) -> Slip {
    let sign = stuck.get(index);
    let (before, after) =
        (sign.span.start == stuck.end_before(index), stuck.start_of(index + 1) == sign.span.end);
    let text = format!("{}->{}", if before { " " } else { "" }, if after { " " } else { "" });
    Slip::new(sign.span, format!("{} between the ends of a curve", quoted(sign.text)))
        .label("the ends of a curve are joined by `->`")
        .help("write `->`")
        .replace(sign.span, text)
        .surely()
}

fn leave_out(stuck: &Stuck<'_>, index: usize) -> Slip {
    let word = stuck.get(index);
    let (span, text) = stuck.without(index);
    Slip::word(word.span, format!("{} is not a word of a curve", quoted(word.text)))
        .label("a number or a shape follows without it")
        .help(format!("leave out {}", quoted(word.text)))
        .replace(span, text)
        .surely()
}

fn instead(stuck: &Stuck<'_>, index: usize, with: &str) -> Slip {
    let word = stuck.get(index);
    Slip::word(word.span, format!("{} is not a word of a curve", quoted(word.text)))
        .label(format!("the language says `{with}`"))
        .help(format!("write `{with}`"))
        .replace(word.span, with)
}

/// `polynomial 2 1e-3 -> 0`, or without its exponent, which is 1 in `PyTorch` then.
fn polynomial(stuck: &Stuck<'_>, index: usize) -> Slip {
    let word = stuck.get(index);
    let has_exponent = stuck.get(index + 2).text != "->" || stuck.get(index + 1).text == "(";
    let with = if has_exponent { "power" } else { "power 1" };
    let slip = instead(stuck, index, with);
    if has_exponent {
        slip
    } else {
        slip.note(format!(
            "{} is `power 1` in PyTorch, where no other exponent is given",
            quoted(word.text)
        ))
    }
}

/// `power 1e-3 -> 0 over 10 epochs`
fn without_exponent(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    (stuck.get(index + 2).text == "->").then(|| {
        Slip::new(word.span, "`power` without its exponent")
            .label("the exponent follows `power`")
            .help("write `power 1`, or another exponent")
            .insert(word.span.end, " 1")
    })
}

/// `power 2^1 1e-3 -> 0`
fn exponent_in_parentheses(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index + 2);
    if !matches!(sign.text, "^" | "*" | "/" | "+" | "-") {
        return None;
    }
    let exponent = stuck.span(index + 1, index + 4);
    Some(
        Slip::new(sign.span, format!("{} in an exponent", quoted(sign.text)))
            .label("an exponent of several numbers is written in parentheses")
            .help(format!("write `({})`", stuck.slice(index + 1, index + 4)))
            .insert(exponent.start, "(")
            .insert(exponent.end, ")")
            .surely(),
    )
}

/// `1-sqrt 1e-3 -> 0 over 10 epochs`
fn one_minus_sqrt(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let first = index.checked_sub(2)?;
    if stuck.get(first).text != "1" || stuck.get(index - 1).text != "-" {
        return None;
    }
    let span = stuck.span(first, index + 1);
    Some(
        Slip::new(span, format!("{} is not a shape", quoted(stuck.slice(first, index + 1))))
            .label("the shape of 1 - √t is called `sqrt`")
            .help("write `sqrt`")
            .replace(span, "sqrt")
            .surely(),
    )
}

/// `lr 1e-3 for 3 epochs then 1e-4`
fn held_for(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let value = index.checked_sub(1).map(|before| stuck.get(before))?;
    if value.kind != LexemeKind::Number {
        return None;
    }
    let word = stuck.get(index);
    let held = format!("linear {0} -> {0} over", value.text);
    Some(
        Slip::new(word.span, format!("{} after a constant learning rate", quoted(word.text)))
            .label("a constant has no end")
            .help(format!("write `{held} …` for a constant that ends"))
            .replace(value.span.to(word.span), held),
    )
}

/// `lr 1e-3 * 0.1 every 30 epochs`
fn without_times(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let sign = stuck.get(index.checked_sub(2)?);
    let factor = stuck.get(index - 1);
    (matches!(sign.text, "*" | "x" | "by") && factor.kind == LexemeKind::Number).then(|| {
        Slip::new(sign.span, format!("{} before a factor", quoted(sign.text)))
            .label("the factor of steps follows `times`")
            .help("write `times`")
            .replace(sign.span, "times")
            .surely()
    })
}

/// `cosine 1e-3 over 10 epochs`: without the value at its end.
fn without_end(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let value = index.checked_sub(1).map(|before| stuck.get(before))?;
    let shape = index.checked_sub(2).map(|before| stuck.get(before))?;
    if value.kind != LexemeKind::Number || !SHAPES.contains(&shape.text) || shape.text == "exp" {
        return None;
    }
    let end = value.span.end;
    Some(
        Slip::new(shape.span.to(value.span), "a curve without the value at its end")
            .label("a curve goes from one value to another")
            .help("write `-> 0`, or where else it ends")
            .insert(end, " -> 0"),
    )
}

/// Whether a curve ends before an index.
fn ends_curve(stuck: &Stuck<'_>, index: usize) -> bool {
    let next = stuck.get(index);
    let follows = matches!(next.text, "" | ";" | "," | ")" | "}" | "then" | "repeat");
    next.kind == LexemeKind::End || follows || OPTIONS.contains(&next.text)
}

/// `lr cosine 1e-3`, `lr cosine 1e-3 1e-5 over 3 epochs`
fn without_arrow(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let shape = stuck.get(index);
    let value = if shape.text == "power" { index + 2 } else { index + 1 };
    let (from, next) = (stuck.get(value), stuck.get(value + 1));
    if from.kind != LexemeKind::Number {
        return None;
    }
    if next.kind == LexemeKind::Number && !stuck.is_glued(value + 1) {
        return Some(
            Slip::new(stuck.span(value, value + 2), "no `->` between the ends of a curve")
                .label("the ends of a curve are joined by `->`")
                .help("write `->`")
                .insert(next.span.start, "-> ")
                .surely(),
        );
    }
    let slip = |message| {
        Slip::new(stuck.span(index, value + 1), message)
            .label("a curve goes from one value to another")
    };
    if UNITS.contains(&next.text) {
        let length = format!("{} {}", from.text, next.text);
        let shape = stuck.slice(index, value);
        let note = format!("write `{shape} 1e-3 -> 1e-5 over {length}`, with its own values");
        return Some(slip("a curve without its values").note(note));
    }
    let written = stuck.slice(index, value + 1);
    let other = stuck.get(value + 2);
    let has_end = matches!(next.text, "to" | ",") && other.kind == LexemeKind::Number;
    if has_end && ends_curve(stuck, value + 3) {
        let (is_listed, length) = (next.text == ",", stuck.slice(value + 4, value + 6));
        let curve = format!("{written} -> {}", other.text);
        if is_listed && UNITS.contains(&stuck.get(value + 5).text) {
            let curve = format!("{curve} over {length}");
            return Some(
                slip("the parts of a curve in a list")
                    .help(format!("write `{curve}`"))
                    .replace(stuck.span(index, value + 6), curve)
                    .surely(),
            );
        }
        let note = format!("write `{curve} over 10 epochs`, or another duration");
        return Some(slip("a curve without its duration").note(note));
    }
    let end = if shape.text == "exp" { "1e-5" } else { "0" };
    ends_curve(stuck, value + 1).then(|| {
        slip("a curve without its end and duration")
            .note(format!("write `{written} -> {end} over 10 epochs`, or another end and duration"))
    })
}

/// `lr from 1e-3 to 1e-5`
fn without_all(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (from, to) = (stuck.get(index + 1), stuck.get(index + 3));
    let is_range = [from, to].iter().all(|it| it.kind == LexemeKind::Number)
        && matches!(stuck.get(index + 2).text, "to" | "->");
    (is_range && ends_curve(stuck, index + 4)).then(|| {
        Slip::new(stuck.span(index, index + 4), "a curve without its shape and duration")
            .label("a curve begins with a shape such as `linear`, `cosine` or `exp`")
            .note(format!(
                "write `linear {} -> {} over 10 epochs`, or another shape and duration",
                from.text, to.text
            ))
            .ambiguous()
    })
}

/// `lr 1e-3 over 3 epochs`
fn constant_over(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (value, leads) = (stuck.get(index.checked_sub(1)?), stuck.get(index.checked_sub(2)?));
    let is_constant =
        value.kind == LexemeKind::Number && (OPTIONS.contains(&leads.text) || leads.text == "then");
    is_constant.then(|| {
        Slip::new(stuck.get(index).span, "`over` after a constant")
            .label("only a curve that moves has a duration")
            .note(format!(
                "write `linear {0} -> 0 over …` for a curve, or `linear {0} -> {0} over … then …` for \
                 a constant that ends",
                value.text
            ))
            .ambiguous()
    })
}

/// `lr cosine 1e-3 -> 0`
fn without_over(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let value = stuck.get(index + 1);
    let is_shaped = stuck.last_of(&SHAPES, index).is_some_and(|shape| index - shape <= 3);
    (is_shaped && value.kind == LexemeKind::Number && ends_curve(stuck, index + 2)).then(|| {
        Slip::new(stuck.span(index, index + 2), "a curve without its duration")
            .label("how long does it take?")
            .note("write `over 10 epochs` after it, or `over rest` up to the end of the run")
    })
}

/// `lr 1e-3 -> 1e-5 over 5 epochs`, `lr 1e-3 -> 1e-5`
fn without_shape(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (from, to) = (stuck.get(index.checked_sub(1)?), stuck.get(index + 1));
    let leads = stuck.get(index.checked_sub(2)?).text;
    if SHAPES.contains(&from.text) {
        let (shape, end) = (from.text, to.text);
        return Some(
            Slip::new(from.span, format!("{} without the value at its start", quoted(shape)))
                .label("a curve goes from one value to another")
                .note(format!("write `{shape} 1e-3 -> {end}`, with the value at its start")),
        );
    }
    if !matches!(leads, "lr" | "then" | "=") || to.kind != LexemeKind::Number {
        return None;
    }
    let ends = Span::new(from.span.start, to.span.end);
    let slip = Slip::new(ends, "a curve without its shape")
        .label("a curve begins with a shape such as `linear`, `cosine` or `exp`");
    let curve = format!("linear {} -> {}", from.text, to.text);
    Some(if stuck.get(index + 2).text == "over" {
        slip.help("write `linear`, or another shape").replace(ends, curve)
    } else {
        slip.note(format!("write `{curve} over 10 epochs`, or another shape and duration"))
    })
}

/// `cosine(1e-3, 0, 10 epochs)`
fn called(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let close = (index..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    let commas: Vec<usize> = (index..close).filter(|at| stuck.get(*at).text == ",").collect();
    let shape = stuck.get(index).text;
    if let [only] = commas[..] {
        let (from, to) = (stuck.slice(index + 2, only), stuck.slice(only + 1, close));
        return Some(
            Slip::new(stuck.span(index, close + 1), "a curve is not called like a function")
                .label("how long does it take?")
                .note(format!(
                    "write `{shape} {from} -> {to} over 10 epochs`, or another duration"
                )),
        );
    }
    if commas.is_empty() {
        let from = stuck.slice(index + 2, close);
        return Some(
            Slip::new(stuck.span(index, close + 1), "a curve is not called like a function")
                .label("a curve goes from one value to another")
                .note(format!("write `{shape} {from} -> 1e-5 over 10 epochs`, with its own end")),
        );
    }
    let [first, second] = commas[..] else { return None };
    let (from, to, over) = (
        stuck.slice(index + 2, first),
        stuck.slice(first + 1, second),
        stuck.slice(second + 1, close),
    );
    let written = format!("{shape} {from} -> {to} over {over}");
    Some(
        Slip::new(stuck.span(index, close + 1), "a curve is not called like a function")
            .label("its parts are words")
            .help(format!("write `{written}`"))
            .replace(stuck.span(index, close + 1), written)
            .surely(),
    )
}
