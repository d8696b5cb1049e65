//! Selectors and lists as other languages write them.

use super::renames::Rename;
use super::stuck::Stuck;
use super::{Slip, loops, rows};
use crate::diagnostic::quoted;
use crate::parse::lexeme::{Lexeme, LexemeKind};
use crate::source::Span;
use crate::vocabulary::{OPTIONS, VERBS, keywords};

/// The most names that an edit writes out.
const MOST_NAMES: u64 = 64;

pub(super) fn slips(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips: Vec<Slip> = stuck.near().flat_map(|index| at(stuck, index)).collect();
    slips.extend(set_in_word(stuck));
    slips.extend(loops::names_in_parentheses(stuck));
    slips.extend(loops::heads(stuck));
    match loops::numbers_in_list(stuck) {
        Some(slip) => slips.push(slip),
        None => slips.extend(loops::element_without_sign(stuck)),
    }
    slips
}

fn at(stuck: &Stuck<'_>, index: usize) -> Vec<Slip> {
    let word = stuck.get(index);
    let before = stuck.previous(index).text;
    let mut slips = Vec::new();
    if matches!(word.text, ".." | "-" | "..=") {
        slips.extend(names_in_a_row(stuck, index));
    }
    if matches!(word.text, "not" | "!" | "-" | "~")
        && !(word.text == "-" && stuck.is_glued(index))
        && before != "power"
    {
        slips.extend(negated(stuck, index, before));
    }
    if word.text == ":" {
        slips.extend(loops::colon_body(stuck, index));
    }
    if matches!(word.text, "first" | "last") {
        slips.extend(without_of(stuck, index));
    }
    if matches!(word.text, "row" | "rows") {
        slips.extend(rows::rows(stuck, index));
    }
    if matches!(before, "of" | "reversed" | "in" | "(") {
        slips.extend(not_a_list(stuck, index, before));
    }
    if matches!(word.text, ":" | "-" | "," | "..") {
        slips.extend(bracketed(stuck, index));
    }
    if matches!(before, "in") && word.text == "range" || word.text == "to" {
        slips.extend(loops::range(stuck, index));
    }
    if word.text == "@" && !stuck.get(index + 1).is_word() {
        slips.push(sign_alone(word.span));
    }
    if word.text == "-" {
        slips.extend(rows::bound_without_number(stuck, index));
    }
    if word.text == "@" && !matches!(before, "for" | ",") {
        slips.extend(number_with_sign(stuck, index));
    }
    if word.text == "," {
        slips.extend(
            stuck.open_rows(index).and_then(|rows| rows::rows_in_brackets(stuck, rows, index)),
        );
    }
    if word.text == "." {
        slips.extend(dot_at_the_end(stuck, index));
    }
    if word.text == "::" && stuck.open_index(index).is_none() {
        slips.push(
            Slip::new(word.span, "`::` in a path")
                .label("the segments of a path are joined by `.`")
                .help("write `.`")
                .replace(word.span, ".")
                .surely(),
        );
    }
    slips
}

/// `train @, fc`
fn sign_alone(place: Span) -> Slip {
    Slip::new(place, "`@` without a name")
        .label("a name follows `@` directly")
        .note("write a name such as `@all` or `@biases`, or leave out the `@`")
        .ambiguous()
}

/// `not layer4`, `!layer4`
fn negated(stuck: &Stuck<'_>, index: usize, before: &str) -> Option<Slip> {
    let word = stuck.get(index);
    let next = stuck.start_of(index + 1);
    let slip = Slip::new(word.span, format!("{} before a selector", quoted(word.text)));
    if word.text == "~" {
        let path = stuck.slice(index + 1, stuck.path_end(index + 1)?);
        return Some(
            slip.label("a regular expression is written in quotes")
                .note(format!(
                    "write `~r\"{path}\"` for a regular expression over whole names, or `@all \
                     except {path}` for all other parameters"
                ))
                .ambiguous(),
        );
    }
    let slip = slip.label("parameters are taken away with `except`");
    if VERBS.contains(&before) {
        let help = "write `@all except` before it";
        let span = Span::new(word.span.start, next);
        let is_word = matches!(word.text, "not" | "!");
        return Some(slip.help(help).replace(span, "@all except ").surely_if(is_word));
    }
    if word.text == "-" {
        return Some(slip.help("write `except`").replace(word.span, "except"));
    }
    let comma = index.checked_sub(1).filter(|_| before == ",")?;
    let span = Span::new(stuck.end_before(comma), next);
    Some(slip.help("write `except`").replace(span, " except "))
}

