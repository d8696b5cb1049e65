//! Processes that train together: their store, and their collectives.

use std::ffi::{CString, c_char};
use std::ptr::{self, NonNull};
use std::time::Duration;

use tch::{Device, TchError, Tensor};
use torch_sys::C_tensor;

use super::{List, Message, RawList, Result, check, taken, tensors};

/// A store of the shim.
#[repr(C)]
struct RawStore {
    _private: [u8; 0],
}

/// A process group of the shim.
#[repr(C)]
struct RawGroup {
    _private: [u8; 0],
}

/// A reduction of the shim.
#[repr(C)]
struct RawReduction {
    _private: [u8; 0],
}

/// A collective of the shim.
#[repr(C)]
struct RawCollective {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn freeze_store_open(
        host: *const c_char,
        port: u16,
        serves: bool,
        timeout_ms: u64,
        store: *mut *mut RawStore,
    ) -> Message;
    fn freeze_store_within(
        store: *const RawStore,
        prefix: *const c_char,
        within: *mut *mut RawStore,
    ) -> Message;
    fn freeze_store_close(store: *mut RawStore);
    fn freeze_store_set(
        store: *const RawStore,
        key: *const c_char,
        value: *const c_char,
    ) -> Message;
    fn freeze_store_set_first(
        store: *const RawStore,
        key: *const c_char,
        value: *const c_char,
    ) -> Message;
    fn freeze_store_has(
        store: *const RawStore,
        keys: *const *const c_char,
        count: usize,
        has: *mut bool,
    ) -> Message;
    fn freeze_store_get(
        store: *const RawStore,
        keys: *const *const c_char,
        count: usize,
        values: *mut *mut c_char,
    ) -> Message;
    fn freeze_store_delete(store: *const RawStore, key: *const c_char) -> Message;
    fn freeze_group_require_interface(timeout_ms: u64) -> Message;
    fn freeze_group_new(
        store: *const RawStore,
        rank: i32,
        size: i32,
        timeout_ms: u64,
        gpu: i8,
        group: *mut *mut RawGroup,
    ) -> Message;
    fn freeze_has_nccl() -> bool;
    fn freeze_group_close(group: *const RawGroup) -> Message;
    fn freeze_group_free(group: *mut RawGroup);
    fn freeze_group_start_count(
        group: *const RawGroup,
        parameters: RawList,
        counts: *mut i32,
        collective: *mut *mut RawCollective,
    ) -> Message;
    fn freeze_group_start_average(
        group: *const RawGroup,
        parameters: RawList,
        collective: *mut *mut RawCollective,
    ) -> Message;
    fn freeze_group_start_broadcast(
        group: *const RawGroup,
        tensors: RawList,
        roots: *const i32,
        collective: *mut *mut RawCollective,
    ) -> Message;
    fn freeze_group_start_sum(
        group: *const RawGroup,
        own: *const C_tensor,
        sum: *mut *mut C_tensor,
        collective: *mut *mut RawCollective,
    ) -> Message;
    fn freeze_group_record_sum(
        group: *const RawGroup,
        own: *const C_tensor,
        sum: *const C_tensor,
    ) -> Message;
    fn freeze_collective_wait(
        collective: *mut RawCollective,
        timeout_ms: u64,
        is_done: *mut bool,
    ) -> Message;
    fn freeze_collective_free(collective: *mut RawCollective);
    fn freeze_reduction_new(
        group: *const RawGroup,
        parameters: RawList,
        finds_unused: bool,
        reduction: *mut *mut RawReduction,
    ) -> Message;
    fn freeze_reduction_free(reduction: *mut RawReduction);
    fn freeze_reduction_prepare(reduction: *const RawReduction, loss: *const C_tensor) -> Message;
    fn freeze_reduction_check(reduction: *const RawReduction) -> Message;
    fn freeze_reduction_bytes(reduction: *const RawReduction, bytes: *mut u64) -> Message;
    fn freeze_gradient_versions(
        parameters: RawList,
        gradients: *mut u64,
        versions: *mut u64,
    ) -> Message;
}

/// A connection to the key-value store of a group.
pub(crate) struct StoreClient(NonNull<RawStore>);

// SAFETY: a store locks itself for each of its operations, and any thread may drop it.
unsafe impl Send for StoreClient {}
// SAFETY: as above.
unsafe impl Sync for StoreClient {}

impl StoreClient {
    /// Connects to the store at an address, and serves it there first if `serves`.
    pub(crate) fn open((host, port): (&str, u16), serves: bool, timeout: Duration) -> Result<Self> {
        let host = text(host)?;
        let mut store = ptr::null_mut();
        // SAFETY: the host is a C string, and `store` is a place for the answer.
        check(unsafe {
            freeze_store_open(host.as_ptr(), port, serves, ms(timeout), &raw mut store)
        })?;
        handed_over(store).map(Self)
    }

