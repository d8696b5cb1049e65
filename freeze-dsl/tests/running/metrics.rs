//! Rules that wait for a metric.

use crate::support::{
    PROGRAM, clock, clock_of, findings, finds, fired, fired_after, firings, resnet18,
};
use freeze_dsl::clock::{BestMoment, Program};
use freeze_dsl::diagnostic::Code;

/// The epochs at which a rule with this condition fires after a first one.
fn fires(condition: &str, values: &[f64]) -> Vec<String> {
    let text = format!("start: train fc; when {condition} as it: unfreeze bn1");
    let fired = fired_after(&mut clock(&text), "m", values);
    fired.into_iter().filter(|fired| fired.contains("it")).collect()
}

#[track_caller]
fn fires_at(condition: &str, values: &[f64], epoch: u64) {
    assert_eq!(fires(condition, values), [format!("{epoch} it")], "{condition} {values:?}");
}

#[track_caller]
fn never_fires(condition: &str, values: &[f64]) {
    assert!(fires(condition, values).is_empty(), "{condition} {values:?}");
}

#[test]
fn stops_falling_once_so_many_epochs_in_a_row_did_not_improve() {
    // The first value is the best, and counts for nothing.
    fires_at("m stops falling for 2 epochs", &[1.0, 1.0, 1.0, 1.0], 3);
    fires_at("m stops falling for 2 epochs", &[3.0, 2.0, 2.5, 2.1, 0.0], 4);
    never_fires("m stops falling for 2 epochs", &[3.0, 2.0, 2.5, 1.9, 1.9]);
    never_fires("m stops falling for 2 epochs", &[5.0, 4.0, 3.0, 2.0, 1.0]);
    fires_at("m stops rising for 2 epochs", &[1.0, 2.0, 2.0, 1.0], 4);
    never_fires("m stops rising for 2 epochs", &[1.0, 2.0, 2.0, 2.5, 2.0]);
}

#[test]
fn an_improvement_is_larger_than_by() {
    // 0.25 at a time, compared with the best and not with the last.
    fires_at("m stops falling for 2 epochs by 0.5", &[1.0, 0.75, 0.5, 0.25], 3);
    never_fires("m stops falling for 3 epochs by 0.5", &[1.0, 0.75, 0.5, 0.25, 0.25, 0.25]);
    fires_at("m stops rising for 1 epoch by 0.5", &[1.0, 1.5], 2);
    never_fires("m stops rising for 1 epoch by 0.5", &[1.0, 1.75]);
    finds("when m stops falling for 2 epochs by -1: train fc;", &[(Code::InvalidValue, "-1")]);
    let found = findings("when m stops falling for 2 epochs by 1 / 0: train fc;");
    assert_eq!(found[0].message, "an improvement must be finite");
    finds("when m < 0 / 0: train fc;", &[(Code::InvalidValue, "0 / 0")]);
    finds("when m > 1e999: train fc;", &[(Code::InvalidValue, "1e999")]);
    finds("when m stops falling for 0 epochs: train fc;", &[(Code::InvalidDuration, "0")]);
    finds("when m stops falling for 1.5 epochs: train fc;", &[(Code::InvalidDuration, "1.5")]);
}

#[test]
fn comparisons() {
    fires_at("m < 1", &[2.0, 1.0, 0.5], 3);
    fires_at("m <= 1", &[2.0, 1.0, 0.5], 2);
    fires_at("m > 1", &[0.5, 1.0, 2.0], 3);
    fires_at("m >= 1", &[0.5, 1.0, 2.0], 2);
    fires_at("\"m\" >= 2 / 2", &[0.5, 1.0, 2.0], 2);
    fires_at("m > 1 for 2 epochs", &[2.0, 1.0, 2.0, 2.0], 4);
    never_fires("m > 1 for 3 epochs", &[2.0, 2.0, 1.0, 2.0, 2.0]);
}

#[test]
fn a_metric_that_is_no_number_is_no_improvement_and_reported() {
    let nan = f64::NAN;
    fires_at("m stops falling for 2 epochs", &[1.0, nan, nan], 3);
    fires_at("m stops falling for 2 epochs", &[nan, nan, 1.0], 2);
    // What is a number and comes later is measured against numbers.
    never_fires("m stops falling for 2 epochs", &[nan, 3.0, 2.0, nan, 1.0]);
    never_fires("m < 1", &[nan, nan]);
    never_fires("m > 1", &[nan, nan]);
    let mut clock = clock("start: train fc");
    clock.start_epoch();
    clock.observe("m", nan);
    let change = clock.start_epoch();
    let note = "`m` is not a number in epoch 0: no improvement, and no comparison holds";
    assert_eq!(change.notes, [note]);
    assert!(clock.start_epoch().notes.is_empty());
}

