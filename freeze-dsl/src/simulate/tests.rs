//! Ticks that are passed over are like ticks that are looked at.

use std::fmt::Write;

use super::{Per, Setup, Simulation, Table, simulate};
use crate::clock::Program;
use crate::model::Model;
use crate::policy::Policy;

const POLICIES: [&str; 12] = [
    "start: train c lr 1e-3; epoch 3: unfreeze b; step 17: unfreeze a lr 1e-4",
    "start: train c lr linear 0 -> 1e-3 over 7 steps then cosine 1e-3 -> 1e-6 over 13 steps then freeze",
    "start: train c lr linear 0 -> 1e-3 over 10 % then cosine 1e-3 -> 1e-6 over 50 %; at 33 %: unfreeze b",
    "start: train @all lr 1e-3 times 0.5 every 3 steps to 1e-6; after 9%: freeze b",
    "start: train @all lr cosine 1e-3 -> 1e-5 over 5 steps repeat stretching 1.5",
    "start: train c lr 1e-2; every 5%: train sample 1 of [a, b, c] seed 3",
    "start: train c lr 1e-2; repeat { after 5 steps: unfreeze b; after 1 epoch: freeze b }",
    "track one in a { step 2: unfreeze a lr linear 0 -> 1 over 2 epochs } track two in b, c { epoch 2: train b lr 1 }",
    "start: train c lr 1e-3; when loss < 0.5: unfreeze b; after 3 steps: unfreeze a",
    "start: train c lr 1e-3; when loss < 0.9 for 2 epochs: unfreeze b; when loss < 0.5 for 5 steps: unfreeze a",
    "start: train c lr 1e-3; epoch 1 or when loss < 0.1: unfreeze b weight_decay linear 0 -> 0.1 over 9 steps",
    "start: train c lr 1e-3 times 0.9 every 1 epoch to 6e-4 then freeze; step 30: stop",
];

fn model() -> Model {
    let tensor = |name: &str| {
        format!(r#"{{"name":"{name}.weight","shape":[4],"dtype":"f32","role":"parameter"}}"#)
    };
    let tensors = ["a", "b", "c"].map(tensor).join(",");
    Model::from_json(&format!(r#"{{"format":1,"tensors":[{tensors}]}}"#)).unwrap()
}

fn simulation(
    policy: &str,
    epochs: u64,
    steps: Option<u64>,
    all: Option<u64>,
) -> Option<Simulation> {
    let text = match all {
        Some(all) => format!("default optimizer adamw; run {all} steps; {policy}"),
        None => format!("default optimizer adamw; run {epochs} epochs; {policy}"),
    };
    let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let plan = policy.plan(&model()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let metrics = Table::from_csv("epoch,loss\n0,0.95\n2,0.8\n3,0.7\n4,0.3\n5,0.05").unwrap();
    let program = Program { steps_per_epoch: steps, ..Program::default() };
    let epochs = all.is_none().then_some(epochs);
    simulate(plan, Setup { epochs, program, metrics, per: Per::Step }).ok()
}

/// What can be seen at a moment.
fn seen(simulation: &Simulation) -> String {
    let clock = simulation.clock();
    let mut text = format!(
        "{} {} {:?} {}",
        clock.epochs_started(),
        clock.steps(),
        clock.rules_fired(),
        clock.is_stopped()
    );
    for group in clock.groups() {
        let _ = write!(text, " {group:?}");
    }
    text
}

#[test]
fn passing_over_ticks_is_looking_at_each() {
    // Numbers of a linear congruential generator.
    let mut random = 1_u64;
    let mut below = |most: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % most
    };
    let (mut compared, mut passed_over) = (0, 0);
    for policy in POLICIES {
        let lengths =
            [(8, Some(1), None), (8, Some(6), None), (9, None, None), (0, Some(7), Some(45))];
        for (epochs, steps, all) in lengths {
            let Some(start) = simulation(policy, epochs, steps, all) else { continue };
            for _ in 0..20 {
                let (mut one, mut other) = (start.clone(), start.clone());
                let (mut fired, mut tick) = (Vec::new(), None);
                loop {
                    if let Some(tick) = &mut tick {
                        let passed = other.pass_over(below(20), below(12));
                        *tick += passed;
                        passed_over += passed;
                        for _ in 0..passed {
                            assert!(one.advance().is_some(), "{policy}");
                            assert!(!one.has_changed(), "{policy}: {}", seen(&one));
                            assert!(!one.clock().is_stopped());
                        }
                    }
                    let [next, same] = [one.advance(), other.advance()];
                    assert_eq!(next, same, "{policy} with {steps:?} steps: {}", seen(&other));
                    assert_eq!(seen(&one), seen(&other), "{policy} with {steps:?} steps");
                    assert_eq!(one.is_over, other.is_over);
                    fired.push((one.take_fired(), other.take_fired()));
                    compared += 1;
                    if next.is_none() || one.clock().is_stopped() {
                        break;
                    }
                    tick = Some(tick.unwrap_or(0) + 1);
                }
                assert!(fired.iter().all(|(one, other)| one == other), "{policy}");
            }
        }
    }
    assert!(compared > 5_000 && passed_over > compared, "{compared} {passed_over}");
}
