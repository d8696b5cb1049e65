//! Line charts and heat maps, written as SVG.

mod draw;
mod heat_map;
mod layout;
mod svg;

pub use heat_map::{HeatMap, Row};

/// Lines over a common axis, each labelled at its end, with marked moments.
#[derive(Debug)]
pub struct LineChart {
    /// The title.
    pub title: String,
    /// Further information below the title.
    pub subtitle: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines; a later line is drawn over an earlier one.
    pub lines: Vec<Line>,
    /// The marked moments.
    pub marks: Vec<Mark>,
}

/// An axis.
#[derive(Debug)]
pub struct Axis {
    /// The label.
    pub label: String,
    /// The values of the ticks, in order; the axis reaches from the first to the last.
    pub ticks: Vec<f64>,
    /// The unit after each value.
    pub unit: &'static str,
    /// The scale.
    pub scale: Scale,
    /// The decimals of a value that is written beside a line.
    pub decimals: usize,
}

/// How far apart values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Distance by difference.
    Linear,
    /// Distance by ratio: from 1 to 2 is as far as from 2 to 4. Values are above 0.
    Log,
    /// Distance by the ratio of the differences from this value, for a share that approaches 100 %:
    /// from 90 to 95 is as far as from 80 to 90.
    Towards(f64),
}

/// A line through points.
#[derive(Debug)]
pub struct Line {
    /// Its name.
    pub label: String,
    /// Its colour.
    pub colour: Colour,
    /// Its points.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Its horizontal position.
    pub x: f64,
    /// Its vertical position.
    pub y: f64,
    /// The spread of the values to either side.
    pub spread: f64,
}

/// A marked moment: a vertical line, and a dot on one of the lines.
#[derive(Debug)]
pub struct Mark {
    /// The moment.
    pub x: f64,
    /// The index of its line.
    pub line: usize,
    /// Its name.
    pub title: String,
    /// The text below its name.
    pub text: String,
}

/// Colours of Okabe and Ito's palette, which colour-blind readers can distinguish.
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
    /// The color in SVG.
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
    /// The position of a value, as a fraction of the axis.
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
            // A value equal to the end would be infinitely far.
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
