//! The hooks of pre-commit, tried with the command of an environment.

use std::env;
use std::fs;
use std::path::Path;

use super::{cannot, empty_folder, write};
use crate::error::Error;
use crate::program::{Program, root};

/// A policy that is right but not formatted.
const MESSY: &str = "start:train fc lr 1e-3";
const TIDY: &str = "start: train fc lr 1e-3;\n";
/// A policy with a slip that is safe to mend.
const SLIP: &str = "start: train fc lr 1e-3;;\n";
/// A policy that no hook can mend.
const WRONG: &str = "epoch 3: train fc;\nepoch 1: stop;\n";

/// Runs the hooks of `.pre-commit-hooks.yaml` in a new repository, with the pre-commit of `tools` and
/// the command of `environment`, instead of one that pre-commit would build.
pub(crate) fn check(tools: &Path, environment: &Path, folder: &Path) -> Result<(), Error> {
    empty_folder(folder)?;
    let path = root().join(".pre-commit-hooks.yaml");
    let hooks = fs::read_to_string(&path).map_err(|error| cannot("be read", &path, &error))?;
    write(&folder.join(".pre-commit-config.yaml"), local(&hooks))?;
    write(&folder.join("messy.freeze"), MESSY)?;
    for git in [&["init", "--quiet"][..], &["add", "--all"]] {
        Program::new("git").args(git).in_folder(folder).run()?;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(
        [environment.join("bin"), tools.join("bin")].into_iter().chain(env::split_paths(&path)),
    )
    .map_err(|error| Error::line(error.to_string()))?;
    let passes = |name: &str| {
        let program = Program::new(tools.join("bin/pre-commit")).in_folder(folder);
        let program = program.env("PATH", &path).env("PRE_COMMIT_HOME", folder.join("home"));
        program.args(["run", "--all-files", name]).works()
    };
    let expect = |is_expected: bool, what: &str| {
        if is_expected { Ok(()) } else { Err(Error::line(format!("pre-commit: {what}"))) }
    };
    expect(!passes("freeze-fmt"), "the hook `freeze-fmt` does not report what it formats")?;
    let formatted = fs::read_to_string(folder.join("messy.freeze")).unwrap_or_default();
    expect(formatted == TIDY, "the hook `freeze-fmt` does not format")?;
    write(&folder.join("messy.freeze"), SLIP)?;
    Program::new("git").args(["add", "--all"]).in_folder(folder).run()?;
    expect(!passes("freeze-fix"), "the hook `freeze-fix` does not report what it mends")?;
    let fixed = fs::read_to_string(folder.join("messy.freeze")).unwrap_or_default();
    expect(fixed == TIDY, "the hook `freeze-fix` does not mend")?;
    for name in ["freeze-fix", "freeze-fmt", "freeze-check"] {
        expect(passes(name), &format!("the hook `{name}` fails for a right policy"))?;
    }
    write(&folder.join("wrong.freeze"), WRONG)?;
    Program::new("git").args(["add", "--all"]).in_folder(folder).run()?;
    expect(!passes("freeze-check"), "the hook `freeze-check` passes a wrong policy")
}

/// A configuration whose hooks call the command of the machine.
fn local(hooks: &str) -> String {
    let hooks = hooks.replace("language: python", "language: system");
    let hooks = hooks.lines().map(|line| format!("      {line}\n"));
    format!("repos:\n  - repo: local\n    hooks:\n{}", hooks.collect::<String>())
}
