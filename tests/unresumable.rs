//! A run that could not be resumed is not saved, and the checkpoint before it stays.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::fs;
use std::path::Path;

use freeze_runtime::{CheckpointError, Error, Tuner};
use freeze_tests::{Bits, Net, assert_moved, parse, train, tune};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Error>;

const POLICY: &str = "default lr 0.1 optimizer adam; start: train b, c";

/// Every file of a folder and its folders, with its bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

/// A change of a store, and what the message about it begins with.
type Case = (fn(&mut Net), &'static str);

const CASES: [Case; 7] = [
    (
        |net| {
            let mut variable = net.variable("c.weight");
            variable.set_data(&variable.detach().reshape([-1, 2]).copy());
        },
        "`c.weight` has shape [12, 2] now and had shape [3, 8]",
    ),
    (
        |net| {
            let mut variable = net.variable("a.weight");
            variable.set_data(&variable.detach().narrow(0, 0, 2).copy());
        },
        "`a.weight` has shape [2, 5] now and had shape [8, 5]",
    ),
    (|net| net.vs.half(), "`a.bias` is f16 now and was f32"),
    (
        |net| drop(net.vs.variables_.lock().unwrap().named_variables.remove("b.bias")),
        "`b.bias` was removed from the store",
    ),
    (
        |net| {
            let other = net.variable("b.bias").detach().copy();
            let mut variables = net.vs.variables_.lock().unwrap();
            let _ = variables.named_variables.insert("b.bias".to_owned(), other);
        },
        "`b.bias` was replaced after `attach`",
    ),
    (|net| drop(net.vs.root().ones("late", &[3])), "`late` was added after `attach`"),
    (|net| drop(net.vs.root().ones_no_train("late", &[3])), "`late` was added after `attach`"),
];

#[test]
fn a_store_that_changed_since_attach_is_not_saved_and_the_old_checkpoint_stays() -> Outcome {
    for (act, expected) in CASES {
        let folder = tempfile::tempdir().unwrap();
        let mut net = Net::linear();
        let mut tuner = tune(&net, POLICY);
        tuner.start_epoch()?;
        train(&net, &mut tuner, 0..2)?;
        tuner.save(folder.path())?;
        let (saved, bits) = (files(folder.path()), Bits::of(&net.vs));
        act(&mut net);
        let Err(Error::Ownership(message)) = tuner.save(folder.path()) else {
            panic!("saved: {expected}");
        };
        assert!(message.starts_with(expected), "{message}");
        assert_eq!(files(folder.path()), saved);
        drop(tuner);
        let net = Net::linear();
        let mut tuner = tune(&net, POLICY);
        tuner.resume(folder.path())?;
        assert_eq!(tuner.global_step(), 2);
        assert_moved(&bits, &net, &[]);
    }
    Ok(())
}

#[test]
fn a_name_that_no_file_can_have_is_named() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let vs = VarStore::new(Device::Cpu);
    let weight = vs.root().ones("__metadata__", &[2]);
    let policy = parse("default lr 0.1 optimizer sgd; start: train @all");
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    tuner.backward_step(&weight.sum(Kind::Float))?;
    let error = tuner.save(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::Checkpoint(CheckpointError::Name(_))), "{error}");
    assert!(error.to_string().starts_with("`__metadata__` cannot be saved"), "{error}");
    assert!(!folder.path().join("checkpoint").exists());
    Ok(())
}

#[test]
fn tensors_that_can_be_neither_saved_nor_restored_are_named_at_attach() {
    let dense = || Tensor::eye(3, (Kind::Float, Device::Cpu));
    let complex = Tensor::complex(&dense(), &dense());
    let cases = [
        (dense().to_sparse(None, None::<i64>, None), "a sparse or mkldnn tensor"),
        (dense().to_mkldnn(), "a sparse or mkldnn tensor"),
        (complex.conj(), "a conjugated tensor"),
        (complex.conj().imag(), "a conjugated tensor"),
    ];
    for (buffer, what) in cases {
        let vs = VarStore::new(Device::Cpu);
        let _ = vs.root().ones("weight", &[2]);
        let _ = (vs.root() / "attention").add("mask", buffer, false);
        let policy = parse("default lr 0.1 optimizer sgd; start: train weight");
        let Err(Error::Ownership(message)) = Tuner::builder(&policy).attach(&vs) else {
            panic!("{what} was not refused");
        };
        let expected = format!("`attention.mask` is {what}");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn a_file_where_the_old_checkpoint_is_moved_to_is_named() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::linear();
    let mut tuner = tune(&net, POLICY);
    tuner.start_epoch()?;
    tuner.save(folder.path())?;
    let file = folder.path().join("checkpoint.replaced");
    fs::write(&file, "notes").unwrap();
    let saved = files(folder.path());
    let error = tuner.save(folder.path()).unwrap_err();
    assert!(error.to_string().contains("checkpoint.replaced"), "{error}");
    assert_eq!(files(folder.path()), saved);
    Ok(())
}

#[test]
fn an_empty_path_is_the_current_folder() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    // No other test of this program has a relative path.
    std::env::set_current_dir(folder.path()).unwrap();
    let net = Net::linear();
    let mut tuner = tune(&net, POLICY);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..1)?;
    tuner.save("")?;
    assert!(folder.path().join("checkpoint/model.safetensors").exists());
    tuner.save("")?;
    tune(&net, POLICY).resume("")
}
