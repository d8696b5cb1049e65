//! Why a command of this package failed.

/// An error, which a person sees as one line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// What is wrong and what to do about it.
    Line(String),
    /// A program that was run failed, and has said why.
    Said,
}

impl Error {
    pub(crate) fn line(line: impl Into<String>) -> Self {
        Self::Line(line.into())
    }
}
