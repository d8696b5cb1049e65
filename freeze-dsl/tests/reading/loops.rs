//! Loops, over lists and ranges, in items and in actions.

use crate::support::{clock, findings, finds, firings, modules};
use freeze_dsl::diagnostic::Code;

#[test]
fn over_a_list_with_its_numbers() {
    let text = "start: train fc; for i, @stage in [layer4, layer3, (layer2, layer1)] { \
                epoch i + 1: unfreeze @stage lr 0.5 ^ i; }";
    let mut clock = clock(text);
    let seen: Vec<(String, Vec<f64>)> = (0..4)
        .map(|_| {
            clock.start_epoch();
            (modules(&clock), clock.groups().iter().map(|group| group.lr.unwrap()).collect())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("fc".to_owned(), vec![1.0]),
            ("layer4 fc".to_owned(), vec![1.0]),
            ("layer3 layer4 fc".to_owned(), vec![0.5, 1.0]),
            ("layer1 layer2 layer3 layer4 fc".to_owned(), vec![0.25, 0.5, 1.0]),
        ]
    );
}

#[test]
fn over_a_range() {
    let text = |range: &str| format!("for i in {range} {{ epoch i: train fc lr i + 1; }}");
    assert_eq!(firings(&mut clock(&text("1..3")), 9, 1), ["1:1 rule 1", "2:2 rule 2"]);
    assert_eq!(firings(&mut clock(&text("1..=3")), 9, 1).len(), 3);
    finds(&text("3..3"), &[(Code::OutOfRange, "for i in 3..3")]);
    finds(&text("0..1.5"), &[(Code::InvalidDuration, "1.5")]);
    finds(&text("0..n"), &[(Code::UnknownName, "n")]);
}

#[test]
fn in_actions() {
    let text = "start: train fc lr 1, for i, @stage in [layer4, layer3] { \
                unfreeze @stage lr 2 + i, set @stage weight_decay i, }, unfreeze bn1 lr 7";
    let mut clock = clock(text);
    clock.start_epoch();
    let groups: Vec<_> =
        clock.groups().iter().map(|group| (group.lr.unwrap(), group.weight_decay)).collect();
    assert_eq!(groups, [(7.0, None), (3.0, Some(1.0)), (2.0, Some(0.0)), (1.0, None)]);
}

#[test]
fn within_one_another() {
    let text = "start: train fc; for @stage in [layer4, layer3] { for i in 0..2 { \
                after 1 epochs as top: unfreeze @stage[i]; } after 1 epochs: unfreeze bn1 lr 3, \
                freeze bn1; }";
    // An index is part of a path, not of a name.
    finds(text, &[(Code::Syntax, "[i]")]);
    let text = "start: train fc; for i in 3..=4 { for k in 0..2 { \
                after 1 epochs as block: unfreeze layer4[k] lr i * 10 + k; } }";
    let fired = firings(&mut clock(text), 6, 1);
    let blocks = ["1:1 block[3,0]", "2:2 block[3,1]", "3:3 block[4,0]", "4:4 block[4,1]"];
    assert_eq!(fired, [&["0:0 rule 1"][..], &blocks].concat());
}

#[test]
fn rules_in_loops_have_names_of_their_own() {
    let text = "for i, @m in [fc, layer4] { epoch i as a: train @m; } \
                for @m in [fc, layer4] { after 1 epochs as b: train @m lr 9; }";
    let fired = firings(&mut clock(text), 5, 1);
    assert_eq!(fired, ["0:0 a[0]", "1:1 a[1]", "2:2 b[fc]", "3:3 b[layer4]"]);
    finds("for i in 0..2 { epoch i as a: train fc lr i + 1; } epoch 3 as a: train bn1;", &[]);
    finds("for i in 0..2 { epoch i: train fc lr i + 1; } epoch 2 as a: stop;", &[]);
}

#[test]
fn a_finding_says_in_which_turn_it_is() {
    let text = "for i, @stage in [fc, layer4] { epoch 3 - 2 * i: train @stage; }";
    let found = findings(text);
    let late = found.iter().find(|found| found.code == Code::PastMoment).unwrap();
    assert_eq!(&text[late.span.range()], "epoch 3 - 2 * i");
    assert_eq!(
        late.notes.last().unwrap(),
        "in the turn of the loop in which `i` is 1 and `@stage` is `layer4`"
    );
    let nested =
        "for i in 0..2 { for k in 5..6 { epoch i: train layer4[i + k - 5], layer4[i * k]; } }";
    let found = findings(nested);
    let wrong = found.iter().find(|found| found.code == Code::OutOfRange).unwrap();
    assert_eq!(&nested[wrong.span.range()], "[i * k]");
    let note = "in the turn of the loop in which `i` is 1 and `k` is 5";
    assert_eq!(wrong.notes.last().unwrap(), note);
}

