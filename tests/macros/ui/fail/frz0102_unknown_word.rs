use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train fc;
        epoch 3: unfreez layer4;
        epochs 5: unfreeze layer3;
        epoch 7: unfreeze layer2 rate 1e-4;
    };
}
