//! Anchors: what pulls, what does not, and what a checkpoint has of it.

use std::error::Error;

use freeze_runtime::{Policy, ResumeOptions, Tuner};
use freeze_tests::parse;
use tch::nn::{Init, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn Error>>;

/// A store of `a` and `b`, of three rows each, whose numbers are 1.
fn store() -> (VarStore, Tensor, Tensor) {
    let vs = VarStore::new(Device::Cpu);
    let [a, b] = ["a", "b"].map(|name| vs.root().var(name, &[3, 2], Init::Const(1.0)));
    (vs, a, b)
}

fn tune(policy: &Policy, vs: &VarStore) -> Result<Tuner, Box<dyn Error>> {
    Ok(Tuner::builder(policy).attach(vs)?)
}

/// A step whose gradients are all 1.
fn step(tuner: &mut Tuner, parameters: &[&Tensor]) -> Outcome {
    let loss: Tensor = parameters.iter().map(|parameter| parameter.sum(Kind::Float)).sum();
    tuner.backward_step(&loss)?;
    Ok(())
}

/// The rows of a tensor whose rows are constant.
fn rows(tensor: &Tensor) -> Vec<f64> {
    (0..3).map(|row| tensor.double_value(&[row, 0])).collect()
}

fn is(tensor: &Tensor, expected: [f64; 3]) {
    for (is, expected) in rows(tensor).into_iter().zip(expected) {
        assert!((is - expected).abs() < 1e-6, "{is}, not {expected}");
    }
}

#[test]
fn only_what_steps_is_pulled() -> Outcome {
    let (vs, a, b) = store();
    let policy = parse(
        "default lr 0.5 optimizer sgd anchor 0.5;
         start: train rows 0..2 of a, b; epoch 1: set rows 0 of a anchor 0",
    );
    let mut tuner = tune(&policy, &vs)?;
    tuner.start_epoch()?;
    step(&mut tuner, &[&a, &b])?;
    // w - 0.25 (w - w0) - 0.5, where w is w0.
    is(&a, [0.5, 0.5, 1.0]);
    step(&mut tuner, &[&a])?;
    is(&a, [0.125, 0.125, 1.0]);
    // Without a gradient there is no step, and so no pull.
    is(&b, [0.5, 0.5, 0.5]);
    tuner.start_epoch()?;
    step(&mut tuner, &[&a])?;
    is(&a, [-0.375, -0.15625, 1.0]);
    Ok(())
}

#[test]
fn what_a_rule_restores_is_still_anchored_to_the_start() -> Outcome {
    let (vs, a, _) = store();
    let policy = parse(
        "default lr 0.5 optimizer sgd;
         start: train a anchor 1; epoch 2: restore lowest loss, set a anchor 0.5",
    );
    let mut tuner = tune(&policy, &vs)?;
    tuner.start_epoch()?;
    step(&mut tuner, &[&a])?;
    tuner.observe("loss", 1.0)?;
    tuner.start_epoch()?;
    step(&mut tuner, &[&a])?;
    tuner.start_epoch()?;
    is(&a, [0.5; 3]);
    step(&mut tuner, &[&a])?;
    is(&a, [0.5 + 0.25 * 0.5 - 0.5; 3]);
    Ok(())
}

#[test]
fn a_checkpoint_has_the_values_at_the_start() -> Outcome {
    let policy = parse("default lr 0.5 optimizer sgd; start: train a anchor 0.5, freeze b");
    let dir = tempfile::tempdir()?;
    let (vs, a, _) = store();
    let mut tuner = Tuner::builder(&policy).anchor_device(Device::Cpu).attach(&vs)?;
    tuner.start_epoch()?;
    step(&mut tuner, &[&a])?;
    tuner.save(dir.path())?;
    step(&mut tuner, &[&a])?;

    let (vs, again, _) = store();
    let mut resumed = tune(&policy, &vs)?;
    resumed.resume(dir.path())?;
    step(&mut resumed, &[&again])?;
    assert_eq!(rows(&a), rows(&again));
    is(&a, [0.125; 3]);
    assert!(resumed.start_epoch()?.notes.is_empty());
    Ok(())
}

#[test]
fn what_a_resume_anchors_first_is_anchored_to_its_value_then() -> Outcome {
    let before = parse("default lr 0.5 optimizer sgd; start: train a, b");
    let after = parse(
        "default lr 0.5 optimizer sgd; start: train a, b; epoch 1: set a anchor 0.5; \
         epoch 2: set b anchor 0",
    );
    let dir = tempfile::tempdir()?;
    let (vs, a, b) = store();
    let mut tuner = tune(&before, &vs)?;
    tuner.start_epoch()?;
    step(&mut tuner, &[&a, &b])?;
    tuner.save(dir.path())?;

    let (vs, a, b) = store();
    let mut resumed = tune(&after, &vs)?;
    resumed.resume_with(dir.path(), ResumeOptions::new().allow_policy_change())?;
    let transition = resumed.start_epoch()?;
    let [note] = &transition.notes[..] else { panic!("one note: {:?}", transition.notes) };
    assert!(note.starts_with("`a` is anchored to the values at this resume"), "{note}");
    assert!(transition.to_string().contains(note.as_str()));
    step(&mut resumed, &[&a, &b])?;
    is(&a, [0.0; 3]);
    step(&mut resumed, &[&a, &b])?;
    is(&a, [-0.375; 3]);
    is(&b, [-0.5; 3]);
    Ok(())
}

#[test]
fn numbers_that_change_keep_state() -> Outcome {
    let (vs, a, _) = store();
    let policy = parse(
        "start: train a lr 1 weight_decay 0
             optimizer sgd(momentum linear 0.5 -> 0.25 over 2 steps);
         step 3: set a optimizer sgd(momentum 0.125)",
    );
    let mut tuner = tune(&policy, &vs)?;
    tuner.start_epoch()?;
    let mut by_hand = (1.0, 0.0);
    for momentum in [0.5, 0.375, 0.25, 0.125, 0.125] {
        step(&mut tuner, &[&a])?;
        by_hand.1 = momentum * by_hand.1 + 1.0;
        by_hand.0 -= by_hand.1;
        is(&a, [by_hand.0; 3]);
    }
    Ok(())
}
