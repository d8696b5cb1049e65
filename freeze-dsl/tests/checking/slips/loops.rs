//! Heads of loops as other languages write them.

use super::{become_right, errors, leave_a_choice};

#[test]
fn a_set_of_numbers_is_a_range() {
    become_right(&[
        (
            "for i in {1,2,3} { after 1 epoch: unfreeze layer[i] }",
            "for i in 1..=3 { after 1 epoch: unfreeze layer[i] }",
        ),
        (
            "start: train fc; for i in { 1, 2 } { after 1 epoch: unfreeze layer[i] }",
            "start: train fc; for i in 1..=2 { after 1 epoch: unfreeze layer[i] }",
        ),
    ]);
    leave_a_choice(&[(
        "for i in {1,3} { after 1 epoch: unfreeze layer[i] }",
        "a range such as `1..=4`",
        "once for each number",
    )]);
}

#[test]
fn words_between_a_name_and_its_list() {
    become_right(&[
        (
            "for i from 1 to 3 { after 1 epoch: unfreeze layer[i] }",
            "for i in 1..=3 { after 1 epoch: unfreeze layer[i] }",
        ),
        (
            "for i = 1..3 { after 1 epoch: unfreeze layer[i] }",
            "for i in 1..3 { after 1 epoch: unfreeze layer[i] }",
        ),
        (
            "for @l of [fc, bn1] { after 1 epoch: unfreeze @l }",
            "for @l in [fc, bn1] { after 1 epoch: unfreeze @l }",
        ),
        (
            "for each @l in [fc, bn1] { after 1 epoch: unfreeze @l }",
            "for @l in [fc, bn1] { after 1 epoch: unfreeze @l }",
        ),
    ]);
}

#[test]
fn functions_of_python() {
    become_right(&[
        (
            "for i, l in enumerate([fc, bn1]) { after 1 epoch: unfreeze l lr i }",
            "for i, @l in [fc, bn1] { after 1 epoch: unfreeze @l lr i }",
        ),
        (
            "for @l in reversed([fc, bn1]) { after 1 epoch: unfreeze @l }",
            "for @l in reversed [fc, bn1] { after 1 epoch: unfreeze @l }",
        ),
    ]);
}

#[test]
fn a_body_without_braces() {
    become_right(&[(
        "for @l in [fc, bn1] after 1 epoch: unfreeze @l",
        "for @l in [fc, bn1] { after 1 epoch: unfreeze @l }",
    )]);
}

#[test]
fn a_loop_that_does_not_parse_is_reported_once() {
    for slip in [
        "for i in {1,3} { after 1 epoch: unfreeze layer[i] }",
        "for i in {a b} { after 1 epoch: unfreeze fc }",
    ] {
        assert_eq!(errors(slip).len(), 1, "{slip}: {:#?}", errors(slip));
    }
}

#[test]
fn ranges_and_names_in_another_form() {
    become_right(&[
        (
            "for i in [1..3] { after 1 epoch: unfreeze layer[i] }",
            "for i in 1..3 { after 1 epoch: unfreeze layer[i] }",
        ),
        (
            "for i in 1:3 { after 1 epoch: unfreeze layer[i] }",
            "for i in 1..3 { after 1 epoch: unfreeze layer[i] }",
        ),
        (
            "for @x, i in [fc] { after 1 epoch: unfreeze @x lr i }",
            "for i, @x in [fc] { after 1 epoch: unfreeze @x lr i }",
        ),
    ]);
}
