//! A random training program.

use proptest::collection::vec;
use proptest::prelude::*;

/// What a training program does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    StartEpoch,
    ZeroGrad,
    /// A forward pass, and no more.
    Forward,
    Evaluate,
    /// A forward and a backward pass.
    Backward,
    /// A forward pass whose backward pass comes later.
    Promise,
    /// That backward pass, whatever came in between.
    Keep,
    NotANumber,
    ClipNorm,
    ClipValue,
    Step,
}

pub(super) fn program() -> impl Strategy<Value = Vec<Call>> {
    let one = |call| vec![call];
    vec(
        prop_oneof![
            4 => Just(vec![Call::ZeroGrad, Call::Backward, Call::Step]),
            3 => Just(one(Call::Step)),
            3 => Just(one(Call::StartEpoch)),
            3 => Just(one(Call::Backward)),
            1 => Just(one(Call::ZeroGrad)),
            1 => Just(one(Call::Forward)),
            1 => Just(one(Call::Evaluate)),
            1 => Just(one(Call::Promise)),
            2 => Just(one(Call::Keep)),
            1 => Just(one(Call::ClipNorm)),
            1 => Just(one(Call::ClipValue)),
        ],
        8..30,
    )
    .prop_flat_map(|calls| {
        let calls = calls.concat();
        // After it, everything that trains is no number: late, or never.
        (Just(calls), prop::bool::weighted(0.1)).prop_map(|(mut calls, spoiled)| {
            if spoiled {
                calls.insert(calls.len() / 2, Call::NotANumber);
            }
            calls
        })
    })
}