    /// The same store, in which all keys start with `prefix`.
    pub(crate) fn within(&self, prefix: &str) -> Result<Self> {
        let prefix = text(prefix)?;
        let mut within = ptr::null_mut();
        // SAFETY: the store is live, the prefix is a C string, and `within` is a place for the answer.
        check(unsafe { freeze_store_within(self.0.as_ptr(), prefix.as_ptr(), &raw mut within) })?;
        handed_over(within).map(Self)
    }

    /// Sets a key; does not wait for the store.
    pub(crate) fn set(&self, key: &str, value: &str) -> Result<()> {
        let (key, value) = (text(key)?, text(value)?);
        // SAFETY: the store is live, and both are C strings.
        check(unsafe { freeze_store_set(self.0.as_ptr(), key.as_ptr(), value.as_ptr()) })
    }

    /// Sets a key unless it is set already.
    pub(crate) fn set_first(&self, key: &str, value: &str) -> Result<()> {
        let (key, value) = (text(key)?, text(value)?);
        // SAFETY: the store is live, and both are C strings.
        check(unsafe { freeze_store_set_first(self.0.as_ptr(), key.as_ptr(), value.as_ptr()) })
    }

    /// Whether all of these keys are set.
    pub(crate) fn has(&self, keys: &[String]) -> Result<bool> {
        let keys = texts(keys)?;
        let pointers: Vec<_> = keys.iter().map(|key| key.as_ptr()).collect();
        let mut has = false;
        // SAFETY: the store is live, the keys are C strings, and `has` is a place for the answer.
        check(unsafe {
            freeze_store_has(self.0.as_ptr(), pointers.as_ptr(), pointers.len(), &raw mut has)
        })?;
        Ok(has)
    }

    /// The values of keys that are set.
    pub(crate) fn get(&self, keys: &[String]) -> Result<Vec<String>> {
        let keys = texts(keys)?;
        let pointers: Vec<_> = keys.iter().map(|key| key.as_ptr()).collect();
        let mut values = vec![ptr::null_mut(); pointers.len()];
        // SAFETY: the store is live, the keys are C strings, and there is a place for each value.
        check(unsafe {
            freeze_store_get(
                self.0.as_ptr(),
                pointers.as_ptr(),
                pointers.len(),
                values.as_mut_ptr(),
            )
        })?;
        // SAFETY: without an error, every place has a C string that the shim hands over.
        Ok(values.into_iter().map(|value| unsafe { taken(value) }).collect())
    }

    /// Removes a key.
    pub(crate) fn delete(&self, key: &str) -> Result<()> {
        let key = text(key)?;
        // SAFETY: the store is live, and the key is a C string.
        check(unsafe { freeze_store_delete(self.0.as_ptr(), key.as_ptr()) })
    }
}

impl Drop for StoreClient {
    fn drop(&mut self) {
        // SAFETY: the store is live, and not used after this.
        unsafe { freeze_store_close(self.0.as_ptr()) }
    }
}

/// The processes of a group, as c10d connects them.
pub(crate) struct ProcessGroup(NonNull<RawGroup>);

// SAFETY: any thread may start collectives and drop it; the tuner starts them one after the other.
unsafe impl Send for ProcessGroup {}
// SAFETY: as above.
unsafe impl Sync for ProcessGroup {}

/// Whether processes can be connected by NCCL.
pub(crate) fn has_nccl() -> bool {
    // SAFETY: the shim knows it from when it was compiled.
    unsafe { freeze_has_nccl() }
}

/// Fails if gloo has no network interface to use.
pub(crate) fn require_interface(timeout: Duration) -> Result<()> {
    // SAFETY: the shim takes any time.
    check(unsafe { freeze_group_require_interface(ms(timeout)) })
}

impl ProcessGroup {
    /// Connects this process with the others, which do the same. There are at least two. Their tensors are on
    /// the CPU or this device.
    pub(crate) fn new(
        store: &StoreClient,
        rank: usize,
        size: usize,
        timeout: Duration,
        device: Device,
    ) -> Result<Self> {
        let (rank, size) = (number(rank)?, number(size)?);
        let gpu = match device {
            Device::Cuda(index) => i8::try_from(index).unwrap_or(i8::MAX),
            _ => -1,
        };
        let mut group = ptr::null_mut();
        // SAFETY: the store is live, and `group` is a place for the answer.
        check(unsafe {
            freeze_group_new(store.0.as_ptr(), rank, size, ms(timeout), gpu, &raw mut group)
        })?;
        handed_over(group).map(Self)
    }

