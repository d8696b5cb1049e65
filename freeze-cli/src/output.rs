//! Output. That a reader closes the pipe, as `head` does, is no failure.

use std::io::{ErrorKind, Write};

/// Prints on standard output.
pub(crate) fn print(text: &str) {
    let _closed = std::io::stdout().write_all(text.as_bytes());
}

/// Prints a line on standard error.
pub(crate) fn print_error(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}

/// The result of writing to standard output; a closed pipe is no error.
pub(crate) fn check_written(result: std::io::Result<()>) -> Result<(), String> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
