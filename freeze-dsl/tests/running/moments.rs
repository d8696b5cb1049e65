//! When rules fire: `at`, `after`, `every`, parts of the run, and the order at one look.

use crate::support::{PROGRAM, clock, clock_of, finds, fired, firings, modules, resnet18};
use freeze_dsl::clock::Program;
use freeze_dsl::diagnostic::Code;
use freeze_dsl::plan::Plan;
use freeze_dsl::policy::Policy;

fn clock_with_steps(text: &str, steps_per_epoch: u64) -> freeze_dsl::clock::Clock {
    let program = Program { steps_per_epoch: Some(steps_per_epoch), ..PROGRAM };
    clock_of(text, &resnet18(), program)
}

#[test]
fn at_a_part_of_the_run() {
    let text = "run 10 epochs; start: train fc; at 25%: unfreeze bn1; at 70.4%: unfreeze conv1";
    // 17.5 and 49.28 steps of 70.
    let fired = firings(&mut clock_with_steps(text, 7), 10, 7);
    assert_eq!(fired, ["0:0 rule 1", "2:18 rule 2", "6:49 rule 3"]);
    // Without the steps of an epoch, a part of an epoch is over when the epoch is.
    let fired = firings(&mut clock(text), 10, 7);
    assert_eq!(fired, ["0:0 rule 1", "3:21 rule 2", "8:56 rule 3"]);
    let text = "run 30 steps; at 0%: train fc; at 50% of run: unfreeze bn1";
    assert_eq!(firings(&mut clock(text), 3, 10), ["0:0 rule 1", "1:15 rule 2"]);
    finds("start: train fc; at 50%: unfreeze bn1;", &[(Code::MissingRun, "at 50%")]);
    finds("run 9 epochs; at 101%: train fc;", &[(Code::InvalidDuration, "101")]);
    finds("run 9 epochs; at 100%: train fc;", &[(Code::NeverFires, "at 100%")]);
    finds("run 9 epochs; at 50%: train fc; at 40%: unfreeze bn1;", &[(Code::PastMoment, "at 40%")]);
}

#[test]
fn a_part_that_is_whole_is_neither_late_nor_past() {
    // 0.07 * 100 is a little more than 7 as a float, 0.29 * 100 a little less than 29.
    for (unit, steps) in [("epochs", 1), ("steps", 100)] {
        let run = format!("run 100 {unit}; start: train fc; ");
        let text = format!("{run} at 7%: unfreeze bn1; after 7%: unfreeze conv1");
        let fired = firings(&mut clock(&text), if steps == 1 { 100 } else { 1 }, steps);
        let at = |moment: u64| {
            if steps == 1 { format!("{moment}:{moment}") } else { format!("0:{moment}") }
        };
        assert_eq!(fired[1..], [at(7) + " rule 2", at(14) + " rule 3"], "{unit}");
        let one = unit.trim_end_matches('s');
        finds(&format!("{run} {one} 29: unfreeze bn1; at 29%: unfreeze conv1"), &[]);
        let late = format!("{run} {one} 29: unfreeze bn1; at 28%: unfreeze conv1");
        finds(&late, &[(Code::PastMoment, "at 28%")]);
    }
}

#[test]
fn every_so_often_until_the_next_rule_fires() {
    let text = "start: train fc; every 4 steps as again: reset fc; step 14: unfreeze bn1; \
                after 100 steps: stop";
    let fired = firings(&mut clock(text), 4, 10);
    let expected = ["0:0 rule 1", "0:4 again", "0:8 again", "1:12 again", "1:14 rule 3"];
    assert_eq!(fired, expected);
    // A rule that comes at the same look takes its turn, and ends the other.
    let text = "start: train fc; every 4 steps as again: reset fc; step 8: unfreeze bn1";
    assert_eq!(firings(&mut clock(text), 2, 10), ["0:0 rule 1", "0:4 again", "0:8 rule 3"]);
    // The first rule counts from the start.
    let text = "every 2 epochs as again: train sample 1 of [layer4, layer3] seed 3";
    assert_eq!(firings(&mut clock(text), 7, 1), ["2:2 again", "4:4 again", "6:6 again"]);
}

