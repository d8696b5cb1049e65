//! Ranks that are killed or hang, wherever they are: the others return an error that names them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use freeze_runtime::{Error, Group, ResumeOptions, Tuner};
use freeze_tests::{Net, parse};

use crate::processes::{
    Outcome, Scene, argument, at_once, error_of_others, join_in_haste, scene, signal,
};

pub(crate) const SCENES: &[Scene] = &[
    ("a rank is lost", a_rank_is_lost),
    ("lost while it saves", lost_while_it_saves),
    ("lost before an exchange", lost_before_an_exchange),
];

const POLICY: &str = "default lr 0.1 optimizer sgd; start: train c; step 9: unfreeze b";

/// A rank is lost before it makes a call of the tuner the third time: rank, way and call are the argument.
fn a_rank_is_lost() -> Outcome {
    let group = join_in_haste()?;
    let (net, folder) = (Net::linear(), tempfile::tempdir()?);
    let argument = argument();
    let [rank, way, call] = argument.split(' ').collect::<Vec<_>>()[..] else {
        return Err("which rank, how and where?".into());
    };
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    tuner.save(folder.path())?;
    for number in 0..4 {
        if group.rank().to_string() == rank && number == 2 {
            match way {
                "aborts" => std::process::abort(),
                signals => signal(signals),
            }
        }
        match call {
            "step" => {
                tuner.zero_grad()?;
                net.loss(0).backward();
                tuner.step().map(drop)
            }
            "backward_step" => tuner.backward_step(&net.loss(0)).map(drop),
            "observe" => tuner.observe("val_loss", 1.0),
            "save" => tuner.save(folder.path()),
            "resume" => tuner.resume(folder.path()),
            _ => return Err("there is no such call".into()),
        }?;
    }
    Ok("nothing has happened".to_owned())
}

/// The others have more patience than with the dead.
fn lost_before_an_exchange() -> Outcome {
    let times = [60_000, 20].map(Duration::from_millis);
    let group = Group::builder().timeout(times[0]).heartbeat(times[1]).join()?;
    let net = Net::linear();
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    tuner.observe("val_loss", 1.0)?;
    if group.rank() == 1 {
        signal("KILL");
    }
    tuner.observe("val_loss", 0.9)?;
    Ok("nothing has happened".to_owned())
}

#[test]
fn a_rank_that_is_killed_before_an_exchange_is_found_before_the_timeout() {
    let ended = scene("lost before an exchange", 3).run();
    for rank in [0, 2] {
        assert_eq!(
            ended[rank].error(),
            "the group of processes: rank 1 has not come to `observe(\"val_loss\", …)`: its process has \
             ended or stopped"
        );
    }
}

#[test]
fn a_rank_that_is_killed_is_named() {
    let cases = [
        (3, "KILL", "step", "`step`, epoch 0, step 2"),
        (2, "aborts", "step", "`step`, epoch 0, step 2"),
        (2, "KILL", "backward_step", "`backward_last`, epoch 0, step 2"),
    ];
    at_once(&cases, |(ranks, way, call, place)| {
        let last = ranks - 1;
        let ended = scene("a rank is lost", *ranks).with(format!("{last} {way} {call}")).run();
        assert!(!ended[last].status.success());
        assert_eq!(
            error_of_others(&ended),
            format!(
                "the group of processes: rank {last} has ended without a report while others were in \
                 {place}: killed, or crashed"
            )
        );
    });
}

#[test]
fn a_rank_that_hangs_is_named() {
    let calls = [
        ("step", "`step`"),
        ("backward_step", "`backward_last`"),
        ("observe", "`observe(\"val_loss\", …)`"),
        ("save", "`save`"),
        ("resume", "`resume`"),
    ];
    at_once(&calls, |(name, call)| {
        let ended = scene("a rank is lost", 2).with(format!("1 STOP {name}"));
        let ended = ended.of_which_hangs(1).run();
        assert_eq!(
            ended[0].error(),
            format!(
                "the group of processes: rank 1 has not come to {call} (its process has ended or stopped) \
                 within 4 s"
            )
        );
    });
}

