//! Running statistics: those of frozen modules stand still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use freeze_dsl::clock::Clock;
use tch::{TchError, Tensor};

use crate::model::Bound;
use crate::{ffi, nn};

/// The running statistics of a model.
///
/// A training forward pass moves them whatever is frozen, so those that are held are kept as
/// copies and put back after it. A norm of [`crate::nn`] does not move them; their copies are put
/// back all the same, since anything else in the program may.
pub(super) struct Statistics {
    modules: Vec<Module>,
}

/// The statistics of one module.
struct Module {
    buffers: Vec<Tensor>,
    /// Their values since they are held; empty where they follow the data.
    held: Vec<Tensor>,
    /// Whether they are held, for a norm of [`crate::nn`] to read.
    is_held: Arc<AtomicBool>,
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
            is_held: Arc::default(),
        });
        Self { modules: modules.collect() }
    }

    /// Takes charge of the model's norms, from whichever tuner had it: they go by what this one
    /// says, for as long as it lives.
    pub(super) fn take_charge(&self) -> Result<(), TchError> {
        self.modules.iter().try_for_each(|module| nn::follow(&module.buffers, &module.is_held))
    }

    /// Begins to hold the statistics that the clock says stand still, and lets go of the others.
    pub(super) fn hold_or_free(&mut self, clock: &Clock) -> Result<(), TchError> {
        for (index, module) in self.modules.iter_mut().enumerate() {
            let is_live = clock.is_live(index);
            module.is_held.store(!is_live, Ordering::Relaxed);
            if is_live {
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
fn copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
