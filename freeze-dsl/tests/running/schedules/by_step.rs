//! Schedules in optimizer steps.

use std::collections::{BTreeMap, BTreeSet};

use freeze_dsl::Optimizer;
use freeze_dsl::simulate::Record;

use super::support::{How, Schedule, compare, float, half_cosine, number_after};

/// The transformer layers of which something trains.
fn layers(record: &Record) -> BTreeSet<i32> {
    record.trainable.iter().filter_map(|name| number_after(name, "model.layers.")).collect()
}

#[test]
fn lisa() {
    let (model, records) = Schedule::load("06_lisa.freeze").steps(50).each_step().run();
    assert_eq!(records.len(), 200);
    let mut drawn: Vec<BTreeSet<i32>> = Vec::new();
    for record in &records {
        let step = record.step.unwrap_or_default();
        if step % 20 == 0 {
            drawn.push(layers(record));
            assert_eq!(record.fired, ["draw"]);
        } else {
            assert!(record.fired.is_empty());
        }
        let now = drawn.last().cloned().unwrap_or_default();
        assert_eq!(now.len(), 4);
        let done = float(step);
        let lr = if done < 20.0 {
            5e-5 * done / 20.0
        } else {
            half_cosine(5e-5, 0.0, (done - 20.0) / 180.0)
        };
        let how = How { lr: Some(lr), weight_decay: Some(0.1), optimizer: Some(Optimizer::ADAMW) };
        let expected = |name: &str| {
            let layer = number_after(name, "model.layers.");
            layer.is_none_or(|layer| now.contains(&layer)).then_some(how)
        };
        compare(&model, record, expected, |_| false);
        assert_eq!(record.groups.len(), 1);
    }
    assert!(drawn.windows(2).any(|pair| pair.first() != pair.last()), "drawn anew");
}

#[test]
fn lisa_draws_every_layer_about_as_often() {
    let long = || Schedule::load("06_lisa.freeze").epochs(400).steps(20).run().1;
    let records = long();
    let mut seen: BTreeMap<i32, u32> = BTreeMap::new();
    for layer in records.iter().flat_map(layers) {
        *seen.entry(layer).or_default() += 1;
    }
    // 400 draws of 4 of 16: 100 each, with a standard deviation of 8.7.
    assert_eq!(seen.len(), 16);
    assert!(seen.values().all(|count| (60..140).contains(count)), "{seen:?}");
    assert_eq!(records, long(), "the draws are a function of the seed");
}

#[test]
fn freezeout() {
    let (model, records) = Schedule::load("07_freezeout.freeze").steps(10).each_step().run();
    assert_eq!(records.len(), 1000);
    let layer = |name: &str| match name.split('.').next() {
        Some("conv1") => 0,
        Some("trans1") => 5,
        Some("trans2") => 10,
        Some("bn1" | "fc") => 15,
        _ => [("dense1.", 1), ("dense2.", 6), ("dense3.", 11)]
            .into_iter()
            .find_map(|(block, first)| Some(first + number_after(name, block)?))
            .unwrap_or(-1),
    };
    let part = |name: &str| (0.8 + 0.2 * f64::from(layer(name)) / 15.0).powi(3);
    // A curve's length is rounded to the nearest step.
    let end = |name: &str| (part(name) * 1000.0).round();
    for record in &records {
        let done = float(record.step.unwrap_or_default());
        let expected = |name: &str| {
            (done < end(name)).then(|| How {
                // The formula is ill-conditioned where it ends: 1 + cos loses five digits, so
                // the progress must be one number here as there.
                lr: Some(
                    0.1 / (2.0 * part(name))
                        * (1.0 + (std::f64::consts::PI * (done / end(name))).cos()),
                ),
                weight_decay: Some(1e-4),
                optimizer: Some(Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true }),
            })
        };
        compare(&model, record, expected, |module| done < end(module));
    }
    assert_eq!(end("conv1.weight").to_bits(), 512.0_f64.to_bits());
    assert_eq!(end("fc.bias").to_bits(), 1000.0_f64.to_bits());
}

#[test]
fn windows_of_steps() {
    let schedule = Schedule::load("10_nemo_windows.freeze").epochs(7).steps(100);
    let (model, records) = schedule.each_step().run();
    assert_eq!(records.len(), 700);
    for record in &records {
        let step = record.step.unwrap_or_default();
        let trains = |name: &str| match name.split('.').next() {
            Some("encoder") => (10..500).contains(&step),
            Some("joint") => step >= 600,
            _ => true,
        };
        let how = How { lr: None, weight_decay: None, optimizer: None };
        compare(&model, record, |name| trains(name).then_some(how), trains);
    }
}
