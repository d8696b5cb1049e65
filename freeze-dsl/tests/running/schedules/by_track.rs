//! Schedules of several sequences, and those that go on for ever.

use std::collections::BTreeMap;
use std::fmt::Write;

use freeze_dsl::Optimizer;
use freeze_dsl::model::Model;
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Setup, Table, simulate};
use serde::Deserialize;

use super::support::{How, Schedule, compare, number_after};

/// A run of `ReduceLROnPlateau`, as `plateaus.py` writes it down.
#[derive(Deserialize)]
struct Plateau {
    /// The policy's condition.
    condition: String,
    factor: f64,
    min_lr: f64,
    metric: Vec<f64>,
    /// The learning rate of each epoch.
    lr: Vec<f64>,
}

#[test]
fn learning_rates_drop_on_plateaus_as_in_pytorch() {
    let model = Model::load(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/policies/resnet18.model.json"
    ))
    .unwrap();
    let all: Vec<Plateau> = serde_json::from_str(include_str!("plateaus.json")).unwrap();
    assert_eq!(all.len(), 9);
    let mut drops = 0;
    for Plateau { condition, factor, min_lr, metric, lr } in all {
        let text = format!(
            "default lr 0.1 optimizer sgd; start: train @all;
             track plateau {{ whenever {condition}: set @all lr * {factor:?} to {min_lr:?} }}"
        );
        let rows = metric.iter().enumerate().map(|(epoch, value)| format!("{epoch},{value:?}\n"));
        let table = format!("epoch,m\n{}", rows.collect::<String>());
        let setup = Setup {
            epochs: Some(lr.len() as u64),
            metrics: Table::from_csv(&table).unwrap(),
            ..Setup::default()
        };
        let plan = Policy::parse(&text).unwrap().plan(&model).unwrap();
        for (record, expected) in simulate(plan, setup).unwrap().zip(&lr) {
            let own = record.groups[0].lr.unwrap();
            assert!(
                (own - expected).abs() <= 1e-12 * expected,
                "{condition}: epoch {} has {own:e}, not {expected:e}",
                record.epoch
            );
            drops += usize::from(record.fired.iter().any(|rule| rule == "plateau: rule 1"));
        }
    }
    assert!(drops > 30, "{drops}");
}

#[test]
fn plateaus_beside_layers_that_join() {
    let losses: Vec<f64> =
        (0..50).map(|epoch| if epoch < 3 { 1.0 - 0.1 * f64::from(epoch) } else { 0.8 }).collect();
    let (model, records) =
        Schedule::load("20_reduce_on_plateau.freeze").epochs(50).val_loss(&losses).run();
    let sgd = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
    for record in &records {
        // The best is that of epoch 2; 11 epochs without a better one end with 13, 24, 35, 46.
        let drops = record.epoch.saturating_sub(3) / 11;
        let lr = [1e-3, 1e-4, 1e-5, 1e-6, 1e-6][usize::try_from(drops).unwrap()];
        let joined = |name: &str| match () {
            () if name.starts_with("fc.") => 0,
            () if name.starts_with("layer4.") => 5,
            () => 15,
        };
        let how = How { lr: Some(lr), weight_decay: Some(0.0), optimizer: Some(sgd) };
        let module = |name: &str| record.epoch >= joined(&format!("{name}."));
        compare(&model, record, |name| (record.epoch >= joined(name)).then_some(how), module);
    }
}

#[test]
fn blocks_take_turns_for_ever() {
    let (model, records) =
        Schedule::load("21_badam.freeze").epochs(5).steps(1_000).each_step().run();
    let layers = model.parameters().iter().filter_map(|it| number_after(&it.name, "model.layers."));
    let layers = u64::try_from(layers.max().unwrap() + 1).unwrap();
    for record in &records {
        let turn = (record.step.unwrap() / 100) % layers;
        let how =
            How { lr: Some(1e-6), weight_decay: Some(0.0), optimizer: Some(Optimizer::ADAMW) };
        let is_own = |name: &str| {
            number_after(name, "model.layers.")
                .is_some_and(|layer| u64::try_from(layer) == Ok(turn))
        };
        compare(&model, record, |name| is_own(name).then_some(how), |_| false);
    }
}

