use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train fc;
        after 0 epochs: unfreeze layer4;
        after 1.5 epochs: unfreeze layer3;
    };
}
