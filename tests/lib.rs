//! What the tests of this package share: small networks that start from the same values in every
//! run, and the bits of their tensors.

pub mod bits;
pub mod networks;
pub mod optimizers;
pub mod promise;
pub mod reference;
pub mod savers;
mod skipped;

/// The Rust examples of the book, as doc tests.
#[cfg(doctest)]
mod book {
    include!(concat!(env!("OUT_DIR"), "/book.rs"));
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use bits::Bits;
pub use networks::Net;
pub use skipped::skip;

use freeze_runtime::{Error, Policy, Tuner};
use tch::{Cuda, Device};

/// The CPU, and a GPU if there is one.
#[must_use]
pub fn devices() -> Vec<Device> {
    if Cuda::is_available() { vec![Device::Cpu, Device::Cuda(0)] } else { vec![Device::Cpu] }
}

/// Trains on batches, one step each.
///
/// # Errors
/// The errors of the tuner.
pub fn train(net: &Net, tuner: &mut Tuner, batches: std::ops::Range<i64>) -> Result<(), Error> {
    for batch in batches {
        tuner.backward_step(&net.loss(batch))?;
    }
    Ok(())
}

/// Runs a test with every optimizer on every device.
///
/// # Errors
/// The errors of the test.
pub fn each_optimizer(
    rules: &str,
    scene: impl Fn(&Net, Tuner) -> Result<(), Error>,
) -> Result<(), Error> {
    for device in devices() {
        for optimizer in optimizers::OPTIMIZERS {
            let policy = format!("default {optimizer}; {rules}");
            println!("{device:?}: {policy}");
            let net = Net::convolutions(device);
            scene(&net, tune(&net, &policy))?;
        }
    }
    Ok(())
}

/// Asserts that exactly the named variables have other bits than before.
///
/// # Panics
/// Panics if others changed, or if one of these did not.
pub fn assert_moved(before: &Bits, net: &Net, expected: &[&[&str]]) {
    let mut expected = expected.concat();
    expected.sort_unstable();
    assert_eq!(before.moved(&Bits::of(&net.vs)), expected);
}

/// A tuner for a network, without settings of the program.
///
/// # Panics
/// Panics if the policy is invalid or does not fit.
#[must_use]
#[expect(clippy::expect_used, reason = "a test's own policy")]
pub fn tune(net: &Net, policy: &str) -> Tuner {
    Tuner::builder(&parse(policy)).attach(&net.vs).expect("the policy fits the network")
}

/// A policy from its text.
///
/// # Panics
/// Panics if the policy is invalid.
#[must_use]
#[expect(clippy::panic, reason = "a test's own policy")]
pub fn parse(policy: &str) -> Policy {
    Policy::parse(policy).unwrap_or_else(|findings| panic!("{findings}"))
}
