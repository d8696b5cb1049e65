//! Several processes that train one model: they have the numbers of one process on the whole batch, and
//! their faults are errors with the same text on all ranks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

mod beside;
mod faults;
mod gradients;
mod joining;
mod lost;
mod norms;
mod processes;
mod resuming;
mod sharding;
mod torchrun;
mod traffic;
mod training;

use processes::Scene;

/// What the processes of these tests run.
const SCENES: &[&[Scene]] = &[
    faults::SCENES,
    gradients::SCENES,
    joining::SCENES,
    lost::SCENES,
    norms::SCENES,
    resuming::SCENES,
    sharding::SCENES,
    traffic::SCENES,
    training::SCENES,
];

#[test]
fn worker() {
    processes::work(&SCENES.concat());
}
