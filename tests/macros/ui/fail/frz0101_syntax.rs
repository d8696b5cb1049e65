use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        epoch 0: train layer4 lr 1e-3
        epoch 3: unfreeze layer3;
        epoch 6 unfreeze layer2;
        step: stop;
        start: train layers.0.1 ! fc;
    };
}
