//! What the language can ask for beyond freezing and unfreezing, on tensors.

use std::collections::BTreeSet;

use freeze_runtime::{Error, Tuner};
use freeze_tests::networks::STATISTICS1;
use freeze_tests::{Bits, Net, parse, train, tune};
use tch::{Device, Kind, Tensor, nn};

type Outcome = Result<(), Error>;

fn rates(tuner: &Tuner) -> Vec<f64> {
    tuner.param_groups().iter().map(|group| group.lr).collect()
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
    assert!(tuner.trainable_names().iter().all(|name| name.starts_with("b.")));
    Ok(())
}

#[test]
fn a_metric_fires_a_rule_and_its_best_moment_comes_back_bit_by_bit() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
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
    let net = Net::convolutions(Device::Cpu);
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

/// A number that a constant gradient of 1 moves, and its tuner: formulas predict its moves.
#[expect(clippy::unwrap_used, reason = "a test's own policy")]
fn number(policy: &str) -> (Tensor, Tuner, nn::VarStore) {
    let vs = nn::VarStore::new(Device::Cpu);
    let number = vs.root().add("number", Tensor::zeros([1], (Kind::Double, Device::Cpu)), true);
    let _ = vs.root().add("other", Tensor::zeros([1], (Kind::Double, Device::Cpu)), true);
    let tuner = Tuner::builder(&parse(policy)).attach(&vs).unwrap();
    (number, tuner, vs)
}

/// How far each of a number of steps moves the number.
fn moves(
    number: &Tensor,
    tuner: &mut Tuner,
    vs: &nn::VarStore,
    steps: usize,
) -> Result<Vec<f64>, Error> {
    let step = |_| {
        let before = number.double_value(&[0]);
        tuner.backward_step(&vs.trainable_variables().iter().sum::<Tensor>().sum(None))?;
        Ok(before - number.double_value(&[0]))
    };
    (0..steps).map(step).collect()
}

fn assert_close(values: &[f64], expected: &[f64]) {
    assert_eq!(values.len(), expected.len());
    for (value, expected_one) in values.iter().zip(expected) {
        assert!((value - expected_one).abs() < 1e-12, "{values:?} for {expected:?}");
    }
}

#[test]
fn a_curve_in_epochs_moves_with_the_steps_where_their_count_is_known() -> Outcome {
    let policy = "default optimizer sgd; start: train number lr linear 0.4 -> 0 over 2 epochs";
    let (one, mut tuner, vs) = number(policy);
    let mut moved = Vec::new();
    for _ in 0..3 {
        tuner.start_epoch()?;
        moved.extend(moves(&one, &mut tuner, &vs, 2)?);
    }
    assert_close(&moved, &[0.4, 0.4, 0.2, 0.2, 0.0, 0.0]);

    let (one, _, vs) = number(policy);
    let mut tuner = Tuner::builder(&parse(policy)).steps_per_epoch(2).attach(&vs)?;
    let mut moved = Vec::new();
    for _ in 0..3 {
        tuner.start_epoch()?;
        moved.extend(moves(&one, &mut tuner, &vs, 2)?);
    }
    assert_close(&moved, &[0.4, 0.3, 0.2, 0.1, 0.0, 0.0]);
    Ok(())
}

#[test]
fn a_curve_that_ends_freezes_in_the_middle_of_an_epoch() -> Outcome {
    let policy = "default lr 0.5 optimizer sgd(momentum 0.9); start: train other,
                  unfreeze number lr linear 0.4 -> 0.2 over 2 steps then freeze";
    let (one, mut tuner, vs) = number(policy);
    tuner.start_epoch()?;
    let moved = moves(&one, &mut tuner, &vs, 4)?;
    assert_close(&moved, &[0.4, 0.3 * 1.9, 0.0, 0.0]);
    assert!(!one.requires_grad());
    assert_eq!(tuner.trainable_names(), ["other"]);
    Ok(())
}

#[test]
fn steps_while_nothing_trains_count_and_move_nothing() -> Outcome {
    let net = Net::linear();
    let policy =
        "default lr 0.1 optimizer sgd; start: train c lr linear 1 -> 0 over 2 steps then freeze;
                  step 4: train b";
    let mut tuner = tune(&net, policy);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..2)?;
    assert!(tuner.trainable_names().is_empty());
    let before = Bits::of(&net.vs);
    train(&net, &mut tuner, 2..4)?;
    assert!(before.moved(&Bits::of(&net.vs)).is_empty());
    train(&net, &mut tuner, 4..5)?;
    assert_eq!(before.moved(&Bits::of(&net.vs)), ["b.bias", "b.weight"]);
    Ok(())
}

