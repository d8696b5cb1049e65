//! One life of the process that trains, and how it ends.

use std::error::Error;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::train::Told;

/// What came of a life.
#[derive(Debug)]
pub(crate) struct Life {
    /// Epochs that were done when it began.
    pub(crate) from: u64,
    /// Epochs that it said to have saved; what it began with, if none.
    pub(crate) saved: u64,
    /// How long it trained.
    pub(crate) time: Duration,
    /// Whether it was killed, and did not end by itself.
    pub(crate) killed: bool,
    /// What it left in its folder, but for the lock file.
    pub(crate) left: Vec<String>,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kill {
    /// So many epochs after it began,
    epochs: u64,
    /// and so long into the next ones.
    time: Duration,
}

impl Kill {
    /// A moment in the next few epochs, drawn at random: another one whenever the program runs.
    pub(crate) fn at_random(epochs: u32, epoch: Duration) -> Self {
        let drawn = RandomState::new().hash_one(());
        let share = f64::from(u32::try_from(drawn >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        Self { epochs: drawn % u64::from(epochs), time: epoch.mul_f64(2.0 * share) }
    }
}

impl Life {
    /// Starts a process that trains in `folder`, and kills it at some moment, if one is given. On
    /// Unix that is SIGKILL, of which a process learns nothing.
    ///
    /// # Errors
    /// If it cannot be started, or fails by itself.
    pub(crate) fn live(
        mut process: Command,
        folder: &Path,
        kill: Option<Kill>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = process.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the process has no output")?;
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut told = lines.filter_map(|line| Told::read(&line));
        let Some(Told::From(from)) = told.next() else {
            return Err(format!("the process did not begin: {}", child.wait()?).into());
        };
        let begun = Instant::now();
        let mut saved = from;
        if let Some(kill) = kill {
            while saved < from + kill.epochs
                && let Some(Told::Saved(epochs)) = told.next()
            {
                saved = epochs;
            }
            thread::sleep(kill.time);
            // One that has just ended by itself does not mind.
            child.kill()?;
        }
        if let Some(Told::Saved(epochs)) = told.last() {
            saved = epochs;
        }
        let time = begun.elapsed();
        let status = child.wait()?;
        if kill.is_none() && !status.success() {
            return Err(format!("the process failed: {status}").into());
        }
        Ok(Self { from, saved, time, killed: !status.success(), left: names(folder)? })
    }

    /// Whether the end came while a checkpoint was written or took its place.
    pub(crate) fn ended_while_saving(&self) -> bool {
        self.left.iter().any(|name| name != "checkpoint")
    }
}

/// What lies in a folder beside the lock file, by name; nothing, if there is no folder yet.
fn names(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().display().to_string()));
    let mut names = names.collect::<std::io::Result<Vec<String>>>()?;
    names.retain(|name| name != "checkpoint.lock");
    names.sort_unstable();
    Ok(names)
}
