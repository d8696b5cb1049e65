//! The picture as SVG, <https://www.w3.org/TR/SVG11/>: one file without anything outside of it.

pub(crate) mod colours;
pub(crate) mod labels;
mod legend;

use std::collections::BTreeMap;
use std::fmt::Write;

use freeze_dsl::picture::RowCell;
use unicode_width::UnicodeWidthStr;

use super::figure::{Figure, FigureRow, RuleMark, axis_ticks};
use super::names::shortened;
use super::scale::counted;
use labels::MarkLabel;

/// The size of the names of modules and rules.
const SMALL: f64 = 11.0;
/// The width of a character in sizes of its font: that of the widest usual fonts of one width, and more
/// than the average of others.
const CHARACTER: f64 = 0.62;
const MARGIN: f64 = 12.0;
const LANE: f64 = 14.0;
const INDENT: f64 = 12.0;
/// The width of a whole plot, as far as its columns can have it.
const PLOT: f64 = 640.0;
const WIDEST_COLUMN: f64 = 36.0;
/// Names of modules and rules in characters.
const LONGEST_NAME: usize = 36;
const LONGEST_MARK: usize = 32;

/// Where everything is.
struct SvgLayout {
    left: f64,
    top: f64,
    column: f64,
    row: f64,
    plot_width: f64,
    plot_height: f64,
    width: f64,
    labels: Vec<MarkLabel>,
}

/// The width of a text.
fn text_width(text: &str, size: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a short text")]
    let characters = text.width() as f64;
    characters * size * CHARACTER
}

#[expect(clippy::cast_precision_loss, reason = "few rows, columns and levels")]
const fn float(count: usize) -> f64 {
    count as f64
}

/// The picture as the text of an SVG file.
pub(crate) fn picture(figure: &Figure) -> String {
    let layout = SvgLayout::new(figure);
    let mut body = String::new();
    let title = shortened(&figure.title, 90);
    add_text(&mut body, "t", MARGIN, MARGIN + 11.0, 13.0, "start", &title);
    add_rows(&mut body, figure, &layout);
    add_cells(&mut body, figure, &layout);
    add_marks(&mut body, figure, &layout);
    add_axis(&mut body, figure, &layout);
    let below = layout.top + layout.plot_height + 44.0;
    let right = layout.width - MARGIN;
    let height = legend::add(&mut body, figure, below, right) + MARGIN;
    let width = layout.width;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         font-family=\"ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace\">\n\
         <title>{}</title>\n<style>{}</style>\n\
         <defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path class=\"h\" d=\"M1 0v5\" stroke=\"#ffffff\" \
         stroke-width=\"1.3\"/></pattern><pattern id=\"dots\" width=\"6\" height=\"6\" \
         patternUnits=\"userSpaceOnUse\"><circle class=\"pd\" cx=\"3\" cy=\"3\" r=\"1.1\" \
         fill=\"#ffffff\"/></pattern></defs>\n\
         <rect class=\"bg\" width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#ffffff\"/>\n\
         {body}</svg>\n",
        escaped(&title),
        colours::style(),
    )
}

impl SvgLayout {
    fn new(figure: &Figure) -> Self {
        let columns = figure.picture.axis.columns().max(1);
        let column = (PLOT / float(columns)).min(WIDEST_COLUMN);
        let row = if figure.rows.len() > 36 { 13.0 } else { 18.0 };
        let width_of =
            |row: &FigureRow| INDENT * float(row.depth) + text_width(&name_of(row), SMALL);
        let widest_name = figure.rows.iter().map(width_of).fold(0.0, f64::max);
        let sizes = text_width("8.88 M", SMALL);
        let left = MARGIN + widest_name + 10.0 + sizes + 8.0;
        let plot_width = column * float(columns);
        let named = figure
            .marks
            .iter()
            .filter(|mark| !mark.rules.is_empty())
            .map(|mark| (left + mark.place * column, together(figure, mark)));
        let labels = labels::in_lanes(named.collect(), |text| text_width(text, SMALL));
        let lanes = labels.iter().map(|label| label.lane + 1).max().unwrap_or(0);
        let ends = labels.iter().map(|label| label.x + label.width);
        let title = MARGIN + text_width(&shortened(&figure.title, 90), 13.0);
        let widest = ends.fold((left + plot_width).max(title), f64::max);
        Self {
            left,
            top: MARGIN + 24.0 + LANE * float(lanes) + 6.0,
            column,
            row,
            plot_width,
            plot_height: row * float(figure.rows.len().max(1)),
            // The legend has room for its widest entry.
            width: (widest + MARGIN + 4.0).max(420.0),
            labels,
        }
    }

