//! Why a command of this package failed.

/// An error, printed as one line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// What is wrong and what to do about it.
    Line(String),
    /// A program failed and has already printed the reason.
    Reported,
}

impl Error {
    pub(crate) fn line(line: impl Into<String>) -> Self {
        Self::Line(line.into())
    }
}
