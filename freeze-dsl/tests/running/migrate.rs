//! A clock goes on with another policy, model or program.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]
#![allow(clippy::float_cmp, reason = "the values are exact")]

use std::f64::consts::PI;

use crate::support::{PROGRAM, clock_of, fired, lr, model, modules, trainable};
use freeze_dsl::clock::{Clock, MigrateError, Program, Snapshot, Transition};
use freeze_dsl::model::{Model, NormalisationId};
use freeze_dsl::plan::SliceId;
use freeze_dsl::policy::Policy;

fn small() -> Model {
    model(&["stem.weight", "stem.running_mean", "body.weight", "head.weight", "head.bias"])
}

/// A clock of a small model, after this many epochs of two steps each.
fn after(epochs: u64, text: &str) -> Clock {
    let mut clock = clock_of(text, &small(), PROGRAM);
    for _ in 0..epochs {
        epoch(&mut clock);
    }
    clock
}

fn epoch(clock: &mut Clock) -> Transition {
    let change = clock.start_epoch();
    clock.end_step();
    clock.end_step();
    change
}

fn with(clock: Clock, text: &str, model: &Model) -> Result<Clock, MigrateError> {
    let program = *clock.program();
    clock.migrate(Policy::parse(text).unwrap().plan(model).unwrap(), program)
}

fn policy(clock: Clock, text: &str) -> Result<Clock, MigrateError> {
    with(clock, text, &small())
}

const START: &str = "start as probe: train head lr linear 1 -> 0 over 8 epochs;";

#[test]
fn rules_to_come_may_be_others_and_what_has_begun_goes_on() {
    let before = after(2, &format!("{START} epoch 3: unfreeze body lr 0.5"));
    let other = format!("{START} epoch 2: unfreeze stem lr 0.25; epoch 3: stop");
    let mut clock = policy(before.clone(), &other).unwrap();
    assert_eq!((clock.epochs_started(), clock.steps()), (2, 4));
    assert_eq!(lr(&clock).to_bits(), lr(&before).to_bits());
    assert_eq!(modules(&clock), "head");
    assert_eq!(fired(&clock.start_epoch()), "rule 2");
    assert_eq!(modules(&clock), "stem head");
    assert!((clock.groups()[1].lr.unwrap() - 0.75).abs() < 1e-12);
    assert_eq!(fired(&clock.start_epoch()), "rule 3");
    assert!(clock.is_stopped());
}

#[test]
fn the_same_policy_goes_on_as_it_was() {
    let text = format!("{START} every 3 steps: train sample 1 of [stem, body, head] seed 4");
    let mut before = after(2, &text);
    let mut clock = policy(before.clone(), &text).unwrap();
    for _ in 0..20 {
        assert_eq!(clock.end_step(), before.end_step());
        assert_eq!(clock.snapshot(), before.snapshot());
    }
    // What a rule has seen, and what one has that is still to wait.
    let text = format!(
        "{START} when loss stops falling for 2 epochs and acc > 0.5 for 2 epochs: unfreeze body; \
         when loss stops rising for 1 epoch or when acc < 0 for 2 epochs or epoch 9: set head lr 1"
    );
    let mut before = after(2, &text);
    before.observe("loss", 1.0);
    before.observe("acc", -1.0);
    let clock = policy(before.clone(), &text).unwrap();
    assert_eq!(clock.snapshot(), before.snapshot());
}

#[test]
fn a_rule_that_has_fired_stays_what_it_was() {
    let text = format!("{START} epoch 2: unfreeze body lr 0.5");
    for (epochs, other, refused) in [
        (1, "start: train head lr 2".to_owned(), "probe"),
        (1, START.replace("8 epochs", "9 epochs"), "probe"),
        (1, START.replace("start", "step 0"), "probe"),
        (3, START.to_owned(), "rule 2"),
        (3, format!("{START} epoch 2: unfreeze stem lr 0.5"), "rule 2"),
    ] {
        match policy(after(epochs, &text), &other) {
            Err(MigrateError::Fired(rule)) => assert_eq!(rule, refused, "{other}"),
            other => panic!("{other:?}"),
        }
    }
    let renamed = START.replace("probe", "other");
    assert!(policy(after(1, &text), &renamed).is_ok());
    assert!(policy(after(0, &text), "start: train body lr 1").is_ok());
}

