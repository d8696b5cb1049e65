//! Triggers and durations.

use super::{become_right, errors, leave_a_choice};

#[test]
fn the_trigger_comes_first() {
    become_right(&[
        ("start: train fc; unfreeze bn1 at epoch 3", "start: train fc; epoch 3: unfreeze bn1"),
        (
            "start: train fc; unfreeze bn1 after 2 epochs;",
            "start: train fc; after 2 epochs: unfreeze bn1;",
        ),
        (
            "start: train fc; unfreeze bn1 lr 1e-3 at 50%; run 9 epochs",
            "start: train fc; at 50%: unfreeze bn1 lr 1e-3; run 9 epochs",
        ),
        (
            "start: train fc; unfreeze bn1 when loss < 0.5",
            "start: train fc; when loss < 0.5: unfreeze bn1",
        ),
        (
            "start: train fc; stop when loss stops falling for 3 epochs",
            "start: train fc; when loss stops falling for 3 epochs: stop",
        ),
        (
            "start: train fc; unfreeze bn1 if loss < 0.5",
            "start: train fc; when loss < 0.5: unfreeze bn1",
        ),
        ("start: train fc; unfreeze bn1 on epoch 3", "start: train fc; epoch 3: unfreeze bn1"),
        (
            "start: train fc, unfreeze layer4 at epoch 3",
            "start: train fc; epoch 3: unfreeze layer4",
        ),
        (
            "start: train fc lr 1e-3, unfreeze layer4 lr 1e-4 after 2 epochs",
            "start: train fc lr 1e-3; after 2 epochs: unfreeze layer4 lr 1e-4",
        ),
    ]);
}

#[test]
fn moments() {
    become_right(&[
        ("at epoch 3: train fc", "epoch 3: train fc"),
        ("at step 500: train fc", "step 500: train fc"),
        ("on epoch 3: train fc", "epoch 3: train fc"),
        ("at start: train fc", "start: train fc"),
        ("run 9 epochs; at 0.5: train fc", "run 9 epochs; at 50%: train fc"),
        ("run 9 epochs; at 0.25: train fc", "run 9 epochs; at 25%: train fc"),
        ("at 3 epochs: train fc", "epoch 3: train fc"),
        ("at 500 steps: train fc", "step 500: train fc"),
        ("epochs 3: train fc", "epoch 3: train fc"),
        ("ep 3: train fc", "epoch 3: train fc"),
        ("Epoch 3: train fc", "epoch 3: train fc"),
        ("iteration 500: train fc", "step 500: train fc"),
        ("begin: train fc", "start: train fc"),
        ("if loss < 1: train fc", "when loss < 1: train fc"),
        ("epoch 3 -> train fc", "epoch 3: train fc"),
        ("epoch 3, train fc", "epoch 3: train fc"),
        ("epoch 3 train fc", "epoch 3: train fc"),
        ("start { train fc lr 1e-3 }", "start: train fc lr 1e-3"),
    ]);
    leave_a_choice(&[
        ("at 3: train fc", "epoch 3: …", "at 3%: …"),
        ("epoch 1-5: train fc", "a moment", "a rule for each end"),
        ("start: train fc lr 1e-3 until epoch 5", "a rule of its own", "epoch 5: …"),
        ("epochs 0-3: train fc", "epoch 0: …", "epoch 3: …"),
        ("after epoch 3: train fc", "epoch 3: …", "after 3 epochs: …"),
    ]);
}

#[test]
fn durations() {
    become_right(&[
        ("start: train fc; every epoch: reset fc", "start: train fc; every 1 epoch: reset fc"),
        ("start: train fc; each epoch: reset fc", "start: train fc; every 1 epoch: reset fc"),
        ("start: train fc; after 10epochs: stop", "start: train fc; after 10 epochs: stop"),
        ("run 10epochs; start: train fc", "run 10 epochs; start: train fc"),
        ("run 500 iterations; start: train fc", "run 500 steps; start: train fc"),
        ("start: train fc; every 50 iters: reset fc", "start: train fc; every 50 steps: reset fc"),
        ("run 20 ep; start: train fc", "run 20 epochs; start: train fc"),
        ("run 20 Epochs; start: train fc", "run 20 epochs; start: train fc"),
        (
            "start: train fc lr linear 1 -> 0 over 500 batches",
            "start: train fc lr linear 1 -> 0 over 500 steps",
        ),
    ]);
    leave_a_choice(&[
        ("run 20; start: train fc", "run 20 epochs", "run 20 steps"),
        ("start: train fc; after 2: stop", "after 2 epochs", "after 2 steps"),
        ("start: train fc; every 50: reset fc", "every 50 epochs", "every 50 steps"),
        ("start: train fc lr linear 1 -> 0 over 5", "over 5 epochs", "over 5 steps"),
        ("when loss stops falling for 3: train fc", "for 3 epochs", "for 3 steps"),
    ]);
}

