//! What is frozen has no optimizer state and no gradient, and a frozen beginning of the model no
//! backward pass.

use freeze_runtime::Error;
use freeze_tests::networks::{FC, LAYER1, LAYER2};
use freeze_tests::{Net, each_optimizer, train, tune};
use tch::Device;

type Outcome = Result<(), Error>;

const FLOAT: usize = 4;

/// How many numbers variables have.
fn numbers(net: &Net, names: &[&str]) -> usize {
    names.iter().map(|name| net.variable(name).numel()).sum()
}

#[test]
fn optimizer_state_is_made_by_the_first_step_and_goes_when_something_freezes() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let rules = "start: train fc; step 2: unfreeze layer2; epoch 1: freeze fc; epoch 2: train fc";
    let mut tuner = tune(&net, &format!("default lr 0.1 optimizer adamw; {rules}"));
    // Two moments of each number, and a count for each parameter.
    let bytes = |names: &[&str]| FLOAT * (2 * numbers(&net, names) + names.len());
    assert_eq!(tuner.optimizer_bytes(), 0);
    tuner.start_epoch()?;
    assert_eq!(tuner.optimizer_bytes(), 0);
    train(&net, &mut tuner, 0..2)?;
    assert_eq!(tuner.optimizer_bytes(), bytes(&FC));
    train(&net, &mut tuner, 2..3)?;
    assert_eq!(tuner.optimizer_bytes(), bytes(&FC) + bytes(&LAYER2));
    tuner.start_epoch()?;
    assert_eq!(tuner.optimizer_bytes(), bytes(&LAYER2));
    train(&net, &mut tuner, 3..5)?;
    assert_eq!(tuner.optimizer_bytes(), bytes(&LAYER2));
    tuner.start_epoch()?;
    assert_eq!(tuner.optimizer_bytes(), 0);
    train(&net, &mut tuner, 5..6)?;
    assert_eq!(tuner.optimizer_bytes(), bytes(&FC));
    Ok(())
}

#[test]
fn each_optimizer_keeps_what_it_needs_and_no_more() -> Outcome {
    for (optimizer, floats) in [
        ("sgd", 0),
        ("sgd(momentum 0.9)", 1),
        ("rmsprop", 1),
        ("rmsprop(centered)", 2),
        ("rmsprop(momentum 0.9 centered)", 3),
        ("adam", 2),
        ("adamw(amsgrad)", 3),
        ("lion", 1),
        ("adagrad", 1),
        ("adamax", 2),
        ("nadam", 2),
        ("radam", 2),
    ] {
        let net = Net::linear();
        let policy = format!("default lr 0.01 optimizer {optimizer}; start: train a");
        let mut tuner = tune(&net, &policy);
        tuner.start_epoch()?;
        train(&net, &mut tuner, 0..2)?;
        // A count for each of two parameters; NAdam has a product as well.
        let counts = match optimizer {
            "nadam" => 4,
            "adagrad" | "adam" | "adamw(amsgrad)" | "adamax" | "radam" => 2,
            _ => 0,
        };
        let expected = FLOAT * (floats * numbers(&net, &["a.bias", "a.weight"]) + counts);
        assert_eq!(tuner.optimizer_bytes(), expected, "{optimizer}");
    }
    Ok(())
}

#[test]
fn a_matrix_has_a_number_for_each_row_and_column_under_adafactor() -> Outcome {
    let net = Net::linear();
    let rule = "default lr 0.01; start: train a optimizer adafactor; epoch 1: train a.weight";
    let mut tuner = tune(&net, &format!("{rule} optimizer muon"));
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..2)?;
    let (rows, columns) = net.variable("a.weight").size2()?;
    let factors = usize::try_from(rows + columns).unwrap() + numbers(&net, &["a.bias"]);
    assert_eq!(tuner.optimizer_bytes(), FLOAT * (factors + 2));
    tuner.start_epoch()?;
    assert_eq!(tuner.optimizer_bytes(), 0);
    train(&net, &mut tuner, 2..4)?;
    assert_eq!(tuner.optimizer_bytes(), FLOAT * numbers(&net, &["a.weight"]));
    Ok(())
}

#[test]
fn a_momentum_buffer_is_made_at_the_first_momentum_and_stays() -> Outcome {
    let net = Net::linear();
    let rules = "start: train a optimizer sgd; epoch 1: set a optimizer sgd(momentum 0.9);
                 epoch 2: set a optimizer sgd; epoch 3: set a optimizer sgd(momentum 0.5 nesterov)";
    for (optimizer, squares) in [("sgd", 0), ("rmsprop", 1)] {
        let rules = rules.replace("nesterov", "").replace("sgd", optimizer);
        let mut tuner = tune(&net, &format!("default lr 0.01; {rules}"));
        let parameters = numbers(&net, &["a.bias", "a.weight"]);
        for (epoch, buffers) in (0..).zip([0, 1, 1, 1]) {
            tuner.start_epoch()?;
            train(&net, &mut tuner, epoch..epoch + 1)?;
            assert_eq!(tuner.optimizer_bytes(), FLOAT * parameters * (squares + buffers));
        }
    }
    Ok(())
}

#[test]
fn another_optimizer_begins_with_state_of_its_own() -> Outcome {
    let net = Net::linear();
    let rules = "start: train a; epoch 1: set a optimizer sgd(momentum 0.9)";
    let mut tuner = tune(&net, &format!("default lr 0.01 optimizer adamw; {rules}"));
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..2)?;
    tuner.start_epoch()?;
    assert_eq!(tuner.optimizer_bytes(), 0);
    train(&net, &mut tuner, 2..3)?;
    assert_eq!(tuner.optimizer_bytes(), FLOAT * numbers(&net, &["a.bias", "a.weight"]));
    Ok(())
}

#[test]
fn what_is_frozen_has_no_gradient_after_any_step() -> Outcome {
    each_optimizer(
        "start: train fc; step 2: unfreeze layer1; epoch 1: freeze fc; step 6: train layer2",
        |net, mut tuner| {
            for epoch in 0..2 {
                tuner.start_epoch()?;
                for batch in 4 * epoch..4 * epoch + 4 {
                    let trained = tuner.trainable_names();
                    tuner.zero_grad()?;
                    net.loss(batch).backward();
                    for name in [&FC[..], &LAYER1, &LAYER2].concat() {
                        let trains = trained.iter().any(|trained| trained == name);
                        assert_eq!(net.has_gradient(name), trains, "{name}, step {batch}");
                    }
                    tuner.step()?;
                    let trained = tuner.trainable_names();
                    for name in [&FC[..], &LAYER1, &LAYER2].concat() {
                        let trains = trained.iter().any(|trained| trained == name);
                        assert!(trains || !net.has_gradient(name), "{name}");
                    }
                }
            }
            Ok(())
        },
    )
}

#[test]
fn the_backward_pass_does_not_reach_a_frozen_beginning() -> Outcome {
    let net = Net::convolutions(Device::Cpu);
    let policy = "default lr 0.1 optimizer sgd;
                  start: train fc; epoch 1: unfreeze layer2; epoch 2: train layer1";
    let mut tuner = tune(&net, policy);
    // What comes out of `layer1`, `layer2`, the mean over pixels and `fc`.
    let reached =
        [[false, false, false, true], [false, true, true, true], [true, true, true, true]];
    for expected in reached {
        tuner.start_epoch()?;
        let layers = net.activations(0);
        assert!(layers.iter().map(tch::Tensor::requires_grad).eq(expected));
    }
    Ok(())
}
