//! What the language can ask for beyond freezing and unfreezing, on tensors.

use freeze_runtime::{Error, Tuner};
use freeze_tests::{Bits, Net, assert_moved, parse, train, tune};

type Outcome = Result<(), Error>;

fn rates(tuner: &Tuner) -> Vec<f64> {
    tuner.groups().iter().map(|group| group.lr).collect()
}

#[test]
fn a_curve_moves_the_learning_rate_of_every_step() -> Outcome {
    let net = Net::linear();
    let policy =
        "default optimizer sgd; start: train c lr linear 0.4 -> 0 over 4 steps then freeze,
                  unfreeze b lr 0.1";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    for expected in [0.4, 0.3, 0.2, 0.1] {
        let other = rates(&tuner).into_iter().find(|lr| (lr - expected).abs() < 1e-12);
        assert!(other.is_some(), "{expected}: {:?}", rates(&tuner));
        train(&net, &mut tuner, 0..1)?;
    }
    assert!(tuner.trainable().iter().all(|name| name.starts_with("b.")));
    Ok(())
}

#[test]
fn a_metric_fires_a_rule_and_its_best_moment_comes_back_bit_by_bit() -> Outcome {
    let net = Net::convolutions(tch::Device::Cpu);
    let policy = "default lr 0.05 optimizer adam; start: train @all;
                  when loss stops falling for 1 epochs as back: restore lowest loss, train fc";
    let mut tuner = tune(&net, policy);
    let mut best = None;
    for loss in [2.0, 1.0, 1.5] {
        assert!(tuner.start_epoch()?.restored.is_empty());
        train(&net, &mut tuner, 0..3)?;
        tuner.observe("loss", loss)?;
        if loss <= 1.0 {
            best = Some(Bits::of(&net.vs));
        }
    }
    let change = tuner.start_epoch()?;
    assert_eq!(change.fired.len(), 1, "{change}");
    assert!(best.is_some_and(|best| best.moved(&Bits::of(&net.vs)).is_empty()));
    assert_eq!(tuner.optimizer_bytes(), 0);
    train(&net, &mut tuner, 0..1)
}

#[test]
fn kept_state_waits_for_its_parameter() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer adam; start: train b, c;
                  epoch 1: freeze c keep state; epoch 2: unfreeze c; epoch 3: reset c";
    let mut tuner = tune(&net, policy);
    let mut bytes = Vec::new();
    for _ in 0..4 {
        tuner.start_epoch()?;
        bytes.push(tuner.optimizer_bytes());
        train(&net, &mut tuner, 0..1)?;
    }
    let full = tuner.optimizer_bytes();
    assert_eq!(bytes.get(1..3), Some(&[full, full][..]));
    assert!(bytes.last().is_some_and(|reset| *reset < full));
    Ok(())
}

#[test]
fn statistics_are_held_where_the_policy_says_so() -> Outcome {
    let net = Net::convolutions(tch::Device::Cpu);
    let mut tuner = tune(&net, "default lr 0.05 optimizer sgd stats held; start: train @all");
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    train(&net, &mut tuner, 0..2)?;
    let later = Bits::of(&net.vs);
    let moved = before.moved(&later);
    assert!(!moved.is_empty());
    assert!(moved.iter().all(|name| !name.contains("running")), "{moved:?}");
    Ok(())
}

#[test]
fn a_gradient_is_gone_that_was_there_when_its_parameter_froze_and_unfroze_at_one_look() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd; start: train @all;
                  epoch 1: freeze c; epoch 1: unfreeze c";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    net.loss(0).backward();
    assert!(net.has_gradient("c.weight"));
    tuner.start_epoch()?;
    assert!(!net.has_gradient("c.weight"));
    assert!(net.has_gradient("b.weight"));
    Ok(())
}

#[test]
fn rows_are_refused_before_anything_moves() {
    let net = Net::linear();
    let before = Bits::of(&net.vs);
    let policy = parse("default lr 0.1 optimizer sgd; start: train rows 0..1 of c.weight, b");
    let error = Tuner::builder(&policy).attach(&net.vs).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("rows of `c.weight[0..1]`")));
    assert_moved(&before, &net, &[]);
}
