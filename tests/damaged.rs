//! A checkpoint that is not as it was written, or not of this run, is an error that names the file
//! and what is wrong with it, and changes nothing.

#![allow(clippy::indexing_slicing, reason = "a test's own helpers")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use freeze_runtime::{CheckpointError, ResumeOptions, Tuner};
use freeze_tests::networks::values;
use freeze_tests::{Bits, Net, parse, train};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn Error>>;

const POLICY: &str = "
    default lr 0.05 optimizer adam;
    start: train layer2, fc anchor 0.01;
    epoch 1: restore lowest loss, unfreeze layer1 lr linear 0.1 -> 0 over 3 epochs;
    epoch 9: restore highest loss";

const FILES: [&str; 6] = [
    "checkpoint.json",
    "model.safetensors",
    "optimizer.safetensors",
    "bests.safetensors",
    "anchors.safetensors",
    "random.safetensors",
];

fn tuner(net: &Net) -> Result<Tuner, freeze_runtime::Error> {
    Tuner::builder(&parse(POLICY)).attach(&net.vs)
}

/// A run of three epochs from a batch on.
fn run(net: &Net, first: i32) -> Result<Tuner, freeze_runtime::Error> {
    let mut tuner = tuner(net)?;
    for epoch in first..first + 3 {
        tuner.start_epoch()?;
        train(net, &mut tuner, i64::from(epoch) * 3..i64::from(epoch) * 3 + 3)?;
        tuner.observe("loss", f64::from(epoch))?;
    }
    Ok(tuner)
}

fn files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let files =
        FILES.map(|name| Ok((name.to_owned(), fs::read(dir.join("checkpoint").join(name))?)));
    files.into_iter().collect()
}

/// The generator of random numbers is one for all tests, and is compared too.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run that is resumed again and again from what cannot be resumed from.
struct Resumed {
    dir: tempfile::TempDir,
    tuner: Tuner,
    /// The state of the run, as the files that it would save.
    before: BTreeMap<String, Vec<u8>>,
    net: Net,
}

impl Resumed {
    fn new() -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let net = Net::convolutions(Device::Cpu);
        run(&net, 0)?.save(dir.path().join("saved"))?;
        // It is at another point of the run than the saved one.
        let net = Net::convolutions(Device::Cpu);
        let mut tuner = tuner(&net)?;
        tuner.start_epoch()?;
        train(&net, &mut tuner, 20..22)?;
        tuner.save(dir.path().join("now"))?;
        let before = files(&dir.path().join("now"))?;
        Ok(Self { dir, tuner, before, net })
    }

    fn saved(&self) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
        files(&self.dir.path().join("saved"))
    }

    /// Whether resuming with this file in the place of its own is refused in words that have the
    /// file's name, and nothing is changed then.
    fn refuses(&mut self, name: &str, bytes: Option<&[u8]>) -> Result<String, Box<dyn Error>> {
        let path = self.dir.path().join("saved/checkpoint").join(name);
        let right = fs::read(&path)?;
        let (bits, groups) = (Bits::of(&self.net.vs), self.tuner.param_groups());
        match bytes {
            Some(bytes) => fs::write(&path, bytes)?,
            None => fs::remove_file(&path)?,
        }
        let resumed = self.tuner.resume(self.dir.path().join("saved"));
        fs::write(&path, right)?;
        let error = match resumed {
            Ok(()) => return Err(format!("{name} was accepted").into()),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(name), "{error}");
        assert!(bits.moved(&Bits::of(&self.net.vs)).is_empty(), "{error}");
        assert_eq!(self.tuner.param_groups(), groups, "{error}");
        Ok(error)
    }

    /// In the end, nothing at all is other than before, and what is right is taken.
    fn takes_what_is_right(&mut self) -> Outcome {
        self.tuner.save(self.dir.path().join("now"))?;
        assert!(files(&self.dir.path().join("now"))? == self.before);
        self.tuner.resume(self.dir.path().join("saved"))?;
        self.tuner.save(self.dir.path().join("now"))?;
        assert!(files(&self.dir.path().join("now"))? == self.saved()?);
        Ok(())
    }
}

#[test]
fn truncated_files() -> Outcome {
    let _alone = alone();
    let mut run = Resumed::new()?;
    for (name, bytes) in run.saved()? {
        // The length of a header, the header, the first tensor, the last.
        let header = bytes.get(..8).and_then(|head| head.try_into().ok()).map(u64::from_le_bytes);
        let header = usize::try_from(header.unwrap_or_default())?.min(bytes.len() - 8);
        let lengths = [0, 1, 7, 8, 9, header, header + 7, header + 8, header + 9, bytes.len() / 2];
        let from_the_end = [1, 2, 4, 8].map(|less| bytes.len() - less);
        for length in lengths.into_iter().chain(from_the_end).filter(|it| *it < bytes.len()) {
            run.refuses(&name, bytes.get(..length))?;
        }
        let longer = [bytes.as_slice(), b"\0"].concat();
        run.refuses(&name, Some(&longer))?;
    }
    run.takes_what_is_right()
}

