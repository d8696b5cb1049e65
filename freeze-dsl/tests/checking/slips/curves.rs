//! Learning rates over time.

use super::{become_right, leave_a_choice};

#[test]
fn curves() {
    let right = "start: train fc lr linear 1e-3 -> 0 over 5 epochs";
    for wrong in [
        "linear 1e-3 to 0 over 5 epochs",
        "linear from 1e-3 to 0 over 5 epochs",
        "linear 1e-3 => 0 over 5 epochs",
        "linear 1e-3 → 0 over 5 epochs",
        "linear 1e-3 .. 0 over 5 epochs",
        "linear 1e-3, 0 over 5 epochs",
        "linear 1e-3 -> 0 in 5 epochs",
        "linear 1e-3 -> 0 for 5 epochs",
        "linearly 1e-3 -> 0 over 5 epochs",
        "linear(1e-3, 0, 5 epochs)",
        "Linear 1e-3 -> 0 over 5 epochs",
        "= linear 1e-3 -> 0 over 5 epochs",
        "linear 1e-3 -> 0 over 5epochs",
        "linear 1e-3 over 5 epochs",
        "liner 1e-3 -> 0 over 5 epochs",
    ] {
        become_right(&[(&format!("start: train fc lr {wrong}"), right)]);
    }
    become_right(&[
        (
            "start: train fc lr cos 1e-3 -> 0 over 5 epochs",
            "start: train fc lr cosine 1e-3 -> 0 over 5 epochs",
        ),
        (
            "start: train fc lr exponential 1e-3 -> 1e-5 over 5 epochs",
            "start: train fc lr exp 1e-3 -> 1e-5 over 5 epochs",
        ),
        (
            "start: train fc lr 1e-3 for 3 epochs then 1e-4",
            "start: train fc lr linear 1e-3 -> 1e-3 over 3 epochs then 1e-4",
        ),
        (
            "start: train fc lr 1e-3 -> 1e-5 over 5 epochs",
            "start: train fc lr linear 1e-3 -> 1e-5 over 5 epochs",
        ),
        (
            "start: train fc lr 1e-3 to 1e-5 over 5 epochs",
            "start: train fc lr linear 1e-3 -> 1e-5 over 5 epochs",
        ),
        (
            "run 9 epochs; start: train fc lr linear 0 -> 1e-3 over first 10%",
            "run 9 epochs; start: train fc lr linear 0 -> 1e-3 over 10%",
        ),
        ("start: train fc lr constant 1e-3", "start: train fc lr 1e-3"),
        (
            "start: train fc lr polynomial 1e-3 -> 0 over 5 epochs",
            "start: train fc lr power 1 1e-3 -> 0 over 5 epochs",
        ),
        (
            "start: train fc lr poly 2 1e-3 -> 0 over 5 epochs",
            "start: train fc lr power 2 1e-3 -> 0 over 5 epochs",
        ),
        (
            "start: train fc lr power 1e-3 -> 0 over 5 epochs",
            "start: train fc lr power 1 1e-3 -> 0 over 5 epochs",
        ),
        (
            "start: train fc lr inverse_sqrt 1e-3 over 400 steps",
            "start: train fc lr invsqrt 1e-3 over 400 steps",
        ),
        (
            "start: train fc lr 1-sqrt 1e-3 -> 0 over 5 epochs",
            "start: train fc lr sqrt 1e-3 -> 0 over 5 epochs",
        ),
        (
            "start: train fc lr 1 - sqrt 1e-3 -> 0 over 5 epochs",
            "start: train fc lr sqrt 1e-3 -> 0 over 5 epochs",
        ),
        (
            "run 9 epochs; start: train fc lr cosine 1e-3 -> 0 over the rest",
            "run 9 epochs; start: train fc lr cosine 1e-3 -> 0 over rest",
        ),
        (
            "start: train fc lr linear 0 -> 1e-3 over 5 epochs, then 1e-3",
            "start: train fc lr linear 0 -> 1e-3 over 5 epochs then 1e-3",
        ),
    ]);
}

#[test]
fn curves_that_leave_a_choice() {
    leave_a_choice(&[
        ("start: train fc lr 1e-3 -> 1e-5", "linear 1e-3 -> 1e-5 over 10 epochs", "another shape"),
        ("start: train fc lr cosine(1e-3, 0)", "cosine 1e-3 -> 0 over", "another duration"),
    ]);
}

#[test]
fn a_shape_is_not_the_value_at_the_start() {
    let errors = super::errors("start: train fc lr 1e-3 then cosine -> 1e-5 over 5 epochs");
    assert!(errors.len() == 1 && errors[0].suggestions.is_empty(), "{errors:#?}");
    assert_eq!(errors[0].message, "`cosine` without the value at its start");
}

#[test]
fn over_is_not_the_value_at_the_end() {
    for curve in
        ["linear 1 -> over 5 epochs", "cosine 1 -> over rest", "exp 1 -> then 2", "sqrt 1 ->"]
    {
        let errors = super::errors(&format!("start: train fc lr {curve};"));
        assert!(errors.len() == 1 && errors[0].suggestions.is_empty(), "{errors:#?}");
        assert_eq!(errors[0].message, "no value after `->`");
    }
}

#[test]
fn words_in_place_of_numbers() {
    become_right(&[
        (
            "start: train fc lr linear 0 -> 1 over 3 epochs then then 1e-4",
            "start: train fc lr linear 0 -> 1 over 3 epochs then 1e-4",
        ),
        (
            "start: train fc lr power 2^1 1e-3 -> 0 over 3 epochs",
            "start: train fc lr power (2^1) 1e-3 -> 0 over 3 epochs",
        ),
        (
            "start: train fc lr warmup 1e-3 over 3 epochs",
            "start: train fc lr linear 0 -> 1e-3 over 3 epochs",
        ),
    ]);
    let errors = super::errors("start: train fc lr 1; epoch 1: set fc lr * cosine");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].label.contains("a curve's shape"), "{errors:#?}");
}

#[test]
fn a_factor_without_times() {
    become_right(&[(
        "start: train fc lr 1e-3 * 0.1 every 3 epochs",
        "start: train fc lr 1e-3 times 0.1 every 3 epochs",
    )]);
}

#[test]
fn a_sign_between_two_numbers_leaves_a_space() {
    become_right(&[(
        "start: train fc lr power 2-1->0 over 1 epoch",
        "start: train fc lr power 2 1->0 over 1 epoch",
    )]);
}
