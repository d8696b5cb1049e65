//! Line charts, written as SVG.

mod draw;
mod layout;

/// Lines over a common axis, each labelled where it ends, and moments marked on them.
#[derive(Debug)]
pub struct LineChart {
    /// What the chart shows.
    pub title: String,
    /// What a reader has to know beside it.
    pub subtitle: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines; a later one lies over an earlier one.
    pub lines: Vec<Line>,
    /// Moments worth knowing.
    pub marks: Vec<Mark>,
}

/// An axis.
#[derive(Debug)]
pub struct Axis {
    /// What is measured along it.
    pub label: String,
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// The distance from one tick to the next.
    pub step: f64,
    /// What stands behind a tick's number.
    pub unit: &'static str,
}

/// A line through points.
#[derive(Debug)]
pub struct Line {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub colour: Colour,
    /// Where it goes.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Its place along the horizontal axis.
    pub x: f64,
    /// Its place along the vertical axis.
    pub y: f64,
    /// How far the values spread around it, to either side.
    pub spread: f64,
}

/// A moment that is marked: a vertical line, and on one of the lines a dot.
#[derive(Debug)]
pub struct Mark {
    /// When it is.
    pub x: f64,
    /// The line that it belongs to, counted from 0.
    pub line: usize,
    /// Its name.
    pub title: String,
    /// What happens then, a line of text each.
    pub text: Vec<String>,
}

/// Colours of Okabe and Ito's palette, which colour-blind readers can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Blue.
    Blue,
    /// Vermillion.
    Vermillion,
    /// Bluish green.
    Green,
    /// Orange.
    Orange,
    /// Reddish purple.
    Purple,
    /// Grey.
    Grey,
}

impl Colour {
    /// As SVG writes it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Blue => "#0072b2",
            Self::Vermillion => "#d55e00",
            Self::Green => "#009e73",
            Self::Orange => "#e69f00",
            Self::Purple => "#cc79a7",
            Self::Grey => "#7a7a7a",
        }
    }
}

impl Axis {
    /// The values at which ticks stand.
    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        // Half a step more, so that rounding never costs the last tick.
        let end = self.to + self.step / 2.0;
        (0_u32..)
            .map(|index| f64::from(index).mul_add(self.step, self.from))
            .take_while(move |value| *value < end)
    }

    /// Where a value lies, as a fraction of the axis.
    fn fraction(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }
}
