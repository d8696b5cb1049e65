//! The input and output files of examples.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// A file of an example, by its path in this package.
#[must_use]
pub fn file(path: &str) -> PathBuf {
    from_here(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
}

/// The output folder of an example, in the folder into which cargo builds.
///
/// # Errors
/// If the folder cannot be created.
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

/// A path for messages, relative to the working directory if it lies inside.
#[must_use]
pub fn readable(path: &Path) -> String {
    from_here(path).display().to_string()
}

/// A path relative to the working directory, if it lies inside.
fn from_here(path: &Path) -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
