//! Tables in Markdown, and whether anything in them is missing.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe};

/// Prints tables, and remembers what went wrong.
#[derive(Debug, Default)]
pub(crate) struct Report {
    failures: Cell<usize>,
}

impl Report {
    /// Begins a table.
    pub(crate) fn table<const N: usize>(title: &str, header: [&str; N]) {
        println!("\n{title}\n");
        println!("| {} |", header.join(" | "));
        println!("|{}", "---|".repeat(N));
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
                println!("| {name} | {} |", cells.map(|cell| cell.to_string()).join(" | "));
            }
            Err(error) => {
                self.failures.set(self.failures.get() + 1);
                let error = error.to_string().replace('\n', " ");
                println!("| {name} | **MISSING: {error}** |{}", " |".repeat(N.saturating_sub(1)));
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