#[test]
fn waiting_begins_when_the_rule_before_has_fired() {
    let text = "epoch 2: train fc; when m stops falling for 2 epochs as it: unfreeze bn1";
    // Values from before are forgotten: the best is that of epoch 2.
    let fired = fired_after(&mut clock(text), "m", &[0.0, 0.0, 5.0, 4.0, 4.0, 4.0]);
    assert_eq!(fired, ["2 rule 1", "6 it"]);
}

#[test]
fn comparisons_look_at_what_was_observed_whichever_rule_waited() {
    // One value that is good enough for several rules fires them all.
    let text =
        "when m < 1 as a: train fc; when m < 0.7 as b: unfreeze bn1; when m < 0.6 as c: stop";
    assert_eq!(fired_after(&mut clock(text), "m", &[0.65, 0.65, 0.5]), ["1 a b", "3 c"]);
    let text = "epoch 2: train fc; when m < 1 for 2 epochs as it: unfreeze bn1";
    assert_eq!(fired_after(&mut clock(text), "m", &[0.5, 0.5]), ["2 rule 1 it"]);
    assert_eq!(fired_after(&mut clock(text), "m", &[2.0, 0.5, 0.5]), ["2 rule 1", "3 it"]);
    // Looked at only when something was observed.
    let text = "step 1: train fc; when m < 1 as it: unfreeze bn1";
    let mut clock = clock(text);
    clock.observe("m", 0.5);
    assert_eq!(fired(&clock.start_epoch()), "");
    assert_eq!(fired(&clock.end_step()), "rule 1");
    assert_eq!(fired(&clock.end_step()), "");
    clock.observe("m", 0.5);
    assert_eq!(fired(&clock.end_step()), "it");
}

#[test]
fn all_of_several_conditions_hold() {
    let text = "start: train fc; when a < 1 and b > 1 for 2 epochs as it: unfreeze bn1";
    let mut clock = clock(text);
    let seen: Vec<String> = [(0.5, 2.0), (2.0, 2.0), (0.5, 2.0)]
        .into_iter()
        .map(|(a, b)| {
            let change = clock.start_epoch();
            clock.observe("a", a);
            clock.observe("b", b);
            fired(&change)
        })
        .collect();
    assert_eq!(seen, ["rule 1", "", ""]);
    assert_eq!(fired(&clock.start_epoch()), "it");
}

#[test]
fn one_of_several_moments_is_enough() {
    let text = "start: train fc; when m < 1 or epoch 3 as it: unfreeze bn1";
    assert_eq!(fired_after(&mut clock(text), "m", &[2.0, 0.5, 2.0]), ["0 rule 1", "2 it"]);
    assert_eq!(fired_after(&mut clock(text), "m", &[2.0; 5]), ["0 rule 1", "3 it"]);
    let text = "start: train fc; when m < 1 or when m > 9 as it: unfreeze bn1";
    assert_eq!(fired_after(&mut clock(text), "m", &[2.0, 10.0]), ["0 rule 1", "2 it"]);
}

#[test]
fn a_condition_is_looked_at_when_its_metric_was_observed() {
    let text = "start: train fc; when m < 1 as a: unfreeze bn1; after 1 step: freeze bn1; \
                when m < 1 as b: stop";
    let mut clock = clock(text);
    clock.start_epoch();
    clock.observe("m", 0.5);
    assert_eq!(fired(&clock.end_step()), "a");
    // Nothing new was observed.
    assert_eq!(fired(&clock.end_step()), "rule 3");
    assert_eq!(firings(&mut clock, 3, 3), Vec::<String>::new());
    clock.observe("other", 0.5);
    assert_eq!(fired(&clock.end_step()), "");
    clock.observe("m", 0.5);
    assert_eq!(fired(&clock.end_step()), "b");
}