/// `last 2 of encoder.layer`, `len(encoder.layer)`: a path where a list is required.
fn not_a_list(stuck: &Stuck<'_>, index: usize, before: &str) -> Vec<Slip> {
    let Some(end) = stuck.path_end(index) else { return Vec::new() };
    let is_len = index.checked_sub(2).is_some_and(|at| stuck.get(at).text == "len");
    if before == "(" && !is_len {
        return Vec::new();
    }
    let path = stuck.slice(index, end);
    let span = stuck.span(index, end);
    let mut slips = Vec::new();
    if stuck.get(end).text == "," && before == "in" {
        // `for @x in fc, layer4 {`
        let open = (end..stuck.count()).find(|at| stuck.get(*at).text == "{");
        if let Some(open) = open {
            let all = stuck.span(index, open);
            let written = format!("[{}]", stuck.slice(index, open));
            slips.push(
                Slip::new(all, "a list without brackets")
                    .label("a list is written in `[` and `]`")
                    .help(format!("write {}", quoted(&written)))
                    .replace(all, written),
            );
        }
    }
    let is_many = path.contains('*') || path.starts_with(['"', '{']) || path.ends_with(']');
    let written = if is_many { format!("[{path}]") } else { format!("[{path}.*]") };
    slips.push(
        Slip::new(span, format!("{} is not a list", quoted(path)))
            .label("a list is written in `[` and `]`")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written),
    );
    slips
}

/// `layer[1:3]`, `layer[-2:]`, `layer[1,2]`
fn bracketed(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let open = stuck.open_index(index)?;
    let close = (index..stuck.count()).find(|at| stuck.get(*at).text == "]")?;
    let is_number = |at: usize| stuck.get(at).kind == LexemeKind::Number;
    let sign = stuck.get(index);
    let span = stuck.span(open, close + 1);
    if sign.text == "," {
        if !(open..close).skip(1).step_by(2).all(is_number) {
            return None;
        }
        let written = format!(".{{{}}}", stuck.slice(open + 1, close));
        return Some(
            Slip::new(span, "several indices in brackets")
                .label("one of several segments is written in `{` and `}`")
                .help(format!("write {}", quoted(&written)))
                .replace(span, written)
                .surely(),
        );
    }
    let is_bound = |at: usize| at == index || is_number(at) || stuck.get(at).is_word();
    let is_range = (open + 1..close).all(|at| is_bound(at) || stuck.get(at).text == "-");
    (sign.text == ":" && is_range).then(|| {
        Slip::new(sign.span, "`:` between indices")
            .label("a range of indices is written with `..`, its end excluded")
            .help("write `..`")
            .replace(sign.span, "..")
            .surely()
    })
}

/// `layer1..layer4`, `layer1-4`
fn names_in_a_row(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (first, last) = (stuck.get(index.checked_sub(1)?), stuck.get(index + 1));
    if !first.is_word() || !stuck.is_glued(index) || !stuck.is_glued(index + 1) {
        return None;
    }
    let (stem, from) = numbered(first.text)?;
    let to = numbered(last.text).filter(|(other, _)| *other == stem || other.is_empty())?.1;
    let written = written_out(from, to, |number| format!("{stem}{number}"))?;
    let span = first.span.to(last.span);
    Some(
        Slip::new(span, "a range of names")
            .label("only indices in brackets have ranges")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written),
    )
}

/// A name, and the number at its end.
fn numbered(name: &str) -> Option<(&str, u64)> {
    let stem = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    Some((stem, name.get(stem.len()..)?.parse().ok()?))
}

fn written_out(from: u64, to: u64, name: impl Fn(u64) -> String) -> Option<String> {
    let is_short = from <= to && to - from < MOST_NAMES;
    is_short.then(|| {
        let names: Vec<String> = (from..=to).map(name).collect();
        format!("{{{}}}", names.join(","))
    })
}

/// `layer{1,2}`, `{q,k,v}_proj`: a set that is a part of a segment.
fn set_in_word(stuck: &Stuck<'_>) -> Vec<Slip> {
    let mut slips = Vec::new();
    for open in (0..stuck.count()).filter(|index| stuck.get(*index).text == "{") {
        let Some(close) = (open..stuck.count()).find(|index| stuck.get(*index).text == "}") else {
            break;
        };
        let before = open.checked_sub(1).filter(|_| stuck.is_glued(open));
        let before = before.map(|index| stuck.get(index)).filter(Lexeme::is_word);
        // A word of the language follows a set without a space, and is no part of it.
        let is_part = |after: &Lexeme<'_>| after.is_word() && keywords().all(|it| it != after.text);
        let after = Some(stuck.get(close + 1)).filter(|_| stuck.is_glued(close + 1));
        let after = after.filter(is_part);
        if before.is_none() && after.is_none() {
            continue;
        }
        let (head, tail) = (before.map_or("", |it| it.text), after.map_or("", |it| it.text));
        let content = stuck.slice(open + 1, close);
        let name = |part: &str| format!("{head}{part}{tail}");
        if is_name(content) && !head.is_empty() {
            if tail.is_empty() {
                slips.push(interpolated(stuck.span(open, close + 1), content));
            }
            continue;
        }
        let written = if let Some((from, to)) = content.split_once("..") {
            let to = to.trim_start_matches(['=', '.']).trim();
            let ends = from.trim().parse::<u64>().ok().zip(to.parse::<u64>().ok());
            // The end is included, as in a shell's `{1..4}`.
            ends.and_then(|(from, to)| written_out(from, to, |number| name(&number.to_string())))
        } else {
            let parts = content.split(',').map(str::trim);
            let is_word = |part: &str| {
                let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
                !part.is_empty() && part.chars().all(is_part)
            };
            let names: Vec<String> = parts.clone().map(name).collect();
            parts.into_iter().all(is_word).then(|| format!("{{{}}}", names.join(",")))
        };
        let Some(written) = written else { continue };
        let start = before.map_or(open, |_| open - 1);
        let end = after.map_or(close + 1, |_| close + 2);
        let span = stuck.span(start, end);
        slips.push(
            Slip::new(span, "a set as a part of a segment")
                .label("`{` and `}` hold whole segments")
                .help(format!("write {}", quoted(&written)))
                .replace(span, written)
                .surely_if(is_part_of_name(head, content, tail)),
        );
    }
    slips
}

