//! `cargo xtask wheel`: the wheel that pip installs, built and tried.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{empty_folder, hooks, write};
use crate::environment;
use crate::error::Error;
use crate::program::{Program, target};

/// What builds the wheel, as in pyproject.toml, and what runs hooks.
const TOOLS: [&str; 2] = ["maturin>=1.9,<2", "pre-commit>=4,<5"];

const RIGHT: &str = "start: train fc lr 1e-3;\n";
const WRONG: &str = "start: trian fc lr 1e-3;\n";

/// Builds the wheel into `target/wheel/dist`, installs it in a new environment without the network,
/// and calls the command there, alone and as hooks of pre-commit.
pub(crate) fn build_and_try() -> Result<(), Error> {
    let folder = target().join("wheel");
    let dist = folder.join("dist");
    let tools = folder.join("tools");
    if !tools.join("bin/pre-commit").exists() {
        environment::make(&tools)?;
        environment::install(&tools, TOOLS)?;
    }
    empty_folder(&dist)?;
    let maturin = Program::new(tools.join("bin/maturin"));
    maturin.args(["build", "--release", "--out"]).args([&dist]).run()?;
    let wheel = only_wheel(&dist)?;
    let fresh = folder.join("fresh");
    environment::make(&fresh)?;
    let options = ["--no-index", "--no-deps"].map(OsStr::new);
    environment::install(&fresh, options.into_iter().chain([wheel.as_os_str()]))?;
    try_command(&fresh)?;
    hooks::check(&tools, &fresh, &folder.join("hooks"))?;
    println!("{} is installed and works", wheel.display());
    Ok(())
}

fn only_wheel(folder: &Path) -> Result<PathBuf, Error> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut wheels: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|it| it == "whl")).collect();
    match (wheels.pop(), wheels.pop()) {
        (Some(wheel), None) => Ok(wheel),
        _ => Err(Error::line(format!("{} does not have one wheel", folder.display()))),
    }
}

/// Calls the command of the environment on a right and on a wrong policy.
fn try_command(environment: &Path) -> Result<(), Error> {
    let freeze = environment.join("bin/freeze");
    let version = Program::new(&freeze).args(["--version"]).output()?;
    let expected = format!("freeze {}", env!("CARGO_PKG_VERSION"));
    if version.trim() != expected {
        return Err(Error::line(format!(
            "the wheel has `{}` and not `{expected}`",
            version.trim()
        )));
    }
    for (name, text, is_right) in [("right", RIGHT, true), ("wrong", WRONG, false)] {
        let policy = environment.join(name).with_extension("freeze");
        write(&policy, text)?;
        if Program::new(&freeze).args(["check", "--quiet"]).args([&policy]).works() != is_right {
            return Err(Error::line(format!(
                "the command of the wheel takes a policy that is {name}"
            )));
        }
    }
    Ok(())
}
