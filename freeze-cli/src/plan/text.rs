//! The picture as text, for a terminal.

use std::fmt::Write;

use freeze_dsl::picture::RowCell;
use unicode_width::UnicodeWidthStr;

use super::figure::{Figure, axis_ticks};
use super::names::shortened;
use super::scale::{bounds_shown, counted, rounded};

/// Shades of learning rates, the lowest first.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
const FROZEN: char = '·';
const IN_PART: char = '/';
const PROGRAM: char = '=';
/// The narrowest picture.
const NARROWEST: usize = 32;
/// So many names of marks there are; other marks have none.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// How many columns of the picture fit where a line has so many characters.
pub(crate) fn columns(width: usize) -> usize {
    let width = width.max(NARROWEST);
    width - label_width(width) - 1
}

fn label_width(width: usize) -> usize {
    (width / 3).clamp(14, 36)
}

/// The picture in lines of at most `width` characters.
pub(crate) fn picture(figure: &Figure, width: usize) -> String {
    let width = width.max(NARROWEST);
    let room = columns(width);
    let count = figure.picture.axis.columns().max(1);
    let each = (room / count).clamp(1, 8);
    let mut out = String::new();
    let labels = label_width(width);
    let mut line = |label: &str, cells: &str| {
        let pad = labels.saturating_sub(label.width());
        let line = format!("{label}{:pad$} {cells}", "");
        out.push_str(line.trim_end());
        out.push('\n');
    };
    line("", &mark_line(figure, count, each));
    for row in &figure.rows {
        let cells: String =
            row.cells.iter().map(|cell| symbol(figure, cell).to_string().repeat(each)).collect();
        line(&label(&row.name, row.depth, row.elements, labels), &cells);
    }
    let (unit, ticks) = axis_ticks(&figure.picture, (count * each / 6).max(1));
    line(unit, &placed(ticks, each));
    out.push('\n');
    add_legend(&mut out, figure, width);
    out
}

/// A name at the left and a size at the right.
fn label(name: &str, depth: usize, elements: usize, width: usize) -> String {
    let size = counted(elements);
    let indent = (2 * depth).min(width / 3);
    let room = width.saturating_sub(indent + size.width() + 1).max(1);
    let name = shortened(name, room);
    let pad = width.saturating_sub(indent + name.width() + size.width());
    format!("{:indent$}{name}{:pad$}{size}", "", "")
}

fn symbol(figure: &Figure, cell: &RowCell) -> char {
    match cell {
        RowCell::Over => ' ',
        RowCell::Frozen => FROZEN,
        RowCell::Trains(training) if training.is_part => IN_PART,
        RowCell::Trains(training) => match (training.lr, &figure.scale) {
            (Some(lr), Some(scale)) => {
                let level = scale.level_of(lr, SHADES.len());
                SHADES.get(level).copied().unwrap_or(PROGRAM)
            }
            (Some(_), None) => SHADES.first().copied().unwrap_or(PROGRAM),
            (None, _) => PROGRAM,
        },
    }
}

/// A letter in each column in which a rule fires for the first time, and a dot where rules fire again.
fn mark_line(figure: &Figure, columns: usize, each: usize) -> String {
    let mut line = vec![' '; columns * each];
    let mut letters = LETTERS.chars();
    for mark in &figure.marks {
        let column = figure.picture.axis.column_of(mark.tick).min(columns - 1);
        let letter = if mark.rules.is_empty() { '\'' } else { letters.next().unwrap_or('*') };
        if let Some(place) = line.get_mut(column * each)
            && (*place == ' ' || *place == '\'')
        {
            *place = letter;
        }
    }
    line.into_iter().collect()
}

/// Texts at their places, as far as they do not touch.
fn placed(texts: Vec<(f64, String)>, each: usize) -> String {
    let mut line = String::new();
    for (place, text) in texts {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a line"
        )]
        let at = (place * each as f64).round() as usize;
        if at >= line.width() {
            let pad = at - line.width();
            let _ = write!(line, "{:pad$}{text} ", "");
        }
    }
    line
}

/// What symbols and letters mean.
fn add_legend(out: &mut String, figure: &Figure, width: usize) {
    let mut entries = Vec::new();
    let is_zero =
        |cell: &RowCell| matches!(cell, RowCell::Trains(it) if it.lr.is_some_and(|lr| lr <= 0.0));
    if let Some(scale) = figure.scale {
        for (level, shade) in SHADES.iter().enumerate() {
            let in_level = |cell: &RowCell| match cell {
                RowCell::Trains(training) => {
                    training.lr.is_some_and(|lr| scale.level_of(lr, SHADES.len()) == level)
                }
                _ => false,
            };
            if !figure.has_cell(in_level) {
                continue;
            }
            let (lowest, highest) = scale.bounds(level, SHADES.len());
            let rates = match (scale.is_single(), level) {
                (true, 0) => "0".to_owned(),
                (true, _) => rounded(scale.highest),
                (false, 0) if scale.is_cut => format!("at most {}", rounded(highest)),
                _ => bounds_shown(lowest, highest),
            };
            entries.push(format!("{shade} lr {rates}"));
        }
    } else if figure.has_cell(is_zero) {
        entries.extend(SHADES.first().map(|shade| format!("{shade} lr 0")));
    }
    let is_program = |cell: &RowCell| matches!(cell, RowCell::Trains(it) if it.lr.is_none());
    let is_part = |cell: &RowCell| matches!(cell, RowCell::Trains(it) if it.is_part);
    if figure.has_cell(is_program) {
        entries.push(format!("{PROGRAM} the program's lr"));
    }
    if figure.has_cell(is_part) {
        entries.push(format!("{IN_PART} trains in part"));
    }
    if figure.has_cell(|cell| *cell == RowCell::Frozen) {
        entries.push(format!("{FROZEN} frozen"));
    }
    let mut line = String::new();
    for entry in entries {
        if !line.is_empty() && line.width() + entry.width() + 3 > width {
            out.push_str(&line);
            out.push('\n');
            line.clear();
        }
        if !line.is_empty() {
            line.push_str("   ");
        }
        line.push_str(&entry);
    }
    out.push_str(&line);
    out.push('\n');
    let mut letters = LETTERS.chars();
    for mark in figure.marks.iter().filter(|mark| !mark.rules.is_empty()) {
        let letter = letters.next().unwrap_or('*');
        let when = super::moment(&figure.picture, mark.tick);
        let how = if mark.is_by_metric { ", where a metric decides" } else { "" };
        let line = format!("{letter} {when}{how}: {}", figure.names(mark).join(", "));
        out.push_str(&shortened(&line, width));
        out.push('\n');
    }
    let unfired = figure.unfired();
    if !unfired.is_empty() {
        let line = format!("not in this run: {}", unfired.join(", "));
        out.push_str(&shortened(&line, width));
        out.push('\n');
    }
}
