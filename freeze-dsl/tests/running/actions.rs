//! What actions do: optimizer state, statistics, options that stay and options that change.

use crate::support::{clock, finds, modules};
use freeze_dsl::clock::{Clock, Transition};
use freeze_dsl::diagnostic::Code;
use freeze_dsl::model::NormalisationId;

/// The names of the slices whose optimizer state is dropped at a moment.
fn dropped(clock: &Clock, change: &Transition) -> Vec<String> {
    change.dropped.iter().map(|slice| clock.plan().slice_name(*slice)).collect()
}

/// What each epoch's look drops.
fn drops(text: &str) -> Vec<String> {
    let mut clock = clock(text);
    (0..5)
        .map(|_| {
            let change = clock.start_epoch();
            dropped(&clock, &change).join(" ")
        })
        .collect()
}

#[test]
fn what_is_frozen_in_between_is_interrupted() {
    let interrupted = |actions: &str| {
        let mut clock = clock(&format!("start: train fc, bn1; epoch 1: {actions}"));
        clock.start_epoch();
        let change = clock.start_epoch();
        clock.plan().names(change.interrupted.into_iter()).join(" ")
    };
    assert_eq!(interrupted("unfreeze layer4"), "");
    assert_eq!(interrupted("freeze fc, unfreeze \"fc.bias\""), "fc.bias");
    // By a `train`, and unfrozen by another rule of the same look.
    assert_eq!(interrupted("train bn1; epoch 1: unfreeze fc"), FC);
    assert_eq!(interrupted("train bn1"), "");
}

const FC: &str = "fc.weight fc.bias";
const BN: &str = "bn1.weight bn1.bias";

#[test]
fn reset_drops_state_and_changes_nothing_else() {
    let text = "start: train fc, bn1; epoch 1: reset fc; epoch 2: reset @all except fc";
    assert_eq!(drops(text)[1..], [FC, BN, "", ""]);
    let mut clock = clock(text);
    clock.start_epoch();
    let groups = clock.groups().to_vec();
    let change = clock.start_epoch();
    assert_eq!(clock.groups(), groups);
    assert!(change.frozen.is_empty() && change.unfrozen.is_empty() && !change.is_empty());
    finds("start: train fc; epoch 1: reset bn1;", &[(Code::NoEffect, "reset bn1")]);
    finds("start: train fc, reset fc; epoch 1: reset fc;", &[]);
}

#[test]
fn freeze_keeps_state_where_it_says_so() {
    let text = "start: train fc, bn1; epoch 1: freeze fc keep state; epoch 2: unfreeze fc; \
                epoch 3: freeze fc";
    assert_eq!(drops(text)[1..], ["", "", FC, ""]);
    // The option is one of the action, wherever it is written.
    let text = "start: train fc, bn1; epoch 1: freeze fc stats held keep state";
    assert_eq!(drops(text)[1], "");
    // A `train` that leaves something out drops its state.
    assert_eq!(drops("start: train fc, bn1; epoch 1: train bn1 lr 7")[1], FC);
    finds("start: train fc keep state;", &[(Code::MisplacedOption, "keep state")]);
    finds("default lr 1; start: set fc lr 2 keep state;", &[(Code::MisplacedOption, "keep state")]);
}

#[test]
fn state_that_was_kept_can_be_dropped() {
    let kept = "start: train fc, bn1; epoch 1: freeze fc keep state;";
    assert_eq!(
        drops(&format!("{kept} epoch 2: reset fc; epoch 3: unfreeze fc"))[1..4],
        ["", FC, ""]
    );
    assert_eq!(
        drops(&format!("{kept} epoch 2: freeze fc; epoch 3: unfreeze fc"))[1..4],
        ["", FC, ""]
    );
    let other = format!("{kept} epoch 2: set fc optimizer adam; epoch 3: unfreeze fc");
    assert_eq!(drops(&other)[1..4], ["", FC, ""]);
    // Once it is dropped, there is none.
    finds(
        &format!("{kept} epoch 2: reset fc; epoch 3: reset fc;"),
        &[(Code::NoEffect, "reset fc")],
    );
    finds(
        &format!("{kept} epoch 2: freeze fc keep state;"),
        &[(Code::NoEffect, "freeze fc keep state")],
    );
    finds(&format!("{kept} epoch 2: freeze fc;"), &[]);
    // What is restored begins anew, frozen or not.
    let mut clock = clock(&format!("{kept} epoch 2: restore lowest m"));
    clock.start_epoch();
    clock.observe("m", 1.0);
    clock.start_epoch();
    let change = clock.start_epoch();
    assert_eq!(dropped(&clock, &change).join(" "), format!("{BN} {FC}"));
}

