//! Heat maps: one row for each part, one column for each interval; the color shows the value.

use std::fmt;

use super::Colour;
use super::svg;

/// A map of values of at least 0; a cell of 0 is grey.
#[derive(Debug)]
pub struct HeatMap {
    /// The title.
    pub title: String,
    /// Further information below the title.
    pub subtitle: String,
    /// The label of the horizontal axis.
    pub x: String,
    /// The size of a column on that axis.
    pub column: u64,
    /// The values of the ticks.
    pub ticks: Vec<u64>,
    /// The meaning of the values, for the legend.
    pub values: String,
    /// The meaning of 0, for the legend.
    pub zero: String,
    /// The rows, from the top down.
    pub rows: Vec<Row>,
}

/// A row of a map.
#[derive(Debug)]
pub struct Row {
    /// Its name, on the left.
    pub label: String,
    /// A note, on the right.
    pub note: String,
    /// The values of its cells.
    pub values: Vec<f64>,
}

/// The left and right edge of the cells.
const CELLS: (f64, f64) = (200.0, 850.0);
const TOP: f64 = 92.0;
/// The distance of two rows.
const PITCH: f64 = 34.0;
const GAP: f64 = 2.0;
/// The height of the axis and the legend below the rows.
const BELOW: f64 = 116.0;
/// The dimensions of the legend.
const LEGEND: (f64, f64) = (160.0, 12.0);
/// The color intensity of the smallest value above 0.
const FAINTEST: f64 = 0.15;

impl fmt::Display for HeatMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bottom = number(self.rows.len()).mul_add(PITCH, TOP);
        svg::page(f, bottom + BELOW, &self.title, &self.subtitle)?;
        let highest = self.highest();
        for (index, row) in self.rows.iter().enumerate() {
            self.draw_row(f, row, number(index).mul_add(PITCH, TOP), highest)?;
        }
        self.draw_axis(f, bottom)?;
        self.draw_legend(f, bottom + 76.0, highest)?;
        svg::end(f)
    }
}

impl HeatMap {
    fn highest(&self) -> f64 {
        self.rows.iter().flat_map(|row| &row.values).copied().fold(0.0, f64::max)
    }

    fn columns(&self) -> usize {
        self.rows.iter().map(|row| row.values.len()).max().unwrap_or(0)
    }

    /// The width of a column.
    fn width(&self) -> f64 {
        (CELLS.1 - CELLS.0) / number(self.columns()).max(1.0)
    }

    fn draw_row(
        &self,
        f: &mut fmt::Formatter<'_>,
        row: &Row,
        top: f64,
        highest: f64,
    ) -> fmt::Result {
        let middle = top + PITCH / 2.0 + 5.0;
        svg::text(f, (CELLS.0 - 12.0, middle), "text-anchor=\"end\"", &row.label)?;
        svg::text(f, (CELLS.1 + 12.0, middle), "class=\"quiet small\"", &row.note)?;
        let size = (self.width() - GAP, PITCH - GAP);
        for (column, value) in row.values.iter().enumerate() {
            let corner = (number(column).mul_add(self.width(), CELLS.0), top);
            svg::rectangle(f, corner, size, &paint(value / highest))?;
        }
        Ok(())
    }

    fn draw_axis(&self, f: &mut fmt::Formatter<'_>, y: f64) -> fmt::Result {
        for value in &self.ticks {
            let columns = number(*value) / number(self.column);
            let x = columns.mul_add(self.width(), CELLS.0) - GAP / 2.0;
            svg::segment(f, (x, y), (x, y + 5.0), "stroke=\"#888888\"")?;
            let attributes = "class=\"quiet\" text-anchor=\"middle\"";
            svg::text(f, (x, y + 22.0), attributes, &value.to_string())?;
        }
        let middle = f64::midpoint(CELLS.0, CELLS.1);
        svg::text(f, (middle, y + 46.0), "text-anchor=\"middle\"", &self.x)
    }

    fn draw_legend(&self, f: &mut fmt::Formatter<'_>, y: f64, highest: f64) -> fmt::Result {
        let x = CELLS.0;
        let (width, height) = LEGEND;
        writeln!(
            f,
            "<linearGradient id=\"heat\"><stop offset=\"0\" stop-color=\"{colour}\" \
             stop-opacity=\"{FAINTEST}\"/><stop offset=\"1\" stop-color=\"{colour}\"/>\
             </linearGradient>",
            colour = COLOUR.code(),
        )?;
        svg::rectangle(f, (x, y), (height, height), &paint(0.0))?;
        svg::text(f, (x + height + 8.0, y + height - 1.0), "class=\"small\"", &self.zero)?;
        let from = x + 260.0;
        svg::rectangle(f, (from, y), (width, height), "fill=\"url(#heat)\"")?;
        let most = format!("up to {highest:.2}, {}", self.values);
        svg::text(f, (from + width + 8.0, y + height - 1.0), "class=\"small\"", &most)
    }
}

const COLOUR: Colour = Colour::Vermillion;

/// The fill of a cell, by the ratio of its value to the largest one.
fn paint(share: f64) -> String {
    if share > 0.0 {
        let opacity = (1.0 - FAINTEST).mul_add(share, FAINTEST);
        format!("fill=\"{}\" fill-opacity=\"{opacity:.3}\"", COLOUR.code())
    } else {
        "fill=\"#f0f0f0\"".to_owned()
    }
}

fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}