/// A table of metrics, from their columns.
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helper")]
fn table(columns: &BTreeMap<String, Vec<f64>>) -> Table {
    let names: Vec<String> = columns.keys().map(|name| format!("\"{name}\"")).collect();
    let mut text = format!("epoch,{}\n", names.join(","));
    for epoch in 0..columns.values().map(Vec::len).max().unwrap() {
        let cells = columns.values().map(|values| values[epoch].to_string());
        writeln!(text, "{epoch},{}", cells.collect::<Vec<_>>().join(",")).unwrap();
    }
    Table::from_csv(&text).unwrap()
}

#[test]
fn two_towers_thaw_on_metrics_of_their_own() {
    // The recall of images rises until epoch 3, and then stays; that of captions rises until epoch 8.
    let rising = |until: u32| (0..40).map(|epoch: u32| f64::from(epoch.min(until))).collect();
    let columns = BTreeMap::from([
        ("image_recall".to_owned(), rising(3)),
        ("text_recall".to_owned(), rising(8)),
    ]);
    let (model, records) = Schedule::load("22_two_towers.freeze").metrics(table(&columns)).run();
    assert_eq!(records.len(), 40);
    for record in &records {
        let epoch = record.epoch;
        let expected = |name: &str| {
            let lr = if let Some(layer) = number_after(name, "vision_model.encoder.layers.") {
                // Best at epoch 3, so epochs 4 and 5 end the first wait, and the last layer joins at 6.
                // Each later rule takes its first observation, at the end of the epoch in which it
                // begins to wait, for the best: 2 more without a better one.
                let joins = 6 + 3 * u64::try_from(3 - layer).unwrap();
                (epoch >= joins).then_some(1e-5)
            } else if let Some(layer) = number_after(name, "text_model.encoder.layers.") {
                match (epoch, layer) {
                    // Epoch 10 comes first; from there on, 4 observations end with 13.
                    (14.., _) => Some(1e-5),
                    (10.., 2..) => Some(1e-4),
                    _ => None,
                }
            } else if name.starts_with("text_model.final_layer_norm.") {
                Some(if epoch >= 14 { 1e-5 } else { 1e-4 })
            } else if name.starts_with("text_model.") {
                (epoch >= 14).then_some(1e-5)
            } else if name.starts_with("vision_model.") {
                None
            } else {
                Some(1e-3)
            };
            Some(How { lr: Some(lr?), weight_decay: Some(0.1), optimizer: Some(Optimizer::ADAMW) })
        };
        compare(&model, record, expected, |_| false);
    }
}

#[test]
fn layers_freeze_when_their_gradients_no_longer_shrink() {
    // The norm of layer i halves until epoch i + 1, and then stays.
    let norms = |layer: i32| (0..30).map(|epoch: i32| 0.5_f64.powi(epoch.min(layer + 1))).collect();
    let schedule = Schedule::load("23_autofreeze.freeze");
    let count = schedule.model().parameters().iter();
    let count =
        count.filter_map(|it| number_after(&it.name, "bert.encoder.layer.")).max().unwrap() + 1;
    let columns = (0..count)
        .map(|layer| (format!("grad_norm(bert.encoder.layer.{layer})"), norms(layer)))
        .collect();
    let (model, records) = schedule.metrics(table(&columns)).run();
    for record in &records {
        let how =
            How { lr: Some(2e-5), weight_decay: Some(0.01), optimizer: Some(Optimizer::ADAMW) };
        let expected = |name: &str| {
            let layer = number_after(name, "bert.encoder.layer.");
            // The best is that of epoch layer + 1; two epochs later it freezes, at the next start.
            let freezes = layer.map_or(u64::MAX, |layer| u64::try_from(layer + 4).unwrap().min(20));
            (record.epoch < freezes).then_some(how)
        };
        compare(&model, record, expected, |_| false);
    }
}
