//! What is printed. A reader that went away, as `head` does, is no reason to fail.

use std::io::{ErrorKind, Write};

/// Prints on standard output.
pub(crate) fn print(text: &str) {
    let _gone = std::io::stdout().write_all(text.as_bytes());
}

/// Prints a line on standard error.
pub(crate) fn say(line: &str) {
    let _gone = writeln!(std::io::stderr(), "{line}");
}

/// What writing to standard output came to.
pub(crate) fn written(result: std::io::Result<()>) -> Result<(), String> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot print: {error}"))
        }
        _ => Ok(()),
    }
}
