use freeze_runtime::freeze_policy;

macro_rules! gradual {
    ($head:ident, $stage:ident, $epoch:literal) => {
        let _ = freeze_policy! {
            model "../files/resnet18.model.json";
            start: train $head;
            epoch $epoch: unfreeze $stage.*.conv*, * in layer9;
        };
    };
}

fn main() {
    gradual!(fc, layer5, 3);
    gradual!(fc, layer4, 0.5);
}
