//! The C++ shim in `csrc/`: what libtorch offers and tch does not bind.
//!
//! The one module with unsafe code. Nothing here records gradients, and whatever libtorch throws
//! comes back as an error.

#![expect(unsafe_code, reason = "calls into the shim; each block says why it is sound")]

mod autocast;
mod clipping;
mod device;
mod foreach;
mod fused;
mod generators;
mod group;
mod matrices;
mod read_backs;
mod reads;
mod scaled;
mod scaling;
mod statistics;

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

pub(crate) use autocast::{Autocast, enter_autocast, leave_autocast};
pub(crate) use clipping::{
    clamp_gradients, gradient_norms, precise_gradient_norms, require_clippable, scale_gradients,
    total_norm,
};
pub(crate) use device::{allocated_bytes, allows_tf32, libtorch_version, release_cached};
pub(crate) use foreach::{
    AdamaxOptions, LionOptions, NAdamOptions, RAdamOptions, adagrad, adamax, chunk_scratch, lion,
    nadam, radam, sparse_adagrad,
};
pub(crate) use fused::{
    AdagradOptions, AdamOptions, LaidOutGradients, RmsPropOptions, Scaling, SgdOptions,
    fused_adagrad, fused_adam, fused_sgd, laid_out_gradients, rmsprop,
};
pub(crate) use generators::{generators, set_generators};
pub(crate) use group::{
    Collective, ProcessGroup, Reduction, StoreClient, gradient_versions, has_nccl,
    require_interface,
};
pub(crate) use matrices::{AdafactorOptions, MuonOptions, adafactor, muon};
pub(crate) use read_backs::{enter_counting, leave_counting};
pub(crate) use reads::{enter_watching, leave_watching};
pub(crate) use scaled::{add, addcdiv, addcmul, mul};
pub(crate) use scaling::{unscale, update_scale};
pub(crate) use statistics::{hold, moved, release, restore};

type Result<T> = std::result::Result<T, TchError>;

/// Borrowed tensors, in the form that the shim takes.
pub(crate) struct List<'a> {
    pointers: Vec<*const C_tensor>,
    tensors: PhantomData<&'a Tensor>,
}

impl List<'_> {
    pub(crate) const fn len(&self) -> usize {
        self.pointers.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.pointers.is_empty()
    }

    /// Those of its tensors for which the flag in the same place is true.
    pub(crate) fn selected(&self, flags: impl IntoIterator<Item = bool>) -> Self {
        let selected = self.pointers.iter().zip(flags).filter(|(_, is_selected)| *is_selected);
        Self { pointers: selected.map(|(pointer, _)| *pointer).collect(), tensors: PhantomData }
    }

    const fn raw(&self) -> RawList {
        RawList { tensors: self.pointers.as_ptr(), count: self.pointers.len() }
    }
}

impl<'a> FromIterator<&'a Tensor> for List<'a> {
    fn from_iter<I: IntoIterator<Item = &'a Tensor>>(tensors: I) -> Self {
        let pointers = tensors.into_iter().map(Tensor::as_ptr).collect();
        Self { pointers, tensors: PhantomData }
    }
}

/// What decides how a parameter can step.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    device_type: i8,
    device_index: i8,
    kind: i8,
    /// Whether its gradient is defined.
    pub(crate) has_gradient: bool,
    /// Whether its gradient is strided, not sparse.
    pub(crate) has_dense_gradient: bool,
    /// Whether the fused kernels of Adam and `AdamW` take it and its gradient.
    pub(crate) has_fused_adam: bool,
    /// Whether the fused kernel of SGD does.
    pub(crate) has_fused_sgd: bool,
    /// Whether the fused kernel of Adagrad does.
    pub(crate) has_fused_adagrad: bool,
    /// Whether the multi-tensor operations of `RMSprop` do.
    pub(crate) has_rmsprop: bool,
}

