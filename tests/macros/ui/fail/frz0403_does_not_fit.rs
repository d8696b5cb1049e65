use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train fc;
        epoch 1: freeze layer4 lr 1e-3;
        epoch 2: set fc;
    };
}
