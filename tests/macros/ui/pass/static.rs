//! A policy is data: a static holds it, and a list of them, without any code that runs.

#![deny(warnings)]

use freeze_runtime::{Policy, freeze_policy};

static GRADUAL: Policy = freeze_policy! {
    model "../files/resnet18.model.json";
    start: train fc lr 1e-3;
    epoch 3: unfreeze layer4;
};

const POLICIES: [Policy; 2] = [
    freeze_policy!("start: train fc"),
    freeze_policy!(file = "../files/gradual.freeze"),
];

fn main() {
    assert_eq!(GRADUAL.tree().items[1..], POLICIES[1].tree().items[1..]);
    assert_ne!(GRADUAL.tree().items[1..], POLICIES[0].tree().items[1..]);
}