#[test]
fn another_kind_of_optimizer_drops_state_and_other_numbers_keep_it() {
    let text = "start: train fc, bn1 optimizer adam; epoch 1: set fc optimizer adam(beta1 0.5); \
                epoch 2: set fc optimizer adam(beta1 0.5, amsgrad); epoch 3: set bn1 optimizer sgd";
    let found = drops(text);
    assert_eq!(found[1..], ["", FC, BN, ""]);
    let text = "start: train fc, bn1 optimizer sgd(momentum 0.9); \
                epoch 1: set fc optimizer sgd(momentum linear 0.9 -> 0 over 1 epoch); \
                epoch 2: set fc optimizer rmsprop; epoch 3: set fc optimizer rmsprop(centered)";
    assert_eq!(drops(text)[1..], ["", FC, FC, ""]);
}

/// The modules whose statistics are live.
fn live(clock: &Clock) -> Vec<&str> {
    clock.live_stats().collect()
}

#[test]
fn statistics_are_held_or_live_as_a_rule_says() {
    let text = "start: train bn1, layer4.0.bn1 stats held; epoch 1: set bn1 stats live; \
                epoch 2: freeze layer4.0.bn1 stats live; epoch 3: unfreeze layer4.0.bn1; \
                epoch 4: set bn1.bias stats held";
    let mut clock = clock(text);
    let seen: Vec<String> = (0..5)
        .map(|_| {
            clock.start_epoch();
            live(&clock).join(" ")
        })
        .collect();
    let both = "bn1 layer4.0.bn1";
    // What was said stays said, and holds for a module, whichever of its parameters is named.
    assert_eq!(seen, ["", "bn1", both, both, "layer4.0.bn1"]);
}

#[test]
fn statistics_have_a_default() {
    let mut held = clock("default stats held; start: train bn1, fc; epoch 1: set bn1 stats live");
    held.start_epoch();
    assert!(live(&held).is_empty());
    held.start_epoch();
    assert_eq!(live(&held), ["bn1"]);
    let mut follows = clock("default stats live; start: train fc");
    follows.start_epoch();
    assert_eq!(live(&follows).len(), follows.plan().model().normalisations().len());
    // Left out, they follow the trainable parameters.
    let mut left_out = clock("start: train bn1.bias; epoch 1: train fc");
    left_out.start_epoch();
    assert_eq!(live(&left_out), ["bn1"]);
    left_out.start_epoch();
    assert!(live(&left_out).is_empty());
}

#[test]
fn several_trains_add_up_and_the_first_freezes_the_rest() {
    let text = "start: unfreeze layer1 lr 1, train fc, train bn1; epoch 1: freeze fc, train layer4";
    let mut clock = clock(text);
    clock.start_epoch();
    assert_eq!(modules(&clock), "bn1 layer1 fc");
    clock.start_epoch();
    assert_eq!(modules(&clock), "layer4");
}

#[test]
fn what_goes_on_keeps_its_state_and_its_curve() {
    let text = "start: train fc, bn1 lr linear 4 -> 0 over 4 epochs; epoch 2: train fc, layer4";
    let mut clock = clock(text);
    clock.start_epoch();
    clock.start_epoch();
    let change = clock.start_epoch();
    assert_eq!(dropped(&clock, &change).join(" "), BN);
    let lrs: Vec<_> = clock.groups().iter().map(|group| group.lr.unwrap()).collect();
    assert_eq!(lrs, [1.0, 2.0]);
}

#[test]
fn set_refines_what_precedes_it() {
    let text = "start: train layer4, fc lr 1 weight_decay 0.1, set @vectors weight_decay 0, \
                set fc lr 2";
    let mut clock = clock(text);
    clock.start_epoch();
    let mut groups: Vec<_> = clock
        .groups()
        .iter()
        .map(|group| (group.lr.unwrap(), group.weight_decay.unwrap(), group.slices.len()))
        .collect();
    groups.sort_by(|one, other| one.partial_cmp(other).unwrap());
    assert_eq!(groups, [(1.0, 0.0, 10), (1.0, 0.1, 5), (2.0, 0.0, 1), (2.0, 0.1, 1)]);
}

#[test]
fn a_set_of_what_is_frozen_waits_until_it_trains() {
    let text = "start: train fc, set layer4 lr 5 weight_decay 3; epoch 1: unfreeze layer4";
    let mut clock = clock(text);
    clock.start_epoch();
    assert_eq!(modules(&clock), "fc");
    clock.start_epoch();
    let group = &clock.groups()[0];
    assert_eq!((group.lr, group.weight_decay), (Some(5.0), Some(3.0)));
}

#[test]
fn stop_ends_a_rule() {
    finds("start: train fc; epoch 1: stop, unfreeze bn1;", &[(Code::NeverFires, "unfreeze bn1")]);
    finds("start: train fc; epoch 1: for i in 0..2 { stop };", &[(Code::NeverFires, "stop")]);
    finds("start: train fc; epoch 1: unfreeze bn1, stop;", &[]);
}

#[test]
fn statistics_are_held_once_training_is_over() {
    let mut clock = clock("start: train @all stats live; epoch 1: stop");
    clock.start_epoch();
    assert!(clock.is_live(NormalisationId::new(0)));
    clock.start_epoch();
    let mut all = (0..clock.plan().model().normalisations().len()).map(NormalisationId::new);
    assert!(all.all(|module| !clock.is_live(module)));
}
