//! Which edits may be made without asking.

use freeze_dsl::diagnostic::Applicability;

use super::{errors, mended};

/// The applicability of the first edit that is offered.
#[track_caller]
fn first(text: &str) -> Applicability {
    let errors = errors(text);
    let first = errors.iter().find_map(|error| error.suggestions.first());
    first.unwrap_or_else(|| panic!("{text} has no edit: {errors:#?}")).applicability
}

#[test]
fn what_has_one_reading_is_mended_without_asking() {
    let mut asked = Vec::new();
    for (slip, right) in [
        ("start: train fc lr=1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr = 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr: 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr == 1e-3", "start: train fc lr 1e-3"),
        ("run: 20 epochs; start: train fc", "run 20 epochs; start: train fc"),
        (
            "start: train fc optimizer sgd(momentum=0.9)",
            "start: train fc optimizer sgd(momentum 0.9)",
        ),
        ("let x: 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("let x 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("const x = 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("start: train fc, lr 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr 1e-3, weight_decay 0.1", "start: train fc lr 1e-3 weight_decay 0.1"),
        ("start: train fc,;", "start: train fc;"),
        ("start: train fc and layer4", "start: train fc, layer4"),
        ("start: train fc && layer4", "start: train fc, layer4"),
        ("when a < 1 && b < 1: stop", "when a < 1 and b < 1: stop"),
        ("start: train layer3 layer4", "start: train layer3, layer4"),
        ("start: train fc LR 1e-3", "start: train fc lr 1e-3"),
        ("start: TRAIN fc", "start: train fc"),
        ("start: train fc learning_rate 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc weight-decay 0.01", "start: train fc weight_decay 0.01"),
        ("start: train fc optimizer \"adamw\"", "start: train fc optimizer adamw"),
        ("start: train fc optimizer adamw(lr 1e-3)", "start: train fc lr 1e-3 optimizer adamw"),
        ("start: train fc with lr 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr 2 ** 3", "start: train fc lr 2 ^ 3"),
        ("start: train fc lr .001", "start: train fc lr 0.001"),
        ("start: train fc lr 0,001", "start: train fc lr 0.001"),
        ("start: train fc lr 0.001f", "start: train fc lr 0.001"),
        ("run 10epochs; start: train fc", "run 10 epochs; start: train fc"),
        ("start: train fc; every epoch: reset fc", "start: train fc; every 1 epoch: reset fc"),
        ("at epoch 3: train fc", "epoch 3: train fc"),
        ("epoch >= 3: train fc", "epoch 3: train fc"),
        ("epoch 3 => train fc", "epoch 3: train fc"),
        ("epoch 3; train fc", "epoch 3: train fc"),
        ("start train fc", "start: train fc"),
        ("start: train fc\nepoch 1: stop", "start: train fc;\nepoch 1: stop"),
        ("if loss < 1: stop", "when loss < 1: stop"),
        (
            "when loss stops decreasing for 3 epochs: stop",
            "when loss stops falling for 3 epochs: stop",
        ),
        ("when val/acc > 0.9: stop", "when \"val/acc\" > 0.9: stop"),
        ("when acc => 0.9: stop", "when acc >= 0.9: stop"),
        ("epoch 1: restore min val_loss", "epoch 1: restore lowest val_loss"),
        ("start: train @all but fc", "start: train @all except fc"),
        ("start: train not layer4", "start: train @all except layer4"),
        ("start: train layer[1:3]", "start: train layer[1..3]"),
        ("start: train layer{1,2}", "start: train {layer1,layer2}"),
        ("start: train {q,k}_proj", "start: train {q_proj,k_proj}"),
        ("start: thaw fc", "start: unfreeze fc"),
        (
            "start: train fc lr cosine 1e-3 => 0 over 3 epochs",
            "start: train fc lr cosine 1e-3 -> 0 over 3 epochs",
        ),
        (
            "start: train fc lr 1e-3 * 0.1 every 3 epochs",
            "start: train fc lr 1e-3 times 0.1 every 3 epochs",
        ),
    ] {
        assert_eq!(mended(slip), right, "{slip}");
        if first(slip) != Applicability::Safe {
            asked.push(slip);
        }
    }
    assert!(asked.is_empty(), "{asked:#?}");
}

#[test]
fn what_is_a_guess_is_asked_for() {
    let mut unasked = Vec::new();
    for slip in [
        "start: trian fc",
        "let base = 1; start: train fc lr bas",
        "train fc lr 1e-3",
        "x = 1e-3; start: train fc lr x",
        "let head = fc; start: train head",
        "start: train fc momentum 0.9",
        "start: train fc; epoch 1: set lr 1e-4",
        "start: train fc lr 1e-3 decay 0.1",
        "start: train fc weight_decay 10%",
        "start: train fc weight_decay 1,000",
        "at 0.5: train fc",
        "start: train layer4{conv1,bn1}",
        "start: train fc; unfreeze layer4 at epoch 3",
        "when val_loss stops improving for 3 epochs: stop",
        "when val_acc reaches 0.9: stop",
        "epoch 1: restore best val_loss",
        "start: train fc or layer4",
        "start: train layer1-4",
        "start: train first 2 of encoder.layer",
        "start: train fc lr 1e-3 -> 1e-5 over 5 epochs",
        "start: train (fc, layer4",
        "epoch 9: end",
    ] {
        if first(slip) != Applicability::Maybe {
            unasked.push(slip);
        }
    }
    assert!(unasked.is_empty(), "{unasked:#?}");
}
