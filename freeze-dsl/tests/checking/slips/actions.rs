//! Actions.

use super::{become_right, leave_a_choice};

#[test]
fn verbs_of_other_tools() {
    become_right(&[
        ("start: finetune fc", "start: train fc"),
        ("start: fine-tune fc lr 1e-3", "start: train fc lr 1e-3"),
        ("start: train fc; epoch 3: unlock bn1", "start: train fc; epoch 3: unfreeze bn1"),
        (
            "start: train fc; epoch 3: thaw bn1 lr 1e-3",
            "start: train fc; epoch 3: unfreeze bn1 lr 1e-3",
        ),
        ("start: train fc; epoch 3: end", "start: train fc; epoch 3: stop"),
        ("start: train fc; epoch 3: early_stop", "start: train fc; epoch 3: stop"),
        ("start: Train fc", "start: train fc"),
        ("start: train fc, UNFREEZE bn1", "start: train fc, unfreeze bn1"),
    ]);
}

#[test]
fn restoring() {
    become_right(&[
        (
            "start: train fc; when val_loss stops falling for 3 epochs: restore best, stop",
            "start: train fc; when val_loss stops falling for 3 epochs: restore lowest val_loss, stop",
        ),
        (
            "start: train fc; epoch 9: restore best val_loss",
            "start: train fc; epoch 9: restore lowest val_loss",
        ),
        (
            "start: train fc; epoch 9: restore best val_acc",
            "start: train fc; epoch 9: restore highest val_acc",
        ),
        (
            "start: train fc; epoch 9: restore val_loss",
            "start: train fc; epoch 9: restore lowest val_loss",
        ),
        (
            "start: train fc; epoch 9: restore min val_loss",
            "start: train fc; epoch 9: restore lowest val_loss",
        ),
        (
            "start: train fc; epoch 9: restore maximum m",
            "start: train fc; epoch 9: restore highest m",
        ),
    ]);
    leave_a_choice(&[
        (
            "start: train fc; epoch 9: restore best",
            "restore lowest val_loss",
            "restore highest val_acc",
        ),
        (
            "start: train fc; epoch 9: restore best weights",
            "restore lowest val_loss",
            "restore highest val_acc",
        ),
    ]);
}

#[test]
fn the_best_of_no_metric() {
    leave_a_choice(&[(
        "start: train fc lr 1; epoch 3: restore lowest",
        "restore lowest val_loss",
        "its name",
    )]);
    become_right(&[(
        "start: train fc lr 1; when val_loss > 1: restore lowest, stop",
        "start: train fc lr 1; when val_loss > 1: restore lowest val_loss, stop",
    )]);
}
