use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train fc;
        after 10%: unfreeze layer4;
        after rest: unfreeze layer3;
    };
}
