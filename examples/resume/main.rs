//! Kills a training several times at random moments, resumes it each time from its last checkpoint,
//! and compares the result bit by bit with a training that was never killed.
//!
//! Run it with `cargo run --example resume`. It starts itself as the process that is killed.

mod compare;
mod life;
mod network;
mod table;
#[cfg(test)]
mod tests;
mod train;

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use freeze_examples::{bar, exit_code, output_folder, readable};
use indicatif::ProgressBar;

use life::{Kill, Life};
use train::EPOCHS;

/// The number of kills, if the training does not end before.
const KILLS: usize = 8;
/// The most epochs of each life.
const LIFE: u32 = 6;

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(word), Some(folder)) if word == "train" => {
            train::train(Path::new(&folder), &mut std::io::stdout())
        }
        _ => kill_and_compare(),
    }
}

fn kill_and_compare() -> Result<(), Box<dyn Error>> {
    let folder = output_folder("resume")?;
    let [unbroken, killed] = ["unbroken", "killed"].map(|name| folder.join(name));
    for folder in [&unbroken, &killed] {
        if folder.is_dir() {
            fs::remove_dir_all(folder)?;
        }
    }

    println!("A training of {EPOCHS} epochs that saves after each, and is never killed.");
    let progress = bar(EPOCHS, "unbroken");
    let whole = Life::live(process(&unbroken)?, &unbroken, None)?;
    progress.finish_and_clear();
    println!("    {:.1} s: {}", whole.time.as_secs_f64(), readable(&unbroken));

    println!("\nThe same, killed at random moments and resumed from its last checkpoint.");
    let progress = bar(EPOCHS, "killed");
    let epoch = whole.time / u32::try_from(EPOCHS)?;
    let lives = live(|| process(&killed), &killed, KILLS, epoch, &progress)?;
    progress.finish_and_clear();
    println!("    {}\n\n{}", readable(&killed), table::lives(&lives));

    let parts = compare::compare(&unbroken, &killed)?;
    println!("{}", table::parts(&parts));
    if parts.iter().any(|part| part.differing > 0) {
        return Err("the killed training ended with other bits than the unbroken one".into());
    }
    println!("Killed {} times, and not one bit is lost.", lives.len() - 1);
    Ok(())
}

/// This program as the process that trains in a folder.
fn process(folder: &Path) -> std::io::Result<Command> {
    let mut process = Command::new(env::current_exe()?);
    process.arg("train").arg(folder);
    Ok(process)
}

/// The lives of a training whose epochs take about this long: each ends by a kill, and the last one
/// by itself.
fn live(
    process: impl Fn() -> std::io::Result<Command>,
    folder: &Path,
    kills: usize,
    epoch: Duration,
    progress: &ProgressBar,
) -> Result<Vec<Life>, Box<dyn Error>> {
    let mut lives = Vec::new();
    loop {
        let kill = (lives.len() < kills).then(|| Kill::at_random(LIFE, epoch));
        let life = Life::live(process()?, folder, kill)?;
        progress.set_position(life.saved);
        let killed = life.killed;
        lives.push(life);
        if !killed {
            return Ok(lives);
        }
    }
}