    fn x(&self, place: f64) -> f64 {
        self.left + place * self.column
    }

    fn y(&self, row: usize) -> f64 {
        self.top + self.row * float(row)
    }
}

/// The names of the rules of a mark, or the first of them.
fn together(figure: &Figure, mark: &RuleMark) -> String {
    let names = figure.names(mark);
    let all = names.join(", ");
    match names.as_slice() {
        [first, others @ ..] if !others.is_empty() && all.width() > LONGEST_MARK => {
            format!("{} and {} more", shortened(first, LONGEST_MARK - 10), others.len())
        }
        _ => shortened(&all, LONGEST_MARK),
    }
}

fn name_of(row: &FigureRow) -> String {
    shortened(&row.name, LONGEST_NAME.saturating_sub(2 * row.depth).max(8))
}

/// The names and sizes of modules.
fn add_rows(body: &mut String, figure: &Figure, layout: &SvgLayout) {
    if figure.rows.is_empty() {
        let y = layout.top + 13.0;
        add_text(body, "m", layout.left, y, SMALL, "start", "the model has no parameters");
    }
    for (index, row) in figure.rows.iter().enumerate() {
        let y = layout.y(index) + layout.row / 2.0 + 4.0;
        let x = MARGIN + INDENT * float(row.depth);
        let class = if row.cells.is_empty() { "m" } else { "t" };
        add_text(body, class, x, y, SMALL, "start", &name_of(row));
        add_text(body, "m", layout.left - 8.0, y, SMALL, "end", &counted(row.elements));
    }
}

/// What a run of cells looks like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CellClass {
    Frozen,
    Program,
    Level(usize),
}

impl CellClass {
    /// What a cell looks like, and whether it is hatched; `None` for an empty one.
    pub(super) fn of(figure: &Figure, cell: &RowCell) -> Option<(Self, bool)> {
        match cell {
            RowCell::Over => None,
            RowCell::Frozen => Some((Self::Frozen, false)),
            RowCell::Trains(training) => {
                let class = match (training.lr, &figure.scale) {
                    (Some(lr), Some(scale)) => Self::Level(scale.level(lr)),
                    (Some(_), None) => Self::Level(0),
                    (None, _) => Self::Program,
                };
                Some((class, training.is_part))
            }
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Frozen => "f".to_owned(),
            Self::Program => "p".to_owned(),
            Self::Level(level) => format!("l{level}"),
        }
    }

    /// Its colour on white, for what reads no style.
    pub(super) fn fill(self) -> &'static str {
        match self {
            Self::Frozen => "#c3c7cc",
            Self::Program => "#6f8fb3",
            Self::Level(level) => colours::ON_LIGHT.get(level).copied().unwrap_or("#002051"),
        }
    }
}

/// The cells: one path for all that look alike.
fn add_cells(body: &mut String, figure: &Figure, layout: &SvgLayout) {
    let mut paths: BTreeMap<CellClass, String> = BTreeMap::new();
    let (mut hatched, mut dotted) = (String::new(), String::new());
    for (index, row) in figure.rows.iter().enumerate() {
        let mut start = 0;
        for run in row
            .cells
            .chunk_by(|one, other| CellClass::of(figure, one) == CellClass::of(figure, other))
        {
            let (from, to) = (layout.x(float(start)), layout.x(float(start + run.len())));
            start += run.len();
            let Some((class, is_part)) = run.first().and_then(|it| CellClass::of(figure, it))
            else {
                continue;
            };
            let (mut y, mut height) = (layout.y(index) + 1.0, layout.row - 2.0);
            if class == CellClass::Frozen {
                // A thin line, so that no grey can be taken for a learning rate.
                (y, height) = (layout.y(index) + layout.row / 2.0 - 1.5, 3.0);
            }
            let width = to - from;
            let path = format!("M{from:.2} {y:.1}h{width:.2}v{height:.1}h-{width:.2}z");
            paths.entry(class).or_default().push_str(&path);
            if is_part {
                hatched.push_str(&path);
            }
            if class == CellClass::Program {
                dotted.push_str(&path);
            }
        }
    }
    for (class, path) in paths {
        let (name, fill) = (class.name(), class.fill());
        let _ = writeln!(
            body,
            "<path class=\"{name}\" fill=\"{fill}\" shape-rendering=\"crispEdges\" d=\"{path}\"/>"
        );
    }
    for (pattern, path) in [("dots", dotted), ("hatch", hatched)] {
        if !path.is_empty() {
            let _ = writeln!(body, "<path fill=\"url(#{pattern})\" d=\"{path}\"/>");
        }
    }
}

