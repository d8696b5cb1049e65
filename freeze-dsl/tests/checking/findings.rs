//! Every finding: a policy that has it, and one beside it that has not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{findings, finds, resnet18};
use freeze_dsl::clock::{Clock, Program};
use freeze_dsl::diagnostic::{Code, Diagnostic};
use freeze_dsl::policy::Policy;

#[track_caller]
fn finds_nothing(text: &str) {
    finds(text, &[]);
}

#[track_caller]
fn label(code: Code, text: &str) -> String {
    findings(text).into_iter().find(|finding| finding.code == code).unwrap().label
}

/// The only finding with a code.
#[track_caller]
fn only(code: Code, text: &str) -> Diagnostic {
    let mut found = findings(text).into_iter().filter(|finding| finding.code == code);
    let first = found.next().unwrap();
    assert!(found.next().is_none(), "{code} twice in {text}");
    first
}

#[test]
fn frz0101_syntax() {
    finds("start train fc;", &[(Code::Syntax, "train")]);
    finds("start: train fc epoch 3: unfreeze layer4;", &[(Code::Syntax, "epoch")]);
    finds("start: train;", &[(Code::Syntax, ";")]);
    finds("start: train fc lr;", &[(Code::Syntax, ";")]);
    finds("start: train lr 1e-3;", &[(Code::Syntax, "lr")]);
    finds("start: train fc; ; ;", &[(Code::Syntax, ";")]);
    finds("start: train fc; \"open", &[(Code::Syntax, "\"")]);
    finds("start: train fc; /* open", &[(Code::Syntax, "/*")]);
    finds("start: train a**b;", &[(Code::Syntax, "a**b"), (Code::SelectsNothing, "a**b")]);
    finds("start: train \"f\\q\";", &[(Code::Syntax, "\"f\\q\"")]);
    finds("", &[(Code::Syntax, "")]);
    finds("run 3 epochs;", &[(Code::Syntax, ";")]);
    finds_nothing("start: train fc");
    finds_nothing("/* a /* nested */ comment */ start: // one\n train fc;");
    finds_nothing("start: train \"fc\"");
}

#[test]
fn frz0102_unknown_words() {
    finds("epok 3: train fc;", &[(Code::UnknownWord, "epok")]);
    finds("start: tran fc;", &[(Code::UnknownWord, "tran")]);
    finds("start: train fc lrr 3;", &[(Code::UnknownWord, "lrr")]);
    finds("start: train fc, unfreze layer4 lr 1;", &[(Code::UnknownWord, "unfreze")]);
    finds("start or epok 3: train fc;", &[(Code::UnknownWord, "epok")]);
    let curve = "start: train fc lr cosin 1 -> 0 over 2 epochs;";
    finds(curve, &[(Code::UnknownWord, "cosin")]);
    finds("start: train fc lr smooth 1 -> 0 over 2 epochs;", &[(Code::UnknownWord, "smooth")]);
    finds(
        "start: train fc lr 1 times 1 every 1 step to 0 then expp 1",
        &[(Code::UnknownWord, "expp")],
    );
    finds("let base = 1; start: train fc lr base 1;", &[(Code::Syntax, "1")]);
    let meant = |text: &str| findings(text)[0].suggestions[0].edits[0].text.clone();
    assert_eq!([meant("start: tran fc;"), meant(curve)], ["train", "cosine"]);
}

#[test]
fn only_what_fits_an_action_is_offered_after_it() {
    let offered = |text: &str| findings(text)[0].label.clone();
    assert!(!offered("start: train fc kep state;").contains("keep"));
    assert_eq!(
        offered("start: freeze fc kep state;"),
        "expected `stats`, `keep`, `except` or `in`"
    );
}

#[test]
fn frz0103_nesting() {
    let nested = |depth| format!("start: train {}fc{};", "(".repeat(depth), ")".repeat(depth));
    finds_nothing(&nested(128));
    finds(&nested(129), &[(Code::NestedTooDeeply, "(")]);
    // What is wrong beside it is reported as well.
    let two = format!("{} epoch 3: unfreeze layer5;", nested(100_000));
    finds(&two, &[(Code::NestedTooDeeply, "("), (Code::SelectsNothing, "layer5")]);
    let comment = format!("{}{} start: train fc;", "/*".repeat(129), "*/".repeat(129));
    finds(&comment, &[(Code::NestedTooDeeply, "/")]);
}

