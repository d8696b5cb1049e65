//! What articles on fine-tuning teach, step by step: freeze everything, train the last layer,
//! let others join, set different learning rates for two of them.

use freeze_runtime::{Error, Optimizer, Policy, Tuner};
use freeze_tests::{Bits, Net, parse, train, tune};
use tch::nn::{self, OptimizerConfig};

type Outcome = Result<(), Error>;

/// The parameters under some layers.
fn parameters(net: &Net, layers: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = net
        .vs
        .variables()
        .into_iter()
        .filter(|(name, _)| layers.iter().any(|layer| name.starts_with(&format!("{layer}."))))
        .filter(|(name, _)| !name.contains("running"))
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

/// What trains, by the flags of the variables themselves.
fn flagged(net: &Net) -> Vec<String> {
    let variables = net.vs.variables().into_iter();
    let flagged = variables.filter(|(_, tensor)| tensor.requires_grad());
    let mut names: Vec<String> = flagged.map(|(name, _)| name).collect();
    names.sort();
    names
}

/// What a few steps move, running statistics aside.
fn moved(
    net: &Net,
    tuner: &mut Tuner,
    batches: std::ops::Range<i64>,
) -> Result<Vec<String>, Error> {
    let before = Bits::of(&net.vs);
    train(net, tuner, batches)?;
    let after = Bits::of(&net.vs);
    let moved = before.moved(&after).into_iter().filter(|name| !name.contains("running"));
    Ok(moved.map(str::to_owned).collect())
}

#[test]
fn everything_frozen_is_refused_unless_something_trains() -> Outcome {
    let net = Net::four_layers();
    let program = |policy: &Policy| {
        Tuner::builder(policy).optimizer(nn::Sgd::default()).lr(0.1).attach(&net.vs)
    };
    let Err(error) = program(&parse("start: freeze @all")) else { panic!("not refused") };
    assert!(error.to_string().contains("error[FRZ0303]"), "{error}");

    let mut tuner = program(&parse("start: freeze @all, unfreeze layer4 lr 1e-3"))?;
    tuner.start_epoch()?;
    assert_eq!(flagged(&net), parameters(&net, &["layer4"]));
    Ok(())
}

#[test]
fn layer4_alone_trains() -> Outcome {
    let net = Net::four_layers();
    let mut tuner = tune(&net, "default optimizer sgd(momentum 0.9); start: train layer4 lr 1e-3");
    tuner.start_epoch()?;
    let layer4 = parameters(&net, &["layer4"]);
    assert_eq!(flagged(&net), layer4);
    assert_eq!(moved(&net, &mut tuner, 0..3)?, layer4);
    let groups = tuner.param_groups();
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].params.len(), groups[0].lr), (layer4.len(), 1e-3));
    Ok(())
}

#[test]
fn layer3_and_layer2_join_later() -> Outcome {
    let net = Net::four_layers();
    let policy =
        parse("epoch 0: train layer4 lr 1e-3; epoch 3: unfreeze layer3; epoch 5: unfreeze layer2");
    let program = nn::sgd(0.9, 0.0, 0.0, false);
    let mut tuner = Tuner::builder(&policy).optimizer(program).lr(1e-4).attach(&net.vs)?;
    for epoch in 0..7 {
        tuner.start_epoch()?;
        let layers: &[&str] = match epoch {
            0..3 => &["layer4"],
            3..5 => &["layer3", "layer4"],
            _ => &["layer2", "layer3", "layer4"],
        };
        let trains = parameters(&net, layers);
        assert_eq!(flagged(&net), trains, "epoch {epoch}");
        assert_eq!(moved(&net, &mut tuner, 2 * epoch..2 * epoch + 2)?, trains, "epoch {epoch}");
        let rates: Vec<f64> = tuner.param_groups().iter().map(|group| group.lr).collect();
        assert_eq!(rates, if epoch < 3 { vec![1e-3] } else { vec![1e-4, 1e-3] });
    }
    Ok(())
}

#[test]
fn two_groups_have_learning_rates_of_their_own() -> Outcome {
    let net = Net::four_layers();
    let mut tuner = tune(
        &net,
        "default lr 0.0001 optimizer sgd(momentum 0.9); start: train @all, set layer4 lr 0.001",
    );
    tuner.start_epoch()?;
    let groups = tuner.param_groups();
    let optimizer = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
    assert!(groups.iter().all(|group| group.optimizer == optimizer && group.weight_decay == 0.0));
    let rates: Vec<f64> = groups.iter().map(|group| group.lr).collect();
    assert_eq!(rates, [0.0001, 0.001]);
    let mut layer4 = groups[1].params.clone();
    layer4.sort_unstable();
    assert_eq!(layer4, parameters(&net, &["layer4"]));
    let rest = parameters(&net, &["conv1", "bn1", "layer1", "layer2", "layer3", "fc"]);
    assert_eq!(groups[0].params.len(), rest.len());
    Ok(())
}

#[test]
fn two_groups_have_the_numbers_of_tchs_two_groups() -> Outcome {
    let (ours, theirs) = (Net::four_layers().in_double(), Net::four_layers().in_double());
    let mut optimizer = nn::sgd(0.9, 0.0, 0.0, false).build(&theirs.vs, 0.0001)?;
    optimizer.set_lr_group(freeze_tests::networks::LAYER4_GROUP, 0.001);
    let policy = parse("start: train @all, set layer4 lr 0.001");
    let program = nn::sgd(0.9, 0.0, 0.0, false);
    let mut tuner = Tuner::builder(&policy).optimizer(program).lr(0.0001).attach(&ours.vs)?;
    tuner.start_epoch()?;
    for batch in 0..30 {
        optimizer.backward_step(&theirs.loss(batch));
        tuner.backward_step(&ours.loss(batch))?;
    }
    for (name, ours) in ours.vs.variables() {
        let off = (ours - theirs.variable(&name)).abs().max().double_value(&[]);
        assert!(off < 1e-13, "{name} is off by {off:e}");
    }
    Ok(())
}

#[test]
fn a_layer_that_is_frozen_again_stops_at_once() -> Outcome {
    let net = Net::four_layers();
    let mut tuner = tune(
        &net,
        "default lr 0.01 weight_decay 0.1 optimizer sgd(momentum 0.9);
         start: train layer4, layer3; epoch 1: freeze layer3",
    );
    tuner.start_epoch()?;
    assert_eq!(moved(&net, &mut tuner, 0..3)?, parameters(&net, &["layer3", "layer4"]));
    tuner.start_epoch()?;
    assert_eq!(moved(&net, &mut tuner, 3..6)?, parameters(&net, &["layer4"]));
    Ok(())
}