/// The lines of rules, with their names.
fn add_marks(body: &mut String, figure: &Figure, layout: &SvgLayout) {
    let bottom = layout.top + layout.plot_height;
    let mut last_again = f64::NEG_INFINITY;
    for mark in &figure.marks {
        let x = layout.x(mark.place);
        let top = lead(mark, x, layout);
        if mark.rules.is_empty() {
            // It fires again: a short line, unless it would touch the one before it.
            if x - last_again < 3.0 {
                continue;
            }
            last_again = x;
        }
        let end = if mark.rules.is_empty() { layout.top } else { bottom };
        let dashes = if mark.is_by_metric { " stroke-dasharray=\"4 3\"" } else { "" };
        let _ = writeln!(
            body,
            "<path class=\"r\" stroke=\"#b3261e\" stroke-width=\"1\"{dashes} \
             d=\"M{x:.2} {top:.1}V{end:.1}\"/>"
        );
    }
    for label in &layout.labels {
        let y = layout.top - 8.0 - LANE * float(label.lane);
        add_text(body, "t", label.x, y, SMALL, "start", &label.text);
    }
}

/// Where the line of a mark begins: at its label, if it leads up to one.
fn lead(mark: &RuleMark, x: f64, layout: &SvgLayout) -> f64 {
    let is_first = |label: &&MarkLabel| label.lines.first().is_some_and(|at| (at - x).abs() < 1e-6);
    match layout.labels.iter().find(is_first) {
        Some(label) if !mark.rules.is_empty() => layout.top - 16.0 - LANE * float(label.lane),
        _ => layout.top - 5.0,
    }
}

fn add_axis(body: &mut String, figure: &Figure, layout: &SvgLayout) {
    let bottom = layout.top + layout.plot_height;
    let (left, right) = (layout.left, layout.left + layout.plot_width);
    let _ = writeln!(
        body,
        "<path class=\"o\" fill=\"none\" stroke=\"#9aa1a9\" d=\"M{left:.1} {:.1}H{right:.1}\"/>",
        bottom + 3.0
    );
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few ticks")]
    let most = (layout.plot_width / 44.0).max(1.0) as usize;
    let (unit, ticks) = axis_ticks(&figure.picture, most);
    let mut free = f64::NEG_INFINITY;
    for (place, text) in ticks {
        let x = layout.x(place);
        let _ = writeln!(
            body,
            "<path class=\"o\" fill=\"none\" stroke=\"#9aa1a9\" d=\"M{x:.1} {:.1}v4\"/>",
            bottom + 3.0
        );
        let half = text_width(&text, SMALL) / 2.0;
        // The unit is at the left of the first one.
        if x - half > free {
            add_text(body, "m", x, bottom + 18.0, SMALL, "middle", &text);
            free = x + half + 4.0;
        }
    }
    add_text(body, "m", left - 8.0, bottom + 18.0, SMALL, "end", unit);
}

/// Adds a text.
fn add_text(body: &mut String, class: &str, x: f64, y: f64, size: f64, anchor: &str, text: &str) {
    let fill = if class == "m" { "#5f666e" } else { "#1a1d21" };
    let _ = writeln!(
        body,
        "<text class=\"{class}\" fill=\"{fill}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" \
         text-anchor=\"{anchor}\" xml:space=\"preserve\">{}</text>",
        escaped(text)
    );
}

/// A text in which nothing is taken for XML. Characters that XML does not have are replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            control if control.is_control() => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}
