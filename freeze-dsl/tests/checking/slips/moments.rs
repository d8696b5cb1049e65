//! Triggers and rules whose parts are joined or ordered otherwise.

use super::{become_right, leave_a_choice};

#[test]
fn moments_are_joined_by_or() {
    become_right(&[
        ("start, every 20 steps: train fc", "start or every 20 steps: train fc"),
        ("start and every 20 steps: train fc", "start or every 20 steps: train fc"),
        ("epoch 0 every 20 steps: train fc", "epoch 0 or every 20 steps: train fc"),
        ("start:: train fc", "start: train fc"),
    ]);
    leave_a_choice(&[
        ("epoch 3 when loss < 1: train fc", "a rule before it", "`or when …`"),
        ("epoch 3, when loss < 1: train fc", "a rule before it", "`or when …`"),
        ("3 epochs: train fc", "`epoch 3: …`", "`after 3 epochs: …`"),
        ("after 1 hour: train fc", "`after 1 epoch`", "`after 1 step`"),
    ]);
}

#[test]
fn a_rule_in_another_form() {
    become_right(&[
        ("start: train fc lr 1e-3 as head", "start as head: train fc lr 1e-3"),
        ("start: train(fc, bn1, lr=1e-3)", "start: train fc, bn1 lr 1e-3"),
        ("start: train fc,, bn1", "start: train fc, bn1"),
        ("start: training fc", "start: train fc"),
        ("start: unfrozen fc", "start: unfreeze fc"),
        ("epoch 3: break", "epoch 3: stop"),
        (
            "start: train fc optimizer sgd[momentum 0.9]",
            "start: train fc optimizer sgd(momentum 0.9)",
        ),
        (
            "start: train fc lr linear 0 -> 1 over 3 epochs, cosine 1 -> 0 over 3 epochs",
            "start: train fc lr linear 0 -> 1 over 3 epochs then cosine 1 -> 0 over 3 epochs",
        ),
        (
            "start: train fc optimizer AdamW(lr=1e-3, betas=(0.9, 0.95), eps=1e-6)",
            "start: train fc lr 1e-3 optimizer adamw(beta1 0.9, beta2 0.95, eps 1e-6)",
        ),
    ]);
}