#[test]
fn defaults_stay_what_they_were() {
    let error = policy(after(1, &format!("default weight_decay 0.1; {START}")), START).unwrap_err();
    assert!(matches!(error, MigrateError::Default));
}

#[test]
fn a_run_can_be_made_longer() {
    let text = "run 4 epochs; start: train head lr linear 1 -> 0 over rest; at 75%: stop";
    let clock = policy(after(2, text), &text.replace("run 4", "run 8")).unwrap();
    assert!((lr(&clock) - 7.0 / 8.0).abs() < 1e-12, "{}", lr(&clock));
    let mut clock = clock;
    for _ in 2..6 {
        assert!(!epoch(&mut clock).stopped);
    }
    assert!(clock.start_epoch().stopped);
}

#[test]
fn a_stop_can_be_taken_back() {
    let clock = after(3, &format!("{START} epoch 2 as over: stop"));
    assert!(clock.is_stopped());
    assert!(matches!(policy(clock.clone(), "start: train body lr 1"), Err(MigrateError::Fired(_))));
    let mut clock = policy(clock, &format!("{START} epoch 5: unfreeze body lr 2")).unwrap();
    assert!(!clock.is_stopped());
    let fired: Vec<String> = (0..3).map(|_| fired(&epoch(&mut clock))).collect();
    assert_eq!(fired, ["", "", "rule 2"]);
}

#[test]
fn a_curve_that_ended_after_a_stop_freezes_when_the_stop_is_taken_back() {
    let text = "start: train head, body lr 1; start: set body lr linear 1 -> 0 over 2 epochs \
                then freeze;";
    let clock = after(4, &format!("{text} epoch 1: stop"));
    assert_eq!(modules(&clock), "body head");
    let mut clock = policy(clock, text).unwrap();
    clock.start_epoch();
    assert_eq!(modules(&clock), "head");
}

#[test]
fn a_stop_beside_other_actions_stays() {
    let clock = after(1, &format!("{START} start: freeze head.bias, stop"));
    assert!(matches!(policy(clock, START), Err(MigrateError::Fired(_))));
}

#[test]
fn a_rule_watches_on_if_it_waits_for_the_same() {
    let text = |more: &str| format!("{START} when loss < 1 for 2 epochs{more}: unfreeze body lr 2");
    // What stops falling does so since its rule began to wait.
    let stops = text("").replace("< 1 for 2 epochs", "stops falling for 1 epoch");
    for (before, other, expected) in [
        (text(""), format!("{}, stop", text("")), "rule 2"),
        (text(""), text(" or epoch 9"), "rule 2"),
        (text(""), text("").replace("when", "start: freeze head.bias; when"), "rule 3"),
        (text(""), text("").replace("< 1", "< 2"), ""),
        (stops.clone(), format!("{stops}, stop"), "rule 2"),
        (stops.clone(), stops.replace(": unfreeze body", " or epoch 9: unfreeze body"), ""),
    ] {
        let mut clock = after(1, &before);
        clock.observe("loss", 0.5);
        let mut clock = policy(clock, &other).unwrap();
        clock.start_epoch();
        clock.observe("loss", 0.5);
        assert_eq!(fired(&clock.end_step()), expected, "{other}");
    }
}

#[test]
fn a_metric_that_is_restored_only_now_has_its_best_from_now_on() {
    let restore = |what: &str| format!("{START} epoch 2: restore {what}, stop");
    let mut clock = after(1, &restore("lowest loss"));
    clock.observe("loss", 1.0);
    clock.start_epoch();
    let best = |text: &str| {
        let change = policy(clock.clone(), text).unwrap().start_epoch();
        change.restored[0].observed.map(|best| best.value)
    };
    assert_eq!(best(&restore("lowest loss")), Some(1.0));
    assert_eq!(best(&restore("lowest loss, unfreeze body")), Some(1.0));
    assert_eq!(best(&restore("highest loss")), None);
    assert_eq!(best(&restore("lowest accuracy")), None);
}

