//! How a norm learns that its statistics are frozen.
//!
//! tch has no way from a module to the store of its variables or to a tuner. Both sides have the
//! tensors, so a norm is identified by its running mean: that tensor stays the same when the store
//! moves to another device or loads a file, and two models with the same names have two of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tch::{TchError, Tensor};

use crate::ffi;

/// The flag of the tuner that has a norm; it is dropped with that tuner.
type FlagSlot = Mutex<Weak<AtomicBool>>;

/// Every norm that exists, by its running mean.
static NORMS: Mutex<BTreeMap<usize, Arc<FlagSlot>>> = Mutex::new(BTreeMap::new());

/// The side of a norm: reads the flag of its tuner.
#[derive(Debug)]
pub(super) struct Listener {
    tensor: usize,
    slot: Arc<FlagSlot>,
    /// Kept so that no other tensor gets its identity.
    _running_mean: Tensor,
}

impl Listener {
    pub(super) fn new(running_mean: &Tensor) -> Result<Self, TchError> {
        let slot = Arc::<FlagSlot>::default();
        let tensor = tensors([running_mean])?.into_iter().next().unwrap_or_default();
        lock(&NORMS).insert(tensor, Arc::clone(&slot));
        Ok(Self { tensor, slot, _running_mean: running_mean.shallow_clone() })
    }

    /// Whether there is a tuner, and it has frozen the statistics.
    pub(super) fn is_frozen(&self) -> bool {
        lock(&self.slot).upgrade().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        lock(&NORMS).remove(&self.tensor);
    }
}

/// The side of a tuner: the norms with these statistics follow this flag from now on, for as long as
/// it lives. Statistics of other modules than those of [`crate::nn`] are skipped.
pub(crate) fn follow<'t>(
    statistics: impl IntoIterator<Item = &'t Tensor>,
    is_frozen: &Arc<AtomicBool>,
) -> Result<(), TchError> {
    let tensors = tensors(statistics)?;
    let norms = lock(&NORMS);
    for slot in tensors.iter().filter_map(|tensor| norms.get(tensor)) {
        *lock(slot) = Arc::downgrade(is_frozen);
    }
    Ok(())
}

/// The identities of tensors, whatever their memory.
fn tensors<'t>(of: impl IntoIterator<Item = &'t Tensor>) -> Result<Vec<usize>, TchError> {
    let identities = ffi::identities(&of.into_iter().collect())?;
    Ok(identities.iter().map(ffi::Identity::tensor).collect())
}

/// Locks a mutex. No thread panics while it has one of these locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
