//! Time as a training counts it: epochs and steps, and the lengths of periods.

mod active_curve;

pub(crate) use active_curve::{ActiveCurve, CurvePosition};

use crate::ir::{Period, RunLength};

/// How much of the training is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Time {
    /// Epochs that are done.
    pub(crate) epochs: u64,
    /// Optimizer steps that are done.
    pub(crate) steps: u64,
    /// How many more steps would be done if every epoch had had as many as epochs have now. It is
    /// not 0 only in a run that resumed with another number of steps an epoch.
    #[serde(default, skip_serializing_if = "is_zero")]
    shift: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(shift: &i64) -> bool {
    *shift == 0
}

/// The lengths of the run and of an epoch, where they are known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Lengths {
    pub(crate) run: Option<RunLength>,
    pub(crate) steps_per_epoch: Option<u64>,
}

/// A period, in the unit in which it is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CountedPeriod {
    Epochs(f64),
    Steps(u64),
    /// Steps of a part of the run or of epochs, counted as [`Time::scaled`] does.
    Scaled(u64),
}

impl Time {
    #[cfg(test)]
    pub(crate) const fn at_step(steps: u64) -> Self {
        Self { epochs: 0, steps, shift: 0 }
    }

    /// The steps that would be done if every epoch had had as many as epochs have now.
    pub(crate) const fn scaled(self) -> u64 {
        self.steps.saturating_add_signed(self.shift)
    }

    /// The same moment with this number of scaled steps.
    pub(crate) fn with_scaled(self, scaled: u64) -> Self {
        let signed = |steps| i64::try_from(steps).unwrap_or(i64::MAX);
        Self { shift: signed(scaled) - signed(self.steps), ..self }
    }

    /// The same, with other numbers of epochs and steps.
    pub(crate) const fn with(self, epochs: u64, steps: u64) -> Self {
        Self { epochs, steps, ..self }
    }

    /// When both have come.
    pub(crate) fn later(self, other: Self) -> Self {
        let (epochs, steps) = (self.epochs.max(other.epochs), self.steps.max(other.steps));
        self.with(epochs, steps).with_scaled(self.scaled().max(other.scaled()))
    }

    /// When the first of both has come, in each unit.
    pub(crate) fn earlier(self, other: Self) -> Self {
        let (epochs, steps) = (self.epochs.min(other.epochs), self.steps.min(other.steps));
        self.with(epochs, steps).with_scaled(self.scaled().min(other.scaled()))
    }

    /// Whether it is not later than `now`.
    pub(crate) const fn is_past(self, now: Self) -> bool {
        self.epochs <= now.epochs && self.steps <= now.steps && self.scaled() <= now.scaled()
    }
}

impl CountedPeriod {
    /// How much of it has passed since `since`, as a fraction.
    pub(crate) fn passed(self, since: Time, now: Time) -> f64 {
        let (elapsed, length) = match self {
            Self::Epochs(length) => (float(now.epochs.saturating_sub(since.epochs)), length),
            Self::Steps(length) => (float(now.steps.saturating_sub(since.steps)), float(length)),
            Self::Scaled(length) => {
                (float(now.scaled().saturating_sub(since.scaled())), float(length))
            }
        };
        if length > 0.0 { elapsed / length } else { 1.0 }
    }

    /// How much of it has passed, as a fraction, where it has been repeated since `since`.
    pub(crate) fn passed_of_last(self, since: Time, now: Time) -> f64 {
        match self {
            // The remainder of whole numbers is exact, however many rounds are over.
            Self::Steps(length) if length > 0 => {
                float(now.steps.saturating_sub(since.steps) % length) / float(length)
            }
            Self::Scaled(length) if length > 0 => {
                float(now.scaled().saturating_sub(since.scaled()) % length) / float(length)
            }
            _ => self.passed(since, now).fract(),
        }
    }

