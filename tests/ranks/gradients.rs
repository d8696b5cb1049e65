//! The gradients of all ranks are averaged, whatever has one.

use freeze_runtime::{Error, LossScale, Tuner};
use freeze_tests::{Bits, Net, parse};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::beside::{Side, Task, assert_same, own_batch};
use crate::processes::{Outcome, Scene, argument, join, scene};

pub(crate) const SCENES: &[Scene] = &[
    ("plain loops", plain_loops),
    ("unused parameters", unused_parameters),
    ("clipped too early", clipped_too_early),
    ("sparse gradients", sparse_gradients),
    ("nothing trains", nothing_trains),
    ("half precision", half_precision),
    ("an infinity", an_infinity),
    ("not a number", not_a_number),
];

/// Layers that thaw and freeze.
const THAWING: &str = "default lr 0.05 optimizer adamw weight_decay 0.1;
    start: train c;
    step 3: unfreeze b;
    step 6: freeze c;
    step 8: unfreeze a lr 0.01;
    step 10: freeze b keep state;
    step 12: unfreeze b, c";

/// A step on a batch.
type Way = dyn Fn(&mut Side, i64) -> Result<(), Error>;

/// Loops as programs write them.
fn plain_loops() -> Outcome {
    let group = join()?;
    let task = Task { policy: THAWING, net: Net::linear, loss: own_batch };
    let plain = |side: &mut Side, batch| {
        side.tuner.zero_grad()?;
        side.loss(batch).backward();
        side.tuner.step().map(drop)
    };
    let clipped = |side: &mut Side, batch| {
        side.tuner.zero_grad()?;
        side.loss(batch).backward();
        side.tuner.clip_grad_norm(0.1)?;
        side.tuner.step().map(drop)
    };
    let by_value = |side: &mut Side, batch| {
        side.tuner.zero_grad()?;
        side.tuner.backward(&side.loss(batch))?;
        side.tuner.clip_grad_value(0.01)?;
        side.tuner.step().map(drop)
    };
    let accumulated = |side: &mut Side, batch| {
        side.tuner.zero_grad()?;
        for part in 0..3 {
            side.tuner.backward(&(side.loss(batch * 3 + part) / 3.0))?;
        }
        side.tuner.clip_grad_norm(0.1)?;
        side.tuner.step().map(drop)
    };
    // Gradients that are never cleared are averages already when the next are added.
    let uncleared = |side: &mut Side, batch| {
        side.tuner.backward(&side.loss(batch))?;
        side.tuner.step().map(drop)
    };
    let at_once = |side: &mut Side, batch| side.tuner.backward_step(&side.loss(batch)).map(drop);
    // Averaged during the last of several passes, in buckets of exactly the trainable parameters.
    let overlapped = |side: &mut Side, batch| {
        side.tuner.zero_grad()?;
        for part in 0..2 {
            side.tuner.backward(&(side.loss(batch * 3 + part) / 3.0))?;
        }
        side.tuner.backward_last(&(side.loss(batch * 3 + 2) / 3.0))?;
        if side.averages {
            let trainable = side.tuner.trainable_variables();
            let bytes = trainable.iter().map(|it| it.numel() * it.kind().elt_size_in_bytes());
            assert_eq!(
                side.tuner.averaged_bytes()?,
                Some(u64::try_from(bytes.sum::<usize>()).unwrap())
            );
        }
        side.tuner.clip_grad_norm(0.1)?;
        side.tuner.step().map(drop)
    };
    let ways: [&Way; 7] =
        [&plain, &clipped, &by_value, &accumulated, &uncleared, &at_once, &overlapped];
    let prints = ways.iter().map(|way| task.compare(&group, 16, way));
    Ok(prints.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

#[test]
fn plain_loops_have_the_numbers_of_one_process() {
    assert_same(&scene("plain loops", 2).run());
}

#[test]
fn a_group_of_one_has_the_bits_of_no_group() {
    assert_same(&scene("plain loops", 1).run());
}

#[test]
fn four_ranks_have_the_numbers_of_one_process() {
    assert_same(&scene("plain loops", 4).run());
}

/// A loss in which `a` takes part on rank 0 in every second batch, `b` in none, and `c` in all.
fn partial_loss(net: &Net, batch: i64, rank: usize) -> Tensor {
    let factor =
        f64::from(i32::try_from(batch).unwrap() + 1) + f64::from(u32::try_from(rank).unwrap());
    let of = |name: &str| (net.variable(name) * factor).square().mean(None);
    let all = of("c.weight") + of("c.bias");
    if rank == 0 && batch % 2 == 0 { all + of("a.weight") } else { all }
}

fn unused_parameters() -> Outcome {
    let group = join()?;
    let policy = "default lr 0.01 optimizer adamw weight_decay 0.1; start: train a, b, c";
    let task = Task { policy, net: Net::linear, loss: partial_loss };
    let before = Bits::of(&Net::linear().vs);
    let mut prints = Vec::new();
    for is_overlapped in [false, true] {
        prints.push(task.compare(&group, 4, |side, batch| {
            side.tuner.zero_grad()?;
            // The second pass does not use `a`, whose gradient has to be averaged all the same.
            side.tuner.backward(&side.loss(batch * 2))?;
            let last = side.loss(batch * 2 + 1);
            if is_overlapped {
                side.tuner.backward_last(&last)
            } else {
                side.tuner.backward(&last)
            }?;
            side.tuner.step()?;
            let moved = before.moved(&Bits::of(&side.net.vs)).join(" ");
            assert_eq!(moved, "a.weight c.bias c.weight");
            assert!(!side.net.has_gradient("b.weight"));
            Ok(())
        })?);
    }
    Ok(prints.join("\n"))
}

#[test]
fn a_parameter_that_some_ranks_use_is_averaged_with_zeros() {
    assert_same(&scene("unused parameters", 3).run());
}

fn clipped_too_early() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let policy = parse("default lr 0.1 optimizer sgd; start: train a, c");
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    if argument() == "overlapped" {
        tuner.backward_last(&net.loss(0))?;
    } else {
        tuner.backward(&net.loss(0))?;
        tuner.clip_grad_norm(1.0)?;
    }
    // Clipping again changes what it has clipped itself.
    tuner.clip_grad_value(0.01)?;
    tuner.backward(&net.loss(1))?;
    let before = Bits::of(&net.vs);
    let error = tuner.step().unwrap_err().to_string();
    assert!(before.moved(&Bits::of(&net.vs)).is_empty());
    Ok(error)
}

#[test]
fn a_backward_pass_after_averaging_is_an_error() {
    for way in ["overlapped", "late"] {
        let ended = scene("clipped too early", 2).with(way).run();
        assert_same(&ended);
        assert_eq!(
            ended[0].text(),
            "the model is not in the state that the tuner requires: the gradient of `a.bias` was changed \
             after the gradients had been averaged over the ranks: clip after the last backward pass, and \
             clear gradients before the next step's",
            "{way}"
        );
    }
}

fn sparse_gradients() -> Outcome {
    let group = join()?;
    let vs = nn::VarStore::new(Device::Cpu);
    let config = nn::EmbeddingConfig { sparse: true, ..nn::EmbeddingConfig::default() };
    let embed = nn::embedding(vs.root() / "embed", 4, 2, config);
    let policy = parse("default lr 0.1 optimizer sgd; start: train embed");
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&vs)?;
    tuner.start_epoch()?;
    let loss = embed.forward(&Tensor::from_slice(&[1_i64, 2])).sum(Kind::Float);
    Ok(tuner.backward_step(&loss).unwrap_err().to_string())
}