#[test]
fn flipped_bits() -> Outcome {
    let _alone = alone();
    let mut run = Resumed::new()?;
    for (seed, (name, bytes)) in (1..).zip(run.saved()?) {
        let count = i64::try_from(bytes.len() * 8)?;
        let first: Vec<i64> = (0..64).collect();
        let drawn = (values(&[120], seed) * count).to_kind(Kind::Int64);
        for bit in first.into_iter().chain(drawn.iter::<i64>()?) {
            let bit = usize::try_from(bit)?;
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            run.refuses(&name, Some(&flipped)).map_err(|error| format!("bit {bit}: {error}"))?;
        }
    }
    run.takes_what_is_right()
}

#[test]
fn foreign_and_missing_files() -> Outcome {
    let _alone = alone();
    let elsewhere = tempfile::tempdir()?;
    let net = Net::convolutions(Device::Cpu);
    // Another start, so that every file differs.
    for variable in &mut net.vs.trainable_variables() {
        let _same = tch::no_grad(|| variable.f_mul_scalar_(2.0))?;
    }
    let mut other = run(&net, 7)?;
    train(&net, &mut other, 40..41)?;
    other.save(elsewhere.path())?;
    let mut here = Resumed::new()?;
    for (name, bytes) in files(elsewhere.path())? {
        let error = here.refuses(&name, None)?;
        assert!(error.contains("No such file"), "{error}");
        if name == "checkpoint.json" {
            // It is whole; what lies beside it is of another run.
            continue;
        }
        let error = here.refuses(&name, Some(&bytes))?;
        assert!(error.contains("is not as it was saved"), "{error}");
        here.refuses(&name, Some(b"no safetensors file at all"))?;
    }
    here.refuses("checkpoint.json", Some(b"{}"))?;
    here.refuses("checkpoint.json", Some(b"{\"format\":1}"))?;
    let error = here.refuses("checkpoint.json", Some(b"{\"format\":2,\"more\":[]}"))?;
    assert!(error.contains("format 2, and only format 1 is supported"), "{error}");
    here.takes_what_is_right()
}

#[test]
fn a_manifest_of_another_run() -> Outcome {
    let _alone = alone();
    let mut here = Resumed::new()?;
    let elsewhere = tempfile::tempdir()?;
    let net = Net::convolutions(Device::Cpu);
    run(&net, 7)?.save(elsewhere.path())?;
    let path = here.dir.path().join("saved/checkpoint/checkpoint.json");
    fs::copy(elsewhere.path().join("checkpoint/checkpoint.json"), path)?;
    let error = here.tuner.resume(here.dir.path().join("saved")).unwrap_err().to_string();
    assert!(error.contains(".safetensors` is not as it was saved"), "{error}");
    Ok(())
}

