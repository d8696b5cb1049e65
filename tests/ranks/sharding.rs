//! Optimizer state that the ranks divide: the bits are those of a run that does not divide it.

use std::path::Path;

use freeze_runtime::{Error, Group, LossScale, ResumeOptions, Tuner};
use freeze_tests::{Bits, Net, parse};
use tch::{Kind, Tensor};

use crate::beside::{assert_same, own_batch};
use crate::processes::{Outcome, Scene, argument, join, scene};

pub(crate) const SCENES: &[Scene] = &[
    ("divided", divided),
    ("divided precision", divided_precision),
    ("owners", owners),
    ("divided checkpoints", divided_checkpoints),
    ("collected", collected),
    ("settings apart", settings_apart),
    ("all used", all_used),
];

/// Layers that thaw, freeze and freeze with their state, rows, tracks, draws and best weights.
const RULES: [&str; 4] = [
    "start: train c.weight; step 3: unfreeze b; step 6: freeze c; step 8: unfreeze a;
     step 10: freeze b keep state; step 12: unfreeze b, c",
    "start: train rows 0..3 of c.weight, b.weight; step 4: train rows 2.. of c.weight; step 9: train @all",
    "track one in a { step 2: unfreeze a } track two in b, c { every 3 steps: train sample 1 of [b, c] seed 4 }",
    "start: train @all; step 5: freeze a; when loss < 1: restore lowest val_loss, freeze b",
];

/// Rows of one matrix step together.
const MATRICES: &str = "start: train rows 0..5 of b.weight, a.weight; step 5: train b.weight; step 9: train rows 2.. of b.weight";

const OPTIMIZERS: [&str; 6] =
    ["sgd", "sgd(momentum 0.9)", "adafactor", "lion", "nadam", "rmsprop(momentum 0.5, centered)"];

/// The files of a checkpoint that have what trains.
const SAVED_STATE: [&str; 3] =
    ["model.safetensors", "optimizer.safetensors", "masters.safetensors"];

/// Two tuners of one group, of which the second divides its state.
struct Pair {
    nets: [Net; 2],
    tuners: [Tuner; 2],
}

impl Pair {
    fn new(
        group: &Group,
        policy: &str,
        change: impl Fn(&mut Net),
        masters: bool,
        scale: Option<LossScale>,
    ) -> Result<Self, Error> {
        let policy = parse(policy);
        let mut nets = [Net::linear(), Net::linear()];
        nets.iter_mut().for_each(change);
        let attach = |net: &Net, is_divided: bool| {
            let builder = Tuner::builder(&policy).group(group).master_weights(masters);
            let builder = builder.shard_optimizer(is_divided).all_used(is_divided);
            match scale {
                Some(scale) => builder.loss_scale(scale).attach(&net.vs),
                None => builder.attach(&net.vs),
            }
        };
        let tuners = [attach(&nets[0], false)?, attach(&nets[1], true)?];
        Ok(Self { nets, tuners })
    }

    fn assert_equal(&self, what: &str) {
        let [one, other] = [0, 1].map(|index| Bits::of(&self.nets[index].vs));
        assert_eq!(one.moved(&other), [""; 0], "{what}");
    }
}

