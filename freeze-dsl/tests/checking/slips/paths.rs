//! Paths and elements as other tools write them.

use super::{become_right, leave_a_choice};

#[test]
fn a_path_after_a_name() {
    become_right(&[
        ("start: train @layer4.0", "start: train layer4.0"),
        ("start: train @layer[3] lr 1", "start: train layer[3] lr 1"),
        ("let @a = fc; start: train @a.weight", "let @a = fc; start: train **.weight in @a"),
        (
            "for @x in [fc, bn1] { after 1 epoch: unfreeze @x.attn.weight lr 1 }",
            "for @x in [fc, bn1] { after 1 epoch: unfreeze **.attn.weight in @x lr 1 }",
        ),
    ]);
    leave_a_choice(&[(
        "let @a = [fc, bn1]; start: train @a[0]",
        "`first 1 of @a`",
        "`last 1 of @a`",
    )]);
}

#[test]
fn signs_between_segments() {
    become_right(&[
        ("start: train layer4/conv1 lr 1", "start: train layer4.conv1 lr 1"),
        ("start: train fc, layer4:conv1", "start: train fc, layer4.conv1"),
        ("start: train fc..weight", "start: train fc.weight"),
        ("start: train .fc", "start: train fc"),
        ("start: train fc. lr 1", "start: train fc lr 1"),
        ("start: train fc.", "start: train fc"),
        ("start: train layer4.?.weight", "start: train layer4.*.weight"),
        ("start: train my-layer.weight, fc", "start: train \"my-layer.weight\", fc"),
        (
            "let @a = [fc, my-layer.x-y]; start: train @a",
            "let @a = [fc, \"my-layer.x-y\"]; start: train @a",
        ),
    ]);
}

#[test]
fn regular_expressions() {
    become_right(&[
        (r#"start: train regex(".*bias")"#, r#"start: train ~r".*bias""#),
        (r#"start: train re(r".*\.bias") lr 1"#, r#"start: train ~r".*\.bias" lr 1"#),
        ("start: train /.*bias/ lr 1", r#"start: train ~r".*bias" lr 1"#),
    ]);
}

#[test]
fn elements_of_a_list() {
    become_right(&[
        ("start: train top 4 of [layer.*]", "start: train last 4 of [layer.*]"),
        ("start: train random 2 of [layer.*]", "start: train sample 2 of [layer.*]"),
        ("start: train sample 2 [layer.*]", "start: train sample 2 of [layer.*]"),
        ("start: train except fc lr 1", "start: train @all except fc lr 1"),
    ]);
}

#[test]
fn ready_made_names_in_other_words() {
    become_right(&[
        ("start: train @layernorms", "start: train @norms"),
        ("start: train @BatchNorm, fc", "start: train @norms, fc"),
        ("start: train @everything", "start: train @all"),
    ]);
}
