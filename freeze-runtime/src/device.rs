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

/// Calls `work`, and returns how often the calling thread read values back from tensors meanwhile, each of
/// which waits for a GPU if it lies there.
///
/// It counts what `item` reads, comparisons and searches whose result is the host's (`equal`, `nonzero`), and
/// copies from a device to the CPU. Not counted are the step counts that libtorch's fused kernels read on
/// the CPU, where they lie.
///
/// # Errors
/// If libtorch has no memory for the counter.
///
/// # Examples
/// ```
/// use freeze_runtime::device::count_read_backs;
/// use tch::{Device, Kind, Tensor};
///
/// let x = Tensor::ones([3], (Kind::Float, Device::Cpu));
/// let (mean, read_backs) = count_read_backs(|| x.mean(None))?;
/// assert_eq!(read_backs, 0);
/// let (_value, read_backs) = count_read_backs(|| mean.double_value(&[]))?;
/// assert_eq!(read_backs, 1);
/// # Ok::<(), tch::TchError>(())
/// ```
pub fn count_read_backs<T>(work: impl FnOnce() -> T) -> Result<(T, u64), TchError> {
    let counting = Counting::enter()?;
    let result = work();
    Ok((result, counting.leave()?))
}

/// A region in which values that are read back are counted; it ends with its drop.
struct Counting {
    before: u64,
    has_ended: bool,
}

impl Counting {
    fn enter() -> Result<Self, TchError> {
        Ok(Self { before: ffi::enter_counting()?, has_ended: false })
    }

    fn leave(mut self) -> Result<u64, TchError> {
        self.has_ended = true;
        Ok(ffi::leave_counting()? - self.before)
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = ffi::leave_counting();
        }
    }
}
