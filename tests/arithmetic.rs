//! `PyTorch`'s arithmetic: where nothing freezes, the numbers of tch's own optimizers; where
//! something does, those of a program that a careful person writes by hand.

use freeze_runtime::{Error, ProgramOptimizer, Tuner};
use freeze_tests::{Net, parse, train, tune};
use tch::nn::{self, OptimizerConfig};
use tch::{COptimizer, Device, Tensor};

type Outcome = Result<(), Error>;

const STEPS: i64 = 40;

/// How far apart two runs may be: the norm of a variable's difference, as a part of its norm.
/// A fused kernel rounds in other places than a chain of operations does, and training carries
/// that on: after 40 steps, some ten roundings of a float32 (6e-8 each) were seen.
const SINGLE: f64 = 1e-5;
/// And in double precision, where a difference other than rounding is visible.
const DOUBLE: f64 = 1e-13;

/// Fails where a variable of two networks differs by more than `tolerance`.
fn assert_close(ours: &Net, theirs: &Net, tolerance: f64, what: &str) {
    for (name, ours) in ours.vs.variables() {
        let theirs = theirs.variable(&name);
        let size = theirs.norm().double_value(&[]).max(0.1);
        let off = (ours - theirs).norm().double_value(&[]) / size;
        assert!(off <= tolerance, "{what}: {name} is off by {off:e}");
    }
}

/// Each network, and how close two runs of it must be.
fn networks() -> [(fn() -> Net, f64); 4] {
    [
        (Net::linear, SINGLE),
        (|| Net::linear().in_double(), DOUBLE),
        (|| Net::convolutions(Device::Cpu), SINGLE),
        (|| Net::convolutions(Device::Cpu).in_double(), DOUBLE),
    ]
}

/// Runs the tuner, with the program's own optimizer and then with the policy's, beside tch's.
fn assert_same_as_tch<C>(config: C, lr: f64, in_a_policy: &str) -> Outcome
where
    C: OptimizerConfig + ProgramOptimizer + Copy + std::fmt::Debug,
{
    for (network, tolerance) in networks() {
        let theirs = network();
        let mut optimizer = config.build(&theirs.vs, lr)?;
        for batch in 0..STEPS {
            optimizer.backward_step(&theirs.loss(batch));
        }

        let ours = network();
        let policy = parse("start: train @all");
        let mut tuner = Tuner::builder(&policy).optimizer(config).lr(lr).attach(&ours.vs)?;
        tuner.start_epoch()?;
        train(&ours, &mut tuner, 0..STEPS)?;
        assert_close(&ours, &theirs, tolerance, &format!("{config:?}"));

        let ours = network();
        let mut tuner = tune(&ours, &format!("default lr {lr} {in_a_policy}; start: train @all"));
        tuner.start_epoch()?;
        train(&ours, &mut tuner, 0..STEPS)?;
        assert_close(&ours, &theirs, tolerance, in_a_policy);
    }
    Ok(())
}

#[test]
fn sgd_has_the_numbers_of_tch() -> Outcome {
    assert_same_as_tch(nn::Sgd::default(), 0.05, "optimizer sgd")?;
    assert_same_as_tch(
        nn::sgd(0.9, 0.0, 0.05, false),
        0.05,
        "weight_decay 0.05 optimizer sgd(momentum 0.9)",
    )?;
    assert_same_as_tch(
        nn::sgd(0.9, 0.0, 0.05, true),
        0.02,
        "weight_decay 0.05 optimizer sgd(momentum 0.9 nesterov)",
    )?;
    assert_same_as_tch(
        nn::sgd(0.8, 0.3, 0.0, false),
        0.05,
        "optimizer sgd(momentum 0.8 dampening 0.3)",
    )
}

#[test]
fn adam_has_the_numbers_of_tch() -> Outcome {
    assert_same_as_tch(nn::Adam::default(), 1e-3, "optimizer adam")?;
    assert_same_as_tch(
        nn::adam(0.8, 0.99, 0.05).eps(1e-6).amsgrad(true),
        1e-3,
        "weight_decay 0.05 optimizer adam(beta1 0.8 beta2 0.99 eps 1e-6 amsgrad)",
    )
}

#[test]
fn adamw_has_the_numbers_of_tch_and_its_default_weight_decay() -> Outcome {
    assert_same_as_tch(nn::AdamW::default(), 1e-3, "optimizer adamw")?;
    assert_same_as_tch(
        nn::adamw(0.9, 0.99, 0.1).amsgrad(true),
        1e-3,
        "weight_decay 0.1 optimizer adamw(beta2 0.99 amsgrad)",
    )
}

#[test]
fn rmsprop_has_the_numbers_of_tch() -> Outcome {
    assert_same_as_tch(nn::RmsProp::default(), 1e-3, "optimizer rmsprop")?;
    assert_same_as_tch(
        nn::rms_prop(0.95, 1e-6, 0.05, 0.9, true),
        1e-3,
        "weight_decay 0.05 optimizer rmsprop(alpha 0.95 eps 1e-6 momentum 0.9 centered)",
    )
}

/// Makes an optimizer by hand.
type Make = fn(f64) -> COptimizer;

/// What a careful person does by hand: an optimizer of its own for each part that joins, a flag
/// and no optimizer any more for one that leaves, and copies of the statistics that stand still.
struct ByHand {
    net: Net,
    make: Make,
    optimizers: Vec<(&'static str, COptimizer)>,
    held: Vec<(Tensor, Tensor)>,
}

impl ByHand {
    fn new(net: Net, make: Make) -> Self {
        for parameter in net.vs.trainable_variables() {
            let _ = parameter.set_requires_grad(false);
        }
        Self { net, make, optimizers: Vec::new(), held: Vec::new() }
    }

