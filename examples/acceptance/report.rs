//! Tables in Markdown, and whether anything in them is missing.
//!
//! In a group of processes, rank 0 prints.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe};

use freeze_runtime::Group;

/// Prints tables, and remembers what went wrong.
#[derive(Debug)]
pub(crate) struct Report<'g> {
    group: &'g Group,
    failures: Cell<usize>,
    skipped: Cell<usize>,
}

impl<'g> Report<'g> {
    /// What the processes of a group print together.
    pub(crate) fn new(group: &'g Group) -> Self {
        Self { group, failures: Cell::new(0), skipped: Cell::new(0) }
    }

    /// Prints a line.
    pub(crate) fn line(&self, line: &str) {
        if self.group.is_first() {
            println!("{line}");
        }
    }

    /// Begins a table.
    pub(crate) fn table<const N: usize>(&self, title: &str, header: [&str; N]) {
        let header = header.join(" | ");
        self.line(&format!("\n{title}\n\n| {header} |\n|{}", "---|".repeat(N)));
    }

    /// Leaves a table out.
    pub(crate) fn skip(&self, title: &str, reason: &str) {
        self.skipped.set(self.skipped.get() + 1);
        self.line(&format!("\n{title}\n\nSkipped: {reason}."));
    }

    /// How many tables were left out, in words.
    pub(crate) fn skipped(&self) -> String {
        match self.skipped.get() {
            0 => String::new(),
            1 => " 1 table was skipped.".to_owned(),
            count => format!(" {count} tables were skipped."),
        }
    }

    /// Adds a row of a name and what follows it. Where that is not known the row says why, and the
    /// report is not complete.
    pub(crate) fn row<const N: usize, T: Display>(
        &self,
        name: &str,
        cells: impl FnOnce() -> Result<[T; N], Box<dyn Error>>,
    ) {
        let cells = panic::catch_unwind(AssertUnwindSafe(cells))
            .unwrap_or_else(|panic| Err(reason(&*panic).into()));
        match cells {
            Ok(cells) => {
                let cells = cells.map(|cell| cell.to_string()).join(" | ");
                self.line(&format!("| {name} | {cells} |"));
            }
            Err(error) => {
                self.failures.set(self.failures.get() + 1);
                // The other ranks learn of it, and do not wait for this one.
                self.group.report(&*error);
                let error = error.to_string().replace('\n', " ");
                let rest = " |".repeat(N.saturating_sub(1));
                self.line(&format!("| {name} | **MISSING: {error}** |{rest}"));
            }
        }
    }

    /// How many rows are missing.
    pub(crate) const fn failures(&self) -> usize {
        self.failures.get()
    }
}

/// What a panic said.
fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic".to_owned())
}