    /// Closes the connections, so that operations fail in the other processes; this process's wait for their
    /// timeout.
    pub(crate) fn close(&self) -> Result<()> {
        // SAFETY: the group is live.
        check(unsafe { freeze_group_close(self.0.as_ptr()) })
    }

    /// Starts to count in how many processes each parameter has a gradient:
    /// [`Collective::counts`] once it is done.
    pub(crate) fn start_count(&self, parameters: &List<'_>) -> Result<Collective> {
        let mut counts = vec![0; parameters.len()];
        let mut raw = ptr::null_mut();
        // SAFETY: the list borrows live tensors; there is a place for each count, and the collective
        // owns these places.
        check(unsafe {
            freeze_group_start_count(
                self.0.as_ptr(),
                parameters.raw(),
                counts.as_mut_ptr(),
                &raw mut raw,
            )
        })?;
        Ok(Collective { raw: handed_over(raw)?, counts })
    }

    /// Starts to average the gradients of parameters; zeros where this process has none.
    pub(crate) fn start_average(&self, parameters: &List<'_>) -> Result<Collective> {
        let mut raw = ptr::null_mut();
        // SAFETY: the list borrows live tensors, to which the collective has references of its own.
        check(unsafe {
            freeze_group_start_average(self.0.as_ptr(), parameters.raw(), &raw mut raw)
        })?;
        Ok(Collective { raw: handed_over(raw)?, counts: Vec::new() })
    }

    /// Starts to copy each tensor of one rank, its root, to the other ranks, bit for bit.
    pub(crate) fn start_broadcast(
        &self,
        tensors: &List<'_>,
        roots: impl IntoIterator<Item = usize>,
    ) -> Result<Collective> {
        let roots = roots.into_iter().map(number).collect::<Result<Vec<_>>>()?;
        if roots.len() != tensors.len() {
            return Err(TchError::Torch("each tensor that is sent has one root".to_owned()));
        }
        let mut raw = ptr::null_mut();
        // SAFETY: the list borrows live tensors, to which the collective has references of its own, and there
        // is a root for each of them.
        check(unsafe {
            let roots = roots.as_ptr();
            freeze_group_start_broadcast(self.0.as_ptr(), tensors.raw(), roots, &raw mut raw)
        })?;
        Ok(Collective { raw: handed_over(raw)?, counts: Vec::new() })
    }
}

impl ProcessGroup {
    /// Starts to add a tensor up over all processes, and returns the sum, which is complete when the
    /// collective is.
    pub(crate) fn start_sum(&self, own: &Tensor) -> Result<(Tensor, Collective)> {
        let mut raw = ptr::null_mut();
        let sum = tensors(1, |place| {
            // SAFETY: the tensor and the group are live; there is a place for the sum, and for the
            // collective, which has a reference of its own to the sum.
            unsafe { freeze_group_start_sum(self.0.as_ptr(), own.as_ptr(), place, &raw mut raw) }
        })?;
        let collective = Collective { raw: handed_over(raw)?, counts: Vec::new() };
        let sum = sum.into_iter().next();
        let sum = sum.ok_or_else(|| TchError::Torch("there is no sum".to_owned()))?;
        Ok((sum, collective))
    }

    /// Records in the graph that a sum was made of this process's tensor; its gradients are added up by these
    /// processes.
    pub(crate) fn record_sum(&self, own: &Tensor, sum: &Tensor) -> Result<()> {
        // SAFETY: all are live; the graph has a reference of its own to the group.
        check(unsafe { freeze_group_record_sum(self.0.as_ptr(), own.as_ptr(), sum.as_ptr()) })
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // SAFETY: the group is live, and not used after this.
        unsafe { freeze_group_free(self.0.as_ptr()) }
    }
}

/// An operation of all processes that has started. Dropping it before it is done leaves the tensors as
/// they are.
pub(crate) struct Collective {
    raw: NonNull<RawCollective>,
    counts: Vec<i32>,
}

impl Collective {
    /// Waits until it is done, or for a time at most; returns whether it is.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<bool> {
        let mut is_done = false;
        // SAFETY: the collective is live, and `is_done` is a place for the answer.
        check(unsafe { freeze_collective_wait(self.raw.as_ptr(), ms(time), &raw mut is_done) })?;
        Ok(is_done)
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> &[i32] {
        &self.counts
    }
}

impl Drop for Collective {
    fn drop(&mut self) {
        // SAFETY: the collective is live, and not used after this.
        unsafe { freeze_collective_free(self.raw.as_ptr()) }
    }
}

