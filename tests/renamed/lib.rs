//! `freeze_policy!` finds what its expansion names, whatever `freeze-runtime` is called here.

// Nor does it depend on what these names mean where it is used.
mod core {}
mod std {}
mod freeze {}
mod policy {}

/// A policy as tokens.
pub static GRADUAL: tuning::Policy = tuning::freeze_policy! {
    start: train fc lr 1e-3;
    epoch 3: unfreeze layer4;
};

/// The same in a literal.
pub static LITERAL: tuning::Policy =
    tuning::freeze_policy!("start: train fc lr 1e-3; epoch 3: unfreeze layer4");
