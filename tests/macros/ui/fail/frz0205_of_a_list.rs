use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        let @stages = [fc, layer4, layer3];
        start: train last 4 of @stages;
        epoch 1: unfreeze sample 0 of @stages;
        epoch 2: unfreeze layer4[2], layer1[0..=3];
        for i in 3..3 { after 1 epoch: unfreeze layer2; }
    };
}
