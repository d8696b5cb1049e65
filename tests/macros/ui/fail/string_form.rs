use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy!("epoch 0: train fc; epoch 3: unfreez layer4");
    let _ = freeze_policy!(
        r#"
        model "../files/resnet18.model.json";
        start: train fc, layer5;
        epoch 3: unfreeze layer4 lr 0;
        "#
    );
}
