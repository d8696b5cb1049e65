//! The default random number generators of libtorch: dropout and shuffling draw from these.

use std::ffi::{CString, c_char};
use std::ptr;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::{List, Message, RawList, Result, check, taken};

unsafe extern "C" {
    fn freeze_generator_count(count: *mut usize) -> Message;
    fn freeze_generator_state(
        place: usize,
        device: *mut *mut c_char,
        state: *mut *mut C_tensor,
    ) -> Message;
    fn freeze_set_generator_states(devices: *const *const c_char, states: RawList) -> Message;
}

/// The states of all generators that are in use, by the names of their devices: `cpu`, `cuda:0`.
pub(crate) fn generators() -> Result<Vec<(String, Tensor)>> {
    let mut count = 0;
    // SAFETY: `count` is a place for the answer.
    check(unsafe { freeze_generator_count(&raw mut count) })?;
    let mut all = Vec::with_capacity(count);
    for place in 0..count {
        let (mut device, mut state) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: both are places for answers.
        check(unsafe { freeze_generator_state(place, &raw mut device, &raw mut state) })?;
        // SAFETY: without an error, the name is a C string that the shim hands over.
        let device = unsafe { taken(device) };
        if !state.is_null() {
            // SAFETY: a state that is not null is a tensor that the shim hands over.
            all.push((device, unsafe { Tensor::from_ptr(state) }));
        }
    }
    Ok(all)
}

/// Gives generators their states, all of them or, if one of the states is none, no one. Devices
/// that are not there are passed over.
pub(crate) fn set_generators(states: &[(String, Tensor)]) -> Result<()> {
    let names = states.iter().map(|(device, _)| CString::new(device.as_str()));
    let names: Vec<CString> = names
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| TchError::Torch("the name of a device has a zero byte".to_owned()))?;
    let pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let list: List<'_> = states.iter().map(|(_, state)| state).collect();
    // SAFETY: as many C strings as live tensors; the shim copies what it keeps.
    check(unsafe { freeze_set_generator_states(pointers.as_ptr(), list.raw()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_are_none_are_errors_and_devices_that_are_not_there_are_passed_over() {
        let all = generators().unwrap();
        let (cpu, state) = all.first().unwrap();
        assert_eq!(cpu, "cpu");
        let set = |device: &str, state: &Tensor| {
            set_generators(&[(device.to_owned(), state.shallow_clone())])
        };
        assert!(set("cpu", &state.narrow(0, 0, 8)).is_err());
        assert!(set("nowhere", state).is_err());
        assert!(set("c\0pu", state).is_err());
        set("cuda:99", state).unwrap();
    }
}
