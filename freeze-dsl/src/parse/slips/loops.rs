//! The heads of loops as other languages write them.

use super::Slip;
use super::renames::Rename;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::{Lexeme, LexemeKind};
use crate::source::Span;
use crate::vocabulary::TRIGGERS;

/// Heads of loops that need no more than another word or sign.
pub(super) fn heads(stuck: &Stuck<'_>) -> Vec<Slip> {
    const KINDS: [fn(&Stuck<'_>, usize) -> Option<Slip>; 6] =
        [word_for_in, each, called, without_brace, other_range, names_swapped];
    let Some(index) = stuck.last_of(&["for"], stuck.at() + 1) else { return Vec::new() };
    KINDS.iter().filter_map(|kind| kind(stuck, index)).collect()
}

/// `for i from 1 to 3`, `for i = 1..3`, `for @x of @list`
fn word_for_in(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let at = if stuck.get(index + 1).text == "@" { index + 3 } else { index + 2 };
    let word = stuck.get(at);
    matches!(word.text, "from" | "of" | "over" | "=" | ":").then(|| {
        Slip::new(word.span, format!("{} after the name of a loop", quoted(word.text)))
            .label("what a loop goes through follows `in`")
            .help("write `in`")
            .replace(word.span, "in")
            .surely()
    })
}

/// `for each @x in @list`
fn each(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index + 1);
    let is_name = matches!(stuck.get(index + 2).text, "in" | ",");
    (matches!(word.text, "each" | "every" | "all") && !is_name).then(|| {
        Slip::new(word.span, format!("{} after `for`", quoted(word.text)))
            .label("the name of a loop follows `for` directly")
            .help("leave it out")
            .replace(Span::new(word.span.start, stuck.start_of(index + 2)), "")
            .surely()
    })
}

/// `in reversed([fc, bn1])`, `in enumerate(@layers)`
fn called(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_called = |at: &usize| {
        matches!(stuck.get(*at).text, "reversed" | "enumerate") && stuck.get(*at + 1).text == "("
    };
    let word = (index..stuck.count()).find(is_called)?;
    let close = (word..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    let name = stuck.get(word);
    let slip = if name.text == "reversed" {
        Slip::new(name.span, "`reversed` is not called like a function")
            .label("a list follows it directly")
            .help("leave out the parentheses")
            .replace(Span::new(name.span.end, stuck.start_of(word + 2)), " ")
    } else {
        Slip::new(name.span, "`enumerate` is not a word of the language")
            .label("a name before that of the element counts the turns, as in `for i, @x in`")
            .help("leave it out")
            .replace(Span::new(name.span.start, stuck.start_of(word + 2)), "")
    };
    Some(slip.replace(stuck.get(close).span, "").surely())
}

/// `for @x in [fc, bn1] after 1 epoch: unfreeze @x`
fn without_brace(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.here();
    let has_brace = (index..stuck.count()).any(|at| stuck.get(at).text == "{");
    (index == 0 && !has_brace && TRIGGERS.contains(&word.text)).then(|| {
        Slip::new(word.span, format!("no `{{` before {}", quoted(word.text)))
            .label("the body of a loop is written in `{` and `}`")
            .help("write `{` and `}`")
            .insert(word.span.start, "{ ")
            .insert(stuck.end_before(stuck.end()), " }")
    })
}

/// `in [1..3]`, `in 1:3`, `in 1-3`
fn other_range(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_bracketed = matches!(stuck.get(index + 3).text, "[" | "(");
    let from = if is_bracketed { index + 4 } else { index + 3 };
    let (first, sign, last) = (stuck.get(from), stuck.get(from + 1), stuck.get(from + 2));
    let is_number = |at: &Lexeme<'_>| at.kind == LexemeKind::Number || at.is_word();
    let written = match sign.text {
        ":" | "-" => "..",
        ".." | "..=" if is_bracketed => sign.text,
        _ => return None,
    };
    let end = if is_bracketed { from + 4 } else { from + 3 };
    let is_closed = !is_bracketed || matches!(stuck.get(from + 3).text, "]" | ")");
    let is_range = stuck.get(index + 2).text == "in" && is_number(&first) && is_number(&last);
    (is_range && is_closed && stuck.get(end).text == "{").then(|| {
        let range = format!("{}{written}{}", first.text, last.text);
        let span = stuck.span(index + 3, end);
        Slip::new(span, "a range in another form")
            .label("a range is written with `..`, or `..=` with its end included")
            .help(format!("write {}", quoted(&range)))
            .replace(span, range)
    })
}

/// `for @x, i in @list`
fn names_swapped(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (sign, comma, second) = (stuck.get(index + 1), stuck.get(index + 3), stuck.get(index + 4));
    let is_pair = sign.text == "@" && comma.text == "," && second.is_word();
    (is_pair && stuck.get(index + 5).text == "in").then(|| {
        let span = stuck.span(index + 1, index + 5);
        let written = format!("{}, {}", second.text, stuck.slice(index + 1, index + 3));
        Slip::new(span, "the number of the turn after the element")
            .label("the number comes first")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written)
            .surely()
    })
}

/// `for i in [1, 2, 3]`, `for i in {1, 2, 3}`: a list of numbers.
pub(super) fn numbers_in_list(stuck: &Stuck<'_>) -> Option<Slip> {
    let index = stuck.last_of(&["for"], stuck.at() + 1)?;
    let open = index + 3;
    let is_bracketed = matches!(stuck.get(open).text, "[" | "(" | "{");
    let is_list =
        stuck.get(index + 2).text == "in" && (is_bracketed || stuck.get(open + 1).text == ",");
    let is_close = |at: &usize| match stuck.get(*at).text {
        "]" | ")" | "}" => is_bracketed,
        sign => sign == "{" && !is_bracketed,
    };
    let close = (open..stuck.count()).find(is_close)?;
    let inner = stuck.slice(if is_bracketed { open + 1 } else { open }, close);
    let numbers: Vec<&str> = inner.trim_end_matches(',').split(',').map(str::trim).collect();
    let is_number = |text: &&str| text.parse::<f64>().is_ok();
    if !is_list || !numbers.iter().all(is_number) {
        return None;
    }
    let span = stuck.span(open, if is_bracketed { close + 1 } else { close });
    let slip = Slip::new(span, "numbers are not elements of a list")
        .label("a loop over numbers takes a range, `..=` with its end included");
    let whole: Option<Vec<u64>> = numbers.iter().map(|number| number.parse().ok()).collect();
    let range = whole.filter(|all| all.is_sorted_by(|one, next| one.checked_add(1) == Some(*next)));
    Some(match range.as_deref() {
        Some([first, .., last]) => {
            let written = format!("{first}..={last}");
            slip.help(format!("write `{written}`")).replace(span, written).surely()
        }
        _ => slip
            .note(
                "write a range such as `1..=4` and compute the numbers from it, as in `2 * i`, or \
                 write what is in the loop once for each number",
            )
            .ambiguous(),
    })
}

/// `for (i, @layer) in […]`
pub(super) fn names_in_parentheses(stuck: &Stuck<'_>) -> Option<Slip> {
    let index = stuck.last_of(&["for"], stuck.at() + 1)?;
    let open = index + 1;
    let close = (open..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    (stuck.get(open).text == "(" && stuck.get(close + 1).text == "in").then(|| {
        Slip::new(stuck.span(open, close + 1), "parentheses around the names of a loop")
            .label("the names follow `for` without them")
            .help(format!("write `{}`", stuck.slice(open + 1, close)))
            .replace(stuck.get(open).span, "")
            .replace(stuck.get(close).span, "")
            .surely()
    })
}

/// `for layer in […]`: a loop over a list without `@`.
pub(super) fn element_without_sign(stuck: &Stuck<'_>) -> Option<Slip> {
    let index = stuck.last_of(&["for"], stuck.at() + 1)?;
    let (name, list) = if stuck.get(index + 2).text == "," {
        (index + 3, index + 5)
    } else {
        (index + 1, index + 3)
    };
    let (name, first) = (stuck.get(name), stuck.get(list));
    // `for x in stages {`: the name of a list, without its sign as well.
    let is_name = first.is_word() && stuck.get(list + 1).text == "{";
    let is_list = is_name || matches!(first.text, "[" | "@" | "reversed" | "first" | "last");
    if !name.is_word() || !is_list || stuck.get(list - 1).text != "in" {
        return None;
    }
    let help = if is_name {
        format!("write `@{}` and `@{}`", name.text, first.text)
    } else {
        format!("write `@{}`", name.text)
    };
    let slip = Slip::new(name.span, format!("{} takes its values from a list", quoted(name.text)))
        .label("a name of parameters is written with `@`")
        .help(help)
        .insert(name.span.start, "@")
        .rename(Rename::with_sign(name.text))
        .with_uses(stuck, name.span.end);
    Some(if is_name { slip.insert(first.span.start, "@") } else { slip })
}

/// `for i in 0..4: …`
pub(super) fn colon_body(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_loop = stuck.get(0).text == "for" && stuck.get(index + 1).is_word();
    let sign = stuck.get(index).span;
    is_loop.then(|| {
        Slip::new(sign, "`:` after the head of a loop")
            .label("the body of a loop is written in `{` and `}`")
            .help("write `{` and `}`")
            .replace(Span::new(stuck.end_before(index), sign.end), " {")
            .insert(stuck.end_before(stuck.end()), " }")
    })
}

/// `range(4)`, `range(0, 4)`, `0 to 4`
pub(super) fn range(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let word = stuck.get(index);
    if word.text == "to" {
        let is_loop = stuck.get(0).text == "for" || stuck.last_of(&["for"], index).is_some();
        let span = Span::new(stuck.end_before(index), stuck.start_of(index + 1));
        return is_loop.then(|| {
            Slip::new(word.span, "`to` between the ends of a range")
                .label("a range is written with `..`, or `..=` with its end included")
                .help("write `..=`")
                .replace(span, "..=")
        });
    }
    let close = (index..stuck.count()).find(|at| stuck.get(*at).text == ")")?;
    let commas: Vec<usize> = (index..close).filter(|at| stuck.get(*at).text == ",").collect();
    let span = stuck.span(index, close + 1);
    let slip = Slip::new(span, "`range` is not a word of the language")
        .label("a range is written with `..`, its end excluded");
    let written = match commas[..] {
        [] => format!("0..{}", stuck.slice(index + 2, close)),
        [comma] => {
            format!("{}..{}", stuck.slice(index + 2, comma), stuck.slice(comma + 1, close))
        }
        _ => {
            let note = "a range has no step: compute the number from it, as in `layer[10 - 2 * i]`";
            return Some(slip.note(note).ambiguous());
        }
    };
    Some(slip.help(format!("write {}", quoted(&written))).replace(span, written).surely())
}
