#![deny(deprecated)]

use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train fc;
        when val_loss stops falling for 3 epochs: unfreeze layer4;
        epoch 10: unfreeze layer3;
    };
}
