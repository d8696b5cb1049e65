//! Findings with their text, as one error value.

use std::fmt;

use super::{Diagnostic, Style, render};
use crate::source::Source;

/// All findings of a policy, with its text, so that they print with excerpts.
#[derive(Clone)]
pub struct Findings {
    source: Box<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// How many findings are printed: nobody reads more.
    pub const SHOWN: usize = 100;

    /// The findings of a text, in any order.
    #[must_use]
    pub fn new(source: Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        sort(&mut diagnostics);
        Self { source: Box::new(source), diagnostics }
    }

    /// What precedes a count of the findings: nothing, or `at least ` if there are some that are not
    /// listed.
    #[must_use]
    pub fn at_least(&self) -> &'static str {
        if self.diagnostics.iter().any(Diagnostic::is_limit) { "at least " } else { "" }
    }

    /// The text that the findings are about.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The findings, in the order of the text.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

/// Sorts findings by place and removes duplicates.
fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|found| (found.span.start, found.span.end, found.code));
    diagnostics.dedup();
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().take(Self::SHOWN).enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&render(diagnostic, &self.source, Style::Plain))?;
        }
        match self.diagnostics.len().saturating_sub(Self::SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\n… and {}{more} more", self.at_least()),
        }
    }
}

/// The same as `Display`: a program whose `main` returns this error prints it with `Debug`.
impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Findings {}
