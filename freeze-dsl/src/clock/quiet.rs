//! How long nothing happens, so that a simulation need not look at each step.

use super::Clock;
use super::wake::Wake;

impl Clock {
    /// How many steps of this epoch fire no rule and end no piece of a curve, if no metric is observed.
    pub(crate) fn quiet_steps(&self) -> u64 {
        self.next_event().map_or(0, |event| event.steps_before(self.time))
    }

    /// The same for whole epochs of so many steps.
    pub(crate) fn quiet_epochs(&self, steps: u64) -> u64 {
        let Some(event) = self.next_event() else { return 0 };
        let by_steps = event.steps_before(self.time).checked_div(steps).unwrap_or(u64::MAX);
        event.epochs_before(self.time).min(by_steps)
    }

    /// Counts epochs and steps in which nothing happens: as many starts of epochs and ends of steps would
    /// do the same.
    pub(crate) fn pass_over(&mut self, epochs: u64, steps: u64) {
        self.time = self.time.with(self.time.epochs + epochs, self.time.steps + steps);
        if epochs > 0 {
            self.epoch_began += steps;
        }
    }

    /// When something can happen at the earliest; `None` where that may be at the next look.
    fn next_event(&self) -> Option<Wake> {
        if self.stopped || self.metrics.is_fresh() || self.wake.has_come(self.time) {
            return None;
        }
        let mut event = self.wake;
        for running in &self.state.running {
            if let Some(length) = running.rest(self.time, &self.lengths) {
                event.add_end(length, running.at.since);
            }
        }
        (!event.has_come(self.time)).then_some(event)
    }
}
