//! Mixed precision and cached features, checked on a device.

use std::error::Error;

use freeze_runtime::device::count_read_backs;
use freeze_runtime::{FeatureCache, LossScale, Policy, Tuner};
use freeze_tests::Bits;
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::optimizers::OPTIMIZERS;
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::report::Report;

type Cell = Result<[String; 1], Box<dyn Error>>;

/// Optimizers with a kernel that takes the scale of the loss, and whether to skip the step.
const FUSED: [&str; 4] =
    ["adamw", "adam(amsgrad)", "sgd(momentum 0.9)", "sgd(momentum 0.9 nesterov)"];
const STEPS: i64 = 8;

/// Checks them all, a row each.
pub(crate) fn check(report: &Report<'_>, device: Device) {
    report.row("3. loss scale: a step with an infinity", || skipped_step(device));
    for kind in [Kind::BFloat16, Kind::Half] {
        let name = format!("3. master weights of {kind:?} parameters, beside an f32 twin");
        report.row(&name, || masters(device, kind));
    }
    report.row("5. a step waits for no value of the device", || read_backs(device));
    report.row("5. features of a frozen prefix, computed once", || cached(device));
}

/// The options of a policy with an optimizer.
fn options(optimizer: &str) -> String {
    format!("lr 1e-2 weight_decay 0.1 optimizer {optimizer}")
}

/// The options of all optimizers.
fn all_options() -> Vec<String> {
    OPTIMIZERS.map(str::to_owned).into_iter().chain([options("muon")]).collect()
}

/// A policy with the same options for everything.
fn policy(options: &str) -> Result<Policy, Box<dyn Error>> {
    Ok(Policy::parse(&format!("default {options}; start: train @all"))?)
}

/// A matrix in a store of its own.
fn matrix(device: Device, kind: Kind) -> (nn::VarStore, Tensor) {
    let vs = nn::VarStore::new(device);
    // What bf16 can have.
    let start = (values(&[8, 8], 1) + 0.5).to_kind(Kind::BFloat16);
    let matrix = vs.root().add("matrix", start.to_device(device).to_kind(kind), true);
    (vs, matrix)
}

/// A loss whose gradient depends on the number of the step alone.
fn loss(matrix: &Tensor, step: i64) -> Tensor {
    let by = (values(&[8, 8], step + 10) - 0.3).to_kind(Kind::BFloat16);
    (matrix * by.to_device(matrix.device()).to_kind(matrix.kind())).sum(Kind::Float)
}

/// A run with a step that overflows has the bits of the run without it, and half of the scale.
fn skipped_step(device: Device) -> Cell {
    const OVERFLOWS: i64 = 3;
    for optimizer in FUSED {
        let run = |overflows: bool| -> Result<_, Box<dyn Error>> {
            let (vs, matrix) = matrix(device, Kind::Float);
            let scale = LossScale::dynamic().init_scale(1024.0);
            let mut tuner =
                Tuner::builder(&policy(&options(optimizer))?).loss_scale(scale).attach(&vs)?;
            tuner.start_epoch()?;
            for step in 0..STEPS {
                match (step == OVERFLOWS, overflows) {
                    (false, _) => drop(tuner.backward_step(&loss(&matrix, step))?),
                    (true, true) => {
                        tuner.backward_step(&(loss(&matrix, step) * f64::INFINITY))?;
                    }
                    (true, false) => {}
                }
            }
            Ok((bits(&matrix), tuner.skipped_steps()?, tuner.loss_scale()?))
        };
        let (with, without) = (run(true)?, run(false)?);
        if (with.1, with.2, without.1, without.2) != (1, Some(512.0), 0, Some(1024.0)) {
            let found = [(with.1, with.2), (without.1, without.2)];
            return Err(format!("{optimizer}: skipped steps and scales {found:?}").into());
        }
        if with.0 != without.0 {
            return Err(format!("{optimizer}: the skipped step moved something").into());
        }
    }
    Ok([format!("nothing moved, and the scale is half: {}", FUSED.join(", "))])
}