    fn parameters(&self, part: &str) -> Vec<Tensor> {
        let named = self.net.vs.variables().into_iter();
        let part = named.filter(|(name, _)| name.starts_with(part) && !name.contains("running"));
        part.map(|(_, tensor)| tensor).collect()
    }

    fn join(&mut self, part: &'static str, lr: f64) -> Outcome {
        let mut optimizer = (self.make)(lr);
        for parameter in self.parameters(part) {
            optimizer.add_parameters(&parameter.set_requires_grad(true), 0)?;
        }
        self.optimizers.push((part, optimizer));
        Ok(())
    }

    fn leave(&mut self, part: &str) {
        for parameter in self.parameters(part) {
            let _ = parameter.set_requires_grad(false);
        }
        self.optimizers.retain(|(of, _)| *of != part);
    }

    fn hold(&mut self, layers: &[&str]) {
        let statistics = ["running_mean", "running_var"];
        let names = layers
            .iter()
            .flat_map(|layer| statistics.map(|statistic| format!("{layer}.bn.{statistic}")));
        let tensors = names.map(|name| self.net.variable(&name));
        self.held = tensors.map(|tensor| (tensor.shallow_clone(), tensor.copy())).collect();
    }

    fn train(&mut self, batches: std::ops::Range<i64>) -> Outcome {
        for batch in batches {
            for (_, optimizer) in &self.optimizers {
                optimizer.zero_grad()?;
            }
            self.net.loss(batch).backward();
            for (_, optimizer) in &self.optimizers {
                optimizer.step()?;
            }
            for (statistic, held) in &mut self.held {
                statistic.copy_(held);
            }
        }
        Ok(())
    }
}

const BY_HAND: [(&str, Make); 5] = [
    ("weight_decay 0.1 optimizer sgd(momentum 0.9)", |lr| made(&nn::sgd(0.9, 0.0, 0.1, false), lr)),
    ("weight_decay 0.1 optimizer sgd(momentum 0.9 nesterov)", |lr| {
        made(&nn::sgd(0.9, 0.0, 0.1, true), lr)
    }),
    ("weight_decay 0.1 optimizer adam", |lr| made(&nn::adam(0.9, 0.999, 0.1), lr)),
    ("optimizer adamw", |lr| made(&nn::AdamW::default(), lr)),
    ("weight_decay 0.1 optimizer rmsprop", |lr| {
        made(&nn::rms_prop(0.99, 1e-8, 0.1, 0.0, false), lr)
    }),
];

#[expect(clippy::unwrap_used, reason = "the options are in range")]
fn made(config: &impl OptimizerConfig, lr: f64) -> COptimizer {
    config.build_copt(lr).unwrap()
}

#[test]
fn gradual_unfreezing_has_the_numbers_of_a_program_by_hand() -> Outcome {
    let rules = "epoch 0: train fc, layer2 lr 1e-2;
                 epoch 1: train @all, set layer1 lr 1e-3;
                 step 13: freeze fc;
                 epoch 3: train fc lr 2e-3;
                 epoch 4: unfreeze layer2, set fc lr 1e-3";
    for (optimizer, make) in BY_HAND {
        for (network, tolerance) in networks().into_iter().skip(2) {
            let mut theirs = ByHand::new(network(), make);
            theirs.hold(&["layer1"]);
            theirs.join("fc", 1e-2)?;
            theirs.join("layer2", 1e-2)?;
            theirs.train(0..5)?;
            theirs.hold(&[]);
            theirs.join("layer1", 1e-3)?;
            theirs.train(5..13)?;
            theirs.leave("fc");
            theirs.train(13..15)?;
            theirs.hold(&["layer1", "layer2"]);
            theirs.leave("layer1");
            theirs.leave("layer2");
            theirs.join("fc", 2e-3)?;
            theirs.train(15..20)?;
            theirs.hold(&["layer1"]);
            theirs.join("layer2", 1e-2)?;
            theirs.optimizers[0].1.set_learning_rate(1e-3)?;
            theirs.train(20..30)?;

            let ours = network();
            let mut tuner = tune(&ours, &format!("default {optimizer}; {rules}"));
            for epoch in 0..6 {
                tuner.start_epoch()?;
                train(&ours, &mut tuner, 5 * epoch..5 * epoch + 5)?;
            }
            assert_close(&ours, &theirs.net, tolerance, optimizer);
        }
    }
    Ok(())
}

#[test]
fn accumulated_gradients_have_the_numbers_of_tch() -> Outcome {
    for (network, tolerance) in networks() {
        let (ours, theirs) = (network(), network());
        let mut optimizer = nn::AdamW::default().build(&theirs.vs, 1e-3)?;
        let policy = "default lr 1e-3 optimizer adamw; start: train @all";
        let mut tuner = tune(&ours, policy);
        tuner.start_epoch()?;
        for step in 0..STEPS / 2 {
            tuner.zero_grad()?;
            optimizer.zero_grad();
            for batch in 3 * step..3 * step + 3 {
                ours.loss(batch).backward();
                theirs.loss(batch).backward();
            }
            tuner.step()?;
            optimizer.step();
        }
        assert_close(&ours, &theirs, tolerance, "accumulated");
    }
    Ok(())
}
