//! Files that are replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file's text atomically: at every moment the file has either the old or the new text.
///
/// # Errors
/// If the file cannot be written; then it has the old text.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    // If the path is a link, its target is replaced, not the link.
    let file = fs::canonicalize(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let aside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write_aside(&file, &aside, text).and_then(|()| fs::rename(&aside, &file));
    if written.is_err() {
        // If this fails as well, the first error is the one to report.
        let _left = fs::remove_file(&aside);
    }
    written
}

fn write_aside(file: &Path, aside: &Path, text: &str) -> io::Result<()> {
    // A file without write permission must not be replaced either.
    fs::OpenOptions::new().append(true).open(file)?;
    let mut new = fs::OpenOptions::new().write(true).create_new(true).open(aside)?;
    new.set_permissions(fs::metadata(file)?.permissions())?;
    new.write_all(text.as_bytes())?;
    new.sync_all()
}
