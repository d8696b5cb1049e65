//! Parameters of several dtypes and devices in one store, under one policy.

#![expect(clippy::indexing_slicing, reason = "a test that panics fails")]

use freeze_runtime::{Error, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::parse;
use tch::nn::VarStore;
use tch::{Cuda, Device, Kind, Tensor};

type Outcome = Result<(), Error>;

const KINDS: [(&str, Kind); 4] = [
    ("single", Kind::Float),
    ("double", Kind::Double),
    ("brain", Kind::BFloat16),
    ("half", Kind::Half),
];

/// A table under each name, of its dtype and on its device.
fn store(tables: &[(&str, Kind, Device)]) -> (VarStore, Vec<Tensor>) {
    let vs = VarStore::new(Device::Cpu);
    let table = |(name, kind, device): &(&str, Kind, Device)| {
        let start = values(&[7, 3], 1).to_kind(*kind).to_device(*device);
        vs.root().sub(name).add("weight", start, true)
    };
    let tables = tables.iter().map(table).collect();
    (vs, tables)
}

/// A loss whose gradient is the same, but for rounding, in each table.
fn loss(tables: &[Tensor], batch: i64) -> Tensor {
    let of = |table: &Tensor| {
        let scale = (values(&[7, 3], 10 + batch) + 0.5).to_device(table.device());
        (table * scale.to_kind(table.kind())).sin().sum(None).to_kind(Kind::Double)
    };
    tables.iter().map(|table| of(table).to_device(Device::Cpu)).sum()
}

fn train(tuner: &mut Tuner, tables: &[Tensor], batches: std::ops::Range<i64>) -> Outcome {
    for batch in batches {
        tuner.zero_grad()?;
        loss(tables, batch).backward();
        tuner.clip_grad_value(0.5)?;
        tuner.step()?;
    }
    Ok(())
}

/// Trains all tables in one store, and each in a store of its own: the bits must be the same.
fn assert_as_alone(tables: &[(&str, Kind, Device)]) -> Outcome {
    for optimizer in OPTIMIZERS {
        println!("{optimizer}");
        let default = format!("default {optimizer};");
        let (vs, together) = store(tables);
        let rules = "start: train @all; step 3: freeze rows 2..4 of single.weight";
        let mut tuner = Tuner::builder(&parse(&format!("{default} {rules}"))).attach(&vs)?;
        tuner.start_epoch()?;
        train(&mut tuner, &together, 0..6)?;
        for (place, table) in tables.iter().enumerate() {
            let (vs, alone) = store(&[*table]);
            let rules = if table.0 == "single" { rules } else { "start: train @all" };
            let mut tuner = Tuner::builder(&parse(&format!("{default} {rules}"))).attach(&vs)?;
            tuner.start_epoch()?;
            train(&mut tuner, &alone, 0..6)?;
            assert_eq!(bits(&together[place]), bits(&alone[0]), "{table:?}");
            assert_ne!(bits(&alone[0]), bits(&store(&[*table]).1[0]), "{table:?}");
        }
    }
    Ok(())
}

#[test]
fn dtypes_train_together_as_they_do_alone() -> Outcome {
    assert_as_alone(&KINDS.map(|(name, kind)| (name, kind, Device::Cpu)))
}

#[test]
fn devices_train_together_as_they_do_alone() -> Outcome {
    if !Cuda::is_available() {
        freeze_tests::skip("devices_train_together_as_they_do_alone", "no CUDA device");
        return Ok(());
    }
    let gpu = Device::Cuda(0);
    assert_as_alone(&[
        ("single", Kind::Float, Device::Cpu),
        ("other", Kind::Float, gpu),
        ("brain", Kind::BFloat16, gpu),
        ("half", Kind::Half, Device::Cpu),
    ])
}

#[test]
fn what_is_frozen_keeps_its_bits_among_other_dtypes() -> Outcome {
    let tables = KINDS.map(|(name, kind)| (name, kind, Device::Cpu));
    for optimizer in OPTIMIZERS {
        println!("{optimizer}");
        let (vs, all) = store(&tables);
        let policy = format!(
            "default {optimizer}; start: train @all;
             epoch 1: train brain; epoch 2: train half, double; epoch 3: train single"
        );
        let mut tuner = Tuner::builder(&parse(&policy)).attach(&vs)?;
        let trained = [
            &["single", "double", "brain", "half"][..],
            &["brain"],
            &["double", "half"],
            &["single"],
        ];
        for (epoch, trained) in (0..).zip(trained) {
            tuner.start_epoch()?;
            let before: Vec<Vec<u8>> = all.iter().map(bits).collect();
            train(&mut tuner, &all, 3 * epoch..3 * epoch + 3)?;
            let moved =
                tables.iter().zip(&all).zip(before).filter(|((_, it), was)| bits(it) != *was);
            let moved: Vec<&str> = moved.map(|((table, _), _)| table.0).collect();
            assert_eq!(moved, trained, "epoch {epoch}");
        }
    }
    Ok(())
}

#[test]
fn a_norm_is_over_all_dtypes() -> Outcome {
    let (vs, tables) = store(&KINDS.map(|(name, kind)| (name, kind, Device::Cpu)));
    let policy = parse("default lr 0.1 optimizer sgd; start: train @all");
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    loss(&tables, 0).backward();
    let square = |table: &Tensor| table.grad().to_kind(Kind::Double).square().sum(None);
    let norm = tables.iter().map(square).sum::<Tensor>().sqrt().double_value(&[]);
    let returned = tuner.clip_grad_norm(1.0)?.value()?;
    assert!((returned - norm).abs() < 5e-3 * norm, "{returned} for {norm}");
    let norm = tables.iter().map(square).sum::<Tensor>().sqrt().double_value(&[]);
    assert!((norm - 1.0).abs() < 5e-3, "{norm}");
    Ok(())
}
