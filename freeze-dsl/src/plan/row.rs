//! The rows of a plan.

use super::{AppliedRule, BoundPolicy, Row};
use crate::index::{RuleId, SliceSet};
use crate::ir::LoweredRule;

/// Builds the rows of a plan, one rule after another.
pub(crate) struct RowBuilder<'b> {
    bound: &'b BoundPolicy,
    rows: Vec<Row>,
    /// The last set that was counted: many rules leave the trainable parameters as they are.
    counted: SliceSet,
    trainable: usize,
    trainable_elements: usize,
}

impl<'b> RowBuilder<'b> {
    pub(crate) fn new(bound: &'b BoundPolicy) -> Self {
        Self {
            bound,
            rows: Vec::with_capacity(bound.rules.len()),
            counted: SliceSet::new(),
            trainable: 0,
            trainable_elements: 0,
        }
    }

    /// Adds the row of the next rule.
    pub(crate) fn add(&mut self, rule: &LoweredRule, applied: &AppliedRule<'_>) {
        let sequence = self.bound.sequence_of(RuleId::new(self.rows.len()));
        let Some(of) = self.bound.sequence(sequence) else { return };
        let trains = of.part_of(&applied.after.trains);
        if self.counted != trains {
            self.trainable = self.bound.trainable(&trains);
            self.trainable_elements = self.bound.elements(&trains);
            self.counted = trains;
        }
        let mut targets = rule.actions.iter().filter_map(|action| action.value.targets());
        self.rows.push(Row {
            rule: rule.name.clone(),
            track: of.name.clone(),
            trainable: self.trainable,
            trainable_elements: self.trainable_elements,
            stops: rule.stops(),
            changes: targets.any(|targets| targets.value.changes()),
        });
    }

    pub(crate) fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}