#[test]
fn frz0201_selecting_nothing() {
    finds("start: train layer5;", &[(Code::SelectsNothing, "layer5")]);
    finds("start: train layer4.2;", &[(Code::SelectsNothing, "2")]);
    finds("start: train layer;", &[(Code::SelectsNothing, "layer")]);
    finds("start: train conv1.weights;", &[(Code::SelectsNothing, "weights")]);
    finds("start: train bn1.running_mean;", &[(Code::SelectsNothing, "bn1.running_mean")]);
    finds("start: train layer4 in layer3;", &[(Code::SelectsNothing, "layer4 in layer3")]);
    finds("start: train fc except fc;", &[(Code::SelectsNothing, "fc except fc")]);
    // A string with an unknown escape is one mistake.
    finds(r#"start: train "fc\q";"#, &[(Code::Syntax, r#""fc\q""#)]);
    finds(r#"start: train ~".*\.fc";"#, &[(Code::Syntax, r#"".*\.fc""#)]);
    finds(r#"let @a = "fc\q"; start: train @a;"#, &[(Code::Syntax, r#""fc\q""#)]);
    finds("start: train fc except layer4;", &[(Code::NoEffect, "layer4")]);
    finds("start: train @frozen;", &[(Code::SelectsNothing, "@frozen")]);
    assert_eq!(
        label(Code::SelectsNothing, "start: train @frozen;"),
        "everything trains just before this rule, and nothing is frozen"
    );
    assert_eq!(
        label(Code::SelectsNothing, "start: freeze @all; start: train fc in @trainable;"),
        "everything is frozen just before this rule, and nothing trains"
    );
    assert_eq!(
        label(Code::SelectsNothing, "start: train fc; epoch 1: unfreeze layer4 in @trainable;"),
        "nothing of the kind is left when this rule fires"
    );
    finds("start: train layer4[1..1];", &[(Code::SelectsNothing, "[1..1]")]);
    finds_nothing("start: train layer4.1, \"fc.weight\", conv*, **.bias in layer1");
}

#[test]
fn frz0201_says_what_was_likely_meant() {
    let meant = |text: &str| {
        let found = findings(text);
        let edit = &found[0].suggestions[0].edits[0];
        let mut mended = text.to_owned();
        mended.replace_range(edit.span.range(), &edit.text);
        mended
    };
    assert_eq!(meant("start: train layer5;"), "start: train layer4;");
    assert_eq!(meant("start: train layer4.0.cnv1;"), "start: train layer4.0.conv1;");
    assert_eq!(meant("start: train \"layer4.0.cnv1\";"), "start: train \"layer4.0.conv1\";");
    assert_eq!(meant("start: train downsample;"), "start: train **.downsample;");
}

#[test]
fn frz0202_unknown_names() {
    finds("start: train @bias;", &[(Code::UnknownName, "@bias")]);
    finds("start: train @;", &[(Code::Syntax, "@")]);
    finds_nothing("start: train @all except @biases; epoch 1: unfreeze @biases, @vectors");
}

#[test]
fn frz0202_names_of_a_let_that_is_wrong_or_lies_below() {
    finds(
        "let a = 1 2; let @b = [fc; start: train @b lr a;",
        &[(Code::Syntax, "2"), (Code::Syntax, ";")],
    );
    finds("let a = b; let b = 2; start: train fc lr a;", &[(Code::UnknownName, "b")]);
    finds("let @a = [@b]; let @b = fc; start: train @a;", &[(Code::UnknownName, "@b")]);
    let found = findings("let a = b; let b = 2; start: train fc lr a;");
    assert_eq!(found[0].secondary[0].span.start, 15);
    // `b` is another name than `@b`.
    let found = findings("let a = b; let @b = fc; start: train @b lr a;");
    assert!(found[0].secondary.is_empty());
}

#[test]
fn frz0203_names_twice() {
    finds("start as a: train fc; epoch 1 as a: unfreeze bn1;", &[(Code::DefinedTwice, "a")]);
    finds("run 3 epochs; run 4 epochs; start: train fc;", &[(Code::DefinedTwice, "4 epochs")]);
    finds("default lr 1; default lr 2; start: train fc;", &[(Code::DefinedTwice, "lr 2")]);
    finds("default lr 1 lr 2; start: train fc;", &[(Code::MisplacedOption, "lr 2")]);
    finds_nothing("start as a: train fc; epoch 1 as b: unfreeze bn1;");
}

#[test]
fn frz0301_past_moments() {
    finds("epoch 3: train fc; epoch 2: unfreeze bn1;", &[(Code::PastMoment, "epoch 2")]);
    finds("step 9: train fc; step 8: unfreeze bn1;", &[(Code::PastMoment, "step 8")]);
    finds_nothing("step 9: train fc; step 9: unfreeze bn1;");
    finds("run 100 steps; at 29%: train fc; step 28: stop", &[(Code::PastMoment, "step 28")]);
    // 15 % of 10 epochs, rounded to steps, may come as early as epoch 1.
    finds_nothing("run 10 epochs; start: train fc; after 15%: unfreeze bn1; epoch 1: stop");
    finds(
        "epoch 3: train fc; after 2 epochs: unfreeze bn1; epoch 4: unfreeze layer1;",
        &[(Code::PastMoment, "epoch 4")],
    );
    finds_nothing("epoch 3: train fc; epoch 3: unfreeze bn1; step 1: unfreeze layer1;");
    // The rule before may fire at its other moment.
    finds_nothing("epoch 3 or step 5: train fc; epoch 2: unfreeze bn1;");
}

#[test]
fn frz0302_rules_that_never_fire() {
    finds("run 3 epochs; epoch 3: train fc;", &[(Code::NeverFires, "epoch 3")]);
    finds("run 9 steps; start: train fc; step 9: unfreeze bn1;", &[(Code::NeverFires, "step 9")]);
    finds("start: train fc, stop; epoch 1: unfreeze bn1;", &[(Code::NeverFires, "epoch 1")]);
    let when = |condition: &str| {
        let text = format!("run 20 epochs; epoch 5: train fc; when {condition}: stop");
        findings(&text).iter().any(|found| found.code == Code::NeverFires)
    };
    // It watches from epoch 5 on, and epoch 19 is the last one.
    assert!(!when("loss stops falling for 15 epochs"));
    assert!(when("loss stops falling for 16 epochs"));
    assert!(when("loss > 1 and loss stops falling for 16 epochs"));
    assert!(!when("loss stops falling for 16 epochs or epoch 9"));
    assert!(!when("loss < 1 for 20 epochs"));
    assert!(when("loss < 1 for 21 epochs"));
    let text = "run 20 steps; step 5: train fc; when loss stops rising for 15 steps: stop";
    finds(text, &[(Code::NeverFires, "when loss stops rising for 15 steps")]);
    finds_nothing(&text.replace("15", "14"));
    let late = "start: train fc; when loss stops falling for 3 epochs: unfreeze bn1; epoch 1: stop";
    finds(late, &[(Code::PastMoment, "epoch 1"), (Code::UnboundedWait, "epoch 1")]);
    let rest = "run 9 steps; start: train fc; after rest: unfreeze bn1;";
    finds(rest, &[(Code::NeverFires, "after rest")]);
    finds("start: stop, train fc;", &[(Code::NeverFires, "train fc")]);
    finds(
        "run 9 epochs; start: train fc; after rest: unfreeze bn1;",
        &[(Code::NeverFires, "after rest")],
    );
    finds(
        "run 9 epochs; after 60%: train fc; after 60% of run: unfreeze bn1;",
        &[(Code::NeverFires, "after 60% of run")],
    );
    finds_nothing("run 3 epochs; epoch 2: train fc; epoch 3 or step 1: stop;");
}

#[test]
fn frz0303_nothing_trains() {
    finds("start: freeze @all;", &[(Code::NothingTrains, "freeze @all")]);
    finds_nothing("start: freeze @all, unfreeze fc;");
    // Rules that fire together are followed by no step until the last has fired.
    finds_nothing("start: freeze @all; epoch 0: unfreeze fc;");
    finds(
        "start: train fc; epoch 1: freeze fc; epoch 1: freeze bn1 keep state;",
        &[
            (Code::NothingTrains, "freeze bn1 keep state"),
            (Code::NoEffect, "freeze bn1 keep state"),
        ],
    );
    finds_nothing("start: freeze @all, stop;");
}

#[test]
fn frz0303_is_reported_where_it_begins_and_not_for_what_fires_together() {
    let twice = "start: freeze @all; epoch 1: set fc lr 1; epoch 2: unfreeze fc;";
    finds(twice, &[(Code::NothingTrains, "freeze @all")]);
    finds_nothing("step 5: freeze @all; start: unfreeze fc;");
    finds("step 5: freeze @all; step 6: unfreeze fc;", &[(Code::NothingTrains, "freeze @all")]);
}

#[test]
fn frz0304_undone_actions() {
    finds(
        "start: train bn1; epoch 1: unfreeze fc, freeze fc;",
        &[(Code::UndoneAction, "unfreeze fc")],
    );
    finds("start: freeze fc, unfreeze fc;", &[(Code::UndoneAction, "freeze fc")]);
    finds("start: set fc lr 1, set fc lr 2;", &[(Code::UndoneAction, "set fc lr 1")]);
    // What else an action does is left, and only an edit that keeps it is offered.
    let text = "start: train bn1; epoch 1: unfreeze fc lr 1, freeze fc;";
    finds(text, &[(Code::UndoneAction, "unfreeze fc lr 1")]);
    let text = "start: train fc, freeze fc, unfreeze bn1;";
    finds(text, &[(Code::UndoneAction, "train fc")]);
    finds_nothing("start: freeze layer4, unfreeze layer4.1;");
    finds_nothing("start: set fc lr 1 weight_decay 1, set fc lr 2;");
}

#[test]
fn what_a_later_firing_draws_is_not_known() {
    // Whichever of the two is drawn first, the other may train by epoch 5.
    for seed in 0..8 {
        let sample = format!("sample 1 of [layer4, fc] seed {seed}");
        let rule = format!("start or every 2 epochs: train {sample}");
        for later in ["unfreeze fc", "unfreeze layer4", "freeze fc", "freeze layer4", "train fc"] {
            finds(&format!("{rule}; epoch 5: {later}"), &[]);
        }
        let all = format!("freeze {sample}");
        finds(&format!("{rule}, {all}; epoch 5: train bn1"), &[(Code::NothingTrains, &all)]);
        finds(&format!("{rule}; epoch 5: set bn1 lr 2, {all}; epoch 6: train bn1"), &[]);
    }
    let known = "start or every 2 epochs: train fc lr 1; epoch 5: unfreeze fc";
    finds(known, &[(Code::NoEffect, "unfreeze fc")]);
}

#[test]
fn what_was_drawn_is_not_known_to_train() {
    for other in ["fc", "bn1"] {
        finds_nothing(&format!("start: train sample 1 of [fc, bn1]; epoch 1: unfreeze {other};"));
    }
}

#[test]
fn what_the_first_firing_draws_is_known() {
    // Whatever is drawn of two, nothing is left of it, or of it in something else.
    let nothing = "[fc, bn1] except sample 2 of [fc, bn1]";
    finds(&format!("start: train {nothing};"), &[(Code::SelectsNothing, nothing)]);
    finds(
        "start: freeze sample 1 of [@all];",
        &[(Code::NothingTrains, "freeze sample 1 of [@all]")],
    );
    let never = "sample 1 of [fc, bn1] in conv1";
    let text = format!("start or every 5 steps: train layer4, train {never};");
    finds(&text, &[(Code::SelectsNothing, never)]);
    for rule in ["start or every 5 steps: train fc", "start: train sample 1 of [fc, bn1]"] {
        let text = format!("{rule}; epoch 1: freeze @all;");
        finds(&text, &[(Code::NothingTrains, "freeze @all")]);
    }
    // A later one may find anything.
    finds_nothing(
        "start or every 5 steps: train sample 1 of [fc, bn1]; epoch 1: unfreeze fc in @frozen;",
    );
}

#[test]
fn what_a_curve_freezes_is_frozen_in_the_end() {
    let curve = "start: train @all lr linear 1 -> 0 over 1 epoch";
    finds_nothing(&format!("{curve} then freeze; epoch 3: unfreeze @frozen lr 1;"));
    let never = format!("{curve}; epoch 3: unfreeze @frozen lr 1;");
    finds(&never, &[(Code::SelectsNothing, "@frozen")]);
}

#[test]
fn what_a_curve_froze_may_train_again() {
    let rule = "start: train fc, bn1 lr 1, set fc lr linear 1 -> 0 over 2 epochs then freeze";
    finds(&format!("{rule}; epoch 5: unfreeze fc"), &[]);
    finds(&format!("{rule}; epoch 5: train fc, bn1"), &[]);
    finds(&format!("{rule}; epoch 5: unfreeze bn1"), &[(Code::NoEffect, "unfreeze bn1")]);
}

#[test]
fn frz0305_conflicting_options() {
    finds("start: train layer4 lr 1, train layer4.0 lr 2;", &[(Code::ConflictingOptions, "2")]);
    finds_nothing("start: train layer4 lr 1, set layer4.0 lr 2;");
    finds_nothing("start: train layer4 lr 1, train layer3 lr 2;");
    finds_nothing("start: train layer4 lr 1, unfreeze layer4 weight_decay 2;");
}

#[test]
fn frz0306_parts_of_an_unknown_run() {
    finds("start: train fc; after 10%: unfreeze bn1;", &[(Code::MissingRun, "10%")]);
    finds("start: train fc; after rest: unfreeze bn1;", &[(Code::MissingRun, "rest")]);
    finds("run 10%; start: train fc;", &[(Code::MissingRun, "10%")]);
    finds_nothing("start: train fc; after 10%: unfreeze bn1; run 10 epochs;");
}

#[test]
fn frz0401_values_out_of_range() {
    finds("start: train fc lr -1e-3;", &[(Code::InvalidValue, "-1e-3")]);
    finds("start: train fc lr 1e999;", &[(Code::InvalidValue, "1e999")]);
    finds("start: train fc weight_decay -1;", &[(Code::InvalidValue, "-1")]);
    finds("start: train fc optimizer sgd(momentum 1.5);", &[(Code::InvalidValue, "1.5")]);
    finds("start: train fc optimizer adam(beta1 1);", &[(Code::InvalidValue, "1")]);
    finds("start: train fc optimizer sgd(nesterov);", &[(Code::InvalidValue, "nesterov")]);
    finds("start: train fc optimizer sgd(nesterov 1);", &[(Code::InvalidValue, "nesterov")]);
    finds("start: train fc optimizer adam(amsgrad 2);", &[(Code::InvalidValue, "2")]);
    finds("start: train fc optimizer adam(amsgrad (-1) eps 1);", &[(Code::InvalidValue, "(-1)")]);
    finds_nothing("start: train fc lr 1e-3 optimizer adam(amsgrad 1);");
    for (optimizer, wrong) in [
        ("adagrad(lr_decay", "-1"),
        ("adagrad(initial", "-1"),
        ("adamax(beta2", "1"),
        ("nadam(momentum_decay", "-1"),
        ("radam(decoupled", "0.5"),
        ("adafactor(beta2_decay", "0.8"),
        ("adafactor(eps1", "-1"),
        ("adafactor(d", "0.5"),
        ("muon(steps", "2.5"),
        ("muon(steps", "100"),
        ("muon(steps", "-1"),
        ("muon(momentum", "1.5"),
        ("lion(beta1", "1"),
    ] {
        let text = format!("start: train fc.weight lr 1 optimizer {optimizer} {wrong});");
        finds(&text, &[(Code::InvalidValue, wrong)]);
    }
    finds_nothing(
        "start: train fc.weight lr 1
            optimizer muon(momentum 0.9, nesterov 0, eps 1e-6, steps 10 / 2, match_rms);",
    );
    finds_nothing("start: train fc lr 1 optimizer adafactor(beta2_decay -0.5 eps1 0 eps2 0 d 1);");
    finds_nothing("start: train fc lr 1e-3 optimizer sgd(nesterov 0);");
    finds_nothing("start: train fc lr 1e-3 optimizer adam(amsgrad (1 - 1) eps 1);");
    finds_nothing("start: train fc lr 1_0.5e-3 optimizer sgd(momentum 0.9 nesterov);");
    finds_nothing("start: train fc lr 1e-3 optimizer sgd(nesterov momentum 0.9);");
}

#[test]
fn frz0402_durations() {
    finds("start: train fc; after 0 epochs: unfreeze bn1;", &[(Code::InvalidDuration, "0")]);
    finds("start: train fc; after -2 steps: unfreeze bn1;", &[(Code::InvalidDuration, "-2")]);
    finds("start: train fc; after 1.5 epochs: unfreeze bn1;", &[(Code::InvalidDuration, "1.5")]);
    finds("epoch 1.5: train fc;", &[(Code::InvalidDuration, "1.5")]);
    finds("step -1: train fc;", &[(Code::InvalidDuration, "-1")]);
    finds("run 0 epochs; start: train fc;", &[(Code::InvalidDuration, "0")]);
    let message = |text: &str| findings(text)[0].message.clone();
    assert_eq!(message("epoch 1e16: train fc;"), "a number too large to count to");
    assert_eq!(message("run 1e16 steps; start: train fc;"), "a number too large to count to");
    assert_eq!(message("epoch 1.5: train fc;"), "an epoch is counted in whole numbers from 0");
    finds_nothing("step 1e3: train fc;");
}

#[test]
fn frz0403_options_that_do_not_fit() {
    finds("start: freeze fc lr 1;", &[(Code::MisplacedOption, "lr 1")]);
    finds("start: set fc;", &[(Code::MisplacedOption, "set fc")]);
    finds("start: train fc lr 1 lr 2;", &[(Code::MisplacedOption, "lr 2")]);
}

#[test]
fn frz0404_optimizers() {
    finds("start: train fc optimizer adm;", &[(Code::UnknownOptimizer, "adm")]);
    finds("start: train fc optimizer AdamW;", &[(Code::UnknownOptimizer, "AdamW")]);
    finds("start: train fc optimizer sgd(beta1 0.9);", &[(Code::UnknownOptimizer, "beta1")]);
    finds("start: train fc optimizer sgd(momentum);", &[(Code::UnknownOptimizer, "momentum")]);
    finds_nothing(
        "start: train fc optimizer rmsprop(alpha 0.9, eps 1e-7, momentum 0.9, centered);",
    );
}

#[test]
fn frz0406_optimizers_that_cannot_step() {
    let of = |text: &'static str| (Code::CannotStep, text);
    finds("start: train fc lr 1 optimizer muon;", &[of("optimizer muon")]);
    finds("default lr 1 optimizer muon; start: train fc;", &[of("optimizer muon")]);
    finds("default lr 1 optimizer muon; epoch 1: train fc.weight;", &[of("optimizer muon")]);
    // It is set while the parameter is frozen, which then joins.
    finds(
        "start: train fc.weight lr 1, set fc optimizer muon; epoch 1: unfreeze fc.bias;",
        &[of("optimizer muon")],
    );
    finds(
        "let @layers = [fc.weight, conv1]; start: train fc.weight lr 1;
         every 1 epoch: train sample 1 of @layers optimizer muon;",
        &[of("optimizer muon")],
    );
    finds_nothing("default lr 1 optimizer muon; start: train fc.weight;");
    finds_nothing("start: train rows 2..5 of fc.weight lr 1 optimizer muon;");
    finds_nothing("start: train fc.weight lr 1, set fc optimizer muon;");
    finds_nothing("start: train @all lr 1 optimizer adamw, set @all in @matrices optimizer muon;");
    // Another rule sets it before a step is made.
    finds_nothing("start: train fc lr 1 optimizer muon; start: set fc.bias optimizer adamw;");
    let complex = freeze_dsl::model::Model::from_json(
        r#"{"format":1,"order":"network","tensors":[
            {"name":"w","shape":[2,2],"dtype":"c64","role":"parameter"}]}"#,
    );
    let complex = complex.unwrap();
    for (optimizer, refuses) in
        [("muon", true), ("adafactor", true), ("adagrad", false), ("lion", false)]
    {
        let policy = Policy::parse(&format!("start: train w lr 1 optimizer {optimizer}")).unwrap();
        let plan = policy.plan(&complex);
        assert_eq!(plan.is_err(), refuses, "{optimizer}");
        let found = plan.err();
        let mut found = found.iter().flat_map(freeze_dsl::diagnostic::Findings::diagnostics);
        assert!(found.all(|found| found.code == Code::CannotStep));
    }
}

#[test]
fn frz0405_no_learning_rate() {
    let check = |text: &str, program: Program| {
        let plan = Policy::parse(text).unwrap().plan(&resnet18()).unwrap();
        let checked = Clock::new(plan, program).check();
        let findings = checked.err().map(|found| found.diagnostics().to_vec());
        findings
            .unwrap_or_default()
            .iter()
            .map(|f| (f.code, text[f.span.range()].to_owned()))
            .collect::<Vec<_>>()
    };
    let shortest = "epoch 0: train layer4 lr 1e-3; epoch 3: unfreeze layer3";
    assert_eq!(
        check(shortest, Program::default()),
        [(Code::MissingLearningRate, "epoch 3: unfreeze layer3".to_owned())]
    );
    let given = Program { lr: Some(1e-4), ..Program::default() };
    assert_eq!(check(shortest, given), []);
    assert_eq!(check(&format!("default lr 1; {shortest}"), Program::default()), []);
    // Until the first rule fires, everything trains.
    assert_eq!(
        check("epoch 1: train layer4 lr 1e-3", Program::default()),
        [(Code::MissingLearningRate, "epoch 1".to_owned())]
    );
}

#[test]
fn frz0501_actions_without_effect() {
    finds("start: unfreeze fc;", &[(Code::NoEffect, "unfreeze fc")]);
    finds("start: train fc; epoch 1: train fc;", &[(Code::NoEffect, "train fc")]);
    finds("start: train fc; epoch 1: freeze bn1;", &[(Code::NoEffect, "freeze bn1")]);
    finds("start: train fc, freeze bn1;", &[(Code::NoEffect, "freeze bn1")]);
    finds("epoch 3: train @all;", &[(Code::NoEffect, "train @all")]);
    finds_nothing("start: train @all;");
    let twice = "start as one: train fc; start as two: train fc;";
    let found = findings(twice);
    let found = found.iter().find(|found| found.code == Code::NoEffect).unwrap();
    assert_eq!(found.span.start, twice.rfind("train fc").unwrap());
    finds("start: train fc lr 1; epoch 1: set fc lr 1;", &[(Code::NoEffect, "set fc lr 1")]);
    assert_eq!(
        label(Code::NoEffect, "start: train fc; epoch 1: set fc lr 1; epoch 2: set fc lr 1;"),
        "all of this has these options already"
    );
    assert_eq!(
        label(Code::NoEffect, "start: train fc, bn1; epoch 1: set fc stats live;"),
        "no running statistics belong to this"
    );
    assert_eq!(
        label(
            Code::NoEffect,
            "start: train fc, bn1; epoch 1: set bn1 stats live; epoch 2: set bn1 stats live;"
        ),
        "all of this has these options already"
    );
    assert_eq!(
        label(Code::NoEffect, "start: train fc, freeze bn1;"),
        "`train` in the same rule freezes this already"
    );
    assert_eq!(
        label(Code::NoEffect, "start: train fc; epoch 1: freeze bn1;"),
        "all of this is frozen already"
    );
    // Reported with another code, and once.
    let undone = "start: train fc; epoch 1: freeze bn1, unfreeze bn1;";
    finds(undone, &[(Code::UndoneAction, "freeze bn1")]);
    finds_nothing("start: train fc; epoch 1: unfreeze @trainable;");
    finds_nothing("start: train fc; epoch 1: train fc lr 2;");
    finds_nothing("start: unfreeze fc lr 1;");
}

#[test]
fn frz0505_a_learning_rate_of_zero() {
    // An option that does not fit its action is one mistake.
    finds("start: freeze fc lr 0;", &[(Code::MisplacedOption, "lr 0")]);
    finds("start: train fc lr 0;", &[(Code::ZeroLearningRate, "0")]);
    finds("default lr 0.0; start: train fc lr 1;", &[(Code::ZeroLearningRate, "0.0")]);
}

#[test]
fn all_that_is_wrong_is_reported_at_once() {
    let text = "start: train layer5; epoch 2: unfreze fc; epoch 1: freeze fc lr 1; \
                after 0 steps: train @bias;";
    let codes: Vec<&str> = findings(text).iter().map(|finding| finding.code.name()).collect();
    assert_eq!(codes, ["FRZ0201", "FRZ0102", "FRZ0403", "FRZ0402", "FRZ0202"]);
}

#[test]
fn frz0302_conditions_that_exclude_each_other() {
    let never = "when loss < 0.5 and loss > 0.6";
    finds(&format!("{never}: train fc;"), &[(Code::NeverFires, never)]);
    finds("when a < 1 and a >= 1: train fc;", &[(Code::NeverFires, "when a < 1 and a >= 1")]);
    finds_nothing("when a <= 1 and a >= 1: train fc;");
    finds_nothing("when a > 1 and a > 2 and b < 1: train fc;");
    finds_nothing("when loss < 0.5 or when loss > 0.6: train fc;");
}

#[test]
fn frz0302_is_reported_once_for_all_rules_after_a_stop() {
    let text = "start: train fc, stop; epoch 1: unfreeze bn1; epoch 2: unfreeze layer4;";
    finds(text, &[(Code::NeverFires, "epoch 1")]);
}

#[test]
fn frz0401_a_large_learning_rate_is_a_warning() {
    finds("start: train fc lr 1e3;", &[(Code::InvalidValue, "1e3")]);
    let found = only(Code::InvalidValue, "start: train fc lr 1e3;");
    assert!(!found.is_error());
    assert_eq!(found.suggestions[0].edits[0].text, "1e-3");
    finds_nothing("start: train fc lr 10;");
    finds("start: train fc lr linear 30 -> 0 over 2 epochs;", &[(Code::InvalidValue, "30")]);
}

#[test]
fn frz0506_a_rule_that_another_undoes() {
    finds("start: train fc; start: train layer4;", &[(Code::UndoneRule, "train fc")]);
    let text = "start: train fc lr 1; start as b: train layer4;";
    finds(text, &[(Code::UndoneRule, "train fc lr 1")]);
    assert!(only(Code::UndoneRule, text).suggestions.is_empty());
    let found = only(Code::UndoneRule, "start: train fc;\nepoch 0: train layer4;");
    assert_eq!(found.suggestions[0].edits[0].text, ", ");
    finds(
        "epoch 3: unfreeze fc lr 1; epoch 3: freeze fc;",
        &[(Code::UndoneRule, "unfreeze fc lr 1")],
    );
    finds_nothing("start: train fc; start: unfreeze layer4;");
    finds_nothing("start: train layer4; start: train layer4.0;");
    finds_nothing("start: train fc; epoch 1: train layer4;");
}

#[test]
fn a_mistake_in_many_turns_is_reported_once() {
    let text = "run 3 epochs; for i in 1..9 { epoch i: set fc lr 1e-3 * i }";
    let found = findings(text);
    let never: Vec<_> = found.iter().filter(|it| it.code == Code::NeverFires).collect();
    assert_eq!(never.len(), 1, "{never:#?}");
    let note = "in the turn of the loop in which `i` is 3, and in 5 more turns";
    assert_eq!(never[0].notes, [note]);
}

#[test]
fn rules_that_are_not_in_order_are_reordered() {
    let meant = |text: &str, code| crate::support::applied(text, &only(code, text).suggestions[0]);
    assert_eq!(
        meant("epoch 3: train fc; epoch 1: unfreeze bn1;", Code::PastMoment),
        "epoch 1: unfreeze bn1; epoch 3: train fc;"
    );
    assert_eq!(
        meant(
            "start: train fc;\nepoch 7: unfreeze bn1;\nepoch 6: unfreeze layer4;\n",
            Code::PastMoment
        ),
        "start: train fc;\nepoch 6: unfreeze layer4;\nepoch 7: unfreeze bn1;\n"
    );
    assert_eq!(
        meant("start: train fc; epoch 7: stop; epoch 6: unfreeze layer4", Code::NeverFires),
        "start: train fc; epoch 6: unfreeze layer4; epoch 7: stop;"
    );
}

#[test]
fn a_stop_is_not_moved_before_the_rules_that_it_would_end() {
    let text = "start: train fc; epoch 7: unfreeze layer4; epoch 5: stop";
    let found = only(Code::PastMoment, text);
    assert!(found.suggestions.is_empty(), "{found:#?}");
    assert_eq!(
        found.notes,
        [
            "write `epoch 7` or later for the rules before it to fire as well, or leave out those that \
          fire after it"
        ]
    );
    let twice = only(Code::NeverFires, "start: train fc; epoch 7: stop; epoch 5: stop");
    assert_eq!(twice.suggestions[0].message, "leave it out");
}

#[test]
fn notes_do_not_stand_beside_errors() {
    let found = findings("start: train fc lr -1;");
    assert_eq!(found.iter().map(|it| it.code).collect::<Vec<_>>(), [Code::InvalidValue]);
}

#[test]
fn what_follows_from_a_finding_is_not_a_second_one() {
    let codes = |text: &str| {
        let found = findings(text).into_iter().filter(|it| it.code != Code::NeverTrains);
        found.map(|it| it.code).collect::<Vec<_>>()
    };
    let start = "start: train fc lr 1;";
    // What a track may not do, and that it does nothing.
    assert_eq!(
        codes(&format!("{start} track a {{ when m < 1: unfreeze layer4; }}")),
        [Code::NotOwned]
    );
    // An option that reads as the targets, and that there is none.
    assert_eq!(codes(&format!("{start} epoch 1: set lr*0.5;")), [Code::SelectsNothing]);
}

#[test]
fn an_exception_that_another_sequence_owns_says_so() {
    let text = "start: train @all except layer4 lr 1; track in layer4 { epoch 1: freeze layer4 }";
    assert!(
        label(Code::NoEffect, text).contains("another sequence"),
        "{}",
        label(Code::NoEffect, text)
    );
    let plain = "start: train fc except layer4 lr 1;";
    assert!(label(Code::NoEffect, plain).contains("none of this"));
}

#[test]
fn a_track_in_a_part_of_a_module_with_statistics_is_offered_the_module() {
    let text = "start: train fc lr 1; track in layer4.0.bn1.weight { epoch 1: freeze @all }";
    let finding = only(Code::NotOwned, text);
    let [edit] = &finding.suggestions[..] else { panic!("{finding:#?}") };
    let edited = crate::support::applied(text, edit);
    assert!(edited.contains("track in layer4.0.bn1 {"), "{edited}");
    assert!(findings(&edited).iter().all(|it| it.code != Code::NotOwned), "{edited}");
}

#[test]
fn a_rate_that_is_always_zero_in_any_curve() {
    for lr in ["0", "0 times 0.5 every 1 epoch", "invsqrt 0 over 3 steps"] {
        finds(&format!("start: train fc lr {lr};"), &[(Code::ZeroLearningRate, "0")]);
    }
}