/// Parameters of half precision are their f32 twin, rounded.
fn masters(device: Device, kind: Kind) -> Cell {
    let all = all_options();
    for options in &all {
        let run = |kind: Kind| -> Result<Tensor, Box<dyn Error>> {
            let (vs, matrix) = matrix(device, kind);
            let mut tuner = Tuner::builder(&policy(options)?).master_weights(true).attach(&vs)?;
            tuner.start_epoch()?;
            for step in 0..STEPS {
                tuner.backward_step(&loss(&matrix, step))?;
            }
            Ok(matrix.detach())
        };
        if bits(&run(kind)?) != bits(&run(Kind::Float)?.to_kind(kind)) {
            return Err(format!("{options}: other bits than the twin's").into());
        }
    }
    Ok([format!("bit-equal to the rounded twin after {STEPS} steps, {} optimizers", all.len())])
}

/// No step reads a value back to the host.
fn read_backs(device: Device) -> Cell {
    let count = |options: &str, scale: Option<LossScale>| -> Result<(), Box<dyn Error>> {
        let (vs, matrix) = matrix(device, Kind::Float);
        let policy = policy(options)?;
        let builder = Tuner::builder(&policy);
        let mut tuner = match scale {
            Some(scale) => builder.loss_scale(scale).attach(&vs)?,
            None => builder.attach(&vs)?,
        };
        tuner.start_epoch()?;
        for step in 0..STEPS {
            let loss = loss(&matrix, step);
            let (made, count) = count_read_backs(|| {
                tuner.zero_grad()?;
                tuner.backward(&loss)?;
                let _norm = tuner.clip_grad_norm(0.1)?;
                tuner.step().map(drop)
            })?;
            made?;
            if count > 0 {
                return Err(format!("{options}: {count} values in step {step}").into());
            }
        }
        Ok(())
    };
    // Adafactor needs the norms of matrices on the host, as PyTorch's does.
    let mut all = all_options();
    all.retain(|options| !options.contains("adafactor"));
    for options in &all {
        count(options, None)?;
    }
    for optimizer in FUSED {
        count(&options(optimizer), Some(LossScale::dynamic()))?;
    }
    Ok([format!(
        "none read back in {} optimizers, and in {} with a loss scale",
        all.len(),
        FUSED.len()
    )])
}

/// A training of a head, with the features of the frozen body stored or not.
fn cached(device: Device) -> Cell {
    const BATCHES: i64 = 4;
    const ROWS: i64 = 16;
    const EPOCHS: usize = 3;
    let policy = Policy::parse("default lr 1e-3 optimizer adamw; start: train head")?;
    let run = |stores: bool| -> Result<_, Box<dyn Error>> {
        tch::manual_seed(7);
        let vs = nn::VarStore::new(device);
        let linear = |name| nn::linear(vs.root() / name, 32, 32, nn::LinearConfig::default());
        let (body, head) = (linear("body"), linear("head"));
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        let mut cache = FeatureCache::new(&["body"], 1 << 30);
        for _ in 0..EPOCHS {
            tuner.start_epoch()?;
            for batch in 0..BATCHES {
                let x = values(&[ROWS, 32], batch).to_device(device);
                let ids: Vec<i64> = (batch * ROWS..(batch + 1) * ROWS).collect();
                let features = if stores {
                    let body = |x: &Tensor| body.forward(x).relu();
                    cache.get_or_compute(&tuner, &ids, |missing| body(&missing.of(&x)))?
                } else {
                    body.forward(&x).relu()
                };
                tuner.backward_step(&head.forward(&features).square().mean(Kind::Float))?;
            }
        }
        Ok((Bits::of(&vs), cache.counts()))
    };
    let ((plain, _), (stored, counts)) = (run(false)?, run(true)?);
    let moved = plain.moved(&stored).join(", ");
    if !moved.is_empty() {
        return Err(format!("other bits with a cache: {moved}").into());
    }
    Ok([format!(
        "the same bits; {} features computed, {} taken from the cache",
        counts.computed, counts.reused
    )])
}
