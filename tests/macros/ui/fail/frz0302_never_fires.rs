use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        run 10 epochs;
        start: train fc;
        epoch 10: unfreeze layer4;
        epoch 12: stop, unfreeze layer3;
        epoch 13: unfreeze layer2;
    };
}
