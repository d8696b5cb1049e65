//! Warnings stop nothing, and are reported once each.

#![deny(unused, bad_style, future_incompatible)]

use freeze_runtime::{Policy, freeze_policy};

static ZERO: Policy = freeze_policy! {
    model "../files/resnet18.model.json";
    start: train fc lr 0;
    epoch 1: unfreeze fc, set fc lr 1e-3;
};

fn main() {
    let again = freeze_policy!("start: train fc lr 0; epoch 1: unfreeze fc, set fc lr 1e-3");
    assert_eq!(ZERO.tree().items[1..], again.tree().items[..]);

    #[allow(deprecated)]
    let silenced = freeze_policy! { start: train fc lr 0 };
    assert_eq!(silenced.tree().items.len(), 1);
}
