//! Rows of a parameter, and bounds of them, in other words.

use super::Slip;
use super::stuck::Stuck;
use crate::diagnostic::quoted;
use crate::parse::lexeme::LexemeKind;

/// `rows -.. of x`, `layer[2..-]`
pub(super) fn bound_without_number(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let is_range = |sign: &str| matches!(sign, ".." | "..=");
    let (before, next) = (stuck.get(index.checked_sub(1)?).text, stuck.get(index + 1).text);
    let is_bound = stuck.open_rows(index).is_some() || stuck.open_index(index).is_some();
    let begins = is_range(before) || matches!(before, "row" | "rows");
    let is_alone = is_range(next) || begins && matches!(next, "of" | "]" | ",");
    (is_bound && is_alone).then(|| {
        Slip::new(stuck.get(index).span, "`-` without a number")
            .label("a bound with `-` counts from the end")
            .note("write a number after it, as in `-5..`, or leave out the `-`")
            .ambiguous()
    })
}

/// `row 3 of x`, `rows 0:10 of x`
pub(super) fn rows(stuck: &Stuck<'_>, index: usize) -> Option<Slip> {
    let of = (index..stuck.count()).find(|at| stuck.get(*at).text == "of")?;
    let inner = stuck.slice(index + 1, of);
    if inner.contains(['%', ',']) || inner.trim_start_matches(['[', ' ']).starts_with('-') {
        return None;
    }
    let numbers: Vec<&str> = (index..of)
        .map(|at| stuck.get(at))
        .filter(|lexeme| lexeme.kind == LexemeKind::Number)
        .map(|lexeme| lexeme.text)
        .collect();
    let (written, why) = match numbers[..] {
        [row] => {
            let next = row.parse::<u64>().ok()?.checked_add(1)?;
            (format!("rows {row}..{next} of"), "rows are a range, its end excluded")
        }
        // As in people's own words, the end is included.
        [first, last] if inner.contains("to") => {
            (format!("rows {first}..={last} of"), "a range is written with `..=`")
        }
        [first, past] => (format!("rows {first}..{past} of"), "a range is written with `..`"),
        _ => return None,
    };
    let span = stuck.span(index, of + 1);
    Some(
        Slip::new(span, format!("{} is not a range of rows", quoted(stuck.slice(index, of))))
            .label(why)
            .help(format!("write {}", quoted(&written)))
            .replace(span, written),
    )
}

/// `rows 5, 6 of x`
pub(super) fn rows_in_brackets(stuck: &Stuck<'_>, rows: usize, comma: usize) -> Option<Slip> {
    let of = (comma..stuck.count()).find(|at| stuck.get(*at).text == "of")?;
    let written = format!("rows [{}] of", stuck.slice(rows + 1, of));
    let span = stuck.span(rows, of + 1);
    let is_bare = (rows + 1..of).all(|at| {
        let lexeme = stuck.get(at);
        lexeme.kind == LexemeKind::Number || matches!(lexeme.text, "," | ".." | "..=" | "-")
    });
    is_bare.then(|| {
        Slip::new(span, "several rows without brackets")
            .label("a list of rows is written in `[` and `]`")
            .help(format!("write {}", quoted(&written)))
            .replace(span, written)
            .surely()
    })
}