#[test]
fn parts_of_the_run_without_an_improvement() {
    // Two epochs of twenty.
    for (condition, values) in [
        ("m stops falling for 10%", &[1.0, 1.0, 1.0, 1.0]),
        ("m > 0.5 for 10%", &[0.0, 1.0, 1.0, 1.0]),
    ] {
        let text = format!("run 20 epochs; start: train fc; when {condition} as it: unfreeze bn1");
        for steps_per_epoch in [None, Some(2)] {
            let program = Program { steps_per_epoch, ..PROGRAM };
            let fired = fired_after(&mut clock_of(&text, &resnet18(), program), "m", values);
            assert_eq!(fired, ["0 rule 1", "3 it"], "{condition}");
        }
    }
}

#[test]
fn steps_without_an_improvement() {
    let text = "start: train fc; when m stops falling for 5 steps as it: unfreeze bn1";
    let mut clock = clock(text);
    clock.start_epoch();
    // The best is that of step 3, and step 8 is the first that is 5 steps after it.
    let values = [4.0, 3.0, 3.5, 2.0, 2.0, 3.0, 2.0, 2.0, 2.0, 1.0];
    let at = values.iter().position(|value| {
        clock.observe("m", *value);
        !clock.end_step().fired.is_empty()
    });
    assert_eq!(at, Some(7));
}

#[test]
fn an_epoch_with_an_improvement_does_not_count() {
    let text = "start: train fc; when m stops falling for 2 epochs as it: unfreeze bn1";
    let mut clock = clock(text);
    let seen: Vec<usize> = [[9.0, 9.0], [9.0, 8.0], [8.0, 8.0], [8.0, 8.0]]
        .into_iter()
        .map(|values| {
            let change = clock.start_epoch();
            for value in values {
                clock.observe("m", value);
            }
            change.fired.len()
        })
        .collect();
    assert_eq!(seen, [1, 0, 0, 0]);
    assert_eq!(fired(&clock.start_epoch()), "it");
}

#[test]
fn restoring_the_best() {
    let text =
        "start: train fc; epoch 4: restore lowest m, restore highest m, restore lowest other";
    let mut clock = clock(text);
    let mut change = clock.start_epoch();
    for value in [3.0, 1.0, 5.0, f64::NAN] {
        assert!(change.restored.is_empty());
        clock.end_step();
        clock.observe("m", value);
        change = clock.start_epoch();
    }
    let restored: Vec<_> =
        change.restored.iter().map(|it| (it.metric.as_str(), it.observed)).collect();
    let best = |value, epoch, step| Some(BestMoment { value, epoch, step });
    let expected = [("m", best(1.0, 1, 2)), ("m", best(5.0, 2, 3)), ("other", None)];
    assert_eq!(restored, expected);
    // What was restored begins anew.
    let fc: Vec<_> = clock.trainable().collect();
    assert_eq!(change.dropped, fc);
    let note = "`other` was never observed, so nothing is restored in epoch 4";
    assert_eq!(change.notes.last().unwrap(), note);
}

#[test]
fn a_value_as_good_as_the_best_is_no_new_best() {
    let mut clock = clock("start: train fc; epoch 9: restore lowest m, restore highest m");
    clock.start_epoch();
    let mut observe = |value| {
        let observed = clock.observe("m", value);
        (observed.is_lowest, observed.is_highest)
    };
    assert_eq!(observe(1.0), (true, true));
    assert_eq!(observe(1.0), (false, false));
    assert_eq!(observe(2.0), (false, true));
    assert_eq!(observe(0.5), (true, false));
}

#[test]
fn restoring_what_was_never_observed_changes_nothing() {
    let mut clock = clock("start: train fc; epoch 1: restore highest \"val/acc\"");
    clock.start_epoch();
    let change = clock.start_epoch();
    assert!(change.dropped.is_empty());
    assert_eq!(change.notes, ["`val/acc` was never observed, so nothing is restored in epoch 1"]);
}

#[test]
fn a_condition_that_held_before_its_rule_waited_is_looked_at_when_something_is_observed() {
    let mut own = clock("start: train fc; epoch 2: unfreeze bn1; when m < 1: unfreeze layer4");
    own.start_epoch();
    own.observe("m", 0.5);
    assert_eq!(fired(&own.start_epoch()), "");
    assert_eq!(fired(&own.start_epoch()), "rule 2");
    assert_eq!(fired(&own.start_epoch()), "");
    own.observe("m", 0.6);
    assert_eq!(fired(&own.start_epoch()), "rule 3");
}
