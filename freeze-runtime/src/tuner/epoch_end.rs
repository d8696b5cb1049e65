//! What shows only when an epoch has ended: findings about the program.

use freeze_dsl::diagnostic::Diagnostic;

use super::Tuner;
use crate::log::EpochFinding;

impl Tuner {
    /// The findings about the epoch that ends now, but those that were reported before.
    pub(super) fn epoch_findings(&self) -> Vec<(EpochFinding, Diagnostic)> {
        let Some(epoch) = self.epochs_started().checked_sub(1).filter(|_| !self.is_stopped())
        else {
            return Vec::new();
        };
        let plan = self.plan();
        let known = &self.log.epoch;
        let observed: Vec<&str> = self.clock.observed_metrics().collect();
        let missing = self.clock.awaited_metrics().filter(|metric| !known.has_metric(metric));
        let missing = missing.map(|metric| {
            let finding = EpochFinding::Unobserved(metric.to_owned());
            (finding, plan.unobserved_metric(metric, &observed))
        });
        // Where the run resumed with another number in the middle of the epoch, none is right.
        let announced = self.clock.program().steps_per_epoch;
        let steps = announced.zip(known.steps_since_start(self.global_step(), announced));
        let steps = steps.filter(|(announced, made)| announced != made).map(|(announced, made)| {
            (EpochFinding::Steps, plan.steps_differ(epoch, announced, made))
        });
        let left_over = self
            .is_accumulating
            .then(|| (EpochFinding::Accumulation, plan.accumulation_left_over(epoch)));
        let all = missing.chain(steps).chain(left_over);
        all.filter(|(finding, shown)| !known.is_reported(finding) && !plan.allows(shown)).collect()
    }
}
