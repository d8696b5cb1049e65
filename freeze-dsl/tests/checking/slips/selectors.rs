//! Selectors and lists.

use super::{become_right, leave_a_choice};

#[test]
fn sets_and_ranges() {
    become_right(&[
        ("start: train layer{1,2}", "start: train {layer1,layer2}"),
        ("start: train layer{1,9}.0", "start: train {layer1,layer9}.0"),
        ("start: train layer{1..3}", "start: train {layer1,layer2,layer3}"),
        (
            "start: train encoder.{q,k,v}_proj lr 1e-3",
            "start: train encoder.{q_proj,k_proj,v_proj} lr 1e-3",
        ),
        ("start: train {q, k}_proj", "start: train {q_proj,k_proj}"),
        ("start: train layer1..layer3", "start: train {layer1,layer2,layer3}"),
        ("start: train layer1-3 lr 1e-3", "start: train {layer1,layer2,layer3} lr 1e-3"),
        ("start: train encoder.layer[1:3]", "start: train encoder.layer[1..3]"),
        ("start: train encoder.layer[1-3]", "start: train encoder.layer[1..=3]"),
        ("start: train encoder.layer[1,3]", "start: train encoder.layer.{1,3}"),
        (
            "start: train encoder.layer[1, 3, 5].attention",
            "start: train encoder.layer.{1, 3, 5}.attention",
        ),
        ("start: train encoder::layer", "start: train encoder.layer"),
    ]);
}

#[test]
fn slices_of_python_with_an_open_end() {
    become_right(&[
        ("start: train encoder.layer[2:]", "start: train encoder.layer[2..]"),
        ("start: train encoder.layer[-4:]", "start: train encoder.layer[-4..]"),
        ("start: train encoder.layer[:6].attention", "start: train encoder.layer[..6].attention"),
        ("start: train encoder.layer[:-1]", "start: train encoder.layer[..-1]"),
        ("start: train encoder.layer[-4:-1]", "start: train encoder.layer[-4..-1]"),
        ("start: train encoder.layer[:]", "start: train encoder.layer[..]"),
        (
            "let n = 3; start: train encoder.layer[n:] lr 1e-3",
            "let n = 3; start: train encoder.layer[n..] lr 1e-3",
        ),
    ]);
}

#[test]
fn a_slice_with_a_step_is_no_range() {
    for slip in ["start: train layer[::2]", "start: train layer[0:8:2]"] {
        let errors = super::errors(slip);
        assert!(!errors.is_empty(), "{slip}");
        assert!(errors.iter().all(|error| error.suggestions.is_empty()), "{slip}: {errors:#?}");
    }
}

#[test]
fn a_number_in_a_path() {
    become_right(&[
        (
            "start: for i in 1..5 { train encoder.layer{i} lr 1e-3 }",
            "start: for i in 1..5 { train encoder.layer[i] lr 1e-3 }",
        ),
        (
            "let n = 3; start: train encoder.layer{n}.attention",
            "let n = 3; start: train encoder.layer[n].attention",
        ),
    ]);
}

#[test]
fn several_rows() {
    become_right(&[
        ("start: train rows 5, 6 of fc.weight", "start: train rows [5, 6] of fc.weight"),
        (
            "start: train bn1, rows 0..3, 7, -2.. of fc.weight lr 1e-3",
            "start: train bn1, rows [0..3, 7, -2..] of fc.weight lr 1e-3",
        ),
        ("start: train row 5, 9 of fc.weight", "start: train rows [5, 9] of fc.weight"),
        ("start: train rows 10-20 of fc.weight", "start: train rows 10..=20 of fc.weight"),
    ]);
    let errors = super::errors("start: train rows 50% of fc.weight");
    assert!(errors.len() == 1 && errors[0].suggestions.is_empty(), "{errors:#?}");
}

#[test]
fn lists() {
    become_right(&[
        ("start: train last 2 of encoder.layer", "start: train last 2 of [encoder.layer.*]"),
        (
            "start: train first 2 of encoder.layer.* lr 1e-3",
            "start: train first 2 of [encoder.layer.*] lr 1e-3",
        ),
        (
            "let @a = reversed encoder.layer; start: train @a",
            "let @a = reversed [encoder.layer.*]; start: train @a",
        ),
        (
            "for @x in encoder.layer { after 1 epoch: unfreeze @x lr 1e-3 }",
            "for @x in [encoder.layer.*] { after 1 epoch: unfreeze @x lr 1e-3 }",
        ),
        (
            "start: train sample 2 of encoder.layer seed 3",
            "start: train sample 2 of [encoder.layer.*] seed 3",
        ),
        (
            "start: train fc lr 1e-3 * len(encoder.layer)",
            "start: train fc lr 1e-3 * len([encoder.layer.*])",
        ),
        ("start: train fc lr 1e-3 * len(fc)", "start: train fc lr 1e-3 * len([fc.*])"),
    ]);
}