#[test]
fn kept_state_goes_on_where_it_was_and_what_is_reset_begins_again() -> Outcome {
    let policy = |freeze: &str| {
        format!(
            "default lr 1 optimizer sgd(momentum 0.5); start: train @all;
             epoch 1: freeze number{freeze}; epoch 2: unfreeze number; epoch 3: reset number"
        )
    };
    // The velocity is 1, 1.5, 1.75, and so on.
    let cases = [("", [1.0, 1.5], [1.0, 1.5]), (" keep state", [1.0, 1.5], [1.75, 1.875])];
    for (freeze, first, later) in cases {
        let (one, mut tuner, vs) = number(&policy(freeze));
        for expected in [first, [0.0, 0.0], later, [1.0, 1.5]] {
            tuner.start_epoch()?;
            assert_close(&moves(&one, &mut tuner, &vs, 2)?, &expected);
        }
    }
    Ok(())
}

#[test]
fn another_optimizer_for_some_from_some_rule_on_or_for_all() -> Outcome {
    let policy = "default lr 1 optimizer sgd(momentum 0.5); start: train @all;
                  epoch 1: set number optimizer rmsprop(alpha 0.5) lr 0.1;
                  epoch 2: set @all optimizer adam lr 0.25";
    let (one, mut tuner, vs) = number(policy);
    tuner.start_epoch()?;
    assert_close(&moves(&one, &mut tuner, &vs, 2)?, &[1.0, 1.5]);
    tuner.start_epoch()?;
    let groups = tuner.param_groups();
    let names: Vec<_> = groups.iter().map(|group| group.optimizer.name()).collect();
    assert_eq!(names, ["rmsprop", "sgd"]);
    // The mean square is 0.5, then 0.75.
    let off = |mean: f64| 0.1 / (mean.sqrt() + 1e-8);
    assert_close(&moves(&one, &mut tuner, &vs, 2)?, &[off(0.5), off(0.75)]);
    tuner.start_epoch()?;
    assert_eq!(tuner.param_groups().len(), 1);
    // Of a constant gradient, Adam's moments are 1 at every step.
    assert_close(&moves(&one, &mut tuner, &vs, 2)?, &[0.25 / (1.0 + 1e-8); 2]);
    Ok(())
}

#[test]
fn a_sample_is_drawn_anew_at_every_firing_and_only_it_moves() -> Outcome {
    let net = Net::four_layers();
    let policy = "default lr 0.05 optimizer sgd(momentum 0.9);
                  let @layers = [layer1, layer2, layer3, layer4];
                  start or every 2 steps: train sample 2 of @layers seed 3";
    let play = || -> Result<Vec<BTreeSet<String>>, Error> {
        let mut tuner = tune(&net, policy);
        tuner.start_epoch()?;
        let mut drawn = Vec::new();
        for draw in 0..8 {
            let names = tuner.trainable_names();
            let before = Bits::of(&net.vs);
            train(&net, &mut tuner, 2 * draw..2 * draw + 2)?;
            let after = Bits::of(&net.vs);
            let moved = before.moved(&after).into_iter().filter(|name| !name.contains("running"));
            assert_eq!(moved.collect::<BTreeSet<_>>(), names.iter().map(String::as_str).collect());
            let layers = names.iter().filter_map(|name| name.split('.').next());
            drawn.push(layers.map(str::to_owned).collect());
        }
        Ok(drawn)
    };
    let drawn = play()?;
    assert!(drawn.iter().all(|layers| layers.len() == 2), "{drawn:?}");
    assert!(drawn.iter().collect::<BTreeSet<_>>().len() > 2, "{drawn:?}");
    assert_eq!(drawn, play()?);
    Ok(())
}

#[test]
fn statistics_follow_the_data_in_a_frozen_module_where_the_policy_says_so() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tune(
        &net,
        "default lr 0.05 optimizer adam; start: train fc;
         epoch 1: set layer1 stats live; epoch 2: freeze fc.bias stats held, set layer1 stats held",
    );
    for expected in [&[][..], &STATISTICS1, &[]] {
        tuner.start_epoch()?;
        let before = Bits::of(&net.vs);
        train(&net, &mut tuner, 0..2)?;
        let after = Bits::of(&net.vs);
        let moved = before.moved(&after).into_iter().filter(|name| name.contains("running"));
        assert_eq!(moved.collect::<Vec<_>>(), expected);
    }
    Ok(())
}

#[test]
fn a_metric_stops_the_training_and_nothing_moves_after() -> Outcome {
    let net = Net::linear();
    let mut tuner = tune(
        &net,
        "default lr 0.05 optimizer adam; start: train @all;
         when loss < 0.5 for 2 epochs: stop",
    );
    for (epoch, loss) in (0..).zip([0.4, 0.6, 0.4, 0.3, 0.2]) {
        let change = tuner.start_epoch()?;
        assert_eq!((tuner.is_stopped(), change.stopped), (epoch > 3, epoch > 3), "epoch {epoch}");
        let before = Bits::of(&net.vs);
        train(&net, &mut tuner, 0..2)?;
        assert_eq!(before.moved(&Bits::of(&net.vs)).is_empty(), epoch > 3);
        tuner.observe("loss", loss)?;
    }
    Ok(())
}
