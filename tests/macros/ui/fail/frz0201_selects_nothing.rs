use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        start: train fc, layer5 lr 1e-3;
        epoch 1: unfreeze layer4.0.conv3;
        epoch 2: unfreeze layer3.[0..=1].*.wait;
        epoch 3: unfreeze conv* in layer2;
        epoch 4: unfreeze bn1.running_mean;
    };
}
