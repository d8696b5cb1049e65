//! The highest learning rate with which each parameter ever trains.

use crate::support::{PROGRAM, clock_of, model};
use freeze_dsl::clock::Clock;
use freeze_dsl::model::Model;

fn network() -> Model {
    model(&["vision.weight", "text.weight", "head.weight"])
}

/// The rates of a policy, each with the text of the rule from which on a parameter has it.
fn rates(text: &str) -> Vec<(String, f64, String)> {
    let text = format!("default optimizer adamw; {text}");
    let clock: Clock = clock_of(&text, &network(), PROGRAM);
    let rates = clock.highest_rates();
    let of = |rate: &freeze_dsl::HighestRate| {
        (clock.plan().slice_name(rate.slice), rate.lr, text[rate.place.range()].to_owned())
    };
    rates.iter().map(of).collect()
}

fn rate(name: &str, lr: f64, place: &str) -> (String, f64, String) {
    (format!("{name}.weight"), lr, place.to_owned())
}

#[test]
fn each_parameter_has_that_of_one_rule() {
    let (first, second) =
        ("start: train head lr 1e-3", "epoch 2: unfreeze text lr 1e-2, set head lr 1e-4");
    assert_eq!(
        rates(&format!("{first}; {second}")),
        [rate("text", 1e-2, second), rate("head", 1e-3, first)]
    );
}

#[test]
fn a_rule_that_fires_together_with_the_next_makes_no_step() {
    let last = "start: set head lr 1e-3";
    assert_eq!(rates(&format!("start: train head lr 1; {last}")), [rate("head", 1e-3, last)]);
    let (first, later) = ("start: train head lr 1", "epoch 1: set head lr 1e-3");
    assert_eq!(rates(&format!("{first}; {later}")), [rate("head", 1.0, first)]);
}

#[test]
fn everything_trains_before_the_first_rule() {
    let all = rates("default lr 1e-2; epoch 1: train head lr 1e-3");
    let place = "epoch 1";
    assert_eq!(
        all,
        [rate("vision", 1e-2, place), rate("text", 1e-2, place), rate("head", 1e-2, place)]
    );
    let first = "start: train head lr 1e-3";
    assert_eq!(rates(&format!("default lr 1e-2; {first}")), [rate("head", 1e-3, first)]);
}

#[test]
fn a_track_without_a_scope_reaches_every_sequence_from_the_start() {
    let main = "start: train head lr 1e-2";
    let close = |text: &str, expected: f64| {
        let all = rates(text);
        let head = all.iter().find(|(name, ..)| name == "head.weight").unwrap();
        assert!((head.1 - expected).abs() < 1e-12, "{all:?}");
    };
    close(&format!("{main}; track {{ start: set @all lr * 0.1 }}"), 1e-3);
    // It may come too late.
    close(&format!("{main}; track {{ epoch 1: set @all lr * 0.1 }}"), 1e-2);
    let scaled = "track { start: set @all lr * 0.1 }";
    close(&format!("{main}, set head lr * 0.5; {scaled}"), 5e-4);
    close(&format!("{main}; {scaled} {scaled}"), 1e-4);
    close(&format!("default lr 1e-2; epoch 3: train head; {scaled}"), 1e-3);
    // Each fires once, in the order of the text, and a new rate sets the factor back to 1.
    close(
        &format!("start: train vision; {scaled} track in head {{ start: set head lr 1e-2 }}"),
        1e-2,
    );
    close(
        &format!("start: train vision; track in head {{ start: set head lr 1e-2 }} {scaled}"),
        1e-3,
    );
    // What a track does to what it owns reaches nothing else.
    close(&format!("{main}; track in text {{ start: set @all lr 1e-1 }}"), 1e-2);
}

#[test]
fn the_last_rule_of_a_sequence_fires_together_with_no_other() {
    let (main, track) = ("start: train head lr 1e-2", "start: set @all lr 1e-1");
    assert_eq!(
        rates(&format!("{main}; track in text {{ {track} }}")),
        [rate("text", 1e-1, track), rate("head", 1e-2, main)]
    );
}
