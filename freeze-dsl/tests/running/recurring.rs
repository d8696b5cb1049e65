//! `whenever` and `repeat`: rules that fire again and again.

use freeze_dsl::clock::{Clock, Program};
use freeze_dsl::policy::Policy;

use crate::support::{
    clock, clock_of, codes_in, findings_in, fired, fired_after, firings, modules, resnet18,
    trainable,
};

#[test]
fn whenever_fires_each_time_that_the_metric_has_not_improved_for_so_long() {
    let mut clock = clock("start: train fc; whenever loss stops falling for 2 epochs: reset fc");
    let values = [1.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.6, 0.6, 0.6, 0.4];
    assert_eq!(
        fired_after(&mut clock, "loss", &values),
        ["0 rule 1", "3 rule 2", "5 rule 2", "8 rule 2"]
    );
}

#[test]
fn a_comparison_must_have_been_false_in_between() {
    let mut own = clock("start: train fc; whenever acc > 0.5: reset fc");
    let values = [0.6, 0.7, 0.4, 0.6, 0.6, 0.1, 0.9];
    assert_eq!(
        fired_after(&mut own, "acc", &values),
        ["0 rule 1", "1 rule 2", "4 rule 2", "7 rule 2"]
    );
    // With a duration, it is false as soon as it has fired.
    let mut own = clock("start: train fc; whenever acc > 0.5 for 2 epochs: reset fc");
    assert_eq!(fired_after(&mut own, "acc", &values), ["0 rule 1", "2 rule 2", "5 rule 2"]);
}

#[test]
fn a_dip_between_two_looks_makes_it_true_again() {
    let mut clock = clock("start: train fc; whenever acc > 0.5: reset fc");
    clock.start_epoch();
    clock.observe("acc", 0.9);
    assert_eq!(fired(&clock.start_epoch()), "rule 2");
    clock.observe("acc", 0.1);
    clock.observe("acc", 0.9);
    assert_eq!(fired(&clock.start_epoch()), "rule 2");
    clock.observe("acc", 0.9);
    assert_eq!(fired(&clock.start_epoch()), "");
}

#[test]
fn any_firing_counts_durations_anew() {
    let mut clock = clock(
        "start: train fc; every 2 epochs or whenever loss stops falling for 3 epochs: reset fc",
    );
    // Never 3 epochs without one of its firings.
    let all = fired_after(&mut clock, "loss", &[1.0; 8]);
    assert_eq!(all, ["0 rule 1", "2 rule 2", "4 rule 2", "6 rule 2", "8 rule 2"]);
}

#[test]
fn after_its_first_firing_only_every_and_whenever_fire_a_rule_again() {
    let mut clock =
        clock("start: train fc; epoch 1 or when acc > 0.5 or whenever loss < 1: reset fc");
    clock.start_epoch();
    assert_eq!(fired(&clock.start_epoch()), "rule 2");
    clock.observe("acc", 0.9);
    assert_eq!(fired(&clock.start_epoch()), "");
    clock.observe("loss", 0.5);
    assert_eq!(fired(&clock.start_epoch()), "rule 2");
}

#[test]
fn whenever_recurs_until_the_next_rule_fires() {
    let mut clock = clock(
        "start: train fc; whenever loss stops falling for 1 epoch: reset fc; epoch 4: unfreeze layer4",
    );
    let all = fired_after(&mut clock, "loss", &[1.0; 7]);
    assert_eq!(all, ["0 rule 1", "2 rule 2", "3 rule 2", "4 rule 3"]);
}

#[test]
fn steps_of_whenever_count_from_its_last_firing() {
    let mut clock = clock("start: train fc; whenever loss stops falling for 3 steps: reset fc");
    clock.start_epoch();
    let mut all = Vec::new();
    for step in 1..=10 {
        clock.observe("loss", 1.0);
        if !clock.end_step().fired.is_empty() {
            all.push(step);
        }
    }
    assert_eq!(all, [3, 6, 9]);
}

