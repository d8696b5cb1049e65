//! Checks that policy and program together set every option that a step requires.

use crate::clock::Clock;
use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::index::{SliceId, SliceSet};

impl Clock {
    /// Checks that every parameter has a learning rate whenever it trains.
    ///
    /// # Errors
    /// The rules after which a parameter trains without one.
    pub fn check(&self) -> Result<(), Findings> {
        if self.program().lr.is_some() {
            return Ok(());
        }
        let mut reported = SliceSet::with_capacity(self.plan().slices().len());
        let mut found = Vec::new();
        self.each_phase(|phase| {
            let without: Vec<SliceId> = phase
                .trained()
                .filter(|(_, options)| options.lr.is_none())
                .map(|(slice, _)| slice)
                .filter(|slice| !reported.put(*slice))
                .collect();
            let Some(first) = without.first() else { return };
            let more = match without.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            found.push(
                Diagnostic::new(
                    Code::MissingLearningRate,
                    phase.place,
                    format!(
                        "`{}`{more} would train without a learning rate",
                        self.plan().slice_name(*first)
                    ),
                )
                .label("nothing sets one here")
                .note("write `lr` after the targets or in `default`, or set it in the program"),
            );
        });
        if found.is_empty() {
            Ok(())
        } else {
            Err(Findings::new(self.plan().policy().source().clone(), found))
        }
    }

    /// Whether every parameter has an optimizer whenever it trains.
    #[must_use]
    pub fn has_optimizer(&self) -> bool {
        let mut has_all = true;
        if self.program().optimizer.is_none() {
            self.each_phase(|phase| {
                has_all &= phase.trained().all(|(_, options)| options.optimizer.is_some());
            });
        }
        has_all
    }
}