#[test]
fn metrics() {
    become_right(&[
        (
            "when val_loss stops improving for 3 epochs: train fc",
            "when val_loss stops falling for 3 epochs: train fc",
        ),
        (
            "when val_acc stops improving for 3 epochs: train fc",
            "when val_acc stops rising for 3 epochs: train fc",
        ),
        (
            "when m stops decreasing for 3 epochs: train fc",
            "when m stops falling for 3 epochs: train fc",
        ),
        (
            "when m stops droping for 3 epochs: train fc",
            "when m stops falling for 3 epochs: train fc",
        ),
        (
            "when m stops increasing for 3 epochs: train fc",
            "when m stops rising for 3 epochs: train fc",
        ),
        (
            "when val_loss plateaus for 3 epochs: train fc",
            "when val_loss stops falling for 3 epochs: train fc",
        ),
        (
            "when val_loss not improving for 3 epochs: train fc",
            "when val_loss stops falling for 3 epochs: train fc",
        ),
        (
            "when val_acc has not improved for 3 epochs: train fc",
            "when val_acc stops rising for 3 epochs: train fc",
        ),
        ("when val/acc > 0.9: train fc", "when \"val/acc\" > 0.9: train fc"),
        ("when val-loss < 0.9: train fc", "when \"val-loss\" < 0.9: train fc"),
        (
            "when val.loss stops falling for 2 epochs: train fc",
            "when \"val.loss\" stops falling for 2 epochs: train fc",
        ),
        (
            "start: train fc; epoch 9: restore lowest val/loss",
            "start: train fc; epoch 9: restore lowest \"val/loss\"",
        ),
        (
            "start: train fc; whenever gradnorm(fc) < 1: reset fc",
            "start: train fc; whenever grad_norm(fc) < 1: reset fc",
        ),
        (
            "start: train fc; whenever grad_norm fc < 1: reset fc",
            "start: train fc; whenever grad_norm(fc) < 1: reset fc",
        ),
        (
            "start: train fc; when grad_norm @all stops falling for 2 epochs: reset fc",
            "start: train fc; when grad_norm(@all) stops falling for 2 epochs: reset fc",
        ),
        (
            "start: train fc; when m stops falling by 1% for 3 epochs: reset fc",
            "start: train fc; when m stops falling for 3 epochs by 1%: reset fc",
        ),
        ("when acc => 0.9: train fc", "when acc >= 0.9: train fc"),
        ("when loss =< 0.9: train fc", "when loss <= 0.9: train fc"),
        ("when acc == 0.9: train fc", "when acc >= 0.9: train fc"),
        ("when loss == 0.9: train fc", "when loss <= 0.9: train fc"),
        ("when acc reaches 0.9: train fc", "when acc >= 0.9: train fc"),
        ("when acc above 0.9: train fc", "when acc > 0.9: train fc"),
        ("when loss < 0.5 or acc > 0.9: train fc", "when loss < 0.5 or when acc > 0.9: train fc"),
    ]);
    leave_a_choice(&[
        ("when m stops improving for 3 epochs: train fc", "stops falling", "stops rising"),
        (
            "start: train fc; whenever a > 3 and epoch 3: reset fc",
            "`epoch 3: …`",
            "`epoch 3 or when …`",
        ),
    ]);
}

#[test]
fn options_after_a_trigger_that_follows_its_actions() {
    become_right(&[(
        "start: train fc lr 1; unfreeze layer4 after 2 epochs lr 1e-4",
        "start: train fc lr 1; after 2 epochs: unfreeze layer4 lr 1e-4",
    )]);
}

#[test]
fn a_moment_that_is_compared() {
    become_right(&[
        (
            "start: train fc lr 1; epoch >= 3: unfreeze layer4",
            "start: train fc lr 1; epoch 3: unfreeze layer4",
        ),
        (
            "start: train fc lr 1; when epoch >= 3: unfreeze layer4",
            "start: train fc lr 1; epoch 3: unfreeze layer4",
        ),
        (
            "start: train fc lr 1; when step > 300: unfreeze layer4",
            "start: train fc lr 1; step 301: unfreeze layer4",
        ),
    ]);
}

#[test]
fn a_word_of_the_language_is_no_metric_unless_it_is_quoted() {
    leave_a_choice(&[
        ("start: train fc; when epoch < 3: freeze fc", "`epoch 3`", "`after 3 epochs`"),
        ("start: train fc; when lr < 1e-4: freeze fc", "`val_loss < 0.5`", "`\"lr\"`"),
        ("start: train fc; when steps stops falling for 3 epochs: stop", "`step 3`", "in quotes"),
    ]);
    for quoted in ["\"epoch\" > 3", "\"lr\" < 1e-4", "r\"step\" > 3", "grad_norm < 1"] {
        let text = format!("start: train fc; when {quoted}: unfreeze layer4");
        assert_eq!(errors(&text), [], "{text}");
    }
}

#[test]
fn conditions_that_leave_a_choice() {
    leave_a_choice(&[
        ("start: train fc; while l < 3: reset fc", "`when`", "`whenever`"),
        ("start: train fc; when l == 3: reset fc", "`<=`", "`>=`"),
        (
            "start: train fc; whenever after 3 epochs: reset fc",
            "`after 3 epochs",
            "`every 3 epochs",
        ),
    ]);
    become_right(&[(
        "start: train fc; when not val_loss < 3: freeze fc",
        "start: train fc; when val_loss >= 3: freeze fc",
    )]);
}
