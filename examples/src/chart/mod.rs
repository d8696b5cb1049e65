//! Line charts and heat maps, written as SVG.

mod draw;
mod heat_map;
mod layout;
mod svg;

pub use heat_map::{HeatMap, Row};

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
    /// How many decimals a value has that is written beside a line.
    pub decimals: usize,
}

/// How far apart values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// By their difference.
    Linear,
    /// By their ratio: from 1 to 2 is as far as from 2 to 4. Values are above 0.
    Log,
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
            // What reaches the end itself would lie infinitely far.
            Self::Log => value.max(1e-3).ln(),
            Self::Towards(end) => -(end - value).max(1e-3).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(scale: Scale, ticks: [f64; 2], value: f64) -> f64 {
        let (label, ticks) = (String::new(), ticks.to_vec());
        Axis { label, ticks, unit: "", scale, decimals: 0 }.fraction(value)
    }

    #[test]
    fn a_scale_says_what_lies_in_the_middle() {
        for (scale, ticks, middle) in [
            (Scale::Linear, [1.0, 3.0], 2.0),
            (Scale::Log, [1.0, 4.0], 2.0),
            (Scale::Towards(100.0), [60.0, 90.0], 80.0),
        ] {
            let fraction = fraction(scale, ticks, middle);
            assert!((fraction - 0.5).abs() < 1e-12, "{scale:?}: {fraction}");
        }
    }
}
