//! Running other programs.

use std::env;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::libtorch::Source;

/// The checkout's folder.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The folder into which cargo builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program that runs in the checkout's folder.
pub(crate) struct Program(Command);

/// The cargo that runs this package.
pub(crate) fn cargo(args: &[&str]) -> Program {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut program = Program::new(cargo).args(args);
    if Source::asked_for() == Source::Own {
        // Cargo has set it for this process, maybe before there was a libtorch. Without it, the new
        // cargo reads its configuration again.
        program.0.env_remove("LIBTORCH");
    }
    program
}

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        command.current_dir(root());
        Self(command)
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs it to its end. A program that fails has printed the reason.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        let status = self.0.status().map_err(|error| self.cannot_start(&error))?;
        if status.success() { Ok(()) } else { Err(Error::Reported) }
    }

    /// Runs it to its end and returns its standard output.
    pub(crate) fn output(mut self) -> Result<String, Error> {
        let output = self.0.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| self.cannot_start(&error))?;
        if !output.status.success() {
            return Err(Error::Reported);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether it starts and succeeds.
    pub(crate) fn works(mut self) -> bool {
        let silent = self.0.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        silent.status().is_ok_and(|status| status.success())
    }

    fn cannot_start(&self, error: &std::io::Error) -> Error {
        let name = self.0.get_program().display();
        if error.kind() == ErrorKind::NotFound {
            Error::line(format!("the program `{name}` was not found"))
        } else {
            Error::line(format!("`{name}` could not be started: {error}"))
        }
    }
}
