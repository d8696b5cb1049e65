//! Checkpoints of several processes: saved by rank 0, resumed by all, bit for bit.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use freeze_runtime::{CheckpointError, Error, Group, ResumeOptions, Tuner};
use freeze_tests::{Bits, Net, parse};
use tch::Tensor;

use crate::beside::assert_same;
use crate::processes::{Ended, Outcome, Scene, argument, join, join_in_haste, scene, signal};

pub(crate) const SCENES: &[Scene] = &[
    ("runs", runs),
    ("faulty saves", faulty_saves),
    ("a full disk", full_disk),
    ("other ranks", other_ranks),
    ("other numbers", other_numbers),
    ("accumulated", accumulated),
];

const POLICY: &str = "default lr 0.05 optimizer adamw;
    start: train c;
    step 3: unfreeze b;
    step 7: freeze c;
    step 9: restore lowest val_loss, unfreeze a lr 0.01";

/// The steps of a run, and of each of its epochs.
const STEPS: u64 = 12;
const EPOCH: u64 = 4;

/// A loss with random numbers of this rank.
fn loss(net: &Net, group: &Group, step: u64) -> Tensor {
    let batch = i64::try_from(step).unwrap() * 16 + i64::try_from(group.rank()).unwrap();
    net.loss(batch) * Tensor::rand([1], tch::kind::FLOAT_CPU).mean(None)
}

/// Trains to the end from where a folder's run was saved, and saves after each step. The argument has the
/// folder and, for a run that is interrupted, the rank and the step of it.
fn runs() -> Outcome {
    let argument = argument();
    let mut words = argument.split(' ');
    let folder = words.next().ok_or("which folder?")?;
    // It is interrupted once, whoever starts it again.
    let interrupted = Path::new(folder).with_extension("interrupted");
    let fault = words.next().zip(words.next()).filter(|_| !interrupted.exists());
    // The other ranks notice soon.
    let group = if fault.is_some() { join_in_haste()? } else { join()? };
    let net = Net::linear();
    tch::manual_seed(100 + i64::try_from(group.rank())?);
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    match tuner.resume(folder) {
        Err(Error::Checkpoint(CheckpointError::Missing(_))) => {}
        resumed => resumed?,
    }
    while tuner.global_step() < STEPS {
        let step = tuner.global_step();
        if step / EPOCH >= tuner.epochs_started() {
            tuner.start_epoch()?;
        }
        let is_fault =
            |(rank, at): (&str, &str)| rank == group.rank().to_string() && at == step.to_string();
        if fault.is_some_and(is_fault) {
            fs::write(&interrupted, "")?;
            signal("KILL");
        }
        tuner.backward_step(&loss(&net, &group, step))?;
        tuner.observe("val_loss", f64::from(u32::try_from((step * 7) % 5)?))?;
        tuner.save(folder)?;
    }
    Ok(format!("{} {:?}", Bits::of(&net.vs).fingerprint(), tuner.rules_fired()))
}

fn run(size: usize, folder: &Path, fault: &str) -> Vec<Ended> {
    scene("runs", size).with(format!("{}{fault}", folder.display())).run()
}

#[test]
fn a_run_that_is_killed_at_any_step_resumes_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let whole = run(2, &folder.path().join("whole"), "");
    assert_same(&whole);
    for (rank, step) in [(1, 5), (0, 8)] {
        let folder = folder.path().join(step.to_string());
        let broken = run(2, &folder, &format!(" {rank} {step}"));
        assert!(broken.iter().all(|ended| !matches!(ended.outcome, Some(Ok(_)))), "{broken:?}");
        let resumed = run(2, &folder, "");
        assert_same(&resumed);
        assert_eq!(resumed[0].text(), whole[0].text(), "killed at step {step}");
    }
}

/// A save that fails on rank 0 fails on all ranks, and the run goes on.
fn faulty_saves() -> Outcome {
    let group = join()?;
    let folder = tempfile::tempdir()?;
    let net = Net::linear();
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    // Only rank 0 looks at its path.
    let taken = folder.path().join("taken");
    fs::write(&taken, "")?;
    let error = tuner.save(&taken).unwrap_err().to_string();
    let error = error.replace(&folder.path().display().to_string(), "…");
    tuner.backward_step(&net.loss(0))?;
    let own = folder.path().join("own");
    tuner.save(&own)?;
    let has_saved = own.join("checkpoint").exists();
    // Rank 0 reads what is not there for the others.
    tuner.resume(&own)?;
    let missing = tuner.resume(folder.path().join("none")).unwrap_err();
    assert!(matches!(missing, Error::Checkpoint(CheckpointError::Missing(_))));
    tuner.backward_step(&net.loss(1))?;
    Ok(format!("{has_saved}, {} steps: {error}", tuner.global_step()))
}

#[test]
fn a_save_that_fails_on_rank_0_fails_on_all_ranks() {
    let ended = scene("faulty saves", 2).run();
    let (first, second) = (ended[0].text(), ended[1].text());
    let error = first.strip_prefix("true, 2 steps: ").unwrap();
    assert!(error.starts_with('`'), "{error}");
    let (_, others) = second.split_once(": rank 0 failed: ").unwrap();
    assert!(second.starts_with("false, 2 steps"), "{second}");
    // The folders of the ranks are different ones.
    let kind = |text: &str| text.rsplit(": ").next().unwrap_or_default().to_owned();
    assert_eq!(kind(others), kind(error));
}

