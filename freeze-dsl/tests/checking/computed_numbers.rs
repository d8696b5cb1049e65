//! Numbers that are computed are shown as a person would write them.

use crate::support::{applied, findings_without_model};
use freeze_dsl::ide::OpenPolicy;
use freeze_dsl::source::{Source, Span};

#[test]
fn a_hint_has_no_digits_that_come_from_rounding() {
    for (expression, shown) in [
        ("1e-3 * 0.1", "= 0.0001"),
        ("0.1 * 3", "= 0.3"),
        ("1e-3 * 0.1 ^ 2", "= 0.00001"),
        ("1 / 3", "= 0.3333333333333"),
    ] {
        let text = format!("start: train fc lr {expression}");
        let hints = OpenPolicy::new(Source::new(text.clone())).hints(Span::new(0, text.len()));
        assert_eq!(hints.last().map(|hint| hint.text.as_str()), Some(shown), "{expression}");
    }
}

#[test]
fn a_label_says_what_a_number_equals() {
    for (text, label) in [
        ("start: train fc lr 0 - 0.1 * 3", "this equals -0.3"),
        ("start: train fc optimizer sgd(momentum 0.1 * 3 + 0.9) lr 1", "this equals 1.2"),
        ("epoch 3 * 1.1: train fc", "this equals 3.3"),
        // The digits are what is wrong here.
        ("epoch (0.1 + 0.2) * 10: train fc", "this equals 3.0000000000000004, not exactly 3"),
    ] {
        assert_eq!(findings_without_model(text)[0].label, label, "{text}");
    }
}

#[test]
fn an_edit_has_the_number_that_a_person_would_write() {
    for (text, right) in [
        ("at 0.07: train fc", "at 7%: train fc"),
        ("at 0.29: train fc", "at 29%: train fc"),
        ("start: train fc weight_decay 0.7%", "start: train fc weight_decay 0.007"),
        ("start: train fc, set fc lr / 10_000", "start: train fc, set fc lr * 0.0001"),
    ] {
        let found = findings_without_model(text);
        assert_eq!(applied(text, &found[0].suggestions[0]), right);
    }
}

#[test]
fn a_part_of_a_run_is_no_later_than_it_is() {
    // 0.07 * 100 is 7.000000000000001.
    let text = "run 100 epochs; at 7%: train fc; epoch 6: unfreeze layer4";
    let found = findings_without_model(text);
    assert!(found[0].message.ends_with("at epoch 7 at the earliest"), "{found:#?}");
}
