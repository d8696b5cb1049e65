//! Files that are replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file's text atomically: at every moment the file has either the old or the new text. A
/// file that has several names, or an owner who cannot be kept, is written in its place instead.
///
/// # Errors
/// If the file cannot be written, or has another text than `before`; then it stays as it is. If it
/// breaks while it is written in its place, the error names a file beside it that has the new text.
pub(crate) fn replace(file: &Path, before: &str, text: &str) -> io::Result<()> {
    // If the path is a link, its target is replaced, not the link.
    let file = fs::canonicalize(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let aside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let replaced = write_aside(&file, &aside, text).and_then(|has_owner| {
        let is_replaceable = has_owner && !has_other_names(&file)?;
        if fs::read(&file)? != before.as_bytes() {
            return Err(io::Error::other("it has changed since it was read; run this again"));
        }
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
    let mut new = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(aside)
        .map_err(|error| io::Error::other(format!("no file can be made beside it: {error}")))?;
    let has_owner = keep_owner(&old, aside)?;
    new.set_permissions(old.permissions())?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    Ok(has_owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_changed_meanwhile_stays() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("a.freeze");
        fs::write(&file, "start: train fc, head;")?;
        let error = replace(&file, "start: train fc;;", "start: train fc;").unwrap_err();
        assert_eq!(error.to_string(), "it has changed since it was read; run this again");
        assert_eq!(fs::read_to_string(&file)?, "start: train fc, head;");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        replace(&file, "start: train fc, head;", "start: train fc;")?;
        assert_eq!(fs::read_to_string(&file)?, "start: train fc;");
        Ok(())
    }
}