#[test]
fn sparse_gradients_are_an_error_that_names_the_parameter() {
    let ended = scene("sparse gradients", 2).run();
    assert_same(&ended);
    assert_eq!(
        ended[0].text(),
        "the model is not in the state that the tuner requires: `embed.weight` has a sparse gradient, \
         which cannot be averaged over ranks: use an embedding without `sparse`"
    );
}

fn nothing_trains() -> Outcome {
    let group = join()?;
    let policy = "default lr 0.1 optimizer sgd; start: train c; step 3: stop";
    let task = Task { policy, net: Net::linear, loss: own_batch };
    Ok(task.compare(&group, 6, |side, batch| {
        side.tuner.backward_step(&side.loss(batch))?;
        assert_eq!(side.tuner.is_stopped(), batch >= 2);
        side.tuner.clip_grad_norm(1.0).map(drop)
    })?)
}

#[test]
fn nothing_is_averaged_where_nothing_trains() {
    assert_same(&scene("nothing trains", 2).run());
}

/// Half precision steps with and without masters, and keeps all ranks equal.
fn half_precision() -> Outcome {
    let group = join()?;
    let mut prints = Vec::new();
    for kind in [Kind::BFloat16, Kind::Half, Kind::Double] {
        for masters in [false, true] {
            let mut net = Net::linear();
            net.vs.set_kind(kind);
            let policy =
                parse("default lr 1e-2 optimizer adamw; start: train b, c; step 3: train a");
            let mut tuner =
                Tuner::builder(&policy).group(&group).master_weights(masters).attach(&net.vs)?;
            let before = Bits::of(&net.vs);
            tuner.start_epoch()?;
            for step in 0..6 {
                let scale = f64::from(step + 1) * f64::from(u32::try_from(group.rank() + 1)?);
                let all = ["a.weight", "b.weight", "c.weight"];
                let losses =
                    all.map(|name| (net.variable(name) * scale).square().mean(Kind::Float));
                tuner.zero_grad()?;
                let loss = losses.iter().sum();
                if step % 2 == 0 { tuner.backward(&loss) } else { tuner.backward_last(&loss) }?;
                tuner.clip_grad_norm(0.5)?;
                tuner.step()?;
            }
            let after = Bits::of(&net.vs);
            assert_eq!(before.moved(&after), ["a.weight", "b.weight", "c.weight"], "{kind:?}");
            prints.push(after.fingerprint());
        }
    }
    Ok(format!("{prints:?}"))
}

