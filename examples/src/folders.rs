//! Where examples find what is theirs, and put what they make.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// A file of an example, by its path in this package.
#[must_use]
pub fn file(path: &str) -> PathBuf {
    from_here(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
}

/// The folder for what an example makes: one of its own where cargo builds.
///
/// # Errors
/// If it cannot be created.
pub fn output_folder(example: &str) -> io::Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target"),
        PathBuf::from,
    );
    let folder = target.join(example);
    fs::create_dir_all(&folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    Ok(folder)
}

/// A path as a person reads it: seen from the working directory where it lies in there.
#[must_use]
pub fn readable(path: &Path) -> String {
    from_here(path).display().to_string()
}

/// A path as seen from the working directory, where it lies in there.
fn from_here(path: &Path) -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
