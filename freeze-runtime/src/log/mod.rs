//! What happens in a training, for people and programs to read: a file with a line an epoch, and
//! `tracing` events.

mod events;
mod file;
mod line;

use std::path::Path;

use freeze_dsl::clock::Change;

use crate::{Error, Tuner};
pub(crate) use events::{resumed, saved};
use file::LogFile;
pub(crate) use line::Epoch;
use line::{Line, Start};

/// The log of a tuner: the epoch that runs, and where its line goes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Kept whether or not there is a file, so that one can begin at any moment.
    pub(crate) epoch: Epoch,
    file: Option<LogFile>,
}

impl Tuner {
    /// From now on, writes a line of JSON for each epoch to a file, the running epoch included.
    ///
    /// A line is written when its epoch is over: when the next one starts, or at
    /// [`Tuner::finish_log`] or when the tuner is dropped. It holds
    ///
    /// - `format`: 1;
    /// - `epoch` and `step`: how many epochs and optimizer steps were done when it started;
    /// - `fired`: the rules that fired when it started and until it was over, in order;
    /// - `trainable`, `groups` and `live_stats` as `freeze simulate` has them: what trained at its
    ///   first step, in groups with the same options (`params`, `lr`, `weight_decay` and
    ///   `optimizer`), and the modules whose running statistics followed the data;
    /// - `trained_share`: which share of the model's numbers that was, 0 to 1;
    /// - `metrics`: the value that each metric had last in it, `null` for one that is not finite;
    /// - `optimizer_bytes`: the memory that optimizer state held when it was over;
    /// - `stopped`: whether a rule had ended the training by then.
    ///
    /// The line of an epoch takes the place of that epoch's line and of all behind it, if the file
    /// has them: a run that is resumed goes on with its log where its checkpoint stands, and one
    /// that begins anew begins its log anew.
    ///
    /// # Errors
    /// If the file cannot be opened, or holds something else than a log; it then stays as it is.
    pub fn log(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.log.file = Some(LogFile::open(path.as_ref())?);
        Ok(())
    }

    /// Writes the line of the running epoch, and no more from then on. Dropping the tuner does the
    /// same, but cannot tell what went wrong. Without a log, nothing happens.
    ///
    /// # Errors
    /// If the line cannot be written; the log then goes on.
    pub fn finish_log(&mut self) -> Result<(), Error> {
        self.write_line()?;
        self.log.file = None;
        Ok(())
    }

    /// Begins the line of the epoch that starts now; before that, [`Tuner::write_line`].
    pub(crate) fn begin_line(&mut self) {
        let start = Start::of(self);
        self.log.epoch.start(start);
    }

    /// Writes the line of the epoch that is over, if there was one.
    pub(crate) fn write_line(&mut self) -> Result<(), Error> {
        let Some(mut file) = self.log.file.take() else { return Ok(()) };
        let written = Line::of(self).map_or(Ok(()), |line| file.write(line.epoch, &line));
        self.log.file = Some(file);
        written
    }

    /// Tells of what a look at the rules changed.
    pub(crate) fn tell(&mut self, change: &Change) {
        events::changed(&self.clock, change);
        self.log.epoch.fired(change);
    }
}

impl Drop for Tuner {
    fn drop(&mut self) {
        if let Err(error) = self.finish_log() {
            events::not_written(&error);
        }
    }
}
