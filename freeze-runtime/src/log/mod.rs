//! The log of a run: a file with a line an epoch, and `tracing` events.
//!
//! It takes plain values and does not depend on the tuner.

pub(crate) mod events;
mod file;
mod line;

use std::path::Path;

use crate::Error;
use file::LogFile;
pub(crate) use line::{EpochEnd, EpochFinding, EpochRecord, EpochStart, ScaleState};

/// The running epoch, and the file that its line is written to.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Kept whether or not there is a file, so that logging can begin at any moment.
    pub(crate) epoch: EpochRecord,
    file: Option<LogFile>,
}

impl Log {
    /// Writes lines to a file from now on.
    pub(crate) fn open(&mut self, path: &Path) -> Result<(), Error> {
        self.file = Some(LogFile::open(path)?);
        Ok(())
    }

    /// Writes no more lines.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Begins the line of an epoch, at whose start these rules fired; [`Log::write_line`] comes first.
    /// `fired` is `None` where nothing changed.
    pub(crate) fn begin_epoch(&mut self, start: EpochStart, fired: Option<&[String]>) {
        self.epoch.begin(start, fired);
    }

    /// Records a transition in the middle of an epoch.
    pub(crate) fn add_transition(&mut self, fired: &[String]) {
        self.epoch.add_transition(fired);
    }

    /// Whether lines are written to a file.
    pub(crate) const fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Writes the line of the running epoch, if an epoch has started and there is a file.
    pub(crate) fn write_line(&mut self, end: EpochEnd) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let continues = self.epoch.epoch().is_some_and(|epoch| file.continues(epoch));
        let line = self.epoch.line(continues, end);
        line.map_or(Ok(()), |line| file.write(line.epoch, &line))
    }
}
