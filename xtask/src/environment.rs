//! Virtual environments of Python.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::program::Program;
use crate::setup;

/// Makes a new environment in the place of whatever is there.
pub(crate) fn make(folder: &Path) -> Result<(), Error> {
    let python = setup::python()?;
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| {
            Error::line(format!("{} cannot be removed: {error}", folder.display()))
        })?;
    }
    Program::new(python).args(["-m", "venv"]).args([folder]).run().map_err(|_| {
        Error::line(
            "Python cannot make an environment (Debian and Ubuntu: apt install python3-venv)",
        )
    })
}

/// Installs packages into an environment; options of pip may be among them.
pub(crate) fn install(
    environment: &Path,
    packages: impl IntoIterator<Item: AsRef<OsStr>>,
) -> Result<(), Error> {
    let python = Program::new(environment.join("bin/python"));
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    python.args(install).args(packages).run()
}