#[test]
fn what_is_wrong_in_every_turn_is_reported_once() {
    finds("for i in 0..9 { epoch i: train layer5 lr 2 ^ i; }", &[(Code::SelectsNothing, "layer5")]);
}

#[test]
fn names_of_a_loop_end_with_it() {
    finds(
        "for i in 0..1 { start: train fc lr i + 1; } epoch 1: set fc lr i;",
        &[(Code::UnknownName, "i")],
    );
}

#[test]
fn a_loop_holds_rules_alone() {
    let text = "for i in 0..2 { let a = 1; epoch i: train fc lr i + 1; }";
    finds(text, &[(Code::Syntax, "let a = 1")]);
    finds(
        "for i in 0..2 { run 3 epochs; epoch i: train fc lr i + 1; }",
        &[(Code::Syntax, "run 3 epochs")],
    );
}

#[test]
fn a_loop_that_never_closes_is_read_all_the_same() {
    finds(
        "for i in 0..2 { epoch i: train layer5 lr 2 ^ i;",
        &[(Code::Syntax, "for i in 0..2"), (Code::SelectsNothing, "layer5")],
    );
    finds("start: for i in 0..2 { train fc lr i; epoch 3: stop;", &[(Code::Syntax, ";")]);
}

#[test]
fn frz0105_too_many_turns() {
    // As many as are borne,
    finds("start: train fc lr 1; for i in 0..100_000 { }", &[]);
    // and one more.
    let text = "start: train fc lr 1; for i in 0..100_001 { after 1 steps: set fc lr i + 2; }";
    finds(text, &[(Code::TooManyTurns, "for i in 0..100_001")]);
    let text = "start: train fc lr 1, for i in 0..1e12 { set fc lr i + 2 };";
    finds(text, &[(Code::TooManyTurns, "for i in 0..1e12")]);
    // Two actions a turn are twice as many.
    let text = "start: for i in 0..1e5 { set fc lr i + 2, set bn1 lr i + 3 };";
    assert_eq!(findings(text).len(), 1);
}

#[test]
fn a_loop_takes_no_name_that_has_a_meaning() {
    let rule = "{ after 1 epoch: reset fc; }";
    let twice = |before: &str, head: &str, name: &str| {
        finds(
            &format!("start: train fc lr i; {before} {head} {rule}"),
            &[(Code::DefinedTwice, name)],
        );
    };
    twice("let i = 1;", "for i in 0..2", "i");
    twice("let i = 1; let @a = bn1; start: unfreeze @a;", "for @a in [fc]", "@a");
    twice("let i = 1;", "for i, @a in [fc]", "i");
    twice("let i = 1;", "for @all in [fc]", "@all");
    let nested = "start: train fc; for i in 0..2 { for i in 0..2 { after 1 epoch: reset fc; } }";
    finds(nested, &[(Code::DefinedTwice, "i")]);
    let numbers_and_others = "let i = 1; start: train fc lr i; for @i in [fc]";
    finds(&format!("{numbers_and_others} {rule}"), &[]);
    let side_by_side = "start: train fc; for i in 0..2 { after 1 epoch: reset fc; }";
    finds(&format!("{side_by_side} for i in 0..2 {rule}"), &[]);
}

#[test]
fn a_loop_holds_rules_and_loops() {
    for other in ["default lr 1", "run 3 epochs", "let a = 1", "let @a = fc", "model \"m\""] {
        for turns in ["0..1", "0..3"] {
            let text = format!("start: train fc; for i in {turns} {{ {other}; }}");
            finds(&text, &[(Code::Syntax, other)]);
        }
    }
}

#[test]
fn a_head_that_cannot_be_read_is_reported_once_and_its_loop_is_read() {
    for head in ["for i 0..2", "for i in", "for @x [fc.{weight,bias}]", "for @x in fc"] {
        let text = format!(
            "start: train fc; {head} {{ after 1 epoch: tran @x; for k in 0..2 {{ epoch k: stop; }} \
             after 2 epochs: stop; }} epoch 9: unfreze fc;"
        );
        let codes: Vec<Code> = findings(&text).iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::Syntax, Code::UnknownWord, Code::UnknownWord], "{text}");
    }
}

#[test]
fn a_semicolon_in_a_loop_of_actions_is_reported_once() {
    let text = "start: for @part in [fc, bn1] { train @part lr 1; }; epoch 1: unfreeze layer9;";
    finds(text, &[(Code::Syntax, ";"), (Code::SelectsNothing, "layer9")]);
    let text = "start: for @part in [fc, bn1] { train @part lr 1; } epoch 1: unfreeze layer9;";
    assert_eq!(findings(text)[0].code, Code::Syntax);
}
