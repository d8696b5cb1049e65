//! Files that are replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file's text atomically: at every moment the file has either the old or the new text. A
/// file that has several names, or an owner who cannot be kept, is written in its place instead.
///
/// # Errors
/// If the file cannot be written; then it has the old text. If it breaks while it is written in its
/// place, the error names a file beside it that has the new text.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    // If the path is a link, its target is replaced, not the link.
    let file = fs::canonicalize(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let aside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let replaced = write_aside(&file, &aside, text).and_then(|has_owner| {
        let is_replaceable = has_owner && !has_other_names(&file)?;
        if is_replaceable { fs::rename(&aside, &file).map(|()| true) } else { Ok(false) }
    });
    if !matches!(replaced, Ok(false)) {
        // If this fails as well, the first error is the one to report.
        let _gone = fs::remove_file(&aside);
        return replaced.map(drop);
    }
    match fs::write(&file, text) {
        Ok(()) => fs::remove_file(&aside),
        Err(error) => {
            let text = format!("{error}; the new text is in `{}`", aside.display());
            Err(io::Error::new(error.kind(), text))
        }
    }
}

/// Whether there are hard links to the file: replacing it would make two files of them.
#[cfg(unix)]
fn has_other_names(file: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(file)?.nlink() > 1)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix, it can fail")]
fn has_other_names(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Sets the owner of a new file to that of another one. Returns whether it has that owner.
#[cfg(unix)]
fn keep_owner(old: &fs::Metadata, new: &Path) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt, chown};
    let made = fs::metadata(new)?;
    let is_same = (made.uid(), made.gid()) == (old.uid(), old.gid());
    Ok(is_same || chown(new, Some(old.uid()), Some(old.gid())).is_ok())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix, it can fail")]
fn keep_owner(_: &fs::Metadata, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Writes the text to a new file. Returns whether that has the owner of the old one.
fn write_aside(file: &Path, aside: &Path, text: &str) -> io::Result<bool> {
    // A file without write permission must not be replaced either.
    fs::OpenOptions::new().append(true).open(file)?;
    let old = fs::metadata(file)?;
    let mut new = fs::OpenOptions::new().write(true).create_new(true).open(aside)?;
    let has_owner = keep_owner(&old, aside)?;
    new.set_permissions(old.permissions())?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    Ok(has_owner)
}