#[test]
fn elements_and_rows() {
    become_right(&[
        ("start: train last 2 in [layer.*]", "start: train last 2 of [layer.*]"),
        ("start: train first 10 rows of e.weight", "start: train rows 0..10 of e.weight"),
        ("start: train last 5 rows of e.weight", "start: train rows -5.. of e.weight"),
        ("start: train layer[0...2]", "start: train layer[0..=2]"),
    ]);
}

#[test]
fn a_list_that_is_not_named() {
    leave_a_choice(&[("start: train last 2 layers", "last 2 of [encoder.layer.*]", "the path of")]);
}

#[test]
fn what_is_left_out() {
    become_right(&[
        ("start: train not layer4", "start: train @all except layer4"),
        ("start: train !layer4", "start: train @all except layer4"),
        ("start: freeze !fc lr 1e-3", "start: freeze @all except fc"),
        ("start: train layer4, !layer4.0", "start: train layer4 except layer4.0"),
        ("start: train @all but fc", "start: train @all except fc"),
        ("start: train @all without fc", "start: train @all except fc"),
        ("start: train @all - fc", "start: train @all except fc"),
    ]);
}

#[test]
fn a_backslash_in_a_string() {
    become_right(&[
        (r#"start: train ~".*\.lora_A\..*""#, r#"start: train ~r".*\.lora_A\..*""#),
        (r#"start: train ~".*\d+.weight" lr 1"#, r#"start: train ~r".*\d+.weight" lr 1"#),
    ]);
}

#[test]
fn rows_in_peoples_words_include_their_end() {
    become_right(&[
        ("start: train rows 10 to 20 of fc.weight", "start: train rows 10..=20 of fc.weight"),
        ("start: train rows 10-20 of fc.weight", "start: train rows 10..=20 of fc.weight"),
    ]);
}

#[test]
fn a_regular_expression_without_quotes_may_be_a_negation() {
    leave_a_choice(&[
        ("start: train ~layer4.*", "~r\"layer4.*\"", "@all except layer4.*"),
        ("start: freeze fc, ~bn1", "~r\"bn1\"", "@all except bn1"),
    ]);
}

#[test]
fn selectors_without_a_comma_between_them() {
    become_right(&[
        ("start: train fc layer4", "start: train fc, layer4"),
        ("start: train fc layer4.0 lr 1", "start: train fc, layer4.0 lr 1"),
        ("start: train fc lr 1 layer4 lr 2", "start: train fc lr 1, train layer4 lr 2"),
    ]);
}

#[test]
fn the_names_of_a_loop_over_a_named_list_have_a_sign() {
    become_right(&[(
        "let @a = [fc]; start: for x in a { unfreeze x lr 1 }",
        "let @a = [fc]; start: for @x in @a { unfreeze @x lr 1 }",
    )]);
}

#[test]
fn a_path_that_begins_with_a_keyword_after_any_verb() {
    for verb in ["train", "unfreeze", "freeze", "reset"] {
        become_right(&[(
            &format!("start: train fc; epoch 1: {verb} anchor.*"),
            &format!("start: train fc; epoch 1: {verb} {{anchor}}.*"),
        )]);
    }
}

#[test]
fn a_dot_at_the_end_of_a_path() {
    become_right(&[
        ("start: train layer4., fc lr 1e-3", "start: train layer4, fc lr 1e-3"),
        ("start: train layer4. lr 1e-3", "start: train layer4 lr 1e-3"),
        ("start: freeze layer4.0. keep state", "start: freeze layer4.0 keep state"),
        ("let @x = [layer4., fc]; start: train @x", "let @x = [layer4, fc]; start: train @x"),
        ("start: train (layer4[0]., fc)", "start: train (layer4[0], fc)"),
        ("start: train fc except layer4.;", "start: train fc except layer4;"),
    ]);
}
