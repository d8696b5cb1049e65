//! The groups of slices that train with the same options at a moment.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Clock, Transition};
use crate::index::{CurveId, RuleId, SequenceId, SliceId, SliceSet, ids};
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

/// What a sequence owns, before its first rule or after one of its rules.
pub(crate) struct SequencePhase<'c> {
    clock: &'c Clock,
    owned: Option<&'c SliceSet>,
    /// The place for a finding.
    pub(crate) place: Span,
}

impl SequencePhase<'_> {
    /// The slices that train, with their options.
    pub(crate) fn trained(&self) -> impl Iterator<Item = (SliceId, &SliceOptions)> {
        let state = &self.clock.state;
        let is_own = |slice: &SliceId| self.owned.is_none_or(|owned| owned.contains(*slice));
        let trained = self.clock.plan.bound().training(&state.trains).filter(is_own);
        trained.filter_map(|slice| Some((slice, state.options(slice)?)))
    }

    /// The slices that train, each with what its group has in common where every running curve is at
    /// the highest value that it ever has.
    pub(crate) fn at_highest(&self) -> impl Iterator<Item = (SliceId, SliceGroup)> {
        let running = self.clock.state.running.iter();
        let values: Vec<f64> =
            running.map(|running| running.curve().ends().fold(0.0, f64::max)).collect();
        self.trained().map(move |(slice, options)| (slice, self.clock.group_of(options, &values)))
    }
}

impl Clock {
    /// Computes the groups from the options, and which statistics are live.
    pub(super) fn regroup(&mut self) {
        let running = self.state.running.iter();
        let values: Vec<f64> =
            running.map(|running| running.value(self.time, &self.lengths)).collect();
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
                let group = self.group_of(options, &values);
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

    /// What each of some slices trains with now, as a group of its own; `None` for a frozen one.
    pub(crate) fn groups_of(&self, slices: &[SliceId]) -> Vec<Option<SliceGroup>> {
        let running = self.state.running.iter();
        let values: Vec<f64> =
            running.map(|running| running.value(self.time, &self.lengths)).collect();
        let group = |slice: &SliceId| {
            let options = self.state.options(*slice).filter(|_| self.trains(*slice))?;
            Some(self.group_of(options, &values))
        };
        slices.iter().map(group).collect()
    }

    /// Whether a number of a group may be another one at the next look, though no rule fires.
    pub(crate) const fn moves(&self) -> bool {
        self.moves
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

    /// Calls `look` with each sequence before its first rule, if any step is made by then, and after
    /// each of its rules.
    pub(crate) fn each_phase(&self, mut look: impl FnMut(SequencePhase<'_>)) {
        let bound = self.plan.bound();
        for (id, of) in bound.sequence_ids().zip(&bound.sequences) {
            let mut clock = self.clone();
            clock.fire_at_once_elsewhere(|other| other < id);
            let owned = of.owned.as_ref();
            let mut has_begun = false;
            for index in of.rules.clone() {
                let Some(rule) = bound.rules.get(index) else { continue };
                // A look goes through the sequences in their order.
                if !has_begun && !rule.fires_at_once() {
                    has_begun = true;
                    clock.fire_at_once_elsewhere(|other| other > id);
                    if index == of.rules.start {
                        look(SequencePhase { clock: &clock, owned, place: rule.trigger.span });
                    }
                }
                clock.fire(id, RuleId::new(index), &mut Transition::default());
                let next = bound.rules.get(index + 1).filter(|_| index + 1 < of.rules.end);
                if next.is_some_and(|next| next.fires_with(rule)) {
                    continue;
                }
                if !has_begun {
                    has_begun = true;
                    clock.fire_at_once_elsewhere(|other| other > id);
                }
                look(SequencePhase { clock: &clock, owned, place: rule.span });
            }
        }
    }

    /// Fires what other tracks without a scope do at the start, which reaches every parameter.
    fn fire_at_once_elsewhere(&mut self, is_meant: impl Fn(SequenceId) -> bool) {
        let plan = Arc::clone(&self.plan);
        let bound = plan.bound();
        for (id, of) in bound.sequence_ids().zip(&bound.sequences) {
            if !of.is_ownerless || !is_meant(id) {
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
