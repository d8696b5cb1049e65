//! Selectors and lists.

use crate::{become_right, leave_a_choice};

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
