use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        run 10 epoch;
        start as head: train @bises, layer5 lr -1;
        epoch 12 as head: freeze layer4 lr 1e-3;
        epoch 11: unfreze fc;
    };
}
