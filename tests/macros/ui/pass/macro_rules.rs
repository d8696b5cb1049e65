//! Tokens of a macro's own and of its caller make one policy.

#![deny(warnings)]

use freeze_runtime::{Policy, freeze_policy};

macro_rules! gradual {
    ($head:ident, $stage:ident, $epoch:literal, $lr:expr, $($more:tt)*) => {
        freeze_policy! {
            model "../files/resnet18.model.json";
            start: train $head, * in @biases lr $lr;
            epoch $epoch: unfreeze $stage.0.conv*, $stage.[0..=1].*.bias, **.bn2 in $stage;
            $($more)*
        }
    };
}

macro_rules! text {
    ($text:literal) => {
        freeze_policy!($text)
    };
}

macro_rules! file {
    ($path:literal) => {
        freeze_policy!(file = $path)
    };
}

fn main() {
    let gradual = gradual!(fc, layer4, 3, 1e-3, epoch 4: unfreeze conv*;);
    let text = text!(
        "model \"../files/resnet18.model.json\";
        start: train fc, * in @biases lr 1e-3;
        epoch 3: unfreeze layer4.0.conv*, layer4.[0..=1].*.bias, **.bn2 in layer4;
        epoch 4: unfreeze conv*;"
    );
    assert_eq!(gradual, text);
    assert_eq!(gradual, Policy::parse(text.source().text()).unwrap());
    assert_eq!(file!("../files/gradual.freeze").tree().items.len(), 3);
}