#[test]
fn a_margin_in_percent_is_one_of_the_best_value() {
    let fires = |margin: &str, values: &[f64]| {
        let text =
            format!("start: train fc; when m stops falling for 2 epochs by {margin}: reset fc");
        fired_after(&mut clock(&text), "m", values).get(1).cloned()
    };
    // 1 % of 10 is 0.1.
    assert_eq!(fires("1%", &[10.0, 9.91, 9.905]), Some("3 rule 2".to_owned()));
    assert_eq!(fires("1%", &[10.0, 9.89, 9.8]), None);
    // Of a negative value, its magnitude counts; of 0, any lower value.
    assert_eq!(fires("10%", &[-10.0, -10.5, -10.9]), Some("3 rule 2".to_owned()));
    assert_eq!(fires("10%", &[-10.0, -11.5, -13.0]), None);
    assert_eq!(fires("10%", &[0.0, -0.001, -0.01]), None);
    let text = "start: train fc; when m stops rising for 2 epochs by 1%: reset fc";
    let all = fired_after(&mut clock(text), "m", &[10.0, 10.05, 10.09]);
    assert_eq!(all, ["0 rule 1", "3 rule 2"]);
}

#[test]
fn repeat_goes_round_and_round() {
    let mut own =
        clock("start: train fc; repeat { after 2 epochs: train layer4; after 1 epoch: train fc; }");
    assert_eq!(
        firings(&mut own, 8, 0),
        ["0:0 rule 1", "2:0 rule 2", "3:0 rule 3", "5:0 rule 2", "6:0 rule 3"]
    );
    assert_eq!(modules(&own), "fc");
    assert_eq!(own.rules_fired(), [5]);
}

#[test]
fn each_rule_fires_once_at_a_look() {
    let mut own =
        clock("start: train fc; repeat { when loss < 9: train layer4; when loss < 9: train fc; }");
    own.start_epoch();
    own.observe("loss", 1.0);
    // In a later round a rule sees only what was observed since it waits again.
    assert_eq!(fired(&own.start_epoch()), "rule 2 rule 3");
    assert_eq!(fired(&own.start_epoch()), "");
    own.observe("loss", 1.0);
    assert_eq!(fired(&own.start_epoch()), "rule 2");
    own.observe("loss", 1.0);
    assert_eq!(fired(&own.start_epoch()), "rule 3");
}

#[test]
fn the_only_rule_of_a_repeat_recurs_as_a_new_round() {
    let mut own = clock("start: train fc; repeat { every 2 epochs or when loss < 1: reset fc }");
    let mut all = vec![fired(&own.start_epoch())];
    for _ in 0..2 {
        own.observe("loss", 0.5);
        all.push(fired(&own.start_epoch()));
    }
    all.extend((0..4).map(|_| fired(&own.start_epoch())));
    assert_eq!(all, ["rule 1", "rule 2", "rule 2", "", "rule 2", "", "rule 2"]);
}

#[test]
fn draws_go_on_over_all_rounds() {
    let text = "start: train fc; repeat { after 1 epoch: train sample 1 of [layer1, layer2, layer3, layer4] seed 3 }";
    let every =
        "start: train fc; every 1 epoch: train sample 1 of [layer1, layer2, layer3, layer4] seed 3";
    let drawn = |text: &str| -> Vec<String> {
        let mut own = clock(text);
        (0..12)
            .map(|_| {
                own.start_epoch();
                modules(&own)
            })
            .collect()
    };
    assert_eq!(drawn(text), drawn(every));
}

#[test]
fn a_moment_that_comes_once_has_no_place_in_a_repeat() {
    let codes =
        |body: &str| codes_in(&format!("start: train fc; repeat {{ {body} }}"), &resnet18());
    for moment in ["start", "epoch 3", "step 3", "after 1 epoch or epoch 3"] {
        assert_eq!(codes(&format!("{moment}: reset fc")), ["FRZ0308"], "{moment}");
    }
    assert_eq!(codes("after 1 epoch: reset fc; }; epoch 9: { reset fc"), ["FRZ0101"]);
    assert!(
        Policy::parse("start: train fc; repeat { after 1 epoch: reset fc } epoch 9: reset fc")
            .is_err()
    );
    assert!(Policy::parse("start: train fc; repeat { }").is_err());
}