#[test]
fn more_rows_can_be_named_and_none_forgotten() {
    let rows = format!("{START} epoch 5: unfreeze rows 0..2 of body.weight lr 2");
    let mut clock = policy(after(1, START), &rows).unwrap();
    for _ in 0..5 {
        clock.start_epoch();
    }
    assert_eq!(trainable(&clock), ["body.weight[0..2]", "head.weight", "head.bias"]);
    match policy(after(1, &rows), START) {
        Err(MigrateError::Rows(name)) => assert_eq!(name, "body.weight"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_model_keeps_what_it_has_and_new_parameters_are_as_the_rules_leave_them() {
    let text = "default lr 3; start: train head lr linear 1 -> 0 over 8 epochs, unfreeze adapter*;
                epoch 1: freeze body; epoch 2: unfreeze stem lr 2 stats held";
    let before = model(&[
        "stem.weight",
        "stem.running_mean",
        "body.weight",
        "head.weight",
        "adapter.weight",
    ]);
    let mut clock = clock_of(text, &before, PROGRAM);
    for _ in 0..3 {
        epoch(&mut clock);
    }
    let now = model(&[
        "adapter2.weight",
        "stem.weight",
        "stem.bias",
        "stem.running_mean",
        "body.weight",
        "body.bias",
        "head.weight[9, 9]",
        "head.bias",
    ]);
    let clock = with(clock, text, &now).unwrap();
    assert_eq!(
        trainable(&clock),
        ["adapter2.weight", "stem.weight", "stem.bias", "head.weight", "head.bias"]
    );
    let lr_of = |name: &str| {
        let plan = clock.plan();
        let has = |slice: &SliceId| plan.slice_name(*slice) == name;
        let group = clock.groups().iter().find(|group| group.slices.iter().any(has));
        group.and_then(|group| group.lr)
    };
    assert_eq!(lr_of("head.weight"), Some(0.75));
    assert_eq!(lr_of("head.bias"), Some(0.75), "the curve that has begun");
    assert_eq!(lr_of("stem.bias"), Some(2.0));
    assert_eq!(lr_of("adapter2.weight"), Some(3.0));
    assert!(!clock.is_live(NormalisationId::new(0)));
}

#[test]
fn factors_of_rates_hold_for_new_parameters_too() {
    let larger = model(&[
        "stem.weight",
        "stem.running_mean",
        "body.weight",
        "head.weight",
        "head.bias",
        "head.scale",
    ]);
    for (factors, rate) in [
        ("epoch 1: set head lr * 0.5", 0.5),
        ("epoch 1: set head lr * 0.1 to 0.25", 0.25),
        ("epoch 1: set head lr * 0.5; epoch 2: set head lr * 0.5", 0.25),
        ("epoch 1: set head lr * 0.5; epoch 2: set head lr 1", 1.0),
    ] {
        let text = format!("start: train head lr 1; {factors}");
        let mut clock = with(after(3, &text), &text, &larger).unwrap();
        for _ in 0..2 {
            let groups: Vec<_> =
                clock.groups().iter().map(|group| (group.slices.len(), group.lr)).collect();
            assert_eq!(groups, [(3, Some(rate))], "{factors}");
            epoch(&mut clock);
        }
    }
}

#[test]
fn a_curve_that_has_frozen_freezes_new_parameters() {
    let text = "start: train head lr linear 1 -> 0 over 2 epochs then freeze, unfreeze stem lr 1";
    let clock = with(after(4, text), text, &model(&["stem.weight", "head.weight", "head.more"]));
    assert_eq!(trainable(&clock.unwrap()), ["stem.weight"]);
}

#[test]
fn bests_of_another_model_are_forgotten() {
    let text = "start: train head lr 1; epoch 1: restore lowest loss, stop";
    let mut clock = clock_of(text, &small(), PROGRAM);
    clock.start_epoch();
    clock.observe("loss", 1.0);
    let mut clock = with(clock, text, &model(&["head.weight[9]"])).unwrap();
    assert_eq!(clock.start_epoch().restored[0].observed, None);
}

#[test]
fn a_loop_with_other_turns_is_refused() {
    let text = "for i, @layer in [layer.*] { epoch i: unfreeze @layer lr 1 }";
    let before = model(&["layer.0.weight", "layer.1.weight"]);
    let clock = clock_of(text, &before, PROGRAM);
    let more = model(&["layer.0.weight", "layer.1.weight", "layer.2.weight"]);
    assert!(matches!(with(clock, text, &more), Err(MigrateError::Rules)));
}

#[test]
fn policy_and_model_can_both_be_others() {
    let now = model(&["head.weight", "more.weight"]);
    let mut clock =
        with(after(1, START), &format!("{START} epoch 1: unfreeze more lr 1"), &now).unwrap();
    clock.start_epoch();
    assert_eq!(modules(&clock), "head more");
    let renamed = model(&["top.weight"]);
    let error = with(after(1, START), "start: train top lr 1", &renamed).unwrap_err();
    assert!(matches!(error, MigrateError::Policy(_)), "{error}");
}

#[test]
fn another_program_holds_from_now_on() {
    let text = "start: train head; epoch 2: unfreeze body lr linear 1 -> 0 over 4 epochs";
    let program = Program { lr: Some(1.0), steps_per_epoch: Some(2), ..Program::default() };
    let mut clock = clock_of(text, &small(), program);
    for _ in 0..3 {
        epoch(&mut clock);
    }
    let rates = |clock: &Clock| clock.groups().iter().map(|group| group.lr.unwrap()).collect();
    let before: Vec<f64> = rates(&clock);
    assert_eq!(before, [0.75, 1.0]);
    let plan = clock.plan().clone();
    let other = Program { lr: Some(0.5), steps_per_epoch: Some(4), ..Program::default() };
    let now: Vec<f64> = rates(&clock.migrate(plan, other).unwrap());
    // A quarter of the curve is done, however many steps that is.
    assert_eq!(now, [0.75, 0.5]);
}

/// The learning rate of `head`, in a program with this many steps an epoch.
fn rate(clock: &Clock) -> f64 {
    clock.groups()[0].lr.unwrap()
}

fn with_steps(clock: Clock, steps_per_epoch: Option<u64>) -> Clock {
    let plan = clock.plan().clone();
    clock.migrate(plan, Program { steps_per_epoch, ..Program::default() }).unwrap()
}

#[test]
fn curves_continue_from_the_fraction_that_is_done_with_other_steps_an_epoch() {
    let cosine = "run 10 epochs; start: train head lr cosine 1 -> 0 over";
    for over in ["10 epochs", "100%", "rest"] {
        for others in [[Some(8), Some(3)], [Some(2), None]] {
            let program = Program { steps_per_epoch: Some(4), ..Program::default() };
            let mut clock = clock_of(&format!("{cosine} {over}"), &small(), program);
            for _ in 0..5 {
                clock.start_epoch();
                (0..4).for_each(|_| drop(clock.end_step()));
            }
            assert_eq!(rate(&clock), 0.5, "{over}");
            for (index, steps) in others.into_iter().enumerate() {
                clock = with_steps(clock, steps);
                // Where whole epochs are counted, the fifth has started and has not ended.
                let now = if steps.is_none() { f64::midpoint(1.0, (0.4 * PI).cos()) } else { 0.5 };
                assert!((rate(&clock) - now).abs() < 1e-12, "{over} {others:?} {index}");
            }
            let steps = others[1];
            for epoch in 5..10 {
                clock.start_epoch();
                let now = f64::midpoint(1.0, (PI * f64::from(epoch) / 10.0).cos());
                assert!((rate(&clock) - now).abs() < 1e-12, "{over} {others:?} {epoch}");
                (0..steps.unwrap_or(4)).for_each(|_| drop(clock.end_step()));
            }
            if steps.is_some() {
                assert_eq!(rate(&clock), 0.0, "{over}");
            }
        }
    }
}

#[test]
fn moments_continue_from_the_fraction_that_is_done_and_steps_stay_steps() {
    let text = "run 10 epochs; start: train head lr linear 1 -> 0 over 40 steps;
        at 60%: unfreeze body lr 1; step 60: freeze body";
    let program = Program { steps_per_epoch: Some(4), ..Program::default() };
    let mut clock = clock_of(text, &small(), program);
    for _ in 0..5 {
        clock.start_epoch();
        (0..4).for_each(|_| drop(clock.end_step()));
    }
    let mut clock = with_steps(clock, Some(8));
    assert_eq!((clock.steps(), rate(&clock)), (20, 0.5));
    let snapshot = serde_json::to_string(&clock.snapshot()).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&snapshot).unwrap();
    clock = Clock::resume(clock.plan().clone(), *clock.program(), &snapshot).unwrap();
    // A tenth of the run is 8 steps now.
    let mut fired = Vec::new();
    clock.start_epoch();
    for _ in 0..40 {
        if !clock.end_step().fired.is_empty() {
            fired.push(clock.steps());
        }
    }
    assert_eq!(fired, [28, 60]);
    assert_eq!(rate(&clock), 0.0);
}

#[test]
fn an_epoch_that_runs_counts_by_its_steps_where_whole_epochs_were_counted() {
    let mut clock =
        clock_of("start: train head lr linear 1 -> 0 over 4 epochs", &small(), Program::default());
    clock.start_epoch();
    (0..4).for_each(|_| drop(clock.end_step()));
    clock.start_epoch();
    (0..2).for_each(|_| drop(clock.end_step()));
    assert_eq!(rate(&clock), 0.75);
    assert_eq!(rate(&with_steps(clock, Some(4))), 0.625);
}

const TRACK: &str = "track in stem { start: freeze @all; epoch 2: unfreeze @all }";

#[test]
fn each_sequence_goes_on_by_itself() {
    let main = "start: train head; epoch 4: unfreeze body;";
    let before = after(3, &format!("{main} {TRACK}"));
    assert_eq!(before.rules_fired(), [1, 2]);
    // Later rules of either may be others.
    let later = format!("start: train head; epoch 3: train head.weight; {TRACK}");
    let mut clock = policy(before.clone(), &later).unwrap();
    assert_eq!(clock.rules_fired(), [1, 2]);
    assert_eq!(fired(&clock.start_epoch()), "rule 2");
    assert_eq!(trainable(&clock), ["stem.weight", "head.weight"]);
    // One that has fired may not, whichever sequence it is of.
    for other in [
        format!("{main} track in stem {{ start: freeze @all; epoch 1: unfreeze @all }}"),
        format!("start: train head.weight; {TRACK}"),
        main.to_owned(),
    ] {
        let refused = policy(before.clone(), &other);
        assert!(matches!(refused, Err(MigrateError::Fired(_))), "{other}: {refused:?}");
    }
}

#[test]
fn tracks_without_a_scope_come_and_go() {
    let main = "start: train head;";
    let with = |action: &str| format!("{main} track decay {{ after 2 epochs: {action} }}");
    let mut clock = policy(after(2, main), &with("reset head")).unwrap();
    // Its clock starts now, in the second epoch.
    assert_eq!(fired(&clock.start_epoch()), "");
    assert_eq!(fired(&clock.start_epoch()), "decay: rule 1");
    let clock = policy(clock, main).unwrap();
    assert_eq!(clock.rules_fired(), [1]);
    // Not while parameters follow a curve that it has begun.
    let mut clock = policy(clock, &with("set head lr 0.5")).unwrap();
    clock.start_epoch();
    clock.start_epoch();
    let refused = policy(clock, main);
    assert!(matches!(&refused, Err(MigrateError::Fired(rule)) if rule == "decay: rule 1"));
}

#[test]
fn a_scope_is_added_only_where_it_changes_nothing_of_what_has_happened() {
    let added = "track in body { when loss < 1: freeze @all }";
    let whole = "start: set head lr 0.5;";
    let clock = policy(after(2, whole), &format!("{whole} {added}")).unwrap();
    assert_eq!(clock.rules_fired(), [1, 0]);
    // `train head` has frozen the body, which the track would have kept.
    let refused = policy(after(2, "start: train head;"), &format!("start: train head; {added}"));
    assert!(
        matches!(&refused, Err(MigrateError::Owner { parameter, .. }) if parameter == "body.weight"),
        "{refused:?}"
    );
}

#[test]
fn conditions_of_tracks_keep_what_they_have_observed() {
    let text = |last: &str| {
        format!(
        "start: train @all; track a in stem {{ when loss stops falling for 3 epochs: freeze @all }}
         track b {{ whenever loss stops falling for 2 epochs: set head lr 0.5 }} {last}"
    )
    };
    let mut clock = clock_of(&text(""), &small(), PROGRAM);
    for _ in 0..3 {
        clock.start_epoch();
        clock.observe("loss", 1.0);
    }
    let mut clock = policy(clock, &text("track c { every 9 epochs: reset head }")).unwrap();
    assert_eq!(fired(&clock.start_epoch()), "b: rule 1");
    clock.observe("loss", 1.0);
    assert_eq!(fired(&clock.start_epoch()), "a: rule 1");
    clock.observe("loss", 1.0);
    assert_eq!(fired(&clock.start_epoch()), "b: rule 1");
}
