//! The values of options: factors of learning rates, curves of weight decays and of optimizers'
//! numbers, anchors.

#![allow(clippy::float_cmp, reason = "these values are exact")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{PROGRAM, applied, clock_of, findings_in, finds, model};
use freeze_dsl::Optimizer;
use freeze_dsl::clock::{Clock, Program, SliceGroup};
use freeze_dsl::diagnostic::Code;
use freeze_dsl::policy::Policy;

/// A clock for parameters `a`, `b` and `c`, in a run of 10 epochs of 10 steps.
fn of_three(text: &str, program: Program) -> Clock {
    let program = Program { steps_per_epoch: Some(10), ..program };
    clock_of(&format!("run 10 epochs; {text}"), &model(&["a", "b", "c"]), program)
}

/// The groups at the start of each epoch.
fn by_epoch(clock: &mut Clock, epochs: usize) -> Vec<Vec<SliceGroup>> {
    let epoch = |_| {
        clock.start_epoch();
        let groups = clock.groups().to_vec();
        for _ in 0..10 {
            clock.end_step();
        }
        groups
    };
    (0..epochs).map(epoch).collect()
}

/// The learning rate of `a` at the start of each epoch.
fn rates(text: &str, epochs: usize) -> Vec<f64> {
    let groups = by_epoch(&mut of_three(text, PROGRAM), epochs);
    groups.iter().map(|groups| groups[0].lr.unwrap()).collect()
}

#[test]
fn a_factor_multiplies_whatever_sets_the_learning_rate() {
    // The program's, one of `default`, one of an action.
    assert_eq!(rates("start: train a; epoch 1: set a lr * 0.5", 3), [1.0, 0.5, 0.5]);
    assert_eq!(
        rates("default lr 8; start: train a lr * 0.5; epoch 1: set a lr*0.5", 2),
        [4.0, 2.0]
    );
    // Through all pieces of a curve.
    let curve = "start: train a lr linear 8 -> 4 over 2 epochs then 2";
    assert_eq!(rates(&format!("{curve}; epoch 1: set a lr * 0.5"), 4), [8.0, 3.0, 1.0, 1.0]);
    // An action without `lr`, freezing and restoring keep it.
    let kept = "start: train a, b lr 8; epoch 1: set a lr * 0.5; epoch 2: freeze a; \
                epoch 3: train a weight_decay 1; epoch 4: unfreeze a lr 8; epoch 5: set a lr * 2";
    let mut clock = of_three(kept, PROGRAM);
    let first = |groups: &Vec<SliceGroup>| groups[0].lr.unwrap();
    let seen: Vec<f64> = by_epoch(&mut clock, 6).iter().map(first).collect();
    assert_eq!(seen, [8.0, 4.0, 8.0, 4.0, 8.0, 16.0]);
}

#[test]
fn a_factor_leads_to_its_bound_at_the_moment_of_its_firing() {
    let falls = "start: train a lr 8; every 1 epoch: set a lr * 0.25 to 1";
    assert_eq!(rates(falls, 5), [8.0, 2.0, 1.0, 1.0, 1.0]);
    let grows = "start: train a lr 1; every 1 epoch: set a lr * 4 to 8";
    assert_eq!(rates(grows, 5), [1.0, 4.0, 8.0, 8.0, 8.0]);
    // At 0 it stays, and the curve goes on from there.
    let at_zero = "start: train a lr linear 0 -> 8 over 1 epoch; step 0: set a lr * 0.5 to 1";
    assert_eq!(rates(at_zero, 2), [0.0, 8.0]);
    // The program's rate counts, and several factors of one look follow one another.
    let program = "start: train a, set a lr * 0.5 to 0.75, set a lr * 0.5; epoch 1: set a lr 2";
    assert_eq!(rates(program, 2), [0.375, 2.0]);
}

