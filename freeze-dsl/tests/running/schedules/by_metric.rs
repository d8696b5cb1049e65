//! Schedules whose phases end when a metric says so.

use freeze_dsl::Optimizer;

use super::support::{How, Schedule, compare, float, restarts};

const EMBEDDINGS: &str = "model.deberta.embeddings.";
const WORDS: &str = "model.deberta.embeddings.word_embeddings.weight";

const fn adamw(eps: f64) -> Optimizer {
    Optimizer::AdamW { beta1: 0.9, beta2: 0.999, eps, amsgrad: false }
}

#[test]
fn deberta_on_rte() {
    // Phase 0: epochs 2 and 3 fall by less than 0.001 together. Phase 1: the first value is the
    // best though it is worse than those before; epochs 6, 8 and 9 are no improvements, and only
    // 8 and 9 follow each other. Phase 2: two equal values.
    let losses = [
        1.0, 0.8, 0.7995, 0.7993, // phase 0
        0.9, 0.7, 0.71, 0.6, 0.65, 0.6, // phase 1 begins with epoch 4
        0.5, 0.5, 0.5, // phase 2 begins with epoch 10
    ];
    let schedule = Schedule::load("01_deberta_rte.freeze").epochs(30).steps(4).each_step();
    let (model, records) = schedule.val_loss(&losses).run();
    assert_eq!(records.len(), 13 * 4 + 1);
    for record in &records {
        let expected = |name: &str| {
            let lr = if name == WORDS {
                (record.epoch >= 10).then_some(1e-5)
            } else if name.starts_with(EMBEDDINGS) {
                (record.epoch >= 4).then_some(1e-5)
            } else {
                Some(restarts(1e-5, 1e-7, 1.0, float(record.step?) / 4.0))
            };
            Some(How { lr: Some(lr?), weight_decay: Some(1e-5), optimizer: Some(adamw(1e-7)) })
        };
        compare(&model, record, expected, |_| false);
        let fired = match record.step {
            Some(0) => vec!["phase_0"],
            Some(16) => vec!["phase_1"],
            Some(40) => vec!["phase_2"],
            Some(52) => vec!["end"],
            _ => vec![],
        };
        assert_eq!(record.fired, fired);
        assert_eq!(record.stopped, record.epoch == 13);
    }
}

#[test]
fn another_optimizer_in_each_phase() {
    let losses = [
        1.0, 1.0, 1.0, // phase 0
        0.9, 0.8, 0.7, 0.7, 0.7, // phase 1 begins with epoch 3
        0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, // phase 2 begins with epoch 8
        0.1, 0.05, 0.0, 0.0, // phase 3 begins with epoch 16
    ];
    let schedule = Schedule::load("02_optimizer_per_phase.freeze").epochs(20).steps(5).each_step();
    let (model, records) = schedule.val_loss(&losses).run();
    assert_eq!(records.len(), 20 * 5);
    let sgd = Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false };
    for record in &records {
        // Which phase adds a parameter.
        let phase = |name: &str| match name {
            WORDS => 3,
            _ if name.starts_with("model.classifier.") => 0,
            _ if name.starts_with("model.pooler.") => 1,
            _ if name.starts_with("model.deberta.encoder.LayerNorm.") => 1,
            _ => 2,
        };
        let since = |epoch: u64| float(record.step.unwrap_or_default() - 5 * epoch) / 5.0;
        let expected = |name: &str| {
            let (lr, decay, optimizer) = match (record.epoch, phase(name)) {
                (0..3, 0) => (1e-5, 1e-5, adamw(1e-8)),
                (3..8, 0 | 1) => (2e-6 * 0.7_f64.powf(since(3).floor()), 2e-6, sgd),
                (8.., 0 | 1) => (restarts(1e-6, 1e-7, 3.0, since(8)), 1e-5, adamw(1e-7)),
                (8.., 2) => (restarts(2e-6, 1e-7, 3.0, since(8)), 1e-5, adamw(1e-7)),
                (16.., 3) => (1e-5, 1e-5, adamw(1e-7)),
                _ => return None,
            };
            Some(How { lr: Some(lr), weight_decay: Some(decay), optimizer: Some(optimizer) })
        };
        compare(&model, record, expected, |_| false);
        let groups = [1, 1, 2, 3];
        let phase = [3, 8, 16].iter().filter(|begins| record.epoch >= **begins).count();
        assert_eq!(Some(&record.groups.len()), groups.get(phase));
    }
}

#[test]
fn chain_thaw() {
    let chain = ["output_layer.", "embed.", "lstm_0.", "lstm_1.", "attention_layer.", ""];
    // In each part the loss falls for some epochs, and then stays the same for five. Every part
    // begins worse than the one before it ended.
    let falling: [u32; 6] = [1, 3, 2, 1, 4, 2];
    let part = |falls: u32| (0..falls + 5).map(move |epoch| 1.0 - f64::from(epoch.min(falls - 1)));
    let losses: Vec<f64> = falling.into_iter().flat_map(part).collect();
    let begins: Vec<u64> = falling
        .iter()
        .scan(0, |begin, falls| {
            let own = *begin;
            *begin += u64::from(*falls) + 5;
            Some(own)
        })
        .collect();
    let (model, records) =
        Schedule::load("05_chain_thaw.freeze").epochs(100).val_loss(&losses).run();
    assert_eq!(records.len(), losses.len() + 1);
    for record in &records {
        let part = begins.iter().filter(|begin| **begin <= record.epoch).count() - 1;
        let lr = if part == 0 { 1e-3 } else { 1e-4 };
        let expected = |name: &str| {
            chain.get(part).filter(|layer| name.starts_with(**layer)).map(|_| How {
                lr: Some(lr),
                weight_decay: Some(0.0),
                optimizer: Some(Optimizer::ADAM),
            })
        };
        compare(&model, record, expected, |_| false);
    }
    let fired: Vec<String> = records.iter().flat_map(|record| record.fired.clone()).collect();
    let alone = |layer: &str| format!("alone[{layer}]");
    let mut names = vec!["head".to_owned()];
    names.extend(["embed", "lstm_0", "lstm_1", "attention_layer"].map(alone));
    names.extend(["whole", "end"].map(str::to_owned));
    assert_eq!(fired, names);
    assert!(records.last().is_some_and(|last| last.stopped));
}
