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
    /// The values that are written along it, in order; it reaches from the first to the last.
    pub ticks: Vec<f64>,
    /// What stands behind them.
    pub unit: &'static str,
    /// How far apart values lie.
    pub scale: Scale,
}

/// How far apart values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// By their difference.
    Linear,
    /// By the ratio of what is missing to this value, as suits a share that nears 100 %: from 90 to
    /// 95 is as far as from 80 to 90.
    Towards(f64),
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
    /// What happens then.
    pub text: String,
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
    /// Where a value lies, as a fraction of the axis.
    fn fraction(&self, value: f64) -> f64 {
        let [from, to] = [self.ticks.first(), self.ticks.last()]
            .map(|end| self.scale.place(end.copied().unwrap_or(0.0)));
        (self.scale.place(value) - from) / (to - from)
    }
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            // What reaches the value itself would lie infinitely far.
            Self::Towards(end) => -(end - value).max(1e-3).ln(),
        }
    }
}
