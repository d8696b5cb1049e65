//! Options under other names, and in another order.

use super::{become_right, leave_a_choice};

#[test]
fn options_of_other_names() {
    become_right(&[
        ("start: train fc lr 1e-3 wd 0.1", "start: train fc lr 1e-3 weight_decay 0.1"),
        ("start: train fc LR 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc Lr 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc learning_rate 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc learning_rate=1e-3", "start: train fc lr 1e-3"),
        ("start: train fc learning rate 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc learning-rate 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc weight-decay 0.01", "start: train fc weight_decay 0.01"),
        ("start: train fc weight decay 0.01", "start: train fc weight_decay 0.01"),
        ("start: train fc weightDecay 0.01", "start: train fc weight_decay 0.01"),
        ("default learning_rate 1e-3; start: train fc", "default lr 1e-3; start: train fc"),
        ("default wd=0.1; start: train fc", "default weight_decay 0.1; start: train fc"),
        ("start: train fc optim adamw", "start: train fc optimizer adamw"),
        ("start: train fc optimizer Adam", "start: train fc optimizer adam"),
        ("start: train fc optimizer \"adamw\"", "start: train fc optimizer adamw"),
        ("start: train fc adamw lr 1e-3", "start: train fc optimizer adamw lr 1e-3"),
        (
            "start: train fc lr 0.1 sgd(momentum 0.9)",
            "start: train fc lr 0.1 optimizer sgd(momentum 0.9)",
        ),
        (
            "start: train fc lr 0.1 momentum 0.9",
            "start: train fc lr 0.1 optimizer sgd(momentum 0.9)",
        ),
        (
            "default momentum=0.9; start: train fc",
            "default optimizer sgd(momentum 0.9); start: train fc",
        ),
        ("start: train fc with lr 1e-3", "start: train fc lr 1e-3"),
        (
            "start: train fc; epoch 9: set lr 1e-4",
            "start: train fc; epoch 9: set @trainable lr 1e-4",
        ),
        ("start: train fc; epoch 9: lr 1e-4", "start: train fc; epoch 9: set @trainable lr 1e-4"),
        ("start: train fc optimizer torch.optim.Adam", "start: train fc optimizer adam"),
        ("start: train fc weight_decay none", "start: train fc weight_decay 0"),
        ("start: train fc stats frozen", "start: train fc stats held"),
        ("start: train fc, bn1 stats eval", "start: train fc, bn1 stats held"),
        ("epoch 1: freeze fc keep_state", "epoch 1: freeze fc keep state"),
        ("epoch 1: freeze fc keep optimizer state", "epoch 1: freeze fc keep state"),
    ]);
}

#[test]
fn arguments_of_optimizers() {
    become_right(&[
        ("start: train fc optimizer adamw(lr 1e-3)", "start: train fc lr 1e-3 optimizer adamw"),
        ("start: train fc optimizer adamw(lr=1e-3)", "start: train fc lr 1e-3 optimizer adamw"),
        (
            "start: train fc optimizer adamw(lr 1e-3, eps 1e-6)",
            "start: train fc lr 1e-3 optimizer adamw(eps 1e-6)",
        ),
        (
            "start: train fc lr 0.1 optimizer sgd(momentum 0.9, weight_decay 0.1)",
            "start: train fc lr 0.1 weight_decay 0.1 optimizer sgd(momentum 0.9)",
        ),
        (
            "start: train fc optimizer adam(betas=(0.9, 0.99))",
            "start: train fc optimizer adam(beta1 0.9, beta2 0.99)",
        ),
        (
            "start: train fc optimizer sgd(momentum 0.9, nesterov=True)",
            "start: train fc optimizer sgd(momentum 0.9, nesterov)",
        ),
        (
            "start: train fc optimizer adam(amsgrad=False)",
            "start: train fc optimizer adam(amsgrad 0)",
        ),
        (
            "start: train fc optimizer adam(epsilon 1e-7)",
            "start: train fc optimizer adam(eps 1e-7)",
        ),
        ("start: train fc optimizer adam(beta_1 0.9)", "start: train fc optimizer adam(beta1 0.9)"),
        (
            "start: train fc optimizer sgd(nesterov)",
            "start: train fc optimizer sgd(momentum 0.9, nesterov)",
        ),
        ("start: train fc optimizer sgd(0.9)", "start: train fc optimizer sgd(momentum 0.9)"),
        (
            "start: train fc optimizer adafactor(eps=(1e-30, 1e-3))",
            "start: train fc optimizer adafactor(eps1 1e-30, eps2 1e-3)",
        ),
        (
            "start: train fc.weight optimizer muon(adjust_lr_fn=\"match_rms_adamw\")",
            "start: train fc.weight optimizer muon(match_rms)",
        ),
        (
            "start: train fc.weight optimizer muon(adjust_lr_fn \"original\", nesterov=False)",
            "start: train fc.weight optimizer muon(match_rms 0, nesterov 0)",
        ),
        ("start: train fc optimizer torch.optim.NAdam", "start: train fc optimizer nadam"),
    ]);
}