#[test]
fn half_precision_keeps_all_ranks_equal() {
    assert_same(&scene("half precision", 2).run());
}

/// An infinity on one rank skips the step on all of them.
fn an_infinity() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let policy = parse("default lr 1e-2 optimizer adamw; start: train c");
    let scale = LossScale::dynamic();
    let mut tuner = Tuner::builder(&policy).group(&group).loss_scale(scale).attach(&net.vs)?;
    tuner.start_epoch()?;
    for step in 0..4 {
        let is_infinite = step == 2 && group.rank() == 1;
        let factor = if is_infinite { f64::INFINITY } else { 1.0 };
        let before = Bits::of(&net.vs);
        tuner.backward_step(&(net.loss(step) * factor))?;
        assert_eq!(before.moved(&Bits::of(&net.vs)).is_empty(), step == 2);
    }
    let print = Bits::of(&net.vs).fingerprint();
    Ok(format!("{} skipped, scale {:?}, {print}", tuner.skipped_steps()?, tuner.loss_scale()?))
}

#[test]
fn an_infinity_on_one_rank_skips_the_step_on_all() {
    let ended = scene("an infinity", 2).run();
    assert_same(&ended);
    assert!(ended[1].text().starts_with("1 skipped, scale Some(32768.0)"), "{}", ended[1].text());
}

/// A loss that is not a number on one rank, without a loss scale: as in one process on the whole batch, what
/// trains is no longer a number, on all ranks alike, and a rule restores it.
fn not_a_number() -> Outcome {
    let group = join()?;
    let policy =
        parse("default lr 1e-2 optimizer adamw; start: train c; step 3: restore lowest val_loss");
    let mut prints = Vec::new();
    for is_late in [false, true] {
        let net = Net::linear();
        let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
        tuner.start_epoch()?;
        for step in 0..5 {
            let factor = if step == 1 && group.rank() == 1 { f64::NAN } else { 1.0 };
            let loss = net.loss(step) * factor;
            tuner.zero_grad()?;
            if is_late { tuner.backward(&loss) } else { tuner.backward_last(&loss) }?;
            let norm = tuner.clip_grad_norm(1.0)?.value()?;
            assert_eq!(norm.is_nan(), [1, 2].contains(&step), "step {step}: {norm}");
            tuner.step()?;
            let is_lost = net.variable("c.weight").isnan().any().int64_value(&[]) == 1;
            assert_eq!(is_lost, step == 1, "step {step}");
            assert_eq!(net.variable("b.weight").isnan().any().int64_value(&[]), 0);
            prints.push(Bits::of(&net.vs).fingerprint());
            if step == 0 {
                tuner.observe("val_loss", 1.0)?;
            }
        }
    }
    Ok(format!("{prints:?}"))
}

#[test]
fn what_is_not_a_number_on_one_rank_is_none_on_all() {
    assert_same(&scene("not a number", 2).run());
}
