//! Whole runs: the reference policies, metrics, statistics and logs.

use freeze_runtime::{Policy, Tuner};
use freeze_tests::{Bits, Net, parse, reference};
use tch::Device;

use crate::beside::assert_same;
use crate::processes::{Outcome, Scene, join, scene};

pub(crate) const SCENES: &[Scene] = &[
    ("reference policies", reference_policies),
    ("metrics", metrics),
    ("statistics", statistics),
    ("logs", logs),
    ("different starts", different_starts),
];

fn reference_policies() -> Outcome {
    let group = join()?;
    let mut prints = Vec::new();
    for name in reference::cases() {
        let replayed = reference::replay_in(&group, name)?;
        assert!(replayed.off < 1e-6, "{name}: {replayed:?}");
        prints.push(format!("{name}: {:?}", replayed.fingerprints));
    }
    Ok(prints.join("\n"))
}

#[test]
fn two_ranks_have_the_numbers_of_every_reference() {
    let ended = scene("reference policies", 2).run();
    assert_same(&ended);
    assert_eq!(ended[0].text().lines().count(), reference::cases().count());
}

#[test]
fn four_ranks_have_the_numbers_of_every_reference() {
    assert_same(&scene("reference policies", 4).run());
}

/// Rules see the means of what ranks observe, as those of one process that observes the means.
fn metrics() -> Outcome {
    let group = join()?;
    let policy = parse(
        "default lr 0.1 optimizer sgd;
         start: train c;
         when val_loss < 1.01: unfreeze b;
         when val_acc > 0.89: unfreeze a;
         when nothing < 1: stop",
    );
    let (net, alone_net) = (Net::linear(), Net::linear());
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
    let mut alone = Tuner::builder(&policy).attach(&alone_net.vs)?;
    let of_rank = |values: [f64; 2]| values[group.rank()];
    // What the ranks observe, with so many samples, and the mean.
    let observed = [
        // Below 1.01 on one rank, and above it as a mean.
        ("val_loss", [1.0, 1.1], None, 1.05),
        ("val_loss", [0.9, 1.1], None, 1.0),
        ("val_acc", [0.8, 1.0], Some([300, 100]), 0.85),
        // Only the last rank has validated.
        ("val_acc", [f64::NAN, 0.9], Some([0, 7]), 0.9),
        // What is not a number on one rank is not a number on all.
        ("nothing", [f64::NAN, 0.5], None, f64::NAN),
        ("nothing", [0.5, 0.5], None, 0.5),
    ];
    let mut trainable = Vec::new();
    for (metric, values, samples, mean) in observed {
        for (tuner, net) in [(&mut tuner, &net), (&mut alone, &alone_net)] {
            tuner.start_epoch()?;
            tuner.backward_step(&net.loss(0))?;
        }
        assert_eq!(tuner.trainable_names(), alone.trainable_names());
        trainable.push(tuner.trainable_names().len().to_string());
        match samples {
            None => tuner.observe(metric, of_rank(values))?,
            Some(samples) => {
                let seen =
                    tuner.observe_weighted(metric, of_rank(values), samples[group.rank()])?;
                assert!((seen - mean).abs() < 1e-12, "{seen}");
            }
        }
        alone.observe(metric, mean)?;
    }
    tuner.start_epoch()?;
    alone.start_epoch()?;
    assert_eq!(tuner.trainable_names(), alone.trainable_names());
    assert_eq!(tuner.is_stopped(), alone.is_stopped());
    Ok(format!("{} {}", trainable.join(" "), tuner.is_stopped()))
}

#[test]
fn rules_see_the_means_of_metrics() {
    let ended = scene("metrics", 2).run();
    assert_same(&ended);
    assert_eq!(ended[0].text(), "2 2 4 4 6 6 true");
}

/// Running statistics are those of rank 0 when a metric is observed and when a rule fires.
fn statistics() -> Outcome {
    let group = join()?;
    let net = Net::convolutions(Device::Cpu);
    let policy = parse(
        "default lr 0.1 optimizer sgd;
         start: train @all;
         step 4: freeze layer1;
         step 8: restore lowest val_loss",
    );
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    let mut prints = Vec::new();
    for step in 0..10 {
        let batch = step * 2 + i64::try_from(group.rank())?;
        tuner.backward_step(&net.loss(batch))?;
        if [3, 7].contains(&step) {
            prints.push(Bits::of(&net.vs).fingerprint());
        }
        if step == 5 {
            tuner.observe("val_loss", 1.0)?;
            prints.push(Bits::of(&net.vs).fingerprint());
        }
    }
    Ok(format!("{prints:?}"))
}

#[test]
fn statistics_are_those_of_rank_0() {
    assert_same(&scene("statistics", 2).run());
}

/// Rank 0 writes the log.
fn logs() -> Outcome {
    let group = join()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log.jsonl");
    let net = Net::linear();
    let policy = parse("default lr 0.1 optimizer sgd; start: train c");
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
    tuner.log_to(&path)?;
    for epoch in 0..2 {
        tuner.start_epoch()?;
        tuner.backward_step(&net.loss(epoch))?;
        tuner.observe("val_loss", if group.is_first() { 1.0 } else { 2.0 })?;
    }
    tuner.finish_log()?;
    let log = std::fs::read_to_string(&path).unwrap_or_default();
    Ok(format!("{} {}", log.lines().count(), log.matches("\"val_loss\":1.5").count()))
}

#[test]
fn rank_0_writes_the_log() {
    let ended = scene("logs", 2).run();
    assert_eq!([ended[0].text(), ended[1].text()], ["2 2", "0 0"]);
}

/// Ranks that start from other values have those of rank 0, of all types and layouts.
fn different_starts() -> Outcome {
    use tch::{Kind, Tensor, nn};

    let group = join()?;
    let vs = nn::VarStore::new(Device::Cpu);
    let root = vs.root();
    let own = i64::try_from(group.rank())? + 1;
    let kinds = [
        Kind::Float,
        Kind::Double,
        Kind::Half,
        Kind::BFloat16,
        Kind::ComplexFloat,
        Kind::Int64,
        Kind::Int16,
        Kind::Int8,
        Kind::Uint8,
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let value = Tensor::full([3, 5], own, (Kind::Int64, Device::Cpu)).to_kind(kind);
        let _ = root.add(&format!("plain{number}"), value.copy(), kind == Kind::Float);
        let _ = root.add(&format!("turned{number}"), value.tr(), false);
        let _ = root.add(&format!("single{number}"), value.sum(kind), false);
    }
    let _ = root.add("flags", Tensor::from_slice(&[own == 1, own == 2]), false);
    let _ = root.add("empty", Tensor::zeros([0, 3], (Kind::Float, Device::Cpu)), false);
    let large = Tensor::full([700, 1000], own, (Kind::Float, Device::Cpu));
    let _ = root.add("large", large, true);
    let policy = Policy::parse("default lr 0.1 optimizer sgd; start: train large")?;
    let _tuner = Tuner::builder(&policy).group(&group).attach(&vs)?;
    let has_values = |name: &str| {
        let mean = vs.variables()[name].to_kind(Kind::Double).mean(None).double_value(&[]);
        (mean - 1.0).abs() < 1e-9
    };
    assert!(["plain0", "turned0", "large", "plain6"].iter().all(|name| has_values(name)));
    Ok(Bits::of(&vs).fingerprint().to_string())
}

#[test]
fn every_rank_starts_from_the_values_of_rank_0() {
    assert_same(&scene("different starts", 3).run());
}