#[test]
fn a_factor_has_findings() {
    finds("default lr 1 lr * 0.5; start: train fc", &[(Code::MisplacedOption, "lr * 0.5"); 2]);
    finds("default lr * 0.5; start: train fc lr 1", &[(Code::MisplacedOption, "lr * 0.5")]);
    finds("start: train fc lr 1; epoch 1: set fc lr * 0", &[(Code::InvalidValue, "0")]);
    finds("start: train fc lr 1; epoch 1: set fc lr * -1", &[(Code::InvalidValue, "-1")]);
    finds("start: train fc lr 1; epoch 1: set fc lr * 2 to -1", &[(Code::InvalidValue, "-1")]);
    finds(
        "start: train fc, layer4 lr 1; epoch 1: freeze fc lr * 2",
        &[(Code::MisplacedOption, "lr * 2")],
    );
    finds("start: train fc lr 1; epoch 1: set fc lr * 1", &[(Code::NoEffect, "set fc lr * 1")]);
    finds("start: train fc lr 1; epoch 1: set fc lr * 0.5 to 1", &[]);
    finds("start: train @all lr 1, for i, @a in [layer1, fc] { set @a lr * 0.5 ^ i }", &[]);
    // Another curve ends it, also one that is the same constant.
    finds("start: train fc lr 1; epoch 1: set fc lr * 2; epoch 2: set fc lr 1", &[]);
    // It undoes no earlier one, and an `lr` after it undoes it.
    let undone = "set fc.weight lr * 2";
    finds(
        &format!("start: train fc lr 1; epoch 1: {undone}, set fc lr 3"),
        &[(Code::UndoneAction, undone)],
    );
    finds("start: train fc lr 1; epoch 1: set fc lr 3, set fc lr * 2", &[]);
    finds("start: train fc lr 1; epoch 1: set fc lr * 2, set fc lr * 2", &[]);
    // Twice by actions of which neither refines the other.
    finds(
        "start: train fc lr 1; epoch 1: train fc, layer4 lr * 2, unfreeze fc lr * 2",
        &[(Code::ConflictingOptions, "lr * 2")],
    );
}

#[test]
fn a_factor_sets_no_learning_rate() {
    let policy = Policy::parse("start: train a lr * 0.5").unwrap();
    let clock = Clock::new(policy.plan(&model(&["a"])).unwrap(), Program::default());
    let found = clock.check().unwrap_err();
    let codes: Vec<Code> = found.diagnostics().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::MissingLearningRate]);
}

#[test]
fn a_weight_decay_follows_a_curve() {
    let text = "start: train a, b lr 1 weight_decay linear 0 -> 1 over 4 epochs then 2; \
                epoch 2: set b weight_decay 0.25; epoch 3: set b weight_decay 0.25";
    let decays = |groups: &Vec<SliceGroup>| {
        groups.iter().map(|group| group.weight_decay.unwrap()).collect::<Vec<_>>()
    };
    let seen: Vec<_> = by_epoch(&mut of_three(text, PROGRAM), 5).iter().map(decays).collect();
    assert_eq!(seen[..3], [vec![0.0], vec![0.25], vec![0.5, 0.25]]);
    assert_eq!(seen[3..], [vec![0.75, 0.25], vec![2.0, 0.25]]);
    finds(
        "start: train fc lr 1 weight_decay linear 0 -> -0.1 over 4 epochs",
        &[(Code::InvalidValue, "-0.1")],
    );
    finds(
        "start: train fc lr 1 weight_decay linear 0 -> 0.1 over 4 epochs then freeze",
        &[(Code::MisplacedOption, " then freeze")],
    );
    finds(
        "start: train fc lr 1 weight_decay 0.1; epoch 1: set fc weight_decay 0.1",
        &[(Code::NoEffect, "set fc weight_decay 0.1")],
    );
    finds("default weight_decay cosine 0 -> 1 over 1 epoch; start: train fc lr 1", &[]);
}

#[test]
fn numbers_of_an_optimizer_follow_curves() {
    let text = "start: train a lr 1 optimizer sgd(momentum linear 0.5 -> 0.75 over 2 epochs then \
                linear 0.75 -> 0.25 over 2 epochs, dampening 0.125); \
                epoch 4: set a optimizer adamw(beta1 linear 0.5 -> 0 over 2 epochs); \
                epoch 5: set a optimizer adamw(beta1 linear 0.5 -> 0 over 2 epochs)";
    let groups = by_epoch(&mut of_three(text, PROGRAM), 7);
    let momentum = |groups: &Vec<SliceGroup>| match groups[0].optimizer {
        Some(Optimizer::Sgd { momentum, dampening: 0.125, nesterov: false }) => momentum,
        Some(Optimizer::AdamW { beta1, beta2: 0.999, .. }) => beta1,
        _ => panic!("no such optimizer"),
    };
    let seen: Vec<f64> = groups.iter().map(momentum).collect();
    assert_eq!(seen, [0.5, 0.625, 0.75, 0.5, 0.5, 0.5, 0.25]);
    finds(
        "start: train fc lr 1; epoch 1: set fc optimizer adam(beta1 linear 0 -> 1 over 2 epochs)",
        &[(Code::InvalidValue, "1")],
    );
    finds(
        "start: train fc lr 1 optimizer sgd(momentum linear 0.9 -> 0 over 2 epochs, nesterov)",
        &[(Code::InvalidValue, "nesterov")],
    );
    finds(
        "start: train fc lr 1 optimizer sgd(momentum linear 0.9 -> 0.1 over 2 epochs nesterov)",
        &[],
    );
    finds(
        "start: train fc lr 1 optimizer sgd(momentum 0.5 times 1.1 every 2 epochs)",
        &[(Code::InvalidValue, "1.1")],
    );
    finds("start: train fc lr 1 optimizer sgd(momentum 0.5 times 1.1 every 2 epochs to 0.9)", &[]);
    finds(
        "start: train fc lr 1 optimizer sgd(momentum linear 0.9 -> 0.1 over 2 epochs then freeze)",
        &[(Code::MisplacedOption, " then freeze")],
    );
}

