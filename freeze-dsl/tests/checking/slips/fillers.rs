//! Words that say nothing, and words of what the program sets.

use super::{become_right, errors};

#[test]
fn words_beside_an_action() {
    become_right(&[
        ("start: train only fc", "start: train fc"),
        ("start: only train fc", "start: train fc"),
        ("start: train just fc lr 1", "start: train fc lr 1"),
        ("epoch 3: reset optimizer fc", "epoch 3: reset fc"),
        ("start: train layer 4", "start: train layer[4]"),
        ("start: train layers 3 to 5 lr 1", "start: train layers[3..=5] lr 1"),
        ("start: train fc then epoch 3: train bn1", "start: train fc; epoch 3: train bn1"),
        ("start: train fc l2sp 0.1", "start: train fc anchor 0.1"),
    ]);
}

#[test]
fn moments_that_recur() {
    become_right(&[
        ("after every 2 epochs: train fc", "every 2 epochs: train fc"),
        ("on epoch end: train fc", "every 1 epoch: train fc"),
        ("every epoch end: train fc", "every 1 epoch: train fc"),
        ("epoch % 5 == 0: train fc", "every 5 epochs: train fc"),
        ("when epoch % 5 == 0: train fc", "every 5 epochs: train fc"),
        ("epoch 3+: train fc", "epoch 3: train fc"),
        ("epoch > 3: train fc", "epoch 4: train fc"),
    ]);
}

#[test]
fn what_has_no_edit_has_a_note() {
    for (slip, note) in [
        ("start: train fc for 3 epochs", "`after 3 epochs: …`"),
        ("start: train fc dropout 0.1", "the options are"),
        ("start: train fc batch_size=8", "the options are"),
    ] {
        let errors = errors(slip);
        assert!(errors.len() == 1 && errors[0].notes[0].contains(note), "{slip}: {errors:#?}");
    }
}
