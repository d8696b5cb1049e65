//! The file of a log: one line an epoch, in order.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::line::FORMAT;
use crate::Error;

/// An open log.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// The complete lines.
    lines: Vec<LineEnd>,
}

/// Where a line ends.
#[derive(Debug)]
struct LineEnd {
    epoch: u64,
    /// The size of the file up to and including it, in bytes.
    end: u64,
}

/// The fields that a line must have to belong to a log.
#[derive(Deserialize)]
struct LineHead {
    format: u32,
    epoch: u64,
}

impl LogFile {
    /// Opens or creates a log. Its content is kept until a line replaces it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
            if !file.metadata()?.is_file() {
                return Err(invalid("it is not a file".to_owned()));
            }
            let lines = complete_lines(&file)?;
            Ok((file, lines))
        };
        let (file, lines) = open().map_err(log_error(path))?;
        Ok(Self { path: path.to_owned(), file, lines })
    }

    /// Whether the line before that of an epoch is that of the epoch before.
    pub(super) fn continues(&self, epoch: u64) -> bool {
        let before = self.lines.iter().rev().find(|line| line.epoch < epoch);
        before.is_some_and(|before| before.epoch + 1 == epoch)
    }

    /// Writes the line of an epoch, which replaces that epoch's line and all after it.
    pub(super) fn write(&mut self, epoch: u64, line: &impl Serialize) -> Result<(), Error> {
        self.replace(epoch, line).map_err(log_error(&self.path))
    }

    fn replace(&mut self, epoch: u64, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.lines.truncate(self.lines.partition_point(|line| line.epoch < epoch));
        let end = self.lines.last().map_or(0, |line| line.end);
        // The rest is lines of later epochs, or a part of one that a crash left.
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        self.file.write_all(&text)?;
        self.lines.push(LineEnd { epoch, end: self.file.stream_position()? });
        Ok(())
    }
}

/// The lines of a log, without a last one that was not finished.
fn complete_lines(file: &File) -> io::Result<Vec<LineEnd>> {
    let mut reader = BufReader::new(file);
    let mut lines: Vec<LineEnd> = Vec::new();
    let mut line = Vec::new();
    let mut end = 0;
    loop {
        line.clear();
        end += u64::try_from(reader.read_until(b'\n', &mut line)?).unwrap_or(u64::MAX);
        let number = lines.len() + 1;
        // A crash can leave a part of a line.
        if !line.ends_with(b"\n") && (begins_as_a_line(&line) || !lines.is_empty()) {
            return Ok(lines);
        }
        match serde_json::from_slice::<LineHead>(&line) {
            Ok(LineHead { format: FORMAT, epoch }) => {
                if let Some(before) = lines.last().filter(|before| before.epoch >= epoch) {
                    return Err(invalid(format!(
                        "line {number} has epoch {epoch}, and the line before it has epoch {}",
                        before.epoch
                    )));
                }
                lines.push(LineEnd { epoch, end });
            }
            Ok(LineHead { format, .. }) => {
                return Err(invalid(format!(
                    "line {number} has format {format}, and this version writes format {FORMAT}"
                )));
            }
            Err(_) => return Err(invalid(format!("line {number} is not a line of a log"))),
        }
    }
}

fn begins_as_a_line(piece: &[u8]) -> bool {
    b"{\"format\":".iter().zip(piece).all(|(expected, byte)| expected == byte)
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn log_error(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Log { path: path.clone(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_write_that_fails_is_reported_and_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let mut log = LogFile::open(&path).unwrap();
        let line = |epoch| serde_json::json!({"format": FORMAT, "epoch": epoch});
        log.write(0, &line(0)).unwrap();
        let before = fs::read(&path).unwrap();
        let writable = std::mem::replace(&mut log.file, File::open(&path).unwrap());
        let error = log.write(1, &line(1)).unwrap_err();
        assert!(error.to_string().contains("run.jsonl"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        log.file = writable;
        log.write(1, &line(1)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.as_bytes().starts_with(&before));
    }
}