/// A disk without space for a checkpoint of rank 0.
fn full_disk() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    let error = tuner.save(argument()).unwrap_err().to_string();
    // The run goes on.
    tuner.backward_step(&net.loss(0))?;
    group.barrier()?;
    Ok(error)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_on_all_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let ended = scene("a full disk", 2).with(&path).run_changed(|rank, command| {
        if rank == 0 {
            *command = with_small_files(command);
        }
    });
    let error = ended[0].text();
    assert!(error.starts_with(&format!("`{path}/")), "{error}");
    assert!(error.ends_with("File too large (os error 27)"), "{error}");
    assert_eq!(ended[1].text(), format!("rank 0 failed: {error}"));
    assert!(!folder.path().join("checkpoint").exists());
}

/// The command of a process that cannot write files of more than 512 or 1024 bytes, as on a full disk.
fn with_small_files(command: &Command) -> Command {
    let mut small = Command::new("sh");
    let script = "ulimit -f 1; trap '' XFSZ; exec \"$@\"";
    small.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => small.env(name, value),
            None => small.env_remove(name),
        };
    }
    small.stdout(Stdio::piped()).stderr(Stdio::piped());
    small
}

/// Ranks that were trained apart are found before they are saved.
fn other_ranks() -> Outcome {
    let group = join()?;
    let folder = tempfile::tempdir()?;
    let net = Net::linear();
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    tuner.backward_step(&net.loss(0))?;
    if group.rank() == 1 {
        tch::no_grad(|| drop(net.variable("c.bias").fill_(1.0)));
    }
    let error = tuner.save(folder.path()).unwrap_err().to_string();
    assert!(!folder.path().join("checkpoint").exists());
    Ok(error)
}

#[test]
fn ranks_with_other_weights_are_not_saved() {
    let ended = scene("other ranks", 2).run();
    assert_same(&ended);
    let error = ended[0].text();
    assert!(
        error.starts_with("the ranks differ in what was trained:\n  rank 0: c.bias has"),
        "{error}"
    );
    assert_eq!(error.matches("has CRC-32").count(), 2, "{error}");
}

/// A checkpoint of two processes in this one, and that of this one in two.
fn other_numbers() -> Outcome {
    let group = join()?;
    let folder = argument();
    let net = Net::linear();
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    tuner.save(Path::new(&folder).join("two"))?;
    let one = Path::new(&folder).join("one");
    let error = tuner.resume(&one).unwrap_err().to_string();
    tuner.resume_with(&one, ResumeOptions::new().allow_ranks_change())?;
    let print = Bits::of(&net.vs).fingerprint();
    Ok(format!("{print} {} {error}", tuner.global_step()))
}

#[test]
fn another_number_of_ranks_resumes_where_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::linear();
    let mut tuner = Tuner::builder(&parse(POLICY)).attach(&net.vs).unwrap();
    tuner.start_epoch().unwrap();
    tuner.backward_step(&net.loss(0)).unwrap();
    tuner.save(folder.path().join("one")).unwrap();
    let print = Bits::of(&net.vs).fingerprint();
    let ended = scene("other numbers", 2).with(folder.path().display().to_string()).run();
    assert_same(&ended);
    assert_eq!(
        ended[0].text(),
        format!(
            "{print} 1 the checkpoint was saved by 1 process, and there are 2 now (use `resume_with` and \
             `ResumeOptions::allow_ranks_change` if this is intended)"
        )
    );
    let two = folder.path().join("two");
    assert_eq!(
        tuner.resume(&two).unwrap_err().to_string(),
        "the checkpoint was saved by 2 processes, and there is 1 now (use `resume_with` and \
         `ResumeOptions::allow_ranks_change` if this is intended)"
    );
    tuner.resume_with(&two, ResumeOptions::new().allow_ranks_change()).unwrap();
    assert_eq!(tuner.global_step(), 0);
}

/// A run that accumulates gradients, with more than one bucket of them, resumes in the middle.
fn accumulated() -> Outcome {
    let group = join()?;
    let folder = tempfile::tempdir()?;
    let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    let layer = |name: &str, from, to| {
        tch::nn::linear(vs.root() / name, from, to, tch::nn::LinearConfig::default())
    };
    let layers = [layer("a", 5, 600), layer("b", 600, 600), layer("c", 600, 3)];
    let policy = parse("default lr 1e-3 optimizer adamw; start: train @all");
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&vs)?;
    let rank = i64::try_from(group.rank())?;
    let train = |tuner: &mut Tuner, steps: std::ops::Range<i64>| -> Result<u64, Error> {
        for step in steps {
            let loss = |part: i64| {
                let place = (step * 3 + part) * 8 + rank;
                let xs = (Tensor::arange(20, tch::kind::FLOAT_CPU) + place).sin().view([4, 5]);
                let xs = layers.iter().fold(xs, |xs, layer| xs.apply(layer).tanh());
                xs.square().mean(None)
            };
            tuner.zero_grad()?;
            tuner.backward(&loss(0))?;
            tuner.backward(&loss(1))?;
            tuner.backward_last(&loss(2))?;
            tuner.step()?;
        }
        Ok(Bits::of(&vs).fingerprint())
    };
    tuner.start_epoch()?;
    train(&mut tuner, 0..3)?;
    tuner.save(folder.path())?;
    let whole = train(&mut tuner, 3..6)?;
    tuner.resume(folder.path())?;
    let resumed = train(&mut tuner, 3..6)?;
    Ok(format!("{}", whole == resumed))
}

#[test]
fn a_run_that_accumulates_resumes_with_the_same_bits() {
    let ended = scene("accumulated", 3).run();
    assert_same(&ended);
    assert_eq!(ended[0].text(), "true");
}
