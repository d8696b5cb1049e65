//! Loss scaling has the scales, the skipped steps and the weights of `torch.amp.GradScaler`.

use freeze_runtime::{Error, LossScale, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::{Bits, Net, parse};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::{Outcome, fixture};

/// How far the weights may be, as a part of their norm, where the kernels are not fused.
const TOLERANCE: f64 = 1e-6;
/// Muon iterates in bfloat16, in which processors multiply matrices in different orders.
const OF_MUON: f64 = 1e-3;

fn clip(tuner: &mut Tuner, clip: &str) -> Result<(), Box<dyn std::error::Error>> {
    match clip.split_once(' ') {
        Some(("norm", max)) => drop(tuner.clip_grad_norm(max.parse()?)?),
        Some((_, max)) => tuner.clip_grad_value(max.parse()?)?,
        None => {}
    }
    Ok(())
}

#[test]
fn scales_skipped_steps_and_weights_are_those_of_python() -> Outcome {
    let of = fixture()?;
    let coefficients = of("coefficients")?.to_kind(Kind::Half);
    for (number, line) in include_str!("cases.txt").lines().enumerate() {
        let [optimizer, _, arguments, init_scale, clips] =
            *line.split(" | ").collect::<Vec<_>>().as_slice()
        else {
            return Err(format!("{line} has not five fields").into());
        };
        let vs = VarStore::new(Device::Cpu);
        let parameter = vs.root().add("p", of("start")?.copy(), true);
        let policy = parse(&format!(
            "default lr 1e-2 weight_decay 0.1 optimizer {optimizer}; start: train p"
        ));
        let mut expected = init_scale.parse::<f64>()?;
        let settings = LossScale::dynamic().init_scale(expected).growth_interval(7);
        let mut tuner = Tuner::builder(&policy).loss_scale(settings).attach(&vs)?;
        tuner.start_epoch()?;
        let scales = of(&format!("{number}.scales"))?;
        let mut skipped = 0;
        for step in 0..coefficients.size()[0] {
            let product = parameter.to_kind(Kind::Half) * coefficients.get(step);
            let loss = product.sum(Kind::Float);
            tuner.zero_grad()?;
            if step % 2 == 0 {
                tuner.backward(&loss)?;
            } else {
                tuner.scale_loss(&loss)?.backward();
            }
            clip(&mut tuner, clips)?;
            let before = bits(&parameter);
            tuner.step()?;
            let scale = scales.double_value(&[step]);
            assert_eq!(tuner.loss_scale()?, Some(scale), "{line}: step {step}");
            assert_eq!(bits(&parameter) == before, scale < expected, "{line}: step {step}");
            skipped += u64::from(scale < expected);
            assert_eq!(tuner.skipped_steps()?, skipped);
            expected = scale;
        }
        assert!(skipped > 10 && expected > 1.0);
        let theirs = of(&number.to_string())?;
        let off = ((&parameter - &theirs).norm() / theirs.norm()).double_value(&[]);
        println!("{line}: off by {off:.1e}");
        if arguments.contains("fused") {
            assert_eq!(bits(&parameter), bits(&theirs), "{line}: off by {off:e}");
        }
        assert!(off <= if optimizer == "muon" { OF_MUON } else { TOLERANCE }, "{line}: {off:e}");
        assert_eq!(tuner.global_step(), 200);
    }
    Ok(())
}

/// A network after some good steps, and its tuner with a scale that is not a power of 2.
fn trained(policy: &str) -> Result<(Net, Tuner), Error> {
    let net = Net::linear();
    let settings = LossScale::dynamic().init_scale(1000.0);
    let mut tuner = Tuner::builder(&parse(policy)).loss_scale(settings).attach(&net.vs)?;
    tuner.start_epoch()?;
    for batch in 0..3 {
        tuner.backward_step(&net.loss(batch))?;
    }
    Ok((net, tuner))
}

#[test]
fn a_skipped_step_moves_nothing_with_any_optimizer() -> Outcome {
    for optimizer in OPTIMIZERS {
        let policy = format!(
            "default {optimizer}; start: train a, rows 1..5 of b.weight, c, set c.weight anchor 0.5"
        );
        for clips in ["none", "norm 0.1", "value 0.1"] {
            let (net, mut tuner) = trained(&policy)?;
            let (other, mut undisturbed) = trained(&policy)?;
            for fault in [f64::INFINITY, f64::NAN] {
                let (before, bytes) = (Bits::of(&net.vs), tuner.optimizer_bytes());
                tuner.zero_grad()?;
                // Of one parameter alone, so that the gradients of the others are good ones.
                let bad = (net.variable("a.bias").sum(None) * fault).sum(None);
                tuner.backward(&(net.loss(3) + bad))?;
                clip(&mut tuner, clips)?;
                tuner.step()?;
                assert!(before.moved(&Bits::of(&net.vs)).is_empty(), "{optimizer}, {clips}");
                assert_eq!(tuner.optimizer_bytes(), bytes);
            }
            assert_eq!((tuner.skipped_steps()?, tuner.global_step()), (2, 5));
            assert_eq!(tuner.loss_scale()?, Some(250.0));
            // No state has moved either, and no step was counted for it.
            for batch in 4..7 {
                for (net, tuner) in [(&net, &mut tuner), (&other, &mut undisturbed)] {
                    tuner.zero_grad()?;
                    tuner.backward(&net.loss(batch))?;
                    clip(tuner, clips)?;
                    tuner.step()?;
                }
            }
            for (name, ours) in net.vs.variables() {
                let theirs = other.variable(&name);
                let off = ((&ours - &theirs).norm() / theirs.norm()).double_value(&[]);
                // The gradients were divided by another scale.
                assert!(off < 1e-6, "{optimizer}, {clips}: {name} is off by {off:e}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_first_step_that_is_skipped_leaves_the_next_one_the_first() -> Outcome {
    for optimizer in
        OPTIMIZERS.into_iter().chain(["lr 0.1 optimizer sgd(momentum 0.9 dampening 0.5)"])
    {
        let runs = [false, true].map(|is_disturbed| -> Result<Bits, Error> {
            let net = Net::linear();
            let policy = parse(&format!("default {optimizer}; start: train a.weight, b, c.weight"));
            let mut tuner =
                Tuner::builder(&policy).loss_scale(LossScale::fixed(1024.0)).attach(&net.vs)?;
            tuner.start_epoch()?;
            if is_disturbed {
                tuner.backward_step(&(net.loss(0) * f64::NAN))?;
            }
            for batch in 0..2 {
                tuner.backward_step(&net.loss(batch))?;
            }
            Ok(Bits::of(&net.vs))
        });
        let [undisturbed, disturbed] = runs;
        assert_eq!(undisturbed?, disturbed?, "{optimizer}");
    }
    Ok(())
}

#[test]
fn gradients_of_frozen_parameters_and_rows_do_not_count() -> Outcome {
    let net = Net::linear();
    let policy = parse("default lr 0.1 optimizer sgd; start: train rows 1..3 of c.weight");
    let mut tuner = Tuner::builder(&policy).loss_scale(LossScale::dynamic()).attach(&net.vs)?;
    tuner.start_epoch()?;
    let weight = net.variable("c.weight");
    // The first row is frozen.
    tuner.backward_step(&(weight.get(0).sum(None) * f64::INFINITY + net.loss(0)))?;
    assert_eq!(tuner.skipped_steps()?, 0);
    let frozen = net.variable("a.weight").set_requires_grad(true);
    (&frozen * f64::INFINITY).sum(None).backward();
    let _ = frozen.set_requires_grad(false);
    tuner.backward_step(&net.loss(1))?;
    assert_eq!(tuner.skipped_steps()?, 0);
    tuner.backward_step(&(weight.get(1).sum(None) * f64::INFINITY))?;
    assert_eq!(tuner.skipped_steps()?, 1);
    Ok(())
}

/// What a call of the loop says of gradients that are not scaled.
#[test]
fn gradients_that_are_not_scaled_are_refused_and_nothing_moves() -> Outcome {
    let refused = |outcome: Result<(), Error>, expected: &str| {
        let error = outcome.unwrap_err();
        let is_it = matches!(&error, Error::LossScale(said) if said.contains(expected));
        assert!(is_it, "{error}");
    };
    let (net, mut tuner) = trained("default lr 0.1 optimizer adamw; start: train @all")?;
    let before = (Bits::of(&net.vs), tuner.global_step());
    tuner.zero_grad()?;
    net.loss(0).backward();
    refused(tuner.step().map(drop), "`scale_loss`");
    refused(tuner.clip_grad_norm(1.0).map(drop), "`scale_loss`");
    refused(tuner.clip_grad_value(1.0), "`scale_loss`");
    refused(tuner.backward(&net.loss(0)), "call `zero_grad` before");
    tuner.zero_grad()?;
    tuner.backward(&net.loss(0))?;
    let _norm = tuner.clip_grad_norm(1.0)?;
    refused(tuner.backward(&net.loss(1)), "clip after the last backward pass");
    assert_eq!(before, (Bits::of(&net.vs), tuner.global_step()));
    tuner.step()?;
    // The gradients that are left are those of that step.
    refused(tuner.step().map(drop), "a step has used them");
    refused(tuner.scale_loss(&net.loss(1)).map(drop), "an earlier step");
    tuner.backward_step(&net.loss(1))?;
    assert_eq!(tuner.global_step(), before.1 + 2);
    Ok(())
}

#[test]
fn micro_batches_are_scaled_alike() -> Outcome {
    let (scaled, mut tuner) = trained("default lr 0.1 optimizer sgd; start: train @all")?;
    let plain = Net::linear();
    let policy = parse("default lr 0.1 optimizer sgd; start: train @all");
    let mut without = Tuner::builder(&policy).attach(&plain.vs)?;
    without.start_epoch()?;
    for batch in 0..3 {
        without.backward_step(&plain.loss(batch))?;
    }
    for (net, tuner) in [(&scaled, &mut tuner), (&plain, &mut without)] {
        tuner.zero_grad()?;
        for batch in 3..6 {
            tuner.backward(&net.loss(batch))?;
        }
        tuner.step()?;
    }
    for (name, ours) in scaled.vs.variables() {
        assert!(ours.allclose(&plain.variable(&name), 1e-5, 1e-6, false), "{name}");
    }
    Ok(())
}

#[test]
fn gradients_of_f16_step_and_are_not_clipped() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let weight = vs.root().add("p", values(&[4, 3], 1).to_kind(Kind::Half), true);
    for (optimizer, steps) in [("adamw", true), ("rmsprop", false), ("lion", false)] {
        let policy = parse(&format!("default lr 0.1 optimizer {optimizer}; start: train p"));
        let mut tuner = Tuner::builder(&policy).loss_scale(LossScale::dynamic()).attach(&vs)?;
        tuner.start_epoch()?;
        // Half of the smallest number of f16 as a gradient, which the scale makes large enough.
        let loss = || (&weight * 1.0).sum(Kind::Float) * 3e-8;
        tuner.zero_grad()?;
        tuner.backward(&loss())?;
        let before = bits(&weight);
        let error = tuner.clip_grad_norm(1.0).unwrap_err().to_string();
        assert!(error.contains("use `master_weights(true)`"), "{error}");
        if steps {
            tuner.step()?;
        } else {
            let error = tuner.step().unwrap_err().to_string();
            assert!(error.contains("gradients of f16"), "{error}");
        }
        assert_eq!(before != bits(&weight), steps, "{optimizer}");
    }
    Ok(())
}

/// The tensors of a sparse gradient are searched and divided too.
#[test]
fn sparse_gradients_are_divided_by_the_scale() -> Outcome {
    let runs = [None, Some(LossScale::fixed(1024.0))].map(|scale| -> Result<Tensor, Error> {
        let vs = VarStore::new(Device::Cpu);
        let table = vs.root().add("p", values(&[4, 3], 1), true);
        let policy = parse("default lr 0.5 optimizer sgd; start: train p");
        let builder = Tuner::builder(&policy);
        let mut tuner = match scale {
            Some(scale) => builder.loss_scale(scale).attach(&vs)?,
            None => builder.attach(&vs)?,
        };
        tuner.start_epoch()?;
        let rows = Tensor::from_slice(&[1_i64, 2, 1]);
        let loss = |factor: f64| {
            Tensor::embedding(&table, &rows, -1, false, true).square().sum(None) * factor
        };
        tuner.backward_step(&loss(1.0))?;
        if scale.is_some() {
            tuner.backward_step(&loss(f64::INFINITY))?;
            assert_eq!(tuner.skipped_steps()?, 1);
        }
        Ok(table.detach().copy())
    });
    let [plain, scaled] = runs;
    assert_eq!(plain?, scaled?);
    Ok(())
}
