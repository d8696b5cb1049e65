//! Facts about libtorch and its devices.

use std::ffi::{CStr, c_char};

use tch::Device;

use super::{Message, Result, check};

/// libtorch's number of the device type.
const CUDA: i8 = 1;

unsafe extern "C" {
    fn freeze_libtorch_version() -> *const c_char;
    fn freeze_allocated_bytes(device_type: i8, device_index: i8, bytes: *mut u64) -> Message;
    fn freeze_release_cached(device_type: i8) -> Message;
    fn freeze_allows_tf32(matmul: *mut bool, convolution: *mut bool) -> Message;
}

/// The version of libtorch's headers.
pub(crate) fn libtorch_version() -> String {
    // SAFETY: the shim returns a string literal.
    unsafe { CStr::from_ptr(freeze_libtorch_version()) }.to_string_lossy().into_owned()
}

/// The bytes of all tensors on a CUDA device; none for another kind of device.
pub(crate) fn allocated_bytes(device: Device) -> Result<Option<u64>> {
    let Device::Cuda(index) = device else { return Ok(None) };
    let Ok(index) = i8::try_from(index) else { return Ok(None) };
    let mut bytes = 0;
    // SAFETY: `bytes` is a place for the answer.
    check(unsafe { freeze_allocated_bytes(CUDA, index, &raw mut bytes) })?;
    Ok(Some(bytes))
}

/// Returns to the system the memory that CUDA's allocator keeps for later tensors.
pub(crate) fn release_cached() -> Result<()> {
    // SAFETY: the shim takes any number of a device type.
    check(unsafe { freeze_release_cached(CUDA) })
}

/// Whether matrix products and convolutions of float32 on CUDA may round their factors to TF32.
pub(crate) fn allows_tf32() -> Result<(bool, bool)> {
    let (mut matmul, mut convolution) = (false, false);
    // SAFETY: both are places for answers.
    check(unsafe { freeze_allows_tf32(&raw mut matmul, &raw mut convolution) })?;
    Ok((matmul, convolution))
}
