//! Divides the optimizer state among the ranks of a group.

use super::Tuner;
use super::masters::{is_half, mark};
use super::param_views::ParamSlices;
use crate::Group;
use freeze_dsl::plan::SliceId;

/// Which rank steps each parameter and has its optimizer state, as in stage 1 of [ZeRO].
///
/// A parameter has an owner from when it starts to train until it is frozen without its state, so that no
/// state ever moves. All ranks find the same owners.
///
/// [ZeRO]: https://arxiv.org/abs/1910.02054
#[derive(Debug)]
pub(super) struct Shards {
    rank: usize,
    size: usize,
    /// An entry for each parameter.
    owners: Vec<Option<usize>>,
    /// Whether a slice trains or keeps its state.
    is_held: Vec<bool>,
}

/// What a slice takes of its owner's memory: bytes of state, then bytes that step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    state: usize,
    values: usize,
}

impl Cost {
    const fn and(self, other: Self) -> Self {
        Self {
            state: self.state.saturating_add(other.state),
            values: self.values.saturating_add(other.values),
        }
    }
}

impl Shards {
    /// Nothing trains yet.
    pub(super) fn new(group: &Group, slices: &ParamSlices) -> Self {
        Self {
            rank: group.rank(),
            size: group.size(),
            owners: vec![None; slices.parameters().len()],
            is_held: vec![false; slices.count()],
        }
    }

    fn owner(&self, parameter: usize) -> Option<usize> {
        self.owners.get(parameter).copied().flatten()
    }

    /// Finds owners for the parameters that have none, with so many bytes of slices that are held: the
    /// largest first, each for the rank that has least.
    fn assign(&mut self, costs: &[Option<Cost>]) {
        let mut loads = vec![Cost::default(); self.size];
        let mut new = Vec::new();
        for (parameter, (owner, cost)) in self.owners.iter_mut().zip(costs).enumerate() {
            let Some(cost) = *cost else {
                *owner = None;
                continue;
            };
            match owner.and_then(|owner| loads.get_mut(owner)) {
                Some(load) => *load = load.and(cost),
                None => new.push((cost, parameter)),
            }
        }
        new.sort_by_key(|(cost, parameter)| (std::cmp::Reverse(*cost), *parameter));
        for (cost, parameter) in new {
            let least = (0..self.size).min_by_key(|rank| loads.get(*rank).copied());
            if let Some(load) = least.and_then(|rank| loads.get_mut(rank)) {
                *load = load.and(cost);
            }
            if let Some(owner) = self.owners.get_mut(parameter) {
                *owner = least;
            }
        }
    }
}

impl Tuner {
    /// Whether this rank steps a slice; all of them, unless the ranks divide the optimizer state.
    pub(super) fn owns(&self, slice: SliceId) -> bool {
        self.shards.as_ref().is_none_or(|shards| self.owner(slice) == Some(shards.rank))
    }

    /// Whether this rank steps each slice.
    pub(super) fn own_slices(&self) -> Vec<bool> {
        self.plan().slice_ids().map(|slice| self.owns(slice)).collect()
    }

    /// The rank that steps a slice, where the ranks divide the optimizer state.
    pub(super) fn owner(&self, slice: SliceId) -> Option<usize> {
        let parameter = self.plan().slices().get(slice.index())?.parameter;
        self.shards.as_ref()?.owner(parameter.index())
    }

    /// Divides what trains now among the ranks, after a transition that has dropped the state of these
    /// slices.
    pub(super) fn divide(&mut self, dropped: &[SliceId]) {
        let Some(mut shards) = self.shards.take() else { return };
        for slice in dropped {
            if let Some(is_held) = shards.is_held.get_mut(slice.index()) {
                *is_held = false;
            }
        }
        mark(&mut shards.is_held, self.clock.trainable());
        shards.assign(&self.costs(&shards.is_held));
        self.shards = Some(shards);
    }

    /// Divides the state of a checkpoint, of which this rank has all, and keeps its own part.
    pub(super) fn divide_anew(&mut self) {
        let Some(shards) = &mut self.shards else { return };
        shards.owners.fill(None);
        shards.is_held = self.states.iter().map(Option::is_some).collect();
        mark(&mut shards.is_held, self.masters.all().map(|(slice, _)| slice));
        self.divide(&[]);
        let is_own = self.own_slices();
        for (state, is_own) in self.states.iter_mut().zip(&is_own) {
            state.take_if(|_| !is_own);
        }
        self.masters.keep(&is_own);
    }

    /// The cost of each parameter of which a slice is held. State that a frozen slice keeps is not counted.
    fn costs(&self, is_held: &[bool]) -> Vec<Option<Cost>> {
        let plan = self.plan();
        let mut optimizers = vec![None; is_held.len()];
        for group in self.clock.groups() {
            for slice in &group.slices {
                if let Some(optimizer) = optimizers.get_mut(slice.index()) {
                    *optimizer = group.optimizer;
                }
            }
        }
        let mut costs: Vec<Option<Cost>> = vec![None; self.slices.parameters().len()];
        let all = plan.slice_ids().zip(plan.slices()).zip(is_held).zip(optimizers);
        for (((slice, known), _), optimizer) in all.filter(|((_, is_held), _)| **is_held) {
            let index = known.parameter.index();
            let Some(parameter) = self.slices.parameters().get(index) else { continue };
            let shape = self.slices.shape(slice);
            let elements = shape.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
            let has_master = self.masters.are_used() && is_half(parameter.kind());
            let width = if has_master { 4 } else { parameter.kind().elt_size_in_bytes() };
            let values = elements.saturating_mul(width);
            let state = optimizer.map_or(0, |optimizer| optimizer.state_bytes(&shape, width));
            let master = if has_master { values } else { 0 };
            let cost = Cost { state: state.saturating_add(master), values };
            if let Some(of) = costs.get_mut(index) {
                *of = Some(of.unwrap_or_default().and(cost));
            }
        }
        costs
    }
}
