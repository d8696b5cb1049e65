use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        start: train fc, layer4 lr 1e-3;
        track in layer4 {
            when val_loss stops falling for 3 epochs or epoch 9: freeze layer4;
        }
    };
}