#[test]
fn the_rank_that_serves_the_store_may_be_lost() {
    let cases = [("0 KILL step", "is gone"), ("0 STOP step", "has not answered within 4 s")];
    at_once(&cases, |(case, expected)| {
        let ended = scene("a rank is lost", 2).with(*case).of_which_hangs(0).run();
        let error = ended[1].error();
        assert!(error.starts_with("the group of processes: the store at 127.0.0.1:"), "{error}");
        assert!(error.ends_with(&format!(", which rank 0 serves, {expected}")), "{error}");
    });
}

/// Rank 0 is lost while it saves the second checkpoint, or a later one if it was too late: way, moment and
/// folder are the argument.
fn lost_while_it_saves() -> Outcome {
    let group = join_in_haste()?;
    let net = Net::linear();
    let argument = argument();
    let [way, moment, folder] = argument.split(' ').collect::<Vec<_>>()[..] else {
        return Err("how, when and where?".into());
    };
    let folder = PathBuf::from(folder);
    let mut tuner = Tuner::builder(&parse(POLICY)).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    for number in 0..8 {
        tuner.backward_step(&net.loss(number))?;
        if group.is_first() && number == 1 {
            let lose = prepared_loss(way)?;
            let is_it: fn(&Path) -> bool = match moment {
                "written" => is_being_written,
                _ => is_being_replaced,
            };
            let folder = folder.clone();
            thread::spawn(move || {
                while !is_it(&folder) {}
                lose();
            });
        }
        tuner.save(&folder)?;
    }
    Ok("nothing has happened".to_owned())
}

/// What ends or stops this process in microseconds.
fn prepared_loss(way: &str) -> Result<Box<dyn FnOnce() + Send>, std::io::Error> {
    if way == "aborts" {
        return Ok(Box::new(|| std::process::abort()));
    }
    let mut shell = Command::new("sh")
        .args(["-c", &format!("read line; kill -STOP {}", std::process::id())])
        .stdin(Stdio::piped())
        .spawn()?;
    Ok(Box::new(move || {
        drop(shell.stdin.take());
        let _ = shell.wait();
    }))
}

/// The names in the folder of a checkpoint.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Whether a folder has a checkpoint that is not complete.
fn is_being_written(folder: &Path) -> bool {
    names(folder).iter().any(|name| name.starts_with("checkpoint.new-"))
}

/// Whether a checkpoint is in the place of an older one, which was not removed yet.
fn is_being_replaced(folder: &Path) -> bool {
    folder.join("checkpoint.replaced").exists() && !is_being_written(folder)
}

#[test]
fn a_checkpoint_is_whole_though_rank_0_is_lost_while_it_saves() {
    let cases = [
        ("aborts", "written", "is gone"),
        ("STOP", "written", "has not answered within 4 s"),
        ("STOP", "replaced", "has not answered within 4 s"),
    ];
    at_once(&cases, |(way, moment, expected)| {
        let folder = tempfile::tempdir().unwrap();
        let argument = format!("{way} {moment} {}", folder.path().display());
        let ended = scene("lost while it saves", 2).with(argument).of_which_hangs(0).run();
        assert!(ended[0].outcome.is_none(), "{:?}", ended[0]);
        let error = ended[1].error();
        assert!(error.ends_with(&format!(", which rank 0 serves, {expected}")), "{error}");
        let net = Net::linear();
        let mut tuner = Tuner::builder(&parse(POLICY)).attach(&net.vs).unwrap();
        let resumed: Result<(), Error> =
            tuner.resume_with(folder.path(), ResumeOptions::new().allow_ranks_change());
        resumed.unwrap();
        assert!((1..8).contains(&tuner.global_step()), "{}", tuner.global_step());
    });
}