#[test]
fn at_once_and_every_so_often() {
    let text = "start or every 3 steps as again: train fc";
    let fired = firings(&mut clock(text), 1, 10);
    assert_eq!(fired, ["0:0 again", "0:3 again", "0:6 again", "0:9 again"]);
    let text = "start: train fc; step 2 or every 5 steps as again: reset fc";
    assert_eq!(firings(&mut clock(text), 1, 13)[1..], ["0:2 again", "0:7 again", "0:12 again"]);
    // A part of the run recurs as well.
    let text = "run 10 epochs; start or every 20% as again: train fc";
    let fired = firings(&mut clock_with_steps(text, 2), 10, 2);
    assert_eq!(
        fired,
        ["0:0 again", "1:4 again", "3:8 again", "5:12 again", "7:16 again", "9:20 again"]
    );
}

#[test]
fn after_counts_from_the_first_firing() {
    let text = "start: train fc; every 3 steps as again: reset fc; after 7 steps as b: stop";
    let fired = firings(&mut clock(text), 1, 12);
    assert_eq!(fired, ["0:0 rule 1", "0:3 again", "0:6 again", "0:9 again", "0:10 b"]);
}

#[test]
fn at_one_look_rules_fire_for_as_long_as_the_next_one_is_due() {
    let text = "epoch 2: train fc; step 3: unfreeze bn1, freeze fc; epoch 2 or step 9: unfreeze fc \
                lr 7; after 1 steps: stop";
    let mut clock = clock(text);
    let changes: Vec<_> = (0..3)
        .map(|_| {
            let change = clock.start_epoch();
            (0..4).for_each(|_| drop(clock.end_step()));
            change
        })
        .collect();
    assert_eq!(fired(&changes[2]), "rule 1 rule 2 rule 3");
    assert_eq!(modules(&clock), "bn1 fc");
    // What was frozen in between lost what was gathered for it, and trains all the same.
    let change = &changes[2];
    let fc: Vec<_> = clock.trainable().skip(2).collect();
    assert!(fc.iter().all(|slice| change.dropped.contains(slice)));
    assert!(fc.iter().all(|slice| change.interrupted.contains(slice)));
    assert!(!change.frozen.iter().any(|slice| fc.contains(slice)));
    assert!(clock.is_stopped());
}

#[test]
fn nothing_fires_once_training_is_over() {
    let mut clock = clock("start or every 1 steps as again: train fc, for i in 0..1 { stop }");
    assert_eq!(fired(&clock.start_epoch()), "again");
    let change = clock.end_step();
    assert!(change.fired.is_empty() && change.stopped);
}

#[test]
fn frz0307_after_what_may_never_come() {
    let when = "start: train fc; when val_loss < 1: unfreeze bn1;";
    finds(&format!("{when} epoch 9: unfreeze conv1;"), &[(Code::UnboundedWait, "epoch 9")]);
    finds(&format!("{when} step 9: unfreeze conv1;"), &[(Code::UnboundedWait, "step 9")]);
    finds(&format!("{when} after 2 epochs: unfreeze conv1;"), &[]);
    finds(
        &format!("{when} after 2 epochs: unfreeze conv1; epoch 9: unfreeze layer1;"),
        &[(Code::UnboundedWait, "epoch 9")],
    );
    let bounded = when.replace("< 1", "< 1 or epoch 5");
    finds(&format!("{bounded} epoch 9: unfreeze conv1;"), &[]);
}

#[test]
fn parts_of_the_run_need_its_length_once() {
    finds("start: train fc lr cosine 1 -> 0 over rest;", &[(Code::MissingRun, "rest")]);
    finds("start: train fc lr 1 times 0.5 every 10%;", &[(Code::MissingRun, "10%")]);
    finds("when loss < 1 for 10%: train fc;", &[(Code::MissingRun, "10%")]);
    finds("start: train fc lr cosine 1 -> 0 over rest; run 9 steps;", &[]);
}

#[test]
fn the_same_events_give_the_same_answers() {
    let text = "start or every 2 steps: train sample 2 of [layer1, layer2, layer3, layer4] seed 9 \
                lr 1 times 0.5 every 3 steps; when loss stops falling for 3 epochs: stop";
    let plan: Plan = Policy::parse(text).unwrap().plan(&resnet18()).unwrap();
    let run = || {
        let mut clock = freeze_dsl::clock::Clock::new(plan.clone(), PROGRAM);
        let mut seen = Vec::new();
        for epoch in 0..9_i32 {
            seen.push((clock.start_epoch(), clock.groups().to_vec()));
            for _ in 0..3 {
                seen.push((clock.end_step(), clock.groups().to_vec()));
            }
            clock.observe("loss", 1.0 / f64::from(epoch.min(3)));
        }
        seen
    };
    assert_eq!(run(), run());
}