impl Facts {
    /// These facts where no kernel has conditions of its own, so that they are the same for all rows
    /// of a parameter.
    pub(crate) const fn without_kernels(self) -> Self {
        Self {
            has_fused_adam: false,
            has_fused_sgd: false,
            has_fused_adagrad: false,
            has_rmsprop: false,
            ..self
        }
    }
}

/// Which tensor it is, whatever its name, and which memory it lies in. A tied weight has one
/// identity under both of its names.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    tensor: usize,
    storage: usize,
    bytes: usize,
}

impl Identity {
    /// The tensor itself, which stays the same when its memory is another.
    pub(crate) const fn tensor(&self) -> usize {
        self.tensor
    }

    /// The storage that it lies in, which a tensor and its views share; none where it is empty.
    pub(crate) fn storage(&self) -> Option<usize> {
        (self.bytes > 0).then_some(self.storage)
    }
}

/// How the elements of a tensor lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One after another, with strides.
    Dense,
    /// In another way, as those of a sparse tensor.
    Other,
    /// As the conjugates or negatives of what they are.
    Conjugated,
}

#[repr(C)]
struct RawList {
    tensors: *const *const C_tensor,
    count: usize,
}

type Message = *mut c_char;

unsafe extern "C" {
    fn freeze_free_message(message: Message);
    fn freeze_facts(parameters: RawList, facts: *mut Facts) -> Message;
    fn freeze_identities(tensors: RawList, identities: *mut Identity) -> Message;
    fn freeze_layouts(tensors: RawList, layouts: *mut u8) -> Message;
    fn freeze_require_gradients(parameters: RawList) -> Message;
    fn freeze_require_states(parameters: RawList, states: RawList, laid_out: bool) -> Message;
    fn freeze_drop_gradients(parameters: RawList) -> Message;
    fn freeze_copy_all(to: RawList, from: RawList) -> Message;
    fn freeze_copy_without_waiting(to: RawList, from: RawList) -> Message;
    fn freeze_set_gradient(tensor: *const C_tensor, gradient: *const C_tensor) -> Message;
}

/// The facts of each parameter.
pub(crate) fn facts(parameters: &List<'_>) -> Result<Vec<Facts>> {
    let mut facts = vec![Facts::default(); parameters.len()];
    // SAFETY: the list borrows live tensors, and `facts` has a place for each of them.
    check(unsafe { freeze_facts(parameters.raw(), facts.as_mut_ptr()) })?;
    Ok(facts)
}

/// The identity of each tensor.
pub(crate) fn identities(tensors: &List<'_>) -> Result<Vec<Identity>> {
    let mut identities = vec![Identity::default(); tensors.len()];
    // SAFETY: the list borrows live tensors, and `identities` has a place for each of them.
    check(unsafe { freeze_identities(tensors.raw(), identities.as_mut_ptr()) })?;
    Ok(identities)
}

/// The layout of each tensor.
pub(crate) fn layouts(tensors: &List<'_>) -> Result<Vec<Layout>> {
    let mut layouts = vec![0; tensors.len()];
    // SAFETY: the list borrows live tensors, and `layouts` has a place for each of them.
    check(unsafe { freeze_layouts(tensors.raw(), layouts.as_mut_ptr()) })?;
    let layout = |number| match number {
        0 => Layout::Dense,
        1 => Layout::Other,
        _ => Layout::Conjugated,
    };
    Ok(layouts.into_iter().map(layout).collect())
}

/// Fails unless each parameter can step, and its gradient goes with it.
pub(crate) fn require_gradients(parameters: &List<'_>) -> Result<()> {
    // SAFETY: the list borrows live tensors.
    check(unsafe { freeze_require_gradients(parameters.raw()) })
}

/// Fails unless each tensor of optimizer state goes with the parameter in the same place; in memory
/// too where it is `laid_out`, as the fused kernels need it.
pub(crate) fn require_states(
    parameters: &List<'_>,
    states: &List<'_>,
    laid_out: bool,
) -> Result<()> {
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths.
    check(unsafe { freeze_require_states(parameters.raw(), states.raw(), laid_out) })
}

