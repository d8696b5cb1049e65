//! Signs and numbers of other languages.

use super::become_right;

#[test]
fn a_value_follows_its_option_without_a_sign() {
    become_right(&[
        ("start: train fc lr=1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr = 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr: 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr := 1e-3", "start: train fc lr 1e-3"),
        ("default lr=1e-3; start: train fc", "default lr 1e-3; start: train fc"),
        ("run = 20 epochs; start: train fc", "run 20 epochs; start: train fc"),
        ("run: 20 epochs; start: train fc", "run 20 epochs; start: train fc"),
        (
            "start: train fc optimizer adamw(beta1=0.9)",
            "start: train fc optimizer adamw(beta1 0.9)",
        ),
        (
            "start: train fc optimizer adamw(beta1=0.9, beta2 = 0.99)",
            "start: train fc optimizer adamw(beta1 0.9, beta2 0.99)",
        ),
        (
            "start: train fc optimizer=sgd(momentum: 0.9)",
            "start: train fc optimizer sgd(momentum 0.9)",
        ),
        ("start: train fc lr=1e-3 weight_decay=0.1", "start: train fc lr 1e-3 weight_decay 0.1"),
        ("start: train fc stats=held", "start: train fc stats held"),
        ("start: train sample 1 of [fc, bn1] seed=3", "start: train sample 1 of [fc, bn1] seed 3"),
        ("epoch=3: train fc", "epoch 3: train fc"),
        ("epoch == 3: train fc", "epoch 3: train fc"),
    ]);
}

#[test]
fn options_follow_without_a_comma() {
    become_right(&[
        ("start: train fc, lr 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr 1e-3, weight_decay 0.1", "start: train fc lr 1e-3 weight_decay 0.1"),
        ("start: train fc, bn1, lr=1e-3", "start: train fc, bn1 lr 1e-3"),
        (
            "start: train fc lr=1e-3, weight_decay=0.1, optimizer=adamw",
            "start: train fc lr 1e-3 weight_decay 0.1 optimizer adamw",
        ),
        (
            "default lr 1e-3, weight_decay 0.1; start: train fc",
            "default lr 1e-3 weight_decay 0.1; start: train fc",
        ),
        ("epoch 1: freeze fc, keep state", "epoch 1: freeze fc keep state"),
        ("start: train fc,", "start: train fc"),
        ("start: train fc, ;", "start: train fc;"),
        ("start: train fc, layer4, ; epoch 3: stop", "start: train fc, layer4; epoch 3: stop"),
        ("start: train fc,, layer4", "start: train fc, layer4"),
        ("start: train fc lr 1e-3, stop,", "start: train fc lr 1e-3, stop"),
        ("start: train (fc, layer4,)", "start: train (fc, layer4)"),
        ("start: train fc lr min(1, 2,)", "start: train fc lr min(1, 2)"),
        ("start: train [fc,, bn1]", "start: train [fc, bn1]"),
    ]);
}

#[test]
fn words_and_signs_join_what_the_language_joins_otherwise() {
    become_right(&[
        ("start: train fc and layer4", "start: train fc, layer4"),
        ("start: train fc && layer4", "start: train fc, layer4"),
        ("start: train fc & layer4 & bn1", "start: train fc, layer4, bn1"),
        ("start: train fc | layer4", "start: train fc, layer4"),
        ("start: train fc || layer4", "start: train fc, layer4"),
        ("start: train fc + layer4", "start: train fc, layer4"),
        ("start: train fc lr 1e-3 and freeze bn1", "start: train fc lr 1e-3, freeze bn1"),
        ("when acc > 0.9 && loss < 1: train fc", "when acc > 0.9 and loss < 1: train fc"),
        ("when acc > 0.9, loss < 1: train fc", "when acc > 0.9 and loss < 1: train fc"),
        ("when acc > 0.9 || loss < 1: train fc", "when acc > 0.9 or when loss < 1: train fc"),
        ("epoch 3 || step 500: train fc", "epoch 3 or step 500: train fc"),
    ]);
}