#[test]
fn options_that_leave_a_choice() {
    leave_a_choice(&[
        ("start: train fc lr 0.1 nesterov", "arguments", "sgd(…, nesterov)"),
        ("start: train fc warmup 500 steps", "lr linear 0 -> 1e-3 over 500 steps", "then"),
        ("default warmup=500; start: train fc", "lr linear 0 -> 1e-3 over 500 steps", "then"),
        ("start: train fc weight_decay -1", "0.01", "`0`"),
    ]);
}

#[test]
fn a_verb_for_each_action() {
    become_right(&[
        (
            "start: train fc lr 1e-3, layer3 lr 1e-4",
            "start: train fc lr 1e-3, train layer3 lr 1e-4",
        ),
        (
            "start: train fc lr 1e-3, layer3 lr 1e-4, layer2 lr 1e-5",
            "start: train fc lr 1e-3, train layer3 lr 1e-4, train layer2 lr 1e-5",
        ),
        (
            "epoch 3: unfreeze layer4 lr 1e-3, layer3.*.conv1 lr 1e-4",
            "epoch 3: unfreeze layer4 lr 1e-3, unfreeze layer3.*.conv1 lr 1e-4",
        ),
    ]);
}

#[test]
fn decay_rates_and_optimizers_beside_the_word_optimizer() {
    become_right(&[
        (
            "start: train fc betas (0.9, 0.98)",
            "start: train fc optimizer adamw(beta1 0.9, beta2 0.98)",
        ),
        (
            "start: train fc optimizer adam(betas (0.9, 0.98))",
            "start: train fc optimizer adam(beta1 0.9, beta2 0.98)",
        ),
        ("start: train fc lr 1 with sgd", "start: train fc lr 1 optimizer sgd"),
        ("start: train fc using Adam", "start: train fc optimizer adam"),
    ]);
}

#[test]
fn numbers_with_a_plus() {
    become_right(&[
        ("start: train fc lr +1e-3", "start: train fc lr 1e-3"),
        ("start: train fc lr 1; epoch +1: stop", "start: train fc lr 1; epoch 1: stop"),
        ("start: train fc lr 1; when x > +1: stop", "start: train fc lr 1; when x > 1: stop"),
    ]);
}

#[test]
fn a_part_of_the_run_as_a_moment() {
    become_right(&[(
        "run 9 epochs; start: train fc lr 1; epoch 50%: stop",
        "run 9 epochs; start: train fc lr 1; at 50%: stop",
    )]);
}

#[test]
fn rates_that_are_multiplied() {
    become_right(&[
        (
            "start: train fc lr 1; epoch 1: set fc lr / 10",
            "start: train fc lr 1; epoch 1: set fc lr * 0.1",
        ),
        (
            "start: train fc lr 1; epoch 1: set fc lr / 3",
            "start: train fc lr 1; epoch 1: set fc lr * 1 / 3",
        ),
        (
            "start: train fc lr 1; epoch 1: set fc lr x 0.5",
            "start: train fc lr 1; epoch 1: set fc lr * 0.5",
        ),
        (
            "start: train fc lr 1; epoch 1: set fc lr times 0.5",
            "start: train fc lr 1; epoch 1: set fc lr * 0.5",
        ),
        (
            "start: train fc lr 1; epoch 1: set fc lr *= 0.5",
            "start: train fc lr 1; epoch 1: set fc lr * 0.5",
        ),
        (
            "start: train fc lr 1; epoch 1: set fc lr 0.5x",
            "start: train fc lr 1; epoch 1: set fc lr * 0.5",
        ),
        (
            "let k = 2; start: train fc lr 1; epoch 1: set fc lr / k",
            "let k = 2; start: train fc lr 1; epoch 1: set fc lr * (1 / k)",
        ),
        (
            "start: train fc lr 1; epoch 1: set fc lr to 1e-5",
            "start: train fc lr 1; epoch 1: set fc lr 1e-5",
        ),
    ]);
}

#[test]
fn what_only_a_learning_rate_can_be() {
    leave_a_choice(&[
        (
            "start: train fc lr 1; epoch 1: set fc weight_decay * 0.5",
            "`weight_decay 0.01`",
            "new value",
        ),
        (
            "start: train fc lr 1 optimizer sgd(momentum 0.9, nesterov linear 0 -> 1 over 3 epochs)",
            "`nesterov 0`",
            "name the optimizer again",
        ),
        (
            "start: train fc lr 1 optimizer adamw(amsgrad linear 0 -> 1 over 3 epochs)",
            "`amsgrad 0`",
            "name the optimizer again",
        ),
    ]);
    let message = |text: &str| super::errors(text).remove(0).message;
    assert!(message("start: train fc lr )").contains("expected a learning rate"));
    assert!(message("start: train fc lr 1 weight_decay )").contains("expected a weight decay"));
    assert!(!message("start: train fc optimizer sgd(momentum * 2)").contains("learning rate"));
}

#[test]
fn arguments_without_their_names() {
    become_right(&[
        (
            "start: train fc optimizer adamw(0.9, 0.95)",
            "start: train fc optimizer adamw(beta1 0.9, beta2 0.95)",
        ),
        (
            "start: train fc optimizer rmsprop(0.99)",
            "start: train fc optimizer rmsprop(alpha 0.99)",
        ),
    ]);
    leave_a_choice(&[(
        "start: train fc optimizer adamw(1e-3)",
        "`adamw(beta1 …)`",
        "`lr 1e-3 optimizer adamw`",
    )]);
}
