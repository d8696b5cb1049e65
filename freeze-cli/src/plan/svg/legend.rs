//! The legend of a picture.

use std::fmt::Write;

use freeze_dsl::picture::RowCell;

use super::{CellClass, Figure, MARGIN, SMALL, add_text, float, text_width};
use crate::plan::scale::{LEVELS, RateEntry};

const LINE: f64 = 20.0;
const SWATCH: f64 = 18.0;
const STEP: f64 = 7.0;

/// An entry: what it shows, and what that is.
enum LegendEntry {
    Scale { lowest: String, highest: String },
    Cell { class: CellClass, pattern: Option<&'static str>, text: String },
    Metric,
}

/// Adds the legend in lines from `top`, as wide as to `right`; returns where it ends.
pub(super) fn add(body: &mut String, figure: &Figure, top: f64, right: f64) -> f64 {
    let (mut x, mut y) = (MARGIN, top);
    for entry in entries(figure) {
        let width = entry.width();
        if x > MARGIN && x + width > right {
            (x, y) = (MARGIN, y + LINE);
        }
        entry.add(body, x, y);
        x += width + 16.0;
    }
    y + 6.0
}

fn entries(figure: &Figure) -> Vec<LegendEntry> {
    let mut entries = Vec::new();
    let cell =
        |class, pattern, text: &str| LegendEntry::Cell { class, pattern, text: text.to_owned() };
    let has_rates = figure.has_cell(|cell| matches!(cell, RowCell::Trains(it) if it.lr.is_some()));
    entries.extend(RateEntry::all(figure.scale.as_ref(), has_rates).into_iter().map(|entry| {
        match entry {
            RateEntry::Level { level, text } => cell(CellClass::Level(level), None, &text),
            RateEntry::Levels { lowest, highest } => LegendEntry::Scale { lowest, highest },
        }
    }));
    let trains = |is_asked: fn(&freeze_dsl::picture::RowTraining) -> bool| {
        figure.has_cell(move |cell| matches!(cell, RowCell::Trains(it) if is_asked(it)))
    };
    if trains(|it| it.lr.is_none()) {
        entries.push(cell(CellClass::Program, Some("dots"), "the program's learning rate"));
    }
    if trains(|it| it.is_part) {
        entries.push(cell(CellClass::Level(LEVELS / 2), Some("hatch"), "trains in part"));
    }
    if figure.has_cell(|cell| *cell == RowCell::Frozen) {
        entries.push(cell(CellClass::Frozen, None, "frozen"));
    }
    if figure.marks.iter().any(|mark| mark.is_by_metric) {
        entries.push(LegendEntry::Metric);
    }
    entries
}

impl LegendEntry {
    fn text(&self) -> &str {
        match self {
            Self::Scale { .. } => "learning rate",
            Self::Cell { text, .. } => text,
            Self::Metric => "a metric decides when",
        }
    }

    fn width(&self) -> f64 {
        let own = text_width(self.text(), SMALL);
        match self {
            Self::Scale { lowest, highest } => {
                let ends = text_width(lowest, SMALL) + text_width(highest, SMALL);
                own + ends + STEP * float(LEVELS) + 24.0
            }
            Self::Cell { .. } | Self::Metric => own + SWATCH + 6.0,
        }
    }

    fn add(&self, body: &mut String, x: f64, y: f64) {
        match self {
            Self::Scale { lowest, highest } => {
                add_text(body, "t", x, y, SMALL, "start", self.text());
                let mut at = x + text_width(self.text(), SMALL) + 8.0;
                add_text(body, "m", at, y, SMALL, "start", lowest);
                at += text_width(lowest, SMALL) + 6.0;
                for level in 0..LEVELS {
                    add_swatch(
                        body,
                        CellClass::Level(level),
                        (at, y - 9.0),
                        (STEP + 0.3, 11.0),
                        None,
                    );
                    at += STEP;
                }
                add_text(body, "m", at + 6.0, y, SMALL, "start", highest);
            }
            Self::Cell { class, pattern, .. } => {
                let (at, size) = if *class == CellClass::Frozen {
                    ((x, y - 5.5), (SWATCH, 3.0))
                } else {
                    ((x, y - 10.0), (SWATCH, 12.0))
                };
                add_swatch(body, *class, at, size, *pattern);
                add_text(body, "t", x + SWATCH + 6.0, y, SMALL, "start", self.text());
            }
            Self::Metric => {
                let _ = writeln!(
                    body,
                    "<path class=\"r\" stroke=\"#b3261e\" stroke-dasharray=\"4 3\" \
                     d=\"M{:.1} {:.1}v14\"/>",
                    x + SWATCH / 2.0,
                    y - 11.0
                );
                add_text(body, "t", x + SWATCH + 6.0, y, SMALL, "start", self.text());
            }
        }
    }
}

fn add_swatch(
    body: &mut String,
    class: CellClass,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    pattern: Option<&str>,
) {
    let place = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width}\" height=\"{height}\"");
    let (name, fill) = (class.name(), class.fill());
    let _ = writeln!(body, "<rect class=\"{name}\" fill=\"{fill}\" {place}/>");
    if let Some(pattern) = pattern {
        let _ = writeln!(body, "<rect fill=\"url(#{pattern})\" {place}/>");
    }
}
