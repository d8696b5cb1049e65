#![deny(deprecated)]

use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        default lr 0;
        start: train fc lr 1e-3;
        epoch 2: set fc lr 0.0;
    };
}
