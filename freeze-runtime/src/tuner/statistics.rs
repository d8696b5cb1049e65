//! Running statistics: those of frozen modules stand still.

use freeze_dsl::clock::Clock;
use tch::{TchError, Tensor};

use crate::ffi;
use crate::model::Bound;

/// The running statistics of a model.
///
/// A training forward pass moves them whatever is frozen, so those that are held are kept as
/// copies and put back after it.
pub(super) struct Statistics {
    modules: Vec<Module>,
}

/// The statistics of one module.
struct Module {
    buffers: Vec<Tensor>,
    /// Their values since they are held; empty where they follow the data.
    held: Vec<Tensor>,
}

impl Statistics {
    pub(super) fn of(bound: &Bound) -> Self {
        let modules = bound.model.normalisations().iter().map(|module| Module {
            buffers: module
                .buffers
                .iter()
                .filter_map(|index| bound.tensors.get(*index))
                .map(Tensor::shallow_clone)
                .collect(),
            held: Vec::new(),
        });
        Self { modules: modules.collect() }
    }

    /// Begins to hold the statistics that the clock says stand still, and lets go of the others.
    pub(super) fn hold_or_free(&mut self, clock: &Clock) -> Result<(), TchError> {
        for (index, module) in self.modules.iter_mut().enumerate() {
            if clock.is_live(index) {
                module.held.clear();
            } else if module.held.is_empty() {
                module.held =
                    tch::no_grad(|| module.buffers.iter().map(copy).collect::<Result<_, _>>())?;
            }
        }
        Ok(())
    }

    /// Holds what is held at other values from now on: those that the statistics have now.
    pub(super) fn release(&mut self) {
        for module in &mut self.modules {
            module.held.clear();
        }
    }

    /// Gives held statistics the values that they are held at.
    pub(super) fn put_back(&self) -> Result<(), TchError> {
        let held = || self.modules.iter().filter(|module| !module.held.is_empty());
        ffi::put_back(
            &held().flat_map(|module| &module.buffers).collect(),
            &held().flat_map(|module| &module.held).collect(),
        )
    }
}

/// A copy in memory of its own.
pub(super) fn copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
