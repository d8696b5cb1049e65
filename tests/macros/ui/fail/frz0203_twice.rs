use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        run 10 epochs;
        start as head: train fc;
        epoch 3 as head: unfreeze layer4;
        run 20 epochs;
    };
}