#[test]
fn signs_of_numbers_and_comments() {
    become_right(&[
        ("start: train fc lr 10 ** -3", "start: train fc lr 10 ^ -3"),
        (
            "for i in 0..3 { after 1 epoch: train fc lr 1e-3 * 0.5 ** i }",
            "for i in 0..3 { after 1 epoch: train fc lr 1e-3 * 0.5 ^ i }",
        ),
        ("# first\nstart: train fc", "// first\nstart: train fc"),
        (
            "start: train fc; # don't; \"x\nepoch 3: stop",
            "start: train fc; // don't; \"x\nepoch 3: stop",
        ),
        ("start: train fc lr .001", "start: train fc lr 0.001"),
        ("start: train fc lr 0.001f", "start: train fc lr 0.001"),
        ("start: train fc lr 1e-3f32 weight_decay 0.1", "start: train fc lr 1e-3 weight_decay 0.1"),
        ("start: train fc lr 0,001", "start: train fc lr 0.001"),
        ("start: train fc lr 0.1%", "start: train fc lr 0.001"),
        ("start: train fc weight_decay 5%", "start: train fc weight_decay 0.05"),
        ("start: train fc lr 1.", "start: train fc lr 1"),
        ("when acc > 90%: train fc", "when acc > 0.9: train fc"),
        ("when acc >= .9 for 2 epochs: train fc", "when acc >= 0.9 for 2 epochs: train fc"),
    ]);
}

#[test]
fn signs_that_only_look_like_others() {
    become_right(&[
        ("start: train “fc” lr 1e-3", "start: train \"fc\" lr 1e-3"),
        ("start: train ‘fc’, „bn1“", "start: train \"fc\", \"bn1\""),
        ("start: train 'fc' lr 1e-3", "start: train \"fc\" lr 1e-3"),
        ("start: train 'layer4', `fc`", "start: train \"layer4\", \"fc\""),
        ("start: train fc lr 1e\u{2212}3", "start: train fc lr 1e-3"),
        ("start: train fc lr 1e–3", "start: train fc lr 1e-3"),
        ("start: train fc\u{37e} epoch 3: stop", "start: train fc; epoch 3: stop"),
        (
            "start: train fc lr linear 1 → 0 over 2 epochs",
            "start: train fc lr linear 1 -> 0 over 2 epochs",
        ),
        (
            "start： train fc， bn1 lr １e-3； epoch ３: stop",
            "start: train fc, bn1 lr 1e-3; epoch 3: stop",
        ),
        ("start:\u{200b} train fc", "start: train fc"),
        ("when acc ≥ 0.9: train fc", "when acc >= 0.9: train fc"),
        ("start: train fc lr 2 × 1e-3", "start: train fc lr 2 * 1e-3"),
        ("start: trаin fc", "start: train fc"),
        ("stàrt: train fc", "start: train fc"),
    ]);
}

#[test]
fn a_bracket_that_is_missing() {
    become_right(&[
        ("start: train (fc, layer4", "start: train (fc, layer4)"),
        (
            "start: train fc optimizer sgd(momentum 0.9",
            "start: train fc optimizer sgd(momentum 0.9)",
        ),
        (
            "start: train fc optimizer sgd(momentum 0.9 lr 1e-3; epoch 3: stop",
            "start: train fc optimizer sgd(momentum 0.9) lr 1e-3; epoch 3: stop",
        ),
        ("let @a = [fc, layer4; start: train @a", "let @a = [fc, layer4]; start: train @a"),
        ("start: train encoder.layer[3 lr 1e-3", "start: train encoder.layer[3] lr 1e-3"),
        ("start: train fc lr min(1, 2", "start: train fc lr min(1, 2)"),
        ("start: train {fc,bn1.weight", "start: train {fc,bn1}.weight"),
        ("start: train fc) lr 1e-3", "start: train fc lr 1e-3"),
    ]);
}
