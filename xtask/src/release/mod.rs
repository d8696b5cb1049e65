//! What is released: packages for crates.io, the wheel, and the archive of the command.

mod archive;
mod hooks;
mod package;
mod wheel;

pub(crate) use archive::build as archive;
pub(crate) use package::check as package;
pub(crate) use wheel::build_and_try as wheel;

use std::fs;
use std::path::Path;

use crate::error::Error;

/// An empty folder in the place of whatever is there.
fn empty_folder(path: &Path) -> Result<(), Error> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| cannot("be emptied", path, &error))?;
    }
    fs::create_dir_all(path).map_err(|error| cannot("be made", path, &error))
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Error> {
    fs::write(path, content).map_err(|error| cannot("be written", path, &error))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(|_| ()).map_err(|error| cannot("be copied", from, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::line(format!("{} cannot {what}: {error}", path.display()))
}
