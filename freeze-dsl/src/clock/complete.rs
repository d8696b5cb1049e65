//! Checks that policy and program together give everything that a step needs.

use fixedbitset::FixedBitSet;

use super::{Change, Clock, Group};
use crate::diagnostic::{Code, Diagnostic, Findings};
use crate::plan::fires_together;
use crate::rule::Moment;
use crate::source::Span;

impl Clock {
    /// Checks that everything that ever trains has a learning rate.
    ///
    /// # Errors
    /// The rules from which on something trains without one.
    pub fn check(&self) -> Result<(), Findings> {
        let parts = self.plan.parts();
        let mut told = FixedBitSet::with_capacity(parts.len());
        let mut found = Vec::new();
        for (place, groups) in self.phases() {
            let without: Vec<usize> = groups
                .iter()
                .filter(|group| group.lr.is_none())
                .flat_map(|group| group.parts.iter().copied())
                .filter(|part| !told.put(*part))
                .collect();
            let Some(first) = without.first() else { continue };
            let more = match without.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            found.push(
                Diagnostic::new(
                    Code::MissingLearningRate,
                    place,
                    format!(
                        "`{}`{more} would train without a learning rate",
                        self.plan.part_name(*first)
                    ),
                )
                .label("nothing gives one here")
                .note("write `lr` behind the targets or in `default`, or give the program's own"),
            );
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(Findings::new(self.plan.policy().source().clone(), found))
        }
    }

    /// Whether everything that ever trains has an optimizer.
    #[must_use]
    pub fn has_optimizer(&self) -> bool {
        self.phases().iter().all(|(_, groups)| groups.iter().all(|group| group.optimizer.is_some()))
    }

    /// The groups before the first rule, if anything trains by then, and after each rule, with
    /// the place to speak of.
    fn phases(&self) -> Vec<(Span, Vec<Group>)> {
        let mut clock = self.clone();
        let mut phases = Vec::new();
        let waits = |moment: &Moment| !matches!(moment, Moment::Epoch(0) | Moment::Step(0));
        for (index, rule) in self.plan.bound().rules.iter().enumerate() {
            if index == 0 && rule.trigger.iter().all(|moment| waits(&moment.value)) {
                phases.push((rule.trigger.span, clock.groups.clone()));
            }
            clock.fire(index, &mut Change::default());
            clock.regroup();
            let next = self.plan.bound().rules.get(index + 1);
            if !next.is_some_and(|next| fires_together(rule, next)) {
                phases.push((rule.span, clock.groups.clone()));
            }
        }
        phases
    }
}
