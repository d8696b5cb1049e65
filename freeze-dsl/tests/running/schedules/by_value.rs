//! Schedules of weight decays, optimizers' numbers and factors, and curves that others do not have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use std::collections::BTreeMap;

use freeze_dsl::Optimizer;
use freeze_dsl::simulate::Record;

use super::support::{How, Schedule, compare, float, half_cosine, number_after};

/// What PyTorch's own schedulers do, a list of numbers a step.
fn pytorch(name: &str) -> Vec<Vec<f64>> {
    let mut all: BTreeMap<String, Vec<Vec<f64>>> =
        serde_json::from_str(include_str!("pytorch.json")).unwrap();
    all.remove(name).unwrap()
}

/// Whether two numbers differ by rounding alone.
#[track_caller]
fn is(number: f64, should: f64, at: &str) {
    assert!((number - should).abs() <= 1e-10 * should.abs(), "{at}: {number:e}, not {should:e}");
}

/// The learning rate of the only group.
fn rate(record: &Record) -> f64 {
    let [group] = &record.groups[..] else { panic!("one group") };
    group.lr.unwrap()
}

fn step(record: &Record) -> f64 {
    float(record.step.unwrap())
}

#[test]
fn polynomial() {
    let (_, records) = Schedule::load("12_polynomial.freeze").steps(10).each_step().run();
    let theirs = pytorch("polynomial");
    assert_eq!(records.len(), theirs.len());
    for (record, theirs) in records.iter().zip(theirs) {
        is(rate(record), theirs[0], &format!("step {:?}", record.step));
        let sgd = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
        assert_eq!(record.groups[0].optimizer, Some(sgd));
    }
}

#[test]
fn inverse_square_root() {
    let schedule = Schedule::load("13_inverse_square_root.freeze").epochs(9).steps(1_000);
    let (model, records) = schedule.each_step().run();
    assert_eq!(records.len(), 9_000);
    for record in records.iter().step_by(37) {
        let step = step(record);
        let lr = 512_f64.powf(-0.5) * (step * 4_000_f64.powf(-1.5)).min(step.powf(-0.5));
        let optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.98, eps: 1e-9, amsgrad: false };
        let how = How { lr: Some(lr), weight_decay: Some(0.0), optimizer: Some(optimizer) };
        compare(&model, record, |_| Some(how), |_| false);
    }
}

#[test]
fn warmup_stable_decay() {
    let schedule = Schedule::load("14_warmup_stable_decay.freeze").steps(100);
    let (model, records) = schedule.each_step().run();
    assert_eq!(records.len(), 1_000);
    for record in &records {
        let step = step(record);
        let lr = if step < 300.0 {
            1e-3 * step / 300.0
        } else if step < 800.0 {
            1e-3
        } else {
            1e-3 * (1.0 - ((step - 800.0) / 200.0).sqrt())
        };
        let optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.95, eps: 1e-8, amsgrad: false };
        let how = How { lr: Some(lr), weight_decay: Some(0.1), optimizer: Some(optimizer) };
        compare(&model, record, |_| Some(how), |_| false);
    }
}

#[test]
fn one_cycle() {
    for (name, file) in [
        ("one_cycle_sgd", "15_one_cycle_sgd.freeze"),
        ("one_cycle_adamw", "16_one_cycle_adamw.freeze"),
    ] {
        let (_, records) = Schedule::load(file).steps(25).each_step().run();
        let theirs = pytorch(name);
        assert_eq!(records.len(), theirs.len());
        for (record, theirs) in records.iter().zip(theirs) {
            let at = format!("{name} at step {:?}", record.step);
            is(rate(record), theirs[0], &at);
            let number = match record.groups[0].optimizer {
                Some(Optimizer::Sgd { momentum, .. }) => momentum,
                Some(Optimizer::AdamW { beta1, beta2: 0.999, .. }) => beta1,
                _ => panic!("{at}: another optimizer"),
            };
            is(number, theirs[1], &at);
        }
    }
}

#[test]
fn dino() {
    let (model, records) = Schedule::load("17_dino.freeze").steps(5).each_step().run();
    assert_eq!(records.len(), 500);
    for record in &records {
        let done = step(record);
        let lr = if done < 50.0 {
            5e-4 * done / 50.0
        } else {
            half_cosine(5e-4, 1e-6, (done - 50.0) / 450.0)
        };
        let decay = half_cosine(0.04, 0.4, done / 500.0);
        let expected = |name: &str| {
            let is_vector = name.rsplit('.').next() == Some("bias") || name.contains("norm");
            let waits = record.epoch == 0 && name.starts_with("head.last_layer");
            (!waits).then_some(How {
                lr: Some(lr),
                weight_decay: Some(if is_vector { 0.0 } else { decay }),
                optimizer: Some(Optimizer::ADAMW),
            })
        };
        for group in &record.groups {
            let should = expected(&group.params[0]).unwrap().weight_decay.unwrap();
            is(group.weight_decay.unwrap(), should, "weight decay");
        }
        let exact = |name: &str| {
            let group = record.groups.iter().find(|group| group.params.iter().any(|it| it == name));
            let decay = group.and_then(|group| group.weight_decay);
            expected(name).map(|how| How { weight_decay: decay, ..how })
        };
        compare(&model, record, exact, |_| false);
    }
}

#[test]
fn layer_wise_decay_under_one_cosine() {
    let (model, records) = Schedule::load("18_shared_cosine.freeze").steps(20).each_step().run();
    assert_eq!(records.len(), 60);
    for record in &records {
        let done = step(record);
        let top = if done < 6.0 {
            2e-5 * done / 6.0
        } else {
            half_cosine(2e-5, 0.0, (done - 6.0) / 54.0)
        };
        let expected = |name: &str| {
            let below_top = if name.starts_with("bert.embeddings.") {
                12
            } else {
                number_after(name, "bert.encoder.layer.").map_or(0, |layer| 11 - layer)
            };
            let decays = name.rsplit('.').next() != Some("bias") && !name.contains("LayerNorm");
            Some(How {
                lr: Some(top * 0.95_f64.powi(below_top)),
                weight_decay: Some(if decays { 0.01 } else { 0.0 }),
                optimizer: Some(Optimizer::ADAMW),
            })
        };
        compare(&model, record, expected, |_| false);
    }
}
