//! Output. That a reader closes the pipe, as `head` does, is no failure; any other output that is
//! lost is.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether standard output was closed when the process started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Notes whether standard output is closed. Before `main`, Rust opens the null device in its
/// place, and the two cannot be distinguished afterwards.
#[ctor::ctor(unsafe)]
fn note_closed_output() {
    #[cfg(unix)]
    {
        use rustix::fs::{OFlags, fcntl_getfl};
        let flags = fcntl_getfl(rustix::stdio::stdout());
        let is_open = flags.is_ok_and(|flags| flags & OFlags::ACCMODE != OFlags::RDONLY);
        IS_CLOSED.store(!is_open, Ordering::Relaxed);
    }
}

/// Writes to standard output.
///
/// # Errors
/// If not all of it could be written.
pub(crate) fn write(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    let result = if IS_CLOSED.load(Ordering::Relaxed) {
        Err(io::Error::other("it is closed"))
    } else {
        write(&mut out).and_then(|()| out.flush())
    };
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Prints a line on standard error, and returns whether it could.
pub(crate) fn print_error(line: &str) -> bool {
    match writeln!(io::stderr(), "{line}") {
        Err(error) => error.kind() == ErrorKind::BrokenPipe,
        Ok(()) => true,
    }
}
