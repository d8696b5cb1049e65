//! One life of the process that trains, and how it ends.

use std::error::Error;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::train::Progress;

/// The result of a life.
#[derive(Debug)]
pub(crate) struct Life {
    /// The epochs that were done when it began.
    pub(crate) from: u64,
    /// The epochs that it reported as saved; those at its beginning, if none.
    pub(crate) saved: u64,
    /// The duration of its training.
    pub(crate) time: Duration,
    /// Whether it was killed before it ended by itself.
    pub(crate) killed: bool,
    /// The content of its folder at its end, without the lock file.
    pub(crate) left: Vec<String>,
}

/// The moment at which a process is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kill {
    /// The number of epochs after its beginning.
    epochs: u64,
    /// The time after the end of these epochs.
    time: Duration,
}

impl Kill {
    /// A random moment in the next few epochs, a different one each time the program runs.
    pub(crate) fn at_random(epochs: u32, epoch: Duration) -> Self {
        let drawn = RandomState::new().hash_one(());
        let share = f64::from(u32::try_from(drawn >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        Self { epochs: drawn % u64::from(epochs), time: epoch.mul_f64(2.0 * share) }
    }
}

impl Life {
    /// Starts a process that trains in `folder`, and kills it at some moment, if one is given. On
    /// Unix the signal is SIGKILL, which a process cannot handle.
    ///
    /// # Errors
    /// If the process cannot be started, or fails by itself.
    pub(crate) fn live(
        mut process: Command,
        folder: &Path,
        kill: Option<Kill>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = process.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the process has no output")?;
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut reports = lines.filter_map(|line| Progress::read(&line));
        let Some(Progress::From(from)) = reports.next() else {
            return Err(format!("the process did not begin: {}", child.wait()?).into());
        };
        let begun = Instant::now();
        let mut saved = from;
        if let Some(kill) = kill {
            while saved < from + kill.epochs
                && let Some(Progress::Saved(epochs)) = reports.next()
            {
                saved = epochs;
            }
            thread::sleep(kill.time);
            // A process that has just ended by itself is not affected.
            child.kill()?;
        }
        if let Some(Progress::Saved(epochs)) = reports.last() {
            saved = epochs;
        }
        let time = begun.elapsed();
        let status = child.wait()?;
        if kill.is_none() && !status.success() {
            return Err(format!("the process failed: {status}").into());
        }
        Ok(Self { from, saved, time, killed: !status.success(), left: names(folder)? })
    }

    /// Whether the process ended while a checkpoint was written or replaced.
    pub(crate) fn ended_while_saving(&self) -> bool {
        self.left.iter().any(|name| name != "checkpoint")
    }
}

/// The names of the files in a folder without the lock file; none, if there is no folder yet.
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
