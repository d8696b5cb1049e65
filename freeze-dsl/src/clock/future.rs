//! What of a clock decides about its future.

use super::Clock;
use crate::index::{CurveId, SliceId};
use crate::ir::Optimizer;
use crate::time::Time;

impl Clock {
    /// Numbers that are equal for two clocks of one plan only if both treat these slices alike from now
    /// on, whatever metrics decide; nothing may have been observed.
    pub(crate) fn future(&self, slices: &[SliceId]) -> Vec<u64> {
        let mut key = vec![u64::from(self.stopped)];
        let time = |key: &mut Vec<u64>, at: Time| key.extend([at.epochs, at.steps]);
        time(&mut key, self.time);
        for progress in &self.progress {
            key.extend([progress.next as u64, progress.rounds.min(1)]);
            time(&mut key, progress.previous);
            time(&mut key, progress.recurred);
        }
        for (rule, firings) in self.plan.bound().rules.iter().zip(&self.firings) {
            // What a firing draws depends on how many there were before it, and so does the number of the
            // moment for which a rule waits.
            let mut targets = rule.actions.iter().filter_map(|action| action.value.targets());
            let mut moments = rule.trigger.iter();
            if targets.any(|targets| targets.value.draws())
                || moments.any(|moment| !moment.value.conditions().is_empty())
            {
                key.push(*firings);
            }
        }
        for slice in slices {
            let Some(options) = self.state.options(*slice) else { continue };
            key.extend([u64::from(self.trains(*slice)), options.lr_factor.to_bits()]);
            self.add_curve(&mut key, options.lr);
            self.add_curve(&mut key, options.weight_decay);
            let name = options.optimizer.map(|optimizer| optimizer.name());
            let kind = Optimizer::ALL.iter().position(|known| Some(known.name()) == name);
            key.push(kind.map_or(0, |kind| kind as u64 + 1));
        }
        key
    }

    /// Adds what decides about the values of a curve from now on.
    fn add_curve(&self, key: &mut Vec<u64>, curve: Option<CurveId>) {
        let Some(running) = self.state.curve_at(curve) else { return key.push(0) };
        let curve = running.curve();
        let is_over = !curve.then_freeze && running.is_over(self.time, &self.lengths);
        if is_over || curve.constant().is_some() {
            key.extend([1, running.value(self.time, &self.lengths).to_bits()]);
        } else {
            let at = running.at;
            let (piece, address) = (at.piece as u64, running.address() as u64);
            key.extend([2, address, piece, u64::from(at.has_frozen)]);
            key.extend([at.since.epochs, at.since.steps]);
        }
    }
}
