//! The running statistics of frozen modules keep their values.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use freeze_dsl::clock::Clock;
use freeze_dsl::model::NormalisationId;
use tch::{TchError, Tensor};

use crate::store::BoundModel;
use crate::{ffi, nn};

/// The running statistics of a model.
///
/// A training forward pass updates them whatever is frozen, so frozen ones are copied and restored
/// after it. A norm of [`crate::nn`] does not update them; they are restored all the same, since
/// other code of the program may.
pub(super) struct FrozenStats {
    modules: Vec<ModuleStats>,
}

/// The statistics of one module.
struct ModuleStats {
    name: String,
    buffers: Vec<Tensor>,
    /// Their values since they are frozen; empty while they follow the data.
    copies: Vec<Tensor>,
    /// Whether they are frozen; a norm of [`crate::nn`] reads it.
    is_frozen: Arc<AtomicBool>,
}

impl FrozenStats {
    pub(super) fn of(bound: &BoundModel) -> Self {
        let modules = bound.model.normalisations().iter().map(|module| ModuleStats {
            name: module.module.clone(),
            buffers: module
                .buffers
                .iter()
                .filter_map(|id| bound.tensors.get(id.index()))
                .map(Tensor::shallow_clone)
                .collect(),
            copies: Vec::new(),
            is_frozen: Arc::default(),
        });
        Self { modules: modules.collect() }
    }

    /// Makes the model's norms follow this tuner, for as long as it lives.
    pub(super) fn take_charge(&self) -> Result<(), TchError> {
        self.modules.iter().try_for_each(|module| nn::follow(&module.buffers, &module.is_frozen))
    }

    /// The modules whose statistics [`FrozenStats::update`] will freeze, or else unfreeze.
    pub(super) fn changing(&self, clock: &Clock, to_frozen: bool) -> Vec<String> {
        let modules = self.modules.iter().enumerate();
        let changing = modules.filter(|(index, module)| {
            let is_frozen = module.is_frozen.load(Ordering::Relaxed);
            is_frozen == clock.is_live(NormalisationId::new(*index)) && is_frozen != to_frozen
        });
        changing.map(|(_, module)| module.name.clone()).collect()
    }

    /// Freezes the statistics that the clock says are not live, and unfreezes the others.
    pub(super) fn update(&mut self, clock: &Clock) -> Result<(), TchError> {
        for (index, module) in self.modules.iter_mut().enumerate() {
            let is_live = clock.is_live(NormalisationId::new(index));
            if is_live {
                module.release()?;
            } else if module.copies.is_empty() {
                module.hold()?;
            }
            // Frozen only once there are copies to restore.
            module.is_frozen.store(!is_live, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Drops the copies: the next [`FrozenStats::update`] takes the values of that moment.
    pub(super) fn drop_copies(&mut self) -> Result<(), TchError> {
        self.modules.iter_mut().try_for_each(ModuleStats::release)
    }

    /// The same for these modules alone.
    pub(super) fn drop_copies_of(&mut self, modules: &[NormalisationId]) -> Result<(), TchError> {
        let modules = modules.iter().map(|id| id.index());
        for module in modules {
            if let Some(module) = self.modules.get_mut(module) {
                module.release()?;
            }
        }
        Ok(())
    }

    /// The values that the statistics of a module are held at; none while they follow the data.
    pub(super) fn held(&self, id: NormalisationId) -> &[Tensor] {
        self.modules.get(id.index()).map_or(&[], |module| &module.copies)
    }

    /// The statistics that follow the data.
    pub(super) fn live(&self) -> impl Iterator<Item = &Tensor> {
        let live = self.modules.iter().filter(|module| module.copies.is_empty());
        live.flat_map(|module| &module.buffers)
    }

    /// The first module whose frozen statistics a training pass has moved since they were restored.
    pub(super) fn first_moved(&self) -> Result<Option<&str>, TchError> {
        let frozen = self.modules.iter().filter(|module| !module.copies.is_empty());
        let buffers = frozen.flat_map(|module| module.buffers.iter().map(move |it| (module, it)));
        let (modules, buffers): (Vec<_>, Vec<_>) = buffers.unzip();
        let moved = ffi::moved(&buffers.into_iter().collect())?;
        let moved = modules.into_iter().zip(moved).find(|(_, is_moved)| *is_moved);
        Ok(moved.map(|(module, _)| module.name.as_str()))
    }

    /// Restores frozen statistics from their copies.
    pub(super) fn restore(&self) -> Result<(), TchError> {
        let frozen = || self.modules.iter().filter(|module| !module.copies.is_empty());
        ffi::restore(
            &frozen().flat_map(|module| &module.buffers).collect(),
            &frozen().flat_map(|module| &module.copies).collect(),
        )
    }
}

impl ModuleStats {
    fn hold(&mut self) -> Result<(), TchError> {
        let copies: Vec<_> =
            tch::no_grad(|| self.buffers.iter().map(copy).collect::<Result<_, _>>())?;
        ffi::hold(&self.buffers.iter().collect(), &copies.iter().collect())?;
        self.copies = copies;
        Ok(())
    }

    fn release(&mut self) -> Result<(), TchError> {
        if self.copies.is_empty() {
            return Ok(());
        }
        ffi::release(&self.buffers.iter().collect(), &self.copies.iter().collect())?;
        self.copies.clear();
        Ok(())
    }
}

impl Drop for ModuleStats {
    fn drop(&mut self) {
        // Fails only if memory runs out; a held copy that nobody restores from changes nothing.
        let _ = self.release();
    }
}

fn copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