/// The averaging of gradients in backward passes that are announced, for as long as it exists.
pub(crate) struct Reduction(NonNull<RawReduction>);

// SAFETY: any thread may run the backward passes and drop it; the tuner has it for itself.
unsafe impl Send for Reduction {}

impl Reduction {
    /// For these parameters. If it does not find those that a pass does not use, each pass must use all.
    pub(crate) fn new(
        group: &ProcessGroup,
        parameters: &List<'_>,
        finds_unused: bool,
    ) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the list borrows live tensors, to which the reduction has references of its own, as it has
        // one to the group.
        check(unsafe {
            freeze_reduction_new(group.0.as_ptr(), parameters.raw(), finds_unused, &raw mut raw)
        })?;
        handed_over(raw).map(Self)
    }

    /// Announces the backward pass from a loss.
    pub(crate) fn prepare(&self, loss: &Tensor) -> Result<()> {
        // SAFETY: both are live.
        check(unsafe { freeze_reduction_prepare(self.0.as_ptr(), loss.as_ptr()) })
    }

    /// Fails unless all gradients of the last such pass are averaged.
    pub(crate) fn require_complete(&self) -> Result<()> {
        // SAFETY: the reduction is live.
        check(unsafe { freeze_reduction_check(self.0.as_ptr()) })
    }

    /// The bytes that it sends in each pass.
    pub(crate) fn bytes(&self) -> Result<u64> {
        let mut bytes = 0;
        // SAFETY: the reduction is live, and `bytes` is a place for the answer.
        check(unsafe { freeze_reduction_bytes(self.0.as_ptr(), &raw mut bytes) })?;
        Ok(bytes)
    }
}

impl Drop for Reduction {
    fn drop(&mut self) {
        // SAFETY: the reduction is live, and not used after this.
        unsafe { freeze_reduction_free(self.0.as_ptr()) }
    }
}

/// Which gradient each parameter has, and how often it was changed.
pub(crate) fn gradient_versions(parameters: &List<'_>) -> Result<Vec<(u64, u64)>> {
    let mut gradients = vec![0; parameters.len()];
    let mut versions = vec![0; parameters.len()];
    // SAFETY: the list borrows live tensors, and there are two places for each of them.
    check(unsafe {
        freeze_gradient_versions(parameters.raw(), gradients.as_mut_ptr(), versions.as_mut_ptr())
    })?;
    Ok(gradients.into_iter().zip(versions).collect())
}

fn handed_over<T>(raw: *mut T) -> Result<NonNull<T>> {
    NonNull::new(raw).ok_or_else(|| TchError::Torch("the shim handed nothing over".to_owned()))
}

fn text(of: &str) -> Result<CString> {
    CString::new(of).map_err(|_| TchError::Torch(format!("{of:?} has a zero byte")))
}

fn texts(of: &[String]) -> Result<Vec<CString>> {
    of.iter().map(|key| text(key)).collect()
}

fn number(of: usize) -> Result<i32> {
    i32::try_from(of).map_err(|_| TchError::Torch(format!("{of} is too large for a rank")))
}

/// At least a millisecond: none would mean to wait for ever.
fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;

    use tch::Cuda;

    use super::*;

    /// Where libtorch has CUDA, NCCL is there, and says what it is missing on a machine without a GPU.
    #[test]
    fn nccl_is_built_where_libtorch_has_cuda() {
        if !has_nccl() {
            println!("skipped: this library has no NCCL");
            return;
        }
        if Cuda::is_available() {
            println!("skipped: there is a GPU");
            return;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let time = Duration::from_secs(5);
        let store = StoreClient::open(("127.0.0.1", port), true, time).unwrap();
        let made = ProcessGroup::new(&store, 0, 2, time, Device::Cuda(0));
        let error = made.err().unwrap().to_string();
        assert!(
            error.contains("ProcessGroupNCCL is only supported with GPUs, no GPUs found!"),
            "{error}"
        );
    }

    /// The stand-ins for gloo's headers are sound only while this crate makes none of gloo's objects.
    #[test]
    fn no_table_of_a_class_of_gloo_is_made_here() {
        let library = concat!(env!("OUT_DIR"), "/libfreeze_runtime_shim.a");
        let Ok(output) = Command::new("nm").args(["--demangle", library]).output() else {
            println!("skipped: there is no nm");
            return;
        };
        let symbols = String::from_utf8_lossy(&output.stdout);
        assert!(symbols.contains("freeze_group_new"), "{}", output.status);
        for line in
            symbols.lines().filter(|line| line.contains("gloo::") || line.contains("GlooStore"))
        {
            assert!(!line.contains("vtable for") && !line.contains("typeinfo for"), "{line}");
        }
    }
}