fn divided() -> Outcome {
    let group = join()?;
    let of_rules = |optimizer: &str, rules: &str| {
        format!("default lr 0.01 optimizer {optimizer} weight_decay 0.1; {rules}")
    };
    let mut policies = RULES.map(|rules| of_rules("adamw(amsgrad)", rules)).to_vec();
    let others = OPTIMIZERS.iter().zip(RULES.iter().cycle());
    policies.extend(others.map(|(optimizer, rules)| of_rules(optimizer, rules)));
    policies.push(of_rules("muon", MATRICES));
    let mut prints = Vec::new();
    for (index, policy) in (0_i64..).zip(policies) {
        let mut pair = Pair::new(&group, &policy, |_| {}, false, None)?;
        for step in 0..14_i64 {
            for (net, tuner) in pair.nets.iter().zip(&mut pair.tuners) {
                if step % 4 == 0 {
                    tuner.start_epoch()?;
                }
                let loss = own_batch(net, step, group.rank());
                tuner.zero_grad()?;
                // By turns during the pass and late.
                if index % 2 == 0 {
                    tuner.backward_last(&loss)?;
                } else {
                    tuner.backward(&loss)?;
                }
                tuner.clip_grad_norm(0.5)?;
                tuner.step()?;
                tuner.observe("val_loss", f64::from(u32::try_from((step * 7) % 5)?))?;
                if step == 9 {
                    tuner.observe("loss", 0.5)?;
                }
            }
            pair.assert_equal(&format!("{policy} after step {step}"));
        }
        prints.push(Bits::of(&pair.nets[1].vs).fingerprint());
    }
    Ok(format!("{prints:?}"))
}

#[test]
fn divided_state_has_the_bits_of_undivided_state() {
    for size in [2, 3] {
        assert_same(&scene("divided", size).run());
    }
}

/// Masters and a loss scale, with an infinity in a gradient that one rank alone steps.
fn divided_precision() -> Outcome {
    let group = join()?;
    let mut prints = Vec::new();
    for kind in [Kind::BFloat16, Kind::Half, Kind::Double] {
        let policy = "default lr 1e-2 optimizer adamw; start: train b, c; step 3: train a, c";
        let scale = LossScale::dynamic();
        let change = |net: &mut Net| net.vs.set_kind(kind);
        let mut pair = Pair::new(&group, policy, change, true, Some(scale))?;
        for step in 0..8 {
            for (net, tuner) in pair.nets.iter().zip(&mut pair.tuners) {
                if step == 0 {
                    tuner.start_epoch()?;
                }
                let before = Bits::of(&net.vs);
                let infinite = [2, 5].contains(&step) && group.rank() == 1;
                let factor = |is_it| if infinite && is_it { f64::INFINITY } else { 1.0 };
                // Small enough for the gradients of a scaled loss in f16.
                let share = f64::from(u32::try_from(group.rank() + 1)?) / 2.0;
                let part = |name: &str, is_it| {
                    let value = net.variable(name) * (share * factor(is_it));
                    value.square().mean(Kind::Float)
                };
                // Another one each time: whoever steps it, all skip.
                let [first, second] = [part("b.weight", step == 2), part("c.weight", step == 5)];
                let loss: Tensor = first + second + part("a.weight", false) + part("c.bias", false);
                tuner.zero_grad()?;
                tuner.backward(&loss)?;
                if step % 3 == 0 {
                    tuner.clip_grad_norm(0.5)?;
                }
                tuner.step()?;
                let is_skipped = before.moved(&Bits::of(&net.vs)).is_empty();
                assert_eq!(is_skipped, step == 2 || step == 5, "{kind:?} in step {step}");
            }
            pair.assert_equal(&format!("{kind:?} after step {step}"));
            let [one, other] = &pair.tuners;
            assert_eq!(one.loss_scale()?, other.loss_scale()?);
            assert_eq!(one.skipped_steps()?, other.skipped_steps()?);
        }
        // Half precision hides the last bits of what steps in f32.
        let folder = tempfile::tempdir()?;
        for (name, tuner) in ["whole", "divided"].iter().zip(&mut pair.tuners) {
            tuner.save(folder.path().join(name))?;
        }
        if group.is_first() {
            for file in SAVED_STATE {
                let read =
                    |of: &str| std::fs::read(folder.path().join(of).join("checkpoint").join(file));
                assert!(read("whole")? == read("divided")?, "{file} with {kind:?}");
            }
        }
        prints.push(Bits::of(&pair.nets[1].vs).fingerprint());
    }
    Ok(format!("{prints:?}"))
}

