use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        start: train fc lr 1e-3;
        repeat {
            epoch 2: train fc, layer4 lr 1e-4;
            after 1 epoch: train fc;
        }
    };
}