/// Changes a checkpoint and its sums with it, so that only what it says can give it away.
fn forge(dir: &Path, change: impl FnOnce(&Path, &mut Value) -> Outcome) -> Outcome {
    let folder = dir.join("checkpoint");
    let manifest = folder.join("checkpoint.json");
    let mut sealed: Value = serde_json::from_slice(&fs::read(&manifest)?)?;
    let mut contents = sealed["checkpoint"].take();
    change(&folder, &mut contents["run"])?;
    for name in &FILES[1..] {
        let bytes = fs::read(folder.join(name))?;
        contents["files"][name] = json!({ "bytes": bytes.len(), "crc32": crc32fast::hash(&bytes) });
    }
    let contents = contents.to_string();
    let crc32 = crc32fast::hash(contents.as_bytes());
    fs::write(&manifest, format!(r#"{{"format":1,"crc32":{crc32},"checkpoint":{contents}}}"#))?;
    Ok(())
}

/// Changes the tensors of a file.
fn tensors(
    file: &'static str,
    change: impl FnOnce(&mut BTreeMap<String, Tensor>),
) -> impl FnOnce(&Path, &mut Value) -> Outcome {
    move |folder, _| {
        let path = folder.join(file);
        let mut tensors: BTreeMap<String, Tensor> =
            Tensor::read_safetensors(&path)?.into_iter().collect();
        change(&mut tensors);
        let tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
        Ok(Tensor::write_safetensors(&tensors, path)?)
    }
}

/// Whether a forged checkpoint is refused, and nothing is changed then.
fn refuses(problem: &str, change: impl FnOnce(&Path, &mut Value) -> Outcome) -> Outcome {
    let mut here = Resumed::new()?;
    let dir = here.dir.path().join("saved");
    forge(&dir, |_, _| Ok(()))?;
    here.tuner.resume(&dir)?;
    here.tuner.resume(here.dir.path().join("now"))?;
    forge(&dir, change)?;
    let error = here.tuner.resume(&dir).err().ok_or("it was taken")?.to_string();
    assert!(error.contains(problem), "{error}");
    here.tuner.save(here.dir.path().join("now"))?;
    assert!(files(&here.dir.path().join("now"))? == here.before, "{error}");
    Ok(())
}

#[test]
fn tensors_that_say_something_else() -> Outcome {
    let _alone = alone();
    let ones = |shape: &[i64]| Tensor::ones(shape, tch::kind::FLOAT_CPU);
    let model = "model.safetensors";
    refuses(
        "model.safetensors` is not as it was saved: `fc.bias` is not in it",
        tensors(model, |all| {
            all.remove("fc.bias");
        }),
    )?;
    refuses(
        "`fc.more` does not belong in it",
        tensors(model, |all| {
            all.insert("fc.more".to_owned(), ones(&[1]));
        }),
    )?;
    refuses(
        "`fc.bias` is Float [4], and should be Float [3]",
        tensors(model, |all| {
            all.insert("fc.bias".to_owned(), ones(&[4]));
        }),
    )?;
    refuses(
        "`fc.bias` is Double [3], and should be Float [3]",
        tensors(model, |all| {
            all.insert("fc.bias".to_owned(), ones(&[3]).to_kind(Kind::Double));
        }),
    )?;
    let optimizer = "optimizer.safetensors";
    refuses(
        "`fc.bias.exp_avg` is not in it",
        tensors(optimizer, |all| {
            all.remove("fc.bias.exp_avg");
        }),
    )?;
    refuses(
        "`fc.bias.exp_avg` is Float [1], and should be Float [3]",
        tensors(optimizer, |all| {
            all.insert("fc.bias.exp_avg".to_owned(), ones(&[1]));
        }),
    )?;
    refuses(
        "`fc.bias.square_avg` does not belong in it",
        tensors(optimizer, |all| {
            all.insert("fc.bias.square_avg".to_owned(), ones(&[3]));
        }),
    )?;
    let bests = "bests.safetensors";
    refuses(
        "`0.fc.bias` is Float [1], and should be Float [3]",
        tensors(bests, |all| {
            all.insert("0.fc.bias".to_owned(), ones(&[1]));
        }),
    )?;
    refuses(
        "`7.fc.bias` does not belong in it",
        tensors(bests, |all| {
            all.insert("7.fc.bias".to_owned(), ones(&[3]));
        }),
    )?;
    let random = "random.safetensors";
    refuses(
        "random.safetensors` is not as it was saved: ",
        tensors(random, |all| {
            all.insert("cpu".to_owned(), ones(&[8]).to_kind(Kind::Uint8));
        }),
    )?;
    refuses(
        "random.safetensors` is not as it was saved: ",
        tensors(random, |all| {
            let other = all["cpu"].flip([0]);
            let right = all.insert("cpu".to_owned(), other);
            all.extend(right.map(|right| ("nowhere".to_owned(), right)));
        }),
    )
}

#[test]
fn manifests_that_say_something_else() -> Outcome {
    type Change = fn(&mut Value);
    let _alone = alone();
    let cases: [(&str, Change); 9] = [
        ("`gone.", |run| run["states"][0]["part"] = json!("gone")),
        (
            "is not in it",
            |run| run["states"][0]["optimizer"] = json!({ "name": "rmsprop", "alpha": 0.9, "eps": 0.1, "momentum": 0, "centered": false }),
        ),
        ("does not belong in it", |run| run["states"] = json!([])),
        ("does not belong in it", |run| run["bests"] = json!([])),
        ("the saved state is not one of this policy", |run| run["clock"]["trains"] = json!([99])),
        ("the policy has errors", |run| run["policy"]["text"] = json!("start: tran fc")),
        ("a program with other settings", |run| run["program"]["lr"] = json!(0.5)),
        ("with another model", |run| run["model"][0]["shape"] = json!([1])),
        ("unknown field `more`", |run| run["more"] = json!(1)),
    ];
    for (problem, change) in cases {
        refuses(problem, |_, run| {
            change(run);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn where_there_is_none() -> Outcome {
    let _alone = alone();
    let mut here = Resumed::new()?;
    let nowhere = here.dir.path().join("nowhere");
    let error =
        here.tuner.resume_with(&nowhere, ResumeOptions::new().allow_policy_change()).unwrap_err();
    let is_missing = |error: &freeze_runtime::Error| {
        matches!(error, freeze_runtime::Error::Checkpoint(CheckpointError::Missing(_)))
    };
    assert!(is_missing(&error), "{error}");
    fs::create_dir(&nowhere)?;
    assert!(is_missing(&here.tuner.resume(&nowhere).unwrap_err()));
    fs::create_dir(nowhere.join("checkpoint"))?;
    let error = here.tuner.resume(&nowhere).unwrap_err().to_string();
    assert!(error.contains("checkpoint.json"), "{error}");
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_written_keeps_its_checkpoint() -> Outcome {
    let _alone = alone();
    let mut here = Resumed::new()?;
    let file = here.dir.path().join("a file");
    fs::write(&file, "")?;
    let error = here.tuner.save(&file).unwrap_err().to_string();
    assert!(error.contains("a file"), "{error}");
    Ok(())
}
