//! The log of a run: a file with a line an epoch, and `tracing` events.
//!
//! It takes plain values and does not depend on the tuner.

pub(crate) mod events;
mod file;
mod line;

use std::path::Path;

use crate::Error;
use file::LogFile;
pub(crate) use line::{EpochRecord, EpochStart};

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

    /// Begins the line of an epoch; [`Log::write_line`] comes first.
    pub(crate) fn begin_epoch(&mut self, start: EpochStart) {
        self.epoch.begin(start);
    }

    pub(crate) fn add_fired(&mut self, rules: &[String]) {
        self.epoch.add_fired(rules);
    }

    /// Writes the line of the running epoch, if an epoch has started and there is a file.
    pub(crate) fn write_line(
        &mut self,
        optimizer_bytes: usize,
        stopped: bool,
    ) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let line = self.epoch.line(optimizer_bytes, stopped);
        line.map_or(Ok(()), |line| file.write(line.epoch, &line))
    }
}
