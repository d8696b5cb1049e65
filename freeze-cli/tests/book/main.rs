//! The book in `docs/`: its policies, what the command prints in it, its links and its summary.
//!
//! The Rust examples of the book are doc tests of the package `freeze-tests`. After a change of what
//! the command prints, `FREEZE_BOOK=overwrite cargo test -p freeze-cli --test book` writes the new
//! output into the pages; read the difference before it is committed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[cfg(unix)]
mod console;
mod coverage;
mod links;
mod page;
mod policies;