    /// Whether all of it has passed since `since`.
    pub(crate) fn is_over(self, since: Time, now: Time) -> bool {
        self.passed(since, now) >= 1.0
    }

    /// When a period that begins at `since` ends; the unit that it does not count is as it is now.
    pub(crate) fn end(self, since: Time, now: Time) -> Time {
        match self {
            Self::Epochs(length) => {
                Time { epochs: since.epochs.saturating_add(round(length.ceil())), ..now }
            }
            Self::Steps(length) => Time { steps: since.steps.saturating_add(length), ..now },
            Self::Scaled(length) => {
                let end = since.scaled().saturating_add(length);
                let steps = now.steps.saturating_add(end).saturating_sub(now.scaled());
                Time { steps, ..now }.with_scaled(end)
            }
        }
    }

    /// A multiple of it.
    pub(crate) fn times(self, factor: f64) -> Self {
        match self {
            Self::Epochs(length) => Self::Epochs(length * factor),
            Self::Steps(length) => Self::Steps(round(float(length) * factor)),
            Self::Scaled(length) => Self::Scaled(round(float(length) * factor)),
        }
    }
}

impl Lengths {
    /// The same without the number of steps in an epoch, so that epochs are counted as such.
    pub(crate) fn without_steps(self) -> Self {
        Self { steps_per_epoch: None, ..self }
    }

    /// A period that begins at `since`. Where an epoch's steps are known, everything is counted
    /// in steps, rounded to the nearest.
    pub(crate) fn count(&self, period: Period, since: Time) -> CountedPeriod {
        match (period, self.run) {
            (Period::Steps(steps), _) => CountedPeriod::Steps(round(steps)),
            (Period::Epochs(epochs), _) => self.epochs(epochs),
            (Period::Fraction(fraction), Some(RunLength::Steps(run))) => {
                CountedPeriod::Steps(round(part_of(run, fraction)))
            }
            (Period::Fraction(fraction), Some(RunLength::Epochs(run))) => {
                self.epochs(part_of(run, fraction))
            }
            (Period::Rest, Some(run)) => match (run, self.steps_per_epoch) {
                (RunLength::Steps(run), _) => CountedPeriod::Steps(run.saturating_sub(since.steps)),
                (RunLength::Epochs(run), Some(steps)) => {
                    CountedPeriod::Scaled(run.saturating_mul(steps).saturating_sub(since.scaled()))
                }
                (RunLength::Epochs(run), None) => {
                    CountedPeriod::Epochs(float(run.saturating_sub(since.epochs)))
                }
            },
            // A checked policy has `run` where it has a part of it.
            (Period::Fraction(_) | Period::Rest, None) => CountedPeriod::Epochs(f64::INFINITY),
        }
    }

    /// A period between two rules: there, epochs are counted as such.
    pub(crate) fn count_moment(&self, period: Period, since: Time) -> CountedPeriod {
        match period {
            Period::Epochs(epochs) => CountedPeriod::Epochs(epochs),
            _ => self.count(period, since),
        }
    }

    fn epochs(&self, epochs: f64) -> CountedPeriod {
        match self.steps_per_epoch {
            Some(steps) => CountedPeriod::Scaled(round(epochs * float(steps))),
            None => CountedPeriod::Epochs(whole_if_near(epochs)),
        }
    }
}

/// A part of a length: 7 % of 100 epochs are 7, though the product of the floats is a little more.
pub(crate) fn part_of(length: u64, fraction: f64) -> f64 {
    whole_if_near(fraction * float(length))
}

/// Rounds a value that is within rounding errors of a whole number.
fn whole_if_near(value: f64) -> f64 {
    let whole = value.round();
    if (value - whole).abs() <= 1e-12 * whole { whole } else { value }
}

/// To the nearest whole number from 0.
pub(crate) fn round(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast keeps within the bounds of the integer"
    )]
    let whole = value.round() as u64;
    whole
}

#[expect(clippy::cast_precision_loss, reason = "moments are below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
