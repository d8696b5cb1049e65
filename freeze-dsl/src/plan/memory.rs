//! The memory of optimizer state after a rule.

use std::collections::HashMap;

use super::{BoundPolicy, State};
use crate::index::{SliceId, SliceSet};
use crate::model::{Model, element_bytes};

/// The sizes of the elements of a model's parameters.
pub(super) struct OptimizerMemory<'p> {
    bound: &'p BoundPolicy,
    /// The bytes of an element of each parameter.
    element_bytes: Vec<usize>,
}

impl<'p> OptimizerMemory<'p> {
    pub(super) fn new(bound: &'p BoundPolicy, model: &Model) -> Self {
        let dtypes: HashMap<&str, &str> = model
            .tensors()
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor.dtype.as_str()))
            .collect();
        let parameters = model.parameters().iter();
        let bytes =
            parameters.map(|it| dtypes.get(it.name.as_str()).map_or(4, |it| element_bytes(it)));
        Self { bound, element_bytes: bytes.collect() }
    }

    /// The bytes of the optimizer state of these slices where each of them has stepped; `None` where
    /// the program decides about an optimizer.
    pub(super) fn bytes(&self, state: &State, slices: &SliceSet) -> Option<usize> {
        self.bound
            .training(slices)
            .try_fold(0_usize, |all, slice| Some(all.saturating_add(self.bytes_of(state, slice)?)))
    }

    fn bytes_of(&self, state: &State, slice: SliceId) -> Option<usize> {
        let optimizer = state.options(slice)?.optimizer?;
        let of = self.bound.slice(slice)?;
        let mut shape = self.bound.shape(slice).to_vec();
        if let (Some(rows), Some(first)) = (&of.rows, shape.first_mut()) {
            *first = rows.len();
        }
        let bytes = self.element_bytes.get(of.parameter.index())?;
        Some(optimizer.state_bytes(&shape, *bytes))
    }
}
