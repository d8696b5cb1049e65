//! When a rule can fire at the earliest, so that most steps look at no rule, and simulations pass over them.

use crate::ir::{Period, TriggerMoment};
use crate::time::{CountedPeriod, Lengths, Time, round};

/// The earliest moment at which some rule can fire that waits for no metric. It may be too early,
/// never too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wake {
    epochs: u64,
    steps: u64,
    scaled: u64,
}

impl Wake {
    pub(super) const NEVER: Self = Self { epochs: u64::MAX, steps: u64::MAX, scaled: u64::MAX };

    /// Whether this moment has come.
    pub(super) const fn has_come(&self, now: Time) -> bool {
        now.epochs >= self.epochs || now.steps >= self.steps || now.scaled() >= self.scaled
    }

    /// How many steps can be made before it comes, within an epoch.
    pub(super) fn steps_before(&self, now: Time) -> u64 {
        let steps = self.steps.saturating_sub(now.steps);
        steps.min(self.scaled.saturating_sub(now.scaled())).saturating_sub(1)
    }

    /// How many epochs can start before it comes, if it counts epochs.
    pub(super) const fn epochs_before(&self, now: Time) -> u64 {
        self.epochs.saturating_sub(now.epochs).saturating_sub(1)
    }

    /// Adds a moment of a rule that waits since `since`.
    pub(super) fn add(&mut self, moment: &TriggerMoment, since: Time, lengths: &Lengths) {
        match moment {
            TriggerMoment::Epoch(at) => self.epochs = self.epochs.min(*at),
            TriggerMoment::Step(at) => self.steps = self.steps.min(*at),
            TriggerMoment::At(part) => {
                let start = Time::default();
                self.add_end(lengths.count(Period::Fraction(*part), start), start);
            }
            TriggerMoment::After(period) | TriggerMoment::Every(period) => {
                self.add_end(lengths.count_moment(*period, since), since);
            }
            TriggerMoment::When(_) | TriggerMoment::Whenever(_) => {}
        }
    }

    /// Adds the end of a period that began at `since`.
    pub(super) fn add_end(&mut self, period: CountedPeriod, since: Time) {
        match period {
            CountedPeriod::Epochs(length) => {
                let end = since.epochs.saturating_add(round(length.floor()));
                self.epochs = self.epochs.min(end);
            }
            CountedPeriod::Steps(length) => {
                self.steps = self.steps.min(since.steps.saturating_add(length));
            }
            CountedPeriod::Scaled(length) => {
                self.scaled = self.scaled.min(since.scaled().saturating_add(length));
            }
        }
    }
}
