//! Facts about libtorch and its devices, for programs that print or measure.

use tch::{Cuda, Device, TchError};

use crate::ffi;

/// The version of the libtorch that this crate was built with, such as `2.11.0`.
///
/// # Examples
/// ```
/// assert!(freeze_runtime::device::libtorch_version().starts_with("2."));
/// ```
#[must_use]
pub fn libtorch_version() -> String {
    ffi::libtorch_version()
}

/// The bytes of all tensors that lie on a CUDA device now; none for any other device.
///
/// This is PyTorch's [`torch.cuda.memory_allocated`]. It falls when parameters freeze: their
/// gradients and optimizer state are dropped.
///
/// # Errors
/// If libtorch has no such device.
///
/// # Examples
/// ```
/// assert_eq!(freeze_runtime::device::allocated_bytes(tch::Device::Cpu)?, None);
/// # Ok::<(), tch::TchError>(())
/// ```
///
/// [`torch.cuda.memory_allocated`]: https://docs.pytorch.org/docs/2.11/generated/torch.cuda.memory.memory_allocated.html
pub fn allocated_bytes(device: Device) -> Result<Option<u64>, TchError> {
    ffi::allocated_bytes(device)
}

/// Returns to the system the memory that CUDA's allocator keeps for later tensors; does nothing where
/// there is no CUDA.
///
/// Another process can then use what parameters no longer need after they froze. This is PyTorch's
/// [`torch.cuda.empty_cache`].
///
/// # Errors
/// If an operation on a device has failed.
///
/// # Examples
/// ```
/// freeze_runtime::device::release_cached_memory()?;
/// # Ok::<(), tch::TchError>(())
/// ```
///
/// [`torch.cuda.empty_cache`]: https://docs.pytorch.org/docs/2.11/generated/torch.cuda.memory.empty_cache.html
pub fn release_cached_memory() -> Result<(), TchError> {
    if Cuda::is_available() { ffi::release_cached() } else { Ok(()) }
}

/// Whether matrix products, and whether convolutions, of float32 on CUDA may round their factors to
/// [TF32].
///
/// # Errors
/// If the program has set libtorch's two interfaces for this to contradictory values.
///
/// # Examples
/// ```
/// let (matmul, convolution) = freeze_runtime::device::allows_tf32()?;
/// assert!(!matmul && convolution); // libtorch's defaults
/// # Ok::<(), tch::TchError>(())
/// ```
///
/// [TF32]: https://docs.pytorch.org/docs/2.11/notes/cuda.html#tensorfloat-32-tf32-on-ampere-and-later-devices
pub fn allows_tf32() -> Result<(bool, bool), TchError> {
    ffi::allows_tf32()
}
