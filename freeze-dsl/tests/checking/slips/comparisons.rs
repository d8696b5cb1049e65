//! Comparisons and metrics in another order or with a word too many.

use super::become_right;

#[test]
fn comparisons_in_other_words() {
    become_right(&[
        ("start: train fc; when 0.9 < acc: stop", "start: train fc; when acc > 0.9: stop"),
        ("start: train fc; when (acc > 0.9): stop", "start: train fc; when acc > 0.9: stop"),
        (
            "start: train fc; when (loss < 1) and (acc > 0.9): stop",
            "start: train fc; when loss < 1 and acc > 0.9: stop",
        ),
        ("start: train fc; when acc is above 0.9: stop", "start: train fc; when acc > 0.9: stop"),
        ("start: train fc; when acc less than 0.9: stop", "start: train fc; when acc < 0.9: stop"),
        (
            "start: train fc; when val loss stops falling for 3 epochs: stop",
            "start: train fc; when val_loss stops falling for 3 epochs: stop",
        ),
    ]);
}

#[test]
fn a_word_too_many() {
    become_right(&[
        ("epoch 5: restore the lowest loss", "epoch 5: restore lowest loss"),
        ("epoch 5: restore lowest of loss", "epoch 5: restore lowest loss"),
        ("start: train sample 2 of [l.*] with seed 3", "start: train sample 2 of [l.*] seed 3"),
        ("start: freeze @norms keep stats", "start: freeze @norms stats held"),
    ]);
}
