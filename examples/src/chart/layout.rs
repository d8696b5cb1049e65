//! The positions on the page, in pixels.

use super::svg::LEFT;
use super::{LineChart, Point};

/// The end of the plot, and the start of the labels of the lines.
pub(super) const RIGHT: f64 = 810.0;
const BELOW: f64 = 64.0;
/// The top of the texts of the marks.
const HEAD: f64 = 92.0;
/// The distance of two lines of text.
pub(super) const LEADING: f64 = 17.0;
const PLOT: f64 = 400.0;

/// The dimensions of a chart.
pub(super) struct Layout<'c> {
    chart: &'c LineChart,
    /// The top of the plot, below the texts of the marks.
    pub(super) top: f64,
}

impl<'c> Layout<'c> {
    pub(super) fn new(chart: &'c LineChart) -> Self {
        Self { chart, top: stair(chart.marks.len()) }
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + PLOT
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom() + BELOW
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        (RIGHT - LEFT).mul_add(self.chart.x.fraction(value), LEFT)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        PLOT.mul_add(-self.chart.y.fraction(value), self.bottom())
    }

    /// The points of a path, moved up by a multiple of their spread.
    pub(super) fn along<'p>(
        &self,
        points: impl Iterator<Item = &'p Point>,
        distance: f64,
    ) -> String {
        let at = |point: &Point| {
            let y = point.spread.mul_add(distance, point.y);
            format!("{:.1},{:.1}", self.x(point.x), self.y(y))
        };
        points.map(at).collect::<Vec<_>>().join(" ")
    }

    /// The position of each line's label: at the line's end, moved apart where labels would touch.
    pub(super) fn labels(&self) -> Vec<f64> {
        let ends = self.chart.lines.iter().map(|line| line.points.last().map_or(0.0, |p| p.y));
        apart(ends.map(|end| self.y(end)).collect(), 2.0 * LEADING + 6.0)
    }
}

/// The position of a mark's text. The texts form stairs, so that the space to the right of each is
/// free.
pub(super) fn stair(index: usize) -> f64 {
    (2.0 * half(index)).mul_add(LEADING, HEAD)
}

/// Moves numbers as little as necessary until neighbours are at least `distance` apart, in the same
/// order. Numbers that are too close are spread around their mean.
fn apart(places: Vec<f64>, distance: f64) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = places.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Each run has its members and its mean; a run that touches the previous one is merged with it.
    let mut runs: Vec<(Vec<usize>, f64)> = Vec::new();
    for (index, place) in order {
        let mut run = (vec![index], place);
        while let Some(before) =
            runs.pop_if(|before| run.1 - before.1 < distance * half(before.0.len() + run.0.len()))
        {
            let (left, right) = (half(before.0.len()), half(run.0.len()));
            let middle = (before.1 * left + run.1 * right) / (left + right);
            run = ([before.0, run.0].concat(), middle);
        }
        runs.push(run);
    }
    let mut moved = places;
    for (members, middle) in runs {
        let first = middle - distance * half(members.len() - 1);
        for (rank, index) in members.into_iter().enumerate() {
            if let Some(place) = moved.get_mut(index) {
                *place = first + distance * 2.0 * half(rank);
            }
        }
    }
    moved
}

fn half(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn far_places_stay() {
        assert_eq!(apart(vec![50.0, 0.0, 20.0], 10.0), [50.0, 0.0, 20.0]);
    }

    #[test]
    fn close_places_spread_around_their_middle() {
        assert_eq!(apart(vec![10.0, 10.0, 100.0], 10.0), [5.0, 15.0, 100.0]);
        assert_eq!(apart(vec![12.0, 10.0, 14.0], 10.0), [12.0, 2.0, 22.0]);
    }

    #[test]
    fn spreading_reaches_the_next() {
        let moved = apart(vec![0.0, 0.0, 0.0, 12.0], 10.0);
        assert_eq!(moved, [-12.0, -2.0, 8.0, 18.0]);
    }
}