#[test]
fn an_anchor_is_a_number_of_a_group() {
    let text = "default anchor 0.5; start: train a, b lr 1, set a anchor 0; \
                epoch 1: set a anchor 0.25; epoch 2: set b anchor 0";
    let anchors =
        |groups: &Vec<SliceGroup>| groups.iter().map(|group| group.anchor).collect::<Vec<_>>();
    let seen: Vec<_> = by_epoch(&mut of_three(text, PROGRAM), 3).iter().map(anchors).collect();
    assert_eq!(seen, [[0.0, 0.5], [0.25, 0.5], [0.25, 0.0]]);
    finds("start: train fc lr 1 anchor -0.1", &[(Code::InvalidValue, "-0.1")]);
    finds("start: train fc lr 1 anchor 1 / 0", &[(Code::InvalidValue, "1 / 0")]);
    finds("start: train fc lr 1; epoch 1: set fc anchor 0", &[(Code::NoEffect, "set fc anchor 0")]);
    finds(
        "start: train fc lr 1 anchor 1, unfreeze fc anchor 2",
        &[(Code::ConflictingOptions, "2")],
    );
}

#[test]
fn only_learning_rates_are_too_coarse() {
    let policy = Policy::parse(
        "start: train a lr 1 weight_decay linear 0 -> 1 over 2 epochs \
         optimizer sgd(momentum linear 0 -> 0.9 over 2 epochs)",
    );
    let plan = policy.unwrap().plan(&model(&["a"])).unwrap();
    assert!(plan.coarse_curves(None).is_empty());
}

#[test]
fn the_option_may_touch_its_sign_and_a_path_may_too() {
    let parse = |text: &str| Policy::parse(text).unwrap();
    assert_eq!(rates("start: train a lr*0.5", 1), [0.5]);
    // `lr*` is a path where a term may begin.
    let plan = parse("start: train lr*").plan(&model(&["lr_head", "fc"])).unwrap();
    assert_eq!(plan.names(plan.slice_ids().take(1)), ["lr_head"]);
    assert_eq!(plan.rows()[0].trainable, 1);
    // Where nothing is called so, the option is offered.
    let parameters = model(&["fc", "body"]);
    for (written, meant) in [
        ("start: train fc, lr*0.5", "start: train fc lr * 0.5"),
        ("start: train fc; epoch 1: set lr*2", "start: train fc; epoch 1: set @trainable lr * 2"),
    ] {
        let found = findings_in(written, &parameters);
        let found = found.iter().find(|it| it.code == Code::SelectsNothing).unwrap();
        assert_eq!(applied(written, &found.suggestions[0]), meant);
    }
}

#[test]
fn a_module_that_is_called_as_an_option_is_written_in_braces() {
    let found = findings_in("start: train anchor.*.weight lr 1", &model(&["anchor.0.weight", "b"]));
    let edited = applied("start: train anchor.*.weight lr 1", &found[0].suggestions[0]);
    assert_eq!(edited, "start: train {anchor}.*.weight lr 1");
}

#[test]
fn zeros_of_both_signs_are_one_group() {
    for (one, other) in [
        ("lr 0", "lr -zero"),
        ("lr 1 weight_decay 0", "lr 1 weight_decay -zero"),
        ("lr 1 anchor 0", "lr 1 anchor -zero"),
    ] {
        let text = format!(
            "let zero = 0; default optimizer adamw; start: train fc {one}, train layer4 {other};"
        );
        let mut clock = crate::support::clock(&text);
        clock.start_epoch();
        assert_eq!(clock.groups().len(), 1, "{text}");
    }
}
