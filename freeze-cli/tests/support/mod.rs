//! What the tests of the command share: they run it as a person runs it.

#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) const MODEL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../freeze-dsl/tests/models/resnet18.model.json");

pub(crate) fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freeze"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit status, and what was printed on standard output and on standard error.
pub(crate) fn freeze(arguments: &[&str], folder: &Path, input: &str) -> (i32, String, String) {
    let mut child = command(arguments, folder).spawn().unwrap();
    // A command that reads nothing may be gone already.
    let _gone = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub(crate) fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Reports that a test skips: prints a line, and appends it to the file that `FREEZE_SKIPPED` names,
/// whose lines `cargo xtask test` counts.
pub(crate) fn skip(name: &str, reason: &str) {
    println!("skipped: {name}: {reason}");
    if let Some(path) = std::env::var_os("FREEZE_SKIPPED") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{name}: {reason}").unwrap();
    }
}
