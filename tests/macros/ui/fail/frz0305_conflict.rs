use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        start: train fc lr 1e-3, train @biases lr 1e-4;
    };
}
