//! On a GPU, where there is one: the same promises, the same numbers.

use freeze_runtime::device::count_read_backs;
use freeze_runtime::{Error, LossScale, Tuner};
use freeze_tests::networks::{FC, LAYER1, LAYER2, STATISTICS1, STATISTICS2};
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::{Bits, Net, assert_moved, parse, train, tune};
use tch::nn::{self, OptimizerConfig};
use tch::{Cuda, Device};

type Outcome = Result<(), Error>;

/// The first GPU; says so where there is none.
fn gpu() -> Option<Device> {
    let there = Cuda::is_available();
    if !there {
        freeze_tests::skip("cuda", "no CUDA device");
    }
    there.then_some(Device::Cuda(0))
}

#[test]
fn on_a_gpu_what_is_frozen_keeps_its_bits() -> Outcome {
    let Some(device) = gpu() else { return Ok(()) };
    let rules =
        "start: train @all; epoch 1: freeze layer1; epoch 2: unfreeze layer1; epoch 3: train fc";
    for optimizer in OPTIMIZERS {
        println!("{optimizer}");
        let net = Net::convolutions(device);
        let mut tuner = tune(&net, &format!("default {optimizer}; {rules}"));
        tuner.start_epoch()?;
        let mut before = Bits::of(&net.vs);
        train(&net, &mut tuner, 0..3)?;
        assert_moved(&before, &net, &[&LAYER1, &STATISTICS1, &LAYER2, &STATISTICS2, &FC]);

        // A gradient from before the rule, and one from after it.
        net.loss(3).backward();
        before = Bits::of(&net.vs);
        tuner.start_epoch()?;
        assert!(!LAYER1.iter().any(|name| net.has_gradient(name)));
        net.loss(4).backward();
        tuner.clip_grad_norm(1.0)?;
        tuner.step()?;
        train(&net, &mut tuner, 5..8)?;
        assert_moved(&before, &net, &[&LAYER2, &STATISTICS2, &FC]);

        tuner.start_epoch()?;
        tuner.step()?;
        assert_moved(&before, &net, &[&LAYER2, &STATISTICS2, &FC]);
        before = Bits::of(&net.vs);
        train(&net, &mut tuner, 8..10)?;
        assert_moved(&before, &net, &[&LAYER1, &STATISTICS1, &LAYER2, &STATISTICS2, &FC]);

        tuner.start_epoch()?;
        before = Bits::of(&net.vs);
        train(&net, &mut tuner, 10..12)?;
        assert_moved(&before, &net, &[&FC]);
    }
    Ok(())
}

#[test]
fn on_a_gpu_the_numbers_are_those_of_tch() -> Outcome {
    let Some(device) = gpu() else { return Ok(()) };
    let (ours, theirs) =
        (Net::convolutions(device).in_double(), Net::convolutions(device).in_double());
    let mut optimizer = nn::AdamW::default().build(&theirs.vs, 1e-3)?;
    let policy = parse("start: train @all");
    let program = nn::AdamW::default();
    let mut tuner = Tuner::builder(&policy).optimizer(program).lr(1e-3).attach(&ours.vs)?;
    tuner.start_epoch()?;
    for batch in 0..30 {
        optimizer.backward_step(&theirs.loss(batch));
        tuner.backward_step(&ours.loss(batch))?;
    }
    for (name, ours) in ours.vs.variables() {
        let off = (ours - theirs.variable(&name)).abs().max().double_value(&[]);
        assert!(off < 1e-12, "{name} is off by {off:e}");
    }
    Ok(())
}

/// The flag that skips a step lies on the device.
#[test]
fn on_a_gpu_a_skipped_step_moves_nothing_and_reads_nothing() -> Outcome {
    let Some(device) = gpu() else { return Ok(()) };
    for optimizer in OPTIMIZERS {
        println!("{optimizer}");
        let net = Net::convolutions(device);
        let policy = parse(&format!("default {optimizer}; start: train @all, set fc anchor 0.5"));
        let builder = Tuner::builder(&policy).loss_scale(LossScale::dynamic().init_scale(1024.0));
        let mut tuner = builder.attach(&net.vs)?;
        tuner.start_epoch()?;
        for batch in 0..6 {
            let factor = if batch % 2 == 0 { f64::INFINITY } else { 1.0 };
            let loss = net.loss(batch) * factor;
            let before = Bits::of(&net.vs);
            let (made, read_backs) = count_read_backs(|| -> Outcome {
                tuner.zero_grad()?;
                tuner.backward(&loss)?;
                if batch > 2 {
                    tuner.clip_grad_norm(0.5)?;
                }
                tuner.step().map(drop)
            })?;
            made?;
            let moved = before.moved(&Bits::of(&net.vs));
            assert_eq!(moved.is_empty(), batch % 2 == 0, "{moved:?}");
            // These count their steps on the host.
            let reads = ["adagrad", "adamax", "nadam", "radam", "adafactor"];
            let reads = reads.iter().any(|name| optimizer.contains(name));
            assert!(reads || read_backs == 0, "{read_backs} values were read back");
        }
        assert_eq!(tuner.skipped_steps()?, 3);
    }
    Ok(())
}
