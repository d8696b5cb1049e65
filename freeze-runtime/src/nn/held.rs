//! How a norm learns that its statistics are held.
//!
//! tch leads from a module neither to the store of its variables nor to a tuner. What both ends
//! have is the tensors, so a norm is known by its running mean: which tensor that is stays the same
//! when the store moves to another device or loads a file, and two models of the same names have
//! two of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tch::{TchError, Tensor};

use crate::ffi;

/// The flag of the tuner that is in charge of a norm; gone when that tuner is.
type Slot = Mutex<Weak<AtomicBool>>;

/// Every norm that exists, by its running mean.
static NORMS: Mutex<BTreeMap<usize, Arc<Slot>>> = Mutex::new(BTreeMap::new());

/// A norm's end: asks the tuner that is in charge.
#[derive(Debug)]
pub(super) struct Listener {
    tensor: usize,
    slot: Arc<Slot>,
    /// For as long as it lives, no other tensor has its identity.
    _running_mean: Tensor,
}

impl Listener {
    pub(super) fn new(running_mean: &Tensor) -> Result<Self, TchError> {
        let slot = Arc::<Slot>::default();
        let tensor = tensors([running_mean])?.into_iter().next().unwrap_or_default();
        lock(&NORMS).insert(tensor, Arc::clone(&slot));
        Ok(Self { tensor, slot, _running_mean: running_mean.shallow_clone() })
    }

    /// Whether a tuner is in charge, and holds the statistics.
    pub(super) fn is_held(&self) -> bool {
        lock(&self.slot).upgrade().is_some_and(|held| held.load(Ordering::Relaxed))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        lock(&NORMS).remove(&self.tensor);
    }
}

/// A tuner's end: from now on, the norm among whose statistics these are goes by this flag, for as
/// long as the flag lives. Statistics of no norm of [`crate::nn`] are passed over.
pub(crate) fn follow<'t>(
    statistics: impl IntoIterator<Item = &'t Tensor>,
    held: &Arc<AtomicBool>,
) -> Result<(), TchError> {
    let tensors = tensors(statistics)?;
    let norms = lock(&NORMS);
    for slot in tensors.iter().filter_map(|tensor| norms.get(tensor)) {
        *lock(slot) = Arc::downgrade(held);
    }
    Ok(())
}

/// Which tensors they are, whatever their memory.
fn tensors<'t>(of: impl IntoIterator<Item = &'t Tensor>) -> Result<Vec<usize>, TchError> {
    let identities = ffi::identities(&of.into_iter().collect())?;
    Ok(identities.iter().map(ffi::Identity::tensor).collect())
}

/// Nothing panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