#[test]
fn errors_of_a_round_are_reported_once_and_warnings_if_they_hold_in_all() {
    let codes = |body: &str| {
        codes_in(&format!("start: train fc, layer4; repeat {{ {body} }}"), &resnet18())
    };
    // In the first round `layer4` trains already, in the others it does not.
    assert!(codes("after 1 epoch: unfreeze layer4; after 1 epoch: freeze layer4").is_empty());
    assert_eq!(
        codes(
            "after 1 epoch: unfreeze fc; after 1 epoch: freeze layer4; after 1 epoch: unfreeze layer4"
        ),
        ["FRZ0501"]
    );
    // Nothing trains in the second round.
    assert_eq!(
        codes(
            "after 1 epoch: train @frozen in (fc, layer4), layer3; after 1 epoch: freeze layer3, freeze @trainable"
        ),
        ["FRZ0303"]
    );
}

#[test]
fn a_repeat_that_alternates_is_checked_until_it_begins_alike() {
    let found = findings_in(
        "start: train fc; repeat { after 1 epoch: train @frozen in (fc, layer4); }",
        &resnet18(),
    );
    assert!(found.iter().all(|found| !found.is_error()), "{found:?}");
    let mut own =
        clock("start: train fc; repeat { after 1 epoch: train @frozen in (fc, layer4); }");
    let all: Vec<String> = (0..4)
        .map(|_| {
            own.start_epoch();
            modules(&own)
        })
        .collect();
    assert_eq!(all, ["fc", "layer4", "fc", "layer4"]);
}

#[test]
fn a_stopped_and_resumed_clock_goes_on_alike() {
    let text = "start: train fc; every 3 epochs or whenever acc > 0.5: reset fc; epoch 7: train fc lr 0.5;
                repeat { when loss stops falling for 2 epochs by 1%: train layer4; after 1 epoch: train fc }
                ";
    let tracks = format!(
        "{} track in layer1 {{ start: freeze @all; repeat {{ whenever acc > 0.6: unfreeze @all; after 2 epochs: freeze @all }} }}
         track plateau {{ whenever loss stops falling for 2 epochs: set @trainable lr 0.1 }}",
        text.replace("train fc", "train fc, bn1")
    );
    let program = Program { lr: Some(1.0), ..Program::default() };
    let noise = |epoch: u32| f64::from((epoch * 7919) % 13) / 13.0;
    let run = |stops: bool| {
        let mut clock = clock_of(&tracks, &resnet18(), program);
        let mut all = Vec::new();
        for epoch in 0..40 {
            if stops {
                let snapshot = serde_json::to_string(&clock.snapshot()).unwrap();
                let snapshot = serde_json::from_str(&snapshot).unwrap();
                clock = Clock::resume(clock.plan().clone(), program, &snapshot).unwrap();
            }
            let change = clock.start_epoch();
            all.push((fired(&change), trainable(&clock), clock.rules_fired()));
            clock.observe("acc", noise(epoch));
            clock.observe("loss", noise(epoch + 5));
        }
        all
    };
    assert_eq!(run(false), run(true));
    assert!(run(false).iter().filter(|(fired, ..)| !fired.is_empty()).count() > 20);
}

#[test]
fn a_rule_before_a_repeat_recurs_until_the_first_round_begins() {
    let mut own = clock(
        "start: train fc; every 1 epoch: reset fc;
         repeat { after 3 epochs: train layer4; after 1 epoch: train fc; }",
    );
    let all = fired_after(&mut own, "m", &[0.0; 7]);
    assert_eq!(all, ["0 rule 1", "1 rule 2", "2 rule 2", "3 rule 2", "4 rule 3", "5 rule 4"]);
}

#[test]
fn a_rule_in_a_repeat_recurs_in_every_round() {
    let mut own = clock(
        "start: train fc; repeat { after 1 epoch: train layer4; every 1 epoch: reset layer4;
         after 3 epochs: train fc; }",
    );
    let all = fired_after(&mut own, "m", &[0.0; 11]);
    let round = |start: usize| {
        [(1, 2), (2, 3), (3, 3), (4, 3), (5, 4)]
            .map(|(at, rule)| format!("{} rule {rule}", start + at))
    };
    let expected: Vec<String> =
        std::iter::once("0 rule 1".to_owned()).chain(round(0)).chain(round(5)).collect();
    assert_eq!(all[..expected.len()], expected);
}

#[test]
fn the_only_rule_of_a_repeat_begins_another_round_with_each_firing() {
    let mut own = clock("start: train fc; repeat { after 2 epochs: reset fc; }");
    for _ in 0..=6 {
        own.start_epoch();
    }
    assert_eq!(own.rules_fired(), [4]);
}
