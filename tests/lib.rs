//! What the tests of this package share: small networks that start from the same values at every
//! run, and the bits of everything in them.

pub mod bits;
pub mod networks;
pub mod optimizers;
pub mod promise;
pub mod reference;
pub mod savers;

pub use bits::Bits;
pub use networks::Net;

use freeze_runtime::{Error, Policy, Tuner};
use tch::{Cuda, Device};

/// The processor, and a GPU where there is one.
#[must_use]
pub fn devices() -> Vec<Device> {
    if Cuda::is_available() { vec![Device::Cpu, Device::Cuda(0)] } else { vec![Device::Cpu] }
}

/// Trains on batches, a step each.
///
/// # Errors
/// What the tuner says.
pub fn train(net: &Net, tuner: &mut Tuner, batches: std::ops::Range<i64>) -> Result<(), Error> {
    for batch in batches {
        tuner.backward_step(&net.loss(batch))?;
    }
    Ok(())
}

/// Plays a scene with every optimizer on every device.
///
/// # Errors
/// What the scene says.
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

/// Fails unless exactly the named variables have other bits than before.
///
/// # Panics
/// If others moved, or one of these did not.
pub fn assert_moved(before: &Bits, net: &Net, expected: &[&[&str]]) {
    let mut expected = expected.concat();
    expected.sort_unstable();
    assert_eq!(before.moved(&Bits::of(&net.vs)), expected);
}

/// A policy put to work on a network, with nothing from the program.
///
/// # Panics
/// If the policy is wrong or does not fit.
#[must_use]
#[expect(clippy::expect_used, reason = "a test's own policy")]
pub fn tune(net: &Net, policy: &str) -> Tuner {
    Tuner::builder(&parse(policy)).attach(&net.vs).expect("the policy fits the network")
}

/// A policy from its text.
///
/// # Panics
/// If the policy is wrong.
#[must_use]
#[expect(clippy::panic, reason = "a test's own policy")]
pub fn parse(policy: &str) -> Policy {
    Policy::parse(policy).unwrap_or_else(|findings| panic!("{findings}"))
}
