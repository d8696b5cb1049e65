use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "no/such.safetensors";
        start: train fc;
        epoch 3: unfreez layer4;
    };
    let _ = freeze_policy! {
        model "no_model.rs";
        start: train fc;
    };
    let _ = freeze_policy!("model \"../files/broken.model.json\"; start: train fc");
}
