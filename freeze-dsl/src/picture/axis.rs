//! The time axis: a run in columns.

/// The time of a run, in columns of equal length.
///
/// A *tick* is an optimizer step where the number of steps in an epoch is known, else an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeAxis {
    /// How many ticks the run has.
    pub ticks: u64,
    /// How many of them a column has.
    pub ticks_per_column: u64,
    /// How many ticks an epoch has: 1, or its steps.
    pub ticks_per_epoch: u64,
    /// Whether a tick is a step.
    pub is_in_steps: bool,
}

impl TimeAxis {
    /// An axis of at most `most` columns. A column is a part of an epoch or whole epochs, if it can be.
    pub(super) fn new(epochs: u64, steps: Option<u64>, per_epoch: Option<u64>, most: u64) -> Self {
        let most = most.max(1);
        let ticks = steps.unwrap_or(epochs);
        let ticks_per_epoch = per_epoch.unwrap_or(1).max(1);
        let least = ticks.div_ceil(most).max(1);
        let ticks_per_column = if least >= ticks_per_epoch {
            ticks_per_epoch.saturating_mul(round_above(least.div_ceil(ticks_per_epoch)))
        } else {
            let parts = least..=least.saturating_mul(2).min(ticks_per_epoch);
            parts.into_iter().find(|part| ticks_per_epoch.is_multiple_of(*part)).unwrap_or(least)
        };
        Self { ticks, ticks_per_column, ticks_per_epoch, is_in_steps: per_epoch.is_some() }
    }

    /// How many columns there are.
    #[must_use]
    pub fn columns(&self) -> usize {
        usize::try_from(self.ticks.div_ceil(self.ticks_per_column)).unwrap_or(usize::MAX)
    }

    /// The column of a tick.
    #[must_use]
    pub fn column_of(&self, tick: u64) -> usize {
        usize::try_from(tick / self.ticks_per_column).unwrap_or(usize::MAX)
    }

    /// The first tick of a column.
    #[must_use]
    pub fn first_tick(&self, column: usize) -> u64 {
        (column as u64).saturating_mul(self.ticks_per_column)
    }

    /// The place of a tick in columns from the start.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
    pub fn place_of(&self, tick: u64) -> f64 {
        tick.min(self.ticks) as f64 / self.ticks_per_column as f64
    }
}

/// The next of 1, 2, 5, 10, 20, 50, …
fn round_above(least: u64) -> u64 {
    let mut decade = 1_u64;
    loop {
        for digit in [1, 2, 5] {
            let round = decade.saturating_mul(digit);
            if round >= least {
                return round;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(epochs: u64, per_epoch: Option<u64>, most: u64) -> (usize, u64) {
        let steps = per_epoch.map(|per_epoch| epochs * per_epoch);
        let axis = TimeAxis::new(epochs, steps, per_epoch, most);
        (axis.columns(), axis.ticks_per_column)
    }

    #[test]
    fn a_column_is_an_epoch_a_part_of_one_or_many() {
        assert_eq!(axis(20, None, 160), (20, 1));
        assert_eq!(axis(1000, None, 160), (100, 10));
        assert_eq!(axis(4, Some(100), 160), (100, 4));
        assert_eq!(axis(200, Some(100), 160), (100, 200));
        // No part of 97 steps is whole: columns do not end with epochs.
        assert_eq!(axis(4, Some(97), 160), (130, 3));
        assert_eq!(axis(0, None, 160), (0, 1));
    }

    #[test]
    fn a_column_holds_its_ticks() {
        let axis = TimeAxis::new(4, Some(400), Some(100), 160);
        assert_eq!([0, 3, 4, 399].map(|tick| axis.column_of(tick)), [0, 0, 1, 99]);
        assert_eq!(axis.first_tick(99), 396);
    }
}
