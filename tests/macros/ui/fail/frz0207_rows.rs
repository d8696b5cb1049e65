use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        start: train rows 0..2_000 of fc.weight;
        epoch 1: unfreeze rows 20..10 of fc.weight;
        epoch 2: unfreeze rows 0..10 of layer4;
    };
}