#[test]
fn divided_masters_and_loss_scales_have_the_bits_of_undivided_ones() {
    for size in [2, 3] {
        assert_same(&scene("divided precision", size).run());
    }
}

/// Each rank has its part of the state, which stays where it is until it is dropped.
fn owners() -> Outcome {
    let group = join()?;
    let rules = "start: train c; epoch 1: unfreeze b; epoch 2: freeze c; epoch 3: unfreeze a, c";
    let policy = format!("default lr 0.01 optimizer adamw; {rules}");
    let mut pair = Pair::new(&group, &policy, |_| {}, false, None)?;
    let mut bytes = Vec::new();
    for epoch in 0..4 {
        for (net, tuner) in pair.nets.iter().zip(&mut pair.tuners) {
            tuner.start_epoch()?;
            tuner.backward_step(&own_batch(net, epoch, group.rank()))?;
            bytes.push(tuner.optimizer_bytes().to_string());
        }
    }
    Ok(bytes.join(" "))
}

#[test]
fn each_rank_has_its_part_of_the_state() {
    let ended = scene("owners", 2).run();
    let numbers = |rank: usize| -> Vec<usize> {
        ended[rank].text().split(' ').map(|number| number.parse().unwrap()).collect()
    };
    let [first, second] = [numbers(0), numbers(1)];
    for (one, other) in first.chunks(2).zip(second.chunks(2)) {
        let [whole, part] = [one[0], one[1]];
        assert_eq!(whole, other[0]);
        assert_eq!(part + other[1], whole, "{first:?} {second:?}");
        assert!(part > 0 && other[1] > 0, "{first:?} {second:?}");
    }
    // Three layers of one size and their biases: as even as whole parameters can be.
    let (last, all) = (first[first.len() - 1], first[first.len() - 2]);
    assert!(last * 10 > all * 2 && last * 10 < all * 8, "{first:?} {second:?}");
}

const SAVED: &str = "default lr 0.05 optimizer rmsprop(momentum 0.5);
    start: train c; step 3: unfreeze b; step 5: freeze c keep state; step 7: unfreeze a, c";

/// Trains some steps, saves, and trains on; the folder is the argument.
fn divided_checkpoints() -> Outcome {
    let group = join()?;
    let argument = argument();
    let folder = Path::new(&argument);
    let change = |net: &mut Net| net.vs.set_kind(Kind::BFloat16);
    let mut pair = Pair::new(&group, SAVED, change, true, None)?;
    let rank = group.rank();
    let step = |net: &Net, tuner: &mut Tuner, step: i64| -> Result<(), Error> {
        tuner.backward_step(&squares(net, step + 1 + i64::try_from(rank).unwrap())).map(drop)
    };
    for (index, (net, tuner)) in pair.nets.iter().zip(&mut pair.tuners).enumerate() {
        tuner.start_epoch()?;
        for number in 0..6 {
            step(net, tuner, number)?;
        }
        tuner.save(folder.join(["whole", "divided"][index]))?;
        for number in 6..12 {
            step(net, tuner, number)?;
        }
    }
    pair.assert_equal("after the save");
    let end = Bits::of(&pair.nets[0].vs).fingerprint();
    // Each resumes from the other's.
    for (index, (net, tuner)) in pair.nets.iter().zip(&mut pair.tuners).enumerate() {
        tuner.resume(folder.join(["divided", "whole"][index]))?;
        let held = tuner.optimizer_bytes();
        for number in 6..12 {
            step(net, tuner, number)?;
        }
        assert_eq!(Bits::of(&net.vs).fingerprint(), end);
        assert!(index == 0 || held < pair_bytes(net), "{held}");
    }
    Ok(end.to_string())
}

/// A loss in which every parameter takes part, with gradients of this size.
fn squares(net: &Net, factor: i64) -> Tensor {
    let mut variables: Vec<(String, Tensor)> = net.vs.variables().into_iter().collect();
    variables.sort_by(|one, other| one.0.cmp(&other.0));
    let squares = variables.iter().map(|(_, it)| (it * factor).square().mean(Kind::Float));
    squares.sum()
}

