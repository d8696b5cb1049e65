//! The groups of slices that train with the same options at a moment.

use std::collections::HashMap;

use super::{Clock, Transition};
use crate::index::{CurveId, RuleId, SequenceId, SliceId, ids};
use crate::ir::{LoweredRule, Optimizer};
use crate::plan::SliceOptions;
use crate::source::Span;

/// Slices that train with the same options at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceGroup {
    /// The slices, in the model's order.
    pub slices: Vec<SliceId>,
    /// Their learning rate; `None` if neither the policy nor the program sets one.
    pub lr: Option<f64>,
    /// Their weight decay; `None` if neither sets one or an optimizer.
    pub weight_decay: Option<f64>,
    /// How strongly each step pulls them toward the values that they had when training began; 0
    /// for not at all.
    pub anchor: f64,
    /// Their optimizer, with the numbers in force; `None` if neither sets one.
    pub optimizer: Option<Optimizer>,
}

impl SliceGroup {
    /// What groups with the same options have in common, without their optimizers.
    fn key(&self) -> (Option<u64>, Option<u64>, u64) {
        let bits = |value: Option<f64>| value.map(|value| (value + 0.0).to_bits());
        (bits(self.lr), bits(self.weight_decay), (self.anchor + 0.0).to_bits())
    }
}

impl Clock {
    /// Computes the groups from the options, and which statistics are live.
    pub(super) fn regroup(&mut self) {
        let values = self.values_now();
        self.regroup_by(&values);
    }

    /// The values of the running curves.
    fn values_now(&self) -> Vec<f64> {
        let running = self.state.running.iter();
        running.map(|running| running.value(self.time, &self.lengths)).collect()
    }

    /// The highest values that the running curves ever have.
    fn highest_values(&self) -> Vec<f64> {
        let running = self.state.running.iter();
        running.map(|running| running.curve().ends().fold(0.0, f64::max)).collect()
    }

    /// The same where the running curves have these values.
    fn regroup_by(&mut self, values: &[f64]) {
        let bound = self.plan.bound();
        self.moves = self.state.running.iter().any(|running| running.curve().constant().is_none());
        let mut groups: Vec<SliceGroup> = Vec::new();
        // There may be as many options and groups as slices: no slice is compared to all of them.
        let mut known: HashMap<_, Vec<(SliceOptions, usize)>> = HashMap::new();
        let mut alike: HashMap<_, Vec<usize>> = HashMap::new();
        for slice in bound.training(&self.state.trains) {
            let Some(options) = self.state.options(slice) else { continue };
            let key = (options.lr, options.lr_factor.to_bits(), options.weight_decay);
            let same = known.entry((key, options.anchor.to_bits())).or_default();
            let place = same.iter().rev().find(|(of, _)| of == options).map(|(_, place)| *place);
            let place = place.unwrap_or_else(|| {
                let group = self.group_of(options, values);
                let alike = alike.entry(group.key()).or_default();
                let has_same = |place: &usize| {
                    let known = groups.get(*place);
                    known.is_some_and(|known| known.optimizer == group.optimizer)
                };
                let known = alike.iter().copied().find(has_same);
                let place = known.unwrap_or(groups.len());
                if known.is_none() {
                    alike.push(place);
                    groups.push(group);
                }
                same.push((*options, place));
                place
            });
            if let Some(group) = groups.get_mut(place) {
                group.slices.push(slice);
            }
        }
        self.groups = groups;
        for (id, deciding) in ids(0..bound.deciding.len()).zip(&bound.deciding) {
            self.live.set(id, !self.stopped && self.state.is_live(id, deciding));
        }
    }

    /// A group without slices, of these options where curves have these values.
    fn group_of(&self, options: &SliceOptions, values: &[f64]) -> SliceGroup {
        let value = |curve: Option<CurveId>| values.get(curve?.index()).copied();
        let lr = value(options.lr).or(self.program.lr);
        let mut optimizer = self.program.optimizer_or(options.optimizer);
        for (index, curve) in options.arguments.iter().enumerate() {
            if let Some(value) = value(*curve) {
                optimizer = optimizer.map(|optimizer| optimizer.with_number(index, value));
            }
        }
        let decay = value(options.weight_decay);
        SliceGroup {
            slices: Vec::new(),
            lr: lr.map(|lr| (lr * options.lr_factor).min(f64::MAX)),
            weight_decay: self.program.weight_decay_or(decay, options.optimizer),
            anchor: options.anchor,
            optimizer,
        }
    }

    /// The groups of each sequence's own slices before its first rule, if any step is made by then,
    /// and after each of its rules, with the place for a finding.
    pub(crate) fn phases(&self) -> Vec<(Span, Vec<SliceGroup>)> {
        self.phases_by(Self::values_now)
    }

    /// The same with the highest values that curves ever have.
    pub(crate) fn phases_at_highest(&self) -> Vec<(Span, Vec<SliceGroup>)> {
        self.phases_by(Self::highest_values)
    }

    fn phases_by(&self, values: fn(&Self) -> Vec<f64>) -> Vec<(Span, Vec<SliceGroup>)> {
        let bound = self.plan.bound();
        let mut phases = Vec::new();
        for (id, of) in bound.sequence_ids().zip(&bound.sequences) {
            let mut clock = self.clone();
            clock.fire_at_once_elsewhere(id);
            let at_first = values(&clock);
            clock.regroup_by(&at_first);
            let own = |clock: &Self| {
                let Some(owned) = &of.owned else { return clock.groups.clone() };
                let mut groups = clock.groups.clone();
                for group in &mut groups {
                    group.slices.retain(|slice| owned.contains(*slice));
                }
                groups.retain(|group| !group.slices.is_empty());
                groups
            };
            for index in of.rules.clone() {
                let Some(rule) = bound.rules.get(index) else { continue };
                if index == of.rules.start && !rule.fires_at_once() {
                    phases.push((rule.trigger.span, own(&clock)));
                }
                clock.fire(id, RuleId::new(index), &mut Transition::default());
                let then = values(&clock);
                clock.regroup_by(&then);
                let next = bound.rules.get(index + 1).filter(|_| index + 1 < of.rules.end);
                if !next.is_some_and(|next| next.fires_with(rule)) {
                    phases.push((rule.span, own(&clock)));
                }
            }
        }
        phases
    }

    /// Fires what tracks without a scope do at the start, which reaches every parameter.
    fn fire_at_once_elsewhere(&mut self, than: SequenceId) {
        let plan = self.plan.clone();
        let bound = plan.bound();
        for (id, of) in bound.sequence_ids().zip(&bound.sequences) {
            if !of.is_ownerless || id == than {
                continue;
            }
            let at_once = of.rules.clone().take_while(|index| {
                bound.rules.get(*index).is_some_and(LoweredRule::fires_at_once)
            });
            for index in at_once {
                self.fire(id, RuleId::new(index), &mut Transition::default());
            }
        }
    }
}
