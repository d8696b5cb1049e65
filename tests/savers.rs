//! Runs that save after each step, for ever: what `killed.rs` kills.

use std::path::{Path, PathBuf};

use freeze_runtime::{CheckpointError, Error, Tuner};

use crate::{Net, train, tune};

/// How many runs save at once in one process. The last two of them save in one folder.
pub const SAVERS: usize = 8;

/// The folder in which a run is saved.
#[must_use]
pub fn dir(root: &Path, saver: usize) -> PathBuf {
    root.join(saver.min(SAVERS - 2).to_string())
}

/// A run whose bits are a function of how many steps it has made.
pub struct Run {
    /// The trainable parameters.
    pub net: Net,
    /// The tuner that trains it.
    pub tuner: Tuner,
}

impl Run {
    /// A run at its beginning.
    ///
    /// # Errors
    /// What the tuner says.
    pub fn new() -> Result<Self, Error> {
        let net = Net::linear();
        let policy = "default lr 1e-3 optimizer adam; start: train b, c; step 40: unfreeze a";
        let mut tuner = tune(&net, policy);
        tuner.start_epoch()?;
        Ok(Self { net, tuner })
    }

    /// Makes a step.
    ///
    /// # Errors
    /// What the tuner says.
    pub fn step(&mut self) -> Result<(), Error> {
        let batch = i64::try_from(self.tuner.global_step() % 50).unwrap_or_default();
        train(&self.net, &mut self.tuner, batch..batch + 1)
    }
}

/// Goes on where a folder's run was saved, if it was, and saves after each step. Prints a line when
/// it has begun.
///
/// # Errors
/// What the tuner says.
pub fn save_for_ever(dir: &Path) -> Result<(), Error> {
    let mut run = Run::new()?;
    match run.tuner.resume(dir) {
        Ok(()) | Err(Error::Checkpoint(CheckpointError::Missing(_))) => {}
        Err(error) => return Err(error),
    }
    run.tuner.save(dir)?;
    println!("saved");
    loop {
        run.step()?;
        run.tuner.save(dir)?;
    }
}
