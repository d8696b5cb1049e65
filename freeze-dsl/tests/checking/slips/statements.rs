//! Statements without the word that begins them.

use super::{become_right, leave_a_choice};

#[test]
fn statements_without_their_first_word() {
    become_right(&[
        ("train fc", "start: train fc"),
        ("train fc;", "start: train fc;"),
        ("freeze @all; epoch 1: unfreeze fc", "start: freeze @all; epoch 1: unfreeze fc"),
        ("train fc lr=1e-3", "start: train fc lr 1e-3"),
        ("lr 1e-3; start: train fc", "default lr 1e-3; start: train fc"),
        ("lr = 1e-3; start: train fc", "default lr 1e-3; start: train fc"),
        ("optimizer adamw; start: train fc", "default optimizer adamw; start: train fc"),
        ("weight_decay=0.1; start: train fc", "default weight_decay 0.1; start: train fc"),
        ("x = 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("@a = [fc, bn1]; start: train @a", "let @a = [fc, bn1]; start: train @a"),
        ("const x = 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("lets base = 1e-3; start: train fc lr base", "let base = 1e-3; start: train fc lr base"),
        ("let x := 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("let x 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
        ("let x: 1e-3; start: train fc lr x", "let x = 1e-3; start: train fc lr x"),
    ]);
}

#[test]
fn names_with_and_without_their_sign() {
    become_right(&[
        ("let head = fc; start: train head", "let @head = fc; start: train @head"),
        (
            "let head = fc, bn1; start: train head lr 1e-3",
            "let @head = fc, bn1; start: train @head lr 1e-3",
        ),
        ("let head = [fc, bn1]; start: train head", "let @head = [fc, bn1]; start: train @head"),
        ("let head = layer4.0; start: train head", "let @head = layer4.0; start: train @head"),
        ("let @lr = 1e-3; start: train fc lr @lr", "let lr = 1e-3; start: train fc lr lr"),
        ("let @base = 1e-3; start: train fc lr @base", "let base = 1e-3; start: train fc lr base"),
        ("let base = 1e-3; start: train fc lr @base", "let base = 1e-3; start: train fc lr base"),
        (
            "for layer in [fc, bn1] { after 1 epoch: unfreeze layer lr 1e-3 }",
            "for @layer in [fc, bn1] { after 1 epoch: unfreeze @layer lr 1e-3 }",
        ),
        (
            "for i, layer in [fc, bn1] { after 1 epoch: unfreeze layer lr 1e-3 * i }",
            "for i, @layer in [fc, bn1] { after 1 epoch: unfreeze @layer lr 1e-3 * i }",
        ),
        (
            "start: for layer in [fc, bn1] { unfreeze layer lr 1e-3 }",
            "start: for @layer in [fc, bn1] { unfreeze @layer lr 1e-3 }",
        ),
        (
            "for @x in fc, bn1 { after 1 epoch: unfreeze @x lr 1e-3 }",
            "for @x in [fc, bn1] { after 1 epoch: unfreeze @x lr 1e-3 }",
        ),
        (
            "for i in range(0, 4) { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
            "for i in 0..4 { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
        ),
        (
            "for i in range(4) { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
            "for i in 0..4 { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
        ),
        (
            "for i in 0..4: after 1 epoch: unfreeze layer[i] lr 1e-3",
            "for i in 0..4 { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
        ),
        (
            "for i in 0 to 4 { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
            "for i in 0..=4 { after 1 epoch: unfreeze layer[i] lr 1e-3 }",
        ),
    ]);
}

#[test]
fn what_is_missing_in_a_loop_may_be_one_of_two() {
    leave_a_choice(&[(
        "for @x in [fc, bn1] { unfreeze @x lr 1e-3 }",
        "after 1 epoch: …",
        "start: for … { … }",
    )]);
}

#[test]
fn an_action_after_a_rule_fires_with_it() {
    become_right(&[
        (
            "start: train fc; epoch 3: unfreeze layer4; freeze fc",
            "start: train fc; epoch 3: unfreeze layer4; epoch 3: freeze fc",
        ),
        (
            "start: train fc; step 700 as second: unfreeze layer4; set fc lr 1e-4;",
            "start: train fc; step 700 as second: unfreeze layer4; step 700: set fc lr 1e-4;",
        ),
        (
            "start: train fc lr 1e-3; unfreeze layer4 lr 1e-4",
            "start: train fc lr 1e-3; start: unfreeze layer4 lr 1e-4",
        ),
        ("let x = 1; train fc lr x", "let x = 1; start: train fc lr x"),
    ]);
    leave_a_choice(&[
        (
            "start: train fc; when val_loss < 1 as low: unfreeze layer4; freeze fc",
            "`, freeze …`",
            "`after 1 epoch: freeze …`",
        ),
        (
            "start: train fc; epoch 3 or step 90: unfreeze layer4; freeze fc",
            "`, freeze …`",
            "`after 1 epoch: freeze …`",
        ),
    ]);
}

#[test]
fn a_semicolon_after_a_trigger_is_one_mistake() {
    let text = "start: train fc lr 1; epoch 3; unfreeze layer4; epoch 5: stop";
    assert_eq!(super::errors(text).len(), 1);
    become_right(&[(text, "start: train fc lr 1; epoch 3: unfreeze layer4; epoch 5: stop")]);
}

#[test]
fn a_name_with_a_sign_too_many_is_one_mistake() {
    let text = "let @lr = 1e-3; start: train fc lr @lr; epoch 3: set fc lr @lr";
    assert_eq!(super::errors(text).len(), 1);
    become_right(&[(text, "let lr = 1e-3; start: train fc lr lr; epoch 3: set fc lr lr")]);
}

#[test]
fn braces_that_are_no_block_hide_no_statement_after_them() {
    for text in [
        "start { train fc; } epoch 3: unfreeze fc lr -1",
        "start: { train fc } epoch 3: unfreeze fc lr -1",
        "repeats { every 1 epoch: train fc; } epoch 3: unfreeze fc lr -1",
        "trak a in fc { epoch 1: freeze fc; } start: train fc lr -1",
        "start: train fc; for @a in [fc] { start { train @a; } epoch 1: set @a lr -1; }",
    ] {
        let errors = super::errors(text);
        assert_eq!(errors.len(), 2, "{text}: {errors:#?}");
        assert!(errors[1].message.contains("negative"), "{text}: {errors:#?}");
    }
}

#[test]
fn a_track_without_a_block_has_one_error() {
    for text in [
        "start: train layer4; track a in fc: epoch 1: freeze fc",
        "start: train layer4; track a in fc; epoch 1: freeze layer4",
    ] {
        let errors = super::errors(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
        assert_eq!(errors[0].message, "a track without a block");
    }
}

#[test]
fn slips_in_blocks() {
    become_right(&[
        (
            "start: train layer4; track head in fc, { epoch 1: freeze fc }",
            "start: train layer4; track head in fc { epoch 1: freeze fc }",
        ),
        (
            "start: train layer4; track head in fc; { epoch 1: freeze fc }",
            "start: train layer4; track head in fc { epoch 1: freeze fc }",
        ),
        (
            "start: train layer4; track head in fc: { epoch 1: freeze fc }",
            "start: train layer4; track head in fc { epoch 1: freeze fc }",
        ),
        (
            "start: train fc; for @a in [bn1, conv1]; { after 1 epoch: unfreeze @a }",
            "start: train fc; for @a in [bn1, conv1] { after 1 epoch: unfreeze @a }",
        ),
        (
            "start: train fc; repeat; { after 2 epochs: reset fc }",
            "start: train fc; repeat { after 2 epochs: reset fc }",
        ),
        ("start: { train fc; set bn1 lr 1 }", "start: train fc, set bn1 lr 1"),
        (
            "start: train layer4; track head in fc { freeze @all }",
            "start: train layer4; track head in fc { start: freeze @all }",
        ),
        (
            "start: train layer4, fc; track fc.weight { epoch 1: freeze fc.weight }",
            "start: train layer4, fc; track in fc.weight { epoch 1: freeze fc.weight }",
        ),
        (
            "start: train @all; track @norms { epoch 1: freeze @norms }",
            "start: train @all; track in @norms { epoch 1: freeze @norms }",
        ),
        (
            "start: train fc; repeat 3 { after 2 epochs: reset fc }",
            "start: train fc; repeat { after 2 epochs: reset fc }",
        ),
        (
            "start: train fc; repeat: { after 2 epochs: reset fc }",
            "start: train fc; repeat { after 2 epochs: reset fc }",
        ),
        (
            "start: train fc; repeat 3 times { after 2 epochs: reset fc }",
            "start: train fc; repeat { after 2 epochs: reset fc }",
        ),
        (
            "start: train fc; whenever val_loss < 1 or val_acc > 2: reset fc",
            "start: train fc; whenever val_loss < 1 or whenever val_acc > 2: reset fc",
        ),
        (
            "start: train fc lr 1 optimizer sgd momentum 0.9",
            "start: train fc lr 1 optimizer sgd(momentum 0.9)",
        ),
        (
            "start: train fc lr 1 optimizer adamw beta1 0.8",
            "start: train fc lr 1 optimizer adamw(beta1 0.8)",
        ),
    ]);
    let first = |text: &str| super::errors(text).remove(0);
    assert_eq!(
        first("start: train fc; track in { epoch 1: stop }").message,
        "`in` without what the track owns"
    );
    become_right(&[
        (
            "start: train fc; track x in layer4 { start { freeze @all; } after 2 epochs { unfreeze @all; } }",
            "start: train fc; track x in layer4 { start: freeze @all; after 2 epochs: unfreeze @all; }",
        ),
        (
            "start { train fc; }\ntrack x in layer4 { start: freeze @all; }",
            "start: train fc;\ntrack x in layer4 { start: freeze @all; }",
        ),
        (
            "start: train fc lr 1; every 2 epochs { set fc lr * 0.5 }\nepoch 3: stop",
            "start: train fc lr 1; every 2 epochs: set fc lr * 0.5;\nepoch 3: stop",
        ),
        (
            "start: train fc; epoch 3 { unfreeze layer4; set fc lr 1; }",
            "start: train fc; epoch 3: unfreeze layer4, set fc lr 1;",
        ),
        (
            "start: train fc; track \"left one\" in layer4 { start: freeze @all }",
            "start: train fc; track left_one in layer4 { start: freeze @all }",
        ),
        (
            "start: train fc; track 2 in layer4 { start: freeze @all }",
            "start: train fc; track track_2 in layer4 { start: freeze @all }",
        ),
    ]);
    let bare = first("start: train fc; repeat: after 2 epochs: reset fc");
    assert_eq!(bare.message, "`repeat` without a block");
    let note = &first("start: train fc; repeat { reset fc }").notes[0];
    assert!(note.contains("comes again in each round"), "{note}");
}

#[test]
fn rules_that_commas_join() {
    become_right(&[
        (
            "start: train fc lr 1e-3,\nepoch 3: unfreeze layer4 lr 1e-4,\nwhen val_loss stops \
             falling for 3 epochs: stop",
            "start: train fc lr 1e-3;\nepoch 3: unfreeze layer4 lr 1e-4;\nwhen val_loss stops \
             falling for 3 epochs: stop",
        ),
        ("start: train fc, epoch 3: unfreeze layer4", "start: train fc; epoch 3: unfreeze layer4"),
        (
            "run 9 epochs, start: train fc, bn1, at 50%: unfreeze layer4",
            "run 9 epochs; start: train fc, bn1; at 50%: unfreeze layer4",
        ),
        (
            "start: train fc, when loss < 1 and acc > 0.5: stop",
            "start: train fc; when loss < 1 and acc > 0.5: stop",
        ),
    ]);
}

#[test]
fn words_that_touch_their_numbers() {
    become_right(&[
        ("start: train fc; epoch5: freeze fc", "start: train fc; epoch 5: freeze fc"),
        ("start: train fc; step500: freeze fc", "start: train fc; step 500: freeze fc"),
        ("run 9 epochs; at50%: train fc", "run 9 epochs; at 50%: train fc"),
        ("start: train fc; after2 epochs: stop", "start: train fc; after 2 epochs: stop"),
    ]);
}

#[test]
fn what_a_statement_lacks() {
    become_right(&[
        (": train fc lr 1e-3", "start: train fc lr 1e-3"),
        ("epochs 20; start: train fc", "run 20 epochs; start: train fc"),
        ("run for 20 epochs; start: train fc", "run 20 epochs; start: train fc"),
        (
            "start: train fc lr linear 1e-3 -> 0 10 epochs",
            "start: train fc lr linear 1e-3 -> 0 over 10 epochs",
        ),
        (
            "start: train fc lr warmup 0 -> 1e-3 over 5 epochs",
            "start: train fc lr linear 0 -> 1e-3 over 5 epochs",
        ),
    ]);
    leave_a_choice(&[
        ("epoch 3, 5: unfreeze fc lr 1", "epoch 3: …", "epoch 5: …"),
        ("epoch 3,4: train fc", "epoch 3: …", "epoch 4: …"),
        ("epoch 3 and 5: unfreeze fc lr 1", "epoch 3: …", "epoch 5: …"),
        ("start: train fc; lr 1e-3", "leave out the `;`", "default lr 1e-3"),
        ("epoch 3: unfreeze fc; lr 1e-4;", "leave out the `;`", "default lr 1e-4"),
    ]);
}

#[test]
fn a_comma_is_between_conditions_only_after_when() {
    let errors = super::errors("start: train , lr 1e-4");
    assert!(errors.iter().all(|error| !error.message.contains("conditions")), "{errors:#?}");
}
