//! Schedules whose phases begin at epochs.

use freeze_dsl::Optimizer;

use super::support::{How, Schedule, compare, float, half_cosine, number_after};

#[test]
fn a_backbone_that_joins() {
    let (model, records) = Schedule::load("03_backbone_finetuning.freeze").epochs(16).run();
    assert_eq!(records.len(), 16);
    for record in &records {
        let joined = (record.epoch >= 10).then(|| float(record.epoch) - 10.0);
        let backbone = joined.map(|since| (1e-4 * since.exp2()).min(1e-3));
        let expected = |name: &str| {
            let lr = if name.starts_with("head.") { Some(1e-3) } else { backbone };
            Some(How { lr: Some(lr?), weight_decay: None, optimizer: None })
        };
        compare(&model, record, expected, |module| module.starts_with("backbone."));
    }
}

/// One cycle of `max`: up from a 25th of it in the first quarter, down to a 100,000th of it.
fn one_cycle(max: f64, progress: f64) -> f64 {
    if progress < 0.25 {
        half_cosine(max / 25.0, max, progress / 0.25)
    } else {
        half_cosine(max, max / 1e5, (progress - 0.25) / 0.75)
    }
}

#[test]
fn ulmfit() {
    let (model, records) = Schedule::load("04_ulmfit.freeze").steps(8).each_step().run();
    assert_eq!(records.len(), 5 * 8);
    let group = |name: &str| {
        if name.starts_with("0.module.encoder") {
            0
        } else {
            number_after(name, "0.module.rnns.").map_or(4, |rnn| rnn + 1)
        }
    };
    for record in &records {
        // The part's highest rate, how many groups train, its first epoch and its length.
        let (top, training, first, length) = match record.epoch {
            0 => (2e-2, 1, 0.0, 1.0),
            1 => (1e-2, 2, 1.0, 1.0),
            2 => (5e-3, 3, 2.0, 1.0),
            _ => (1e-3, 5, 3.0, 2.0),
        };
        let progress = (float(record.step.unwrap_or_default()) / 8.0 - first) / length;
        let expected = |name: &str| {
            // From the top group, which has the highest rate, down to the one with
            // a 2.6^4th of it.
            let below = 4 - group(name);
            (below < training).then(|| {
                let share = f64::from(below) / f64::from((training - 1).max(1));
                let max = top / 2.6_f64.powf(4.0 * share);
                let lr = Some(one_cycle(max, progress));
                How { lr, weight_decay: None, optimizer: None }
            })
        };
        compare(&model, record, expected, |_| true);
    }
}

#[test]
fn layer_wise_decay() {
    let (model, records) = Schedule::load("08_layerwise_decay.freeze").epochs(3).run();
    assert_eq!(records.len(), 3);
    for record in &records {
        let expected = |name: &str| {
            let below_top = if name.starts_with("bert.embeddings.") {
                12
            } else {
                number_after(name, "bert.encoder.layer.").map_or(0, |layer| 11 - layer)
            };
            let decays = name.rsplit('.').next() != Some("bias") && !name.contains("LayerNorm");
            Some(How {
                lr: Some(2e-5 * 0.95_f64.powi(below_top)),
                weight_decay: Some(if decays { 0.01 } else { 0.0 }),
                optimizer: Some(Optimizer::ADAMW),
            })
        };
        compare(&model, record, expected, |_| false);
        // Thirteen rates, each with and without weight decay.
        assert_eq!(record.groups.len(), 26);
    }
}

#[test]
fn faster_rcnn() {
    let (model, records) = Schedule::load("09_faster_rcnn.freeze").steps(80).each_step().run();
    assert_eq!(records.len(), 12 * 80);
    for record in &records {
        let warm = (float(record.step.unwrap_or_default()) / 500.0).min(1.0);
        let decayed = match record.epoch {
            0..8 => 0.02,
            8..11 => 0.02 * 0.1,
            _ => 0.02 * 0.1 * 0.1,
        };
        // mmcv's `LrUpdaterHook` with `warmup="linear"`.
        let lr = decayed * (1.0 - (1.0 - warm) * (1.0 - 0.001));
        let frozen = ["backbone.conv1.", "backbone.bn1.", "backbone.layer1."];
        let expected = |name: &str| {
            (!frozen.iter().any(|module| name.starts_with(module))).then_some(How {
                lr: Some(lr),
                weight_decay: Some(1e-4),
                optimizer: Some(Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false }),
            })
        };
        compare(&model, record, expected, |_| false);
    }
    let norms = |name: &&String| name.contains(".layer2.0.bn1.");
    assert_eq!(records.iter().flat_map(|one| &one.trainable).filter(norms).count(), 2 * 960);
}

#[test]
fn the_article() {
    let (model, records) = Schedule::load("11_article.freeze").epochs(8).run();
    assert_eq!(records.len(), 8);
    for record in &records {
        let rate = |name: &str| match name.split('.').next() {
            Some("layer4") => Some(1e-3),
            Some("layer3") if record.epoch >= 3 => Some(1e-4),
            Some("layer2") if record.epoch >= 6 => Some(1e-4),
            _ => None,
        };
        let expected = |name: &str| {
            Some(How {
                lr: Some(rate(name)?),
                weight_decay: Some(0.0),
                optimizer: Some(Optimizer::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false }),
            })
        };
        compare(&model, record, expected, |module| rate(module).is_some());
        assert_eq!(record.groups.len(), if record.epoch < 3 { 1 } else { 2 });
    }
}

#[test]
fn muon_beside_adamw() {
    let (model, records) = Schedule::load("19_muon_adamw.freeze").epochs(2).run();
    assert_eq!(records.len(), 2);
    // The groups of the repository's README: `p.ndim >= 2` of the body, and all else.
    let muon = |name: &str| {
        let mut all = model.parameters().iter();
        let parameter = all.find(|parameter| parameter.name == name).unwrap();
        name.starts_with("blocks.") && parameter.shape.len() >= 2
    };
    let adamw = Optimizer::AdamW { beta1: 0.9, beta2: 0.95, eps: 1e-8, amsgrad: false };
    for record in &records {
        let expected = |name: &str| {
            let (lr, optimizer) = if muon(name) { (0.02, Optimizer::MUON) } else { (3e-4, adamw) };
            let (lr, optimizer) = (Some(lr), Some(optimizer));
            Some(How { lr, weight_decay: Some(0.01), optimizer })
        };
        compare(&model, record, expected, |_| true);
    }
    let of_muon = model.parameters().iter().filter(|parameter| muon(&parameter.name));
    assert_eq!(of_muon.count(), 16);
}