/// Makes every gradient undefined and gives its memory back.
pub(crate) fn drop_gradients(parameters: &List<'_>) -> Result<()> {
    // SAFETY: the list borrows live tensors.
    check(unsafe { freeze_drop_gradients(parameters.raw()) })
}

/// Copies each tensor into another one of its shape, converted to its dtype.
pub(crate) fn copy_all(to: &List<'_>, from: &List<'_>) -> Result<()> {
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths.
    check(unsafe { freeze_copy_all(to.raw(), from.raw()) })
}

/// Copies each tensor of a GPU without waiting for it. Where the copy is in pinned memory of the host, it
/// may be read there once the device is synchronized.
pub(crate) fn copy_without_waiting(to: &List<'_>, from: &List<'_>) -> Result<()> {
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths.
    check(unsafe { freeze_copy_without_waiting(to.raw(), from.raw()) })
}

/// Makes one tensor the gradient of another, whatever gradient it had.
pub(crate) fn set_gradient(tensor: &Tensor, gradient: &Tensor) -> Result<()> {
    // SAFETY: both are live; the shim takes a reference of its own to the gradient.
    check(unsafe { freeze_set_gradient(tensor.as_ptr(), gradient.as_ptr()) })
}

fn check(message: Message) -> Result<()> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a message of the shim that is not null is a C string, and handed over.
    Err(TchError::Torch(unsafe { taken(message) }))
}

/// Tensors that the shim hands over, one in each place.
fn tensors(count: usize, fill: impl FnOnce(*mut *mut C_tensor) -> Message) -> Result<Vec<Tensor>> {
    let mut places = vec![std::ptr::null_mut(); count];
    check(fill(places.as_mut_ptr()))?;
    // SAFETY: without an error, every place has a tensor that the shim hands over.
    Ok(places.into_iter().map(|tensor| unsafe { Tensor::from_ptr(tensor) }).collect())
}

/// A C string that the shim hands over.
///
/// # Safety
/// It must be one, and not be used after this.
unsafe fn taken(text: Message) -> String {
    // SAFETY: as the caller promises.
    let owned = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    // SAFETY: as the caller promises.
    unsafe { freeze_free_message(text) };
    owned
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{List, facts, identities, restore};

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    #[test]
    fn identity_is_the_tensor_and_its_storage() {
        let a = Tensor::zeros([4, 2], CPU);
        let tensors = [&a, &a.shallow_clone(), &a.narrow(0, 1, 2), &a.copy(), &a.detach()];
        let empty = [&Tensor::zeros([0], CPU), &Tensor::zeros([0], CPU)];
        let all = identities(&tensors.into_iter().chain(empty).collect()).unwrap();
        assert_eq!(all[0], all[1]);
        assert!((2..7).all(|i| all[0] != all[i]));
        let in_one_storage = (1..7).filter(|i| all[0].storage() == all[*i].storage());
        assert!(in_one_storage.eq([1, 2, 4]));
        assert_eq!([all[5].storage(), all[6].storage()], [None, None]);
    }

    #[test]
    fn facts_include_gradients_and_kernels() {
        let parameter = || Tensor::zeros([2], CPU).set_requires_grad(true);
        let (with, without) = (parameter(), parameter());
        with.sum(None).backward();
        let integers = Tensor::zeros([2], (Kind::Int64, Device::Cpu));
        let facts = facts(&[&with, &without, &integers].into_iter().collect()).unwrap();
        let found = facts.iter().map(|facts| (facts.has_gradient, facts.has_fused_adam));
        assert!(found.eq([(true, true), (false, false), (false, false)]));
    }

    #[test]
    fn what_libtorch_throws_is_an_error() {
        let (a, b) = (Tensor::zeros([2], CPU), Tensor::zeros([3], CPU));
        let error = restore(&List::from_iter([&a]), &List::from_iter([&b])).unwrap_err();
        assert!(!error.to_string().contains("frame #"), "{error}");
        restore(&List::from_iter([]), &List::from_iter([])).unwrap();
        assert!(facts(&List::from_iter([&Tensor::new()])).is_err());
    }
}
