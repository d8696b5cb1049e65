use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        epoch 5: train fc;
        epoch 3: unfreeze layer4;
    };
}