/// The bytes of the whole state of a network in these tests: a master, a mean and a momentum.
fn pair_bytes(net: &Net) -> usize {
    net.vs.variables().values().map(|variable| variable.numel() * 12).sum()
}

/// Resumes in another number of processes, and trains on.
fn collected() -> Outcome {
    let group = join()?;
    let argument = argument();
    let change = |net: &mut Net| net.vs.set_kind(Kind::BFloat16);
    let mut pair = Pair::new(&group, SAVED, change, true, None)?;
    for (net, tuner) in pair.nets.iter().zip(&mut pair.tuners) {
        tuner.resume_with(&argument, ResumeOptions::new().allow_ranks_change())?;
        for number in 6..12 {
            tuner.backward_step(&squares(net, number + 1))?;
        }
    }
    pair.assert_equal("in another number of processes");
    Ok(Bits::of(&pair.nets[0].vs).fingerprint().to_string())
}

#[test]
fn checkpoints_of_divided_state_are_those_of_undivided_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    assert_same(&scene("divided checkpoints", 2).with(&path).run());
    let read = |of: &str, file: &str| {
        std::fs::read(folder.path().join(of).join("checkpoint").join(file)).unwrap()
    };
    for file in SAVED_STATE {
        assert!(read("divided", file) == read("whole", file), "{file}");
    }
    let path = folder.path().join("divided").display().to_string();
    for size in [1, 3] {
        assert_same(&scene("collected", size).with(&path).run());
    }
}

/// Ranks that divide the state, or say that all is used, beside ranks that do not.
fn settings_apart() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let policy = parse("default lr 0.1 optimizer sgd; start: train c");
    let builder = Tuner::builder(&policy).group(&group);
    let is_first = group.is_first();
    let attached = match argument().as_str() {
        "divided" => builder.shard_optimizer(is_first),
        _ => builder.all_used(is_first),
    };
    attached.attach(&net.vs)?;
    Ok(String::new())
}

#[test]
fn settings_of_a_group_that_differ_are_an_error_on_all_ranks() {
    for (argument, name) in [("divided", "shard_optimizer"), ("used", "all_used")] {
        let ended = scene("settings apart", 2).with(argument).run();
        for ended in &ended {
            let text = format!("the ranks differ in `{name}`:\n  rank 0: true\n  rank 1: false");
            assert_eq!(ended.error(), text);
        }
    }
}

fn all_used() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let policy = parse("default lr 0.1 optimizer sgd; start: train c; step 2: train a, c");
    let mut tuner = Tuner::builder(&policy).group(&group).all_used(true).attach(&net.vs)?;
    tuner.start_epoch()?;
    for step in 0..4 {
        tuner.zero_grad()?;
        tuner.backward(&net.loss(step))?;
        tuner.backward_last(&net.loss(step + 4))?;
        tuner.step()?;
    }
    let some = match (argument().as_str(), group.rank()) {
        // A parameter that no rank uses, or only one.
        ("no rank", _) | (_, 1) => {
            net.variable("c.weight").sum(None) + net.variable("a.weight").sum(None)
        }
        _ => net.loss(4),
    };
    tuner.backward_step(&some)?;
    Ok(String::new())
}

#[test]
fn a_parameter_that_is_not_used_is_an_error_where_all_are_said_to_be() {
    let cause = "the model is not in the state that the tuner requires: `a.bias` and 1 more have no gradient \
         from this backward pass: leave out `all_used`, which says that each of them uses every trainable \
         parameter";
    let ended = scene("all used", 2).with("one rank").run();
    assert_eq!(ended[1].error(), cause);
    assert_eq!(ended[0].error(), format!("rank 1 failed: {cause}"));
    let ended = scene("all used", 2).with("no rank").run();
    for ended in &ended {
        assert!(ended.error().ends_with(cause), "{}", ended.error());
    }
}
