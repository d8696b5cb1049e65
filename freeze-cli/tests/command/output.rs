//! Output that is lost: the command says so and exits with 2. A closed pipe is no failure.
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{MODEL, folder_with};

/// Each subcommand that prints on standard output, and the help.
const CALLS: [&[&str]; 19] = [
    &["check", "wrong.freeze", "--message-format", "json"],
    &["check", "wrong.freeze", "--message-format", "sarif"],
    &["check", "wrong.freeze", "--message-format", "github"],
    &["explain", "FRZ0201"],
    &["explain", "--all"],
    &["fmt", "-"],
    &["fmt", "--check", "messy.freeze"],
    &["fmt", "--diff", "messy.freeze"],
    &["simulate", "right.freeze", "--epochs", "3", "--model", MODEL],
    &["plan", "right.freeze", "--model", MODEL],
    &["plan", "right.freeze", "--epochs", "3", "--format", "html", "--model", MODEL],
    &["ast", "right.freeze"],
    &["schema"],
    &["describe", MODEL, "--quiet"],
    &["model", "show", MODEL],
    &["model", "diff", MODEL, MODEL, "--format", "json"],
    &["import", "schedule.yaml", "--quiet"],
    &["--help"],
    &["check", "--help"],
];

fn folder() -> tempfile::TempDir {
    folder_with(&[
        ("wrong.freeze", "start: trian fc;"),
        ("right.freeze", "start: train fc lr 1e-3;\n"),
        ("schedule.yaml", "0: {params: [fc.weight]}"),
        ("messy.freeze", "start:train fc lr 1e-3"),
    ])
}

fn with_stdin(folder: &Path, command: &mut Command) -> Output {
    let input = File::open(folder.join("messy.freeze")).unwrap();
    command.stdin(input).output().unwrap()
}

fn assert_lost(call: &[&str], reason: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{call:?}: {said}");
    let line = format!("error: cannot write to standard output: {reason}");
    assert_eq!(said.matches("error: ").count(), 1, "{call:?}: {said}");
    assert!(said.contains(&line), "{call:?}: {said}");
}

#[test]
fn a_full_disk_is_reported() {
    let folder = folder();
    for call in CALLS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = crate::support::command(call, folder.path());
        command.stdout(full);
        let output = with_stdin(folder.path(), &mut command);
        assert_lost(call, "No space left on device", &output);
    }
}

#[test]
fn a_closed_output_is_reported() {
    let folder = folder();
    for call in CALLS {
        for closed in [">&-", "1</dev/null"] {
            let mut command = Command::new("sh");
            command.arg("-c").arg(format!("exec \"$0\" \"$@\" {closed}"));
            command.arg(env!("CARGO_BIN_EXE_freeze")).args(call).current_dir(folder.path());
            let output = with_stdin(folder.path(), command.stderr(Stdio::piped()));
            assert_lost(call, "it is closed", &output);
        }
    }
}

#[test]
fn output_to_the_null_device_is_written() {
    let folder = folder();
    for call in CALLS {
        let null = File::options().read(true).write(true).open("/dev/null").unwrap();
        let mut command = crate::support::command(call, folder.path());
        command.stdout(null);
        let output = with_stdin(folder.path(), &mut command);
        assert!(output.status.code().is_some_and(|status| status < 2), "{call:?}");
    }
}

#[test]
fn a_closed_pipe_is_quiet() {
    let folder = folder();
    for call in CALLS {
        let mut command = crate::support::command(call, folder.path());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer);
        let output = with_stdin(folder.path(), &mut command);
        assert!(output.status.code().is_some_and(|status| status < 2), "{call:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{call:?}");
    }
}

#[test]
fn findings_that_no_one_can_read_are_a_failure() {
    let folder = folder();
    for format in ["human", "short"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let arguments = ["check", "wrong.freeze", "--message-format", format];
        let mut command = crate::support::command(&arguments, folder.path());
        command.stderr(full);
        let output = with_stdin(folder.path(), &mut command);
        assert_eq!(output.status.code(), Some(2), "{format}");
    }
}
