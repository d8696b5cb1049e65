//! The file of a log: a line an epoch, in order.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::line::FORMAT;
use crate::Error;

/// A log that is open.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Each whole line.
    lines: Vec<Place>,
}

/// Where a line stands.
#[derive(Debug)]
struct Place {
    epoch: u64,
    /// How far the file goes with it, in bytes.
    end: u64,
}

/// What a line must have to be one of a log.
#[derive(Deserialize)]
struct Head {
    format: u32,
    epoch: u64,
}

impl LogFile {
    /// Opens a log, or makes one. What it holds stays until a line takes its place.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
            if !file.metadata()?.is_file() {
                return Err(wrong("it is no file".to_owned()));
            }
            let lines = whole_lines(&file)?;
            Ok((file, lines))
        };
        let (file, lines) = open().map_err(told(path))?;
        Ok(Self { path: path.to_owned(), file, lines })
    }

    /// Writes an epoch's line, in the place of that epoch's and of all behind it.
    pub(super) fn write(&mut self, epoch: u64, line: &impl Serialize) -> Result<(), Error> {
        self.replace(epoch, line).map_err(told(&self.path))
    }

    fn replace(&mut self, epoch: u64, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.lines.truncate(self.lines.partition_point(|line| line.epoch < epoch));
        let end = self.lines.last().map_or(0, |line| line.end);
        // What else there is: lines of a later time, and what a crash left of one.
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        self.file.write_all(&text)?;
        self.lines.push(Place { epoch, end: self.file.stream_position()? });
        Ok(())
    }
}

/// The lines of a log, but for a last one that was never finished.
fn whole_lines(file: &File) -> io::Result<Vec<Place>> {
    let mut reader = BufReader::new(file);
    let mut lines: Vec<Place> = Vec::new();
    let mut line = Vec::new();
    let mut end = 0;
    loop {
        line.clear();
        end += u64::try_from(reader.read_until(b'\n', &mut line)?).unwrap_or(u64::MAX);
        let number = lines.len() + 1;
        // A crash can leave a piece of a line behind.
        if !line.ends_with(b"\n") && (begins_as_a_line(&line) || !lines.is_empty()) {
            return Ok(lines);
        }
        match serde_json::from_slice::<Head>(&line) {
            Ok(Head { format: FORMAT, epoch }) => {
                if let Some(before) = lines.last().filter(|before| before.epoch >= epoch) {
                    return Err(wrong(format!(
                        "line {number} is of epoch {epoch}, and the one before it of {}",
                        before.epoch
                    )));
                }
                lines.push(Place { epoch, end });
            }
            Ok(Head { format, .. }) => {
                return Err(wrong(format!(
                    "line {number} is of format {format}, and this version writes format {FORMAT}"
                )));
            }
            Err(_) => return Err(wrong(format!("line {number} is no line of a log"))),
        }
    }
}

fn begins_as_a_line(piece: &[u8]) -> bool {
    b"{\"format\":".iter().zip(piece).all(|(expected, byte)| expected == byte)
}

fn wrong(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn told(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Log { path: path.clone(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_write_that_fails_is_told_and_can_be_made_again() {
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