/// Whether a set lacks no `.` beside it: `layer{1,2}` or `{q,k}_proj`, and not `layer4{conv1,bn1}`.
/// Whether a range has its end is another matter.
fn is_part_of_name(head: &str, content: &str, tail: &str) -> bool {
    let is_number = |part: &str| part.trim().bytes().all(|digit| digit.is_ascii_digit());
    let is_joined = head.ends_with('_') || tail.starts_with('_');
    !content.contains("..") && (is_joined || content.split(',').all(is_number))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
        && text.chars().all(|sign| sign.is_alphanumeric() || sign == '_')
}

/// `layer{i}`: a number's name within a path, as a string of Python has it.
fn interpolated(span: Span, number: &str) -> Slip {
    let written = format!("[{number}]");
    Slip::new(span, format!("`{{{number}}}` as a part of a segment"))
        .label("a number in a path is written in `[` and `]`")
        .help(format!("write {}", quoted(&written)))
        .replace(span, written)
        .surely()
}

/// `last 2 layers`
fn without_of(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (number, things) = (stuck.get(index + 1), stuck.get(index + 2));
    let is_count = number.kind == LexemeKind::Number && things.is_word() && things.text != "of";
    let leads = stuck.get(index).text;
    if is_count && things.text == "in" {
        return Some(
            Slip::new(things.span, "`in` before a list")
                .label("elements are taken of a list")
                .help("write `of`")
                .replace(things.span, "of")
                .surely(),
        );
    }
    if is_count && matches!(things.text, "row" | "rows") && stuck.get(index + 3).text == "of" {
        let rows = match leads {
            "first" => format!("rows 0..{}", number.text),
            _ => format!("rows -{}..", number.text),
        };
        return Some(
            Slip::new(stuck.span(index, index + 3), "rows are not elements of a list")
                .label("rows are named by their numbers")
                .help(format!("write `{rows}`"))
                .replace(stuck.span(index, index + 3), rows),
        );
    }
    is_count.then(|| {
        Slip::new(
            stuck.span(index, index + 3),
            format!("{} of which list?", quoted(stuck.slice(index, index + 3))),
        )
        .label("elements are taken of a list")
        .note(format!(
            "write `{leads} {} of [encoder.layer.*]`, with the path of the {}",
            number.text, things.text
        ))
    })
}

/// `let @lr = 1e-3`, `lr @base`: a number's name with `@`.
fn number_with_sign(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let (sign, name) = (stuck.get(index), stuck.get(index + 1));
    if !name.is_word() || !stuck.is_glued(index + 1) {
        return None;
    }
    let before = stuck.get(index.checked_sub(1)?).text;
    let is_number = OPTIONS.contains(&before)
        || matches!(before, "let" | "+" | "*" | "/" | "^" | "->" | "<" | ">" | "<=" | ">=")
        || matches!(before, "times" | "to" | "by" | "epoch" | "step" | "over" | "after" | "every");
    if !is_number {
        return None;
    }
    let is_let = before == "let";
    let slip = Slip::new(sign.span.to(name.span), format!("`@{}` is a number", name.text))
        .label("a number's name is written without `@`")
        .help(format!("write `{}`", name.text))
        .replace(sign.span, "")
        .surely_if(!is_let);
    Some(if is_let { slip.rename(Rename::without_sign(name.text)) } else { slip })
}

/// `layer4., fc`, `layer4. lr 1e-3`: a path that is not written to its end.
fn dot_at_the_end(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let next = stuck.get(index + 1);
    let ends = matches!(next.text, "," | ";" | ")" | "]" | "")
        || next.is_word() && !stuck.is_glued(index + 1);
    (ends && index > 0 && stuck.is_glued(index)).then(|| {
        let dot = stuck.get(index).span;
        Slip::new(dot, "a path that ends with `.`")
            .label("the name of a part follows a `.`")
            .help("leave out the `.`")
            .replace(dot, "")
    })
}
