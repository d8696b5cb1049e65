//! Why a group is over: the same on all ranks, and what torchrun reports.

use std::fmt::Write;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Why a group is over. The first rank that notices publishes it, and each rank returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    /// The processes have lost each other.
    Lost(String),
    /// The ranks do not do the same.
    Ranks { what: String, rows: Vec<(usize, String)> },
    /// One rank has failed.
    Failed { rank: usize, text: String },
}

impl Failure {
    /// The failure of a rank that returns this error.
    pub(super) fn of(rank: usize, error: &Error) -> Self {
        match error {
            Error::Group(text) => Self::Lost(text.clone()),
            Error::Ranks { what, rows } => Self::Ranks { what: what.clone(), rows: rows.clone() },
            Error::Failed { rank, text } => Self::Failed { rank: *rank, text: text.clone() },
            error => Self::Failed { rank, text: error.to_string() },
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost(text) => Self::Group(text),
            Failure::Ranks { what, rows } => Self::Ranks { what, rows },
            Failure::Failed { rank, text } => Self::Failed { rank, text },
        }
    }
}

/// The lines of each rank's text that not all ranks have, if the texts differ.
pub(super) fn differing(texts: &[String]) -> Option<Vec<(usize, String)>> {
    /// So many lines of a rank are shown.
    const MOST: usize = 10;
    let first = texts.first()?;
    if texts.iter().all(|text| text == first) {
        return None;
    }
    let is_common = |line: &str| texts.iter().all(|text| text.lines().any(|it| it == line));
    let row = |(rank, text): (usize, &String)| {
        let own: Vec<&str> = text.lines().filter(|line| !is_common(line)).collect();
        let mut shown = own.iter().take(MOST).copied().collect::<Vec<_>>().join("\n");
        if let Some(more) = own.len().checked_sub(MOST).filter(|more| *more > 0) {
            let _ = write!(shown, "\nand {more} more lines");
        }
        (rank, if shown.is_empty() { "no other line, or another order".to_owned() } else { shown })
    };
    Some(texts.iter().enumerate().map(row).collect())
}

/// Writes an error to the file in which torchrun looks for the cause, if it has named one. The first
/// error stays.
pub(super) fn write_report(error: &Error) {
    let Some(path) = std::env::var_os("TORCHELASTIC_ERROR_FILE") else { return };
    let text = error.to_string();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let report = serde_json::json!({"message": {
        "message": text,
        "extraInfo": {"py_callstack": text, "timestamp": seconds.to_string()},
    }});
    if let Ok(mut file) = fs::File::create_new(path) {
        // Without the report, torchrun shows the exit status, and the program its error.
        let _ = serde_json::to_writer(&mut file, &report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Option<Vec<(usize, String)>> {
        differing(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_lines_that_differ_are_shown() {
        assert_eq!(rows(&["a\nb", "a\nb"]), None);
        let row = |rank, text: &str| (rank, text.to_owned());
        assert_eq!(
            rows(&["a\nb\nc", "a\nx\nc", "a\nb\nc"]),
            Some(vec![row(0, "b"), row(1, "x"), row(2, "b")])
        );
        let none = "no other line, or another order";
        assert_eq!(rows(&["a", "a\nb"]), Some(vec![row(0, none), row(1, "b")]));
        assert_eq!(rows(&["a\nb", "b\na"]), Some(vec![row(0, none), row(1, none)]));
    }

    #[test]
    fn the_same_error_comes_back_from_a_failure() {
        let errors = [
            Error::Group("lost".to_owned()),
            Error::Ranks { what: "lr".to_owned(), rows: vec![(0, "1".to_owned())] },
            Error::Failed { rank: 3, text: "no".to_owned() },
        ];
        for error in errors {
            assert_eq!(Error::from(Failure::of(1, &error)).to_string(), error.to_string());
        }
        let failed = Error::from(Failure::of(1, &Error::NoOptimizer));
        assert!(failed.to_string().starts_with("rank 1 failed: no optimizer is set"), "{failed}");
    }
}
