//! `--watch`, run as a person runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::support::{MODEL, command, folder_with, freeze};

/// A command that watches files, and the lines that it prints on standard error.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(arguments: &[&str], folder: &Path) -> Self {
        let mut child = command(arguments, folder).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The lines of one run, up to the one that says what is watched.
    #[track_caller]
    fn run(&self) -> Vec<String> {
        let mut run = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_mins(1)) {
                Ok(line) => run.push(line),
                Err(error) => panic!("{error} after {run:?}"),
            }
            if run.last().is_some_and(|line| line.starts_with("watching ")) {
                return run;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[test]
fn a_check_runs_again_when_a_policy_a_model_or_a_freeze_toml_changes() {
    let model = fs::read_to_string(MODEL).unwrap();
    let folder = folder_with(&[("a.freeze", "start: train fc lr 0;"), ("m.model.json", &model)]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let arguments =
        ["check", "a.freeze", "--model", "m.model.json", "--watch", "--message-format", "short"];
    let watching = Watching::start(&arguments, folder.path());
    let first = watching.run();
    assert!(first.iter().any(|line| line.contains("warning[FRZ0505]")), "{first:?}");
    assert_eq!(
        first.last().unwrap(),
        "watching `a.freeze`, `m.model.json`, and each `freeze.toml` above (Ctrl-C stops)"
    );

    write("a.freeze", "start: tran fc;");
    let run = watching.run();
    assert!(run.contains(&"`a.freeze` has changed".to_owned()), "{run:?}");
    assert!(run.iter().any(|line| line.contains("error[FRZ0102]")), "{run:?}");

    // As editors save: a new file takes the name.
    write("b", "start: train fc lr 0;");
    fs::rename(folder.path().join("b"), folder.path().join("a.freeze")).unwrap();
    assert!(watching.run().iter().any(|line| line.contains("warning[FRZ0505]")));

    write("freeze.toml", "[levels]\nFRZ0505 = \"allow\"\n");
    let run = watching.run();
    assert!(run.contains(&"`freeze.toml` has changed".to_owned()), "{run:?}");
    assert!(!run.iter().any(|line| line.contains("FRZ0505")), "{run:?}");

    write("m.model.json", &model.replace("\"fc.", "\"head."));
    let run = watching.run();
    assert!(run.contains(&"`m.model.json` has changed".to_owned()), "{run:?}");
    assert!(run.iter().any(|line| line.contains("error[FRZ0201]")), "{run:?}");

    // What the check has not read is of no interest.
    write("other.freeze", "start: stop;");
    assert!(watching.lines.recv_timeout(Duration::from_millis(500)).is_err());
}

#[test]
fn new_policies_in_a_folder_are_checked() {
    let folder = folder_with(&[("a.freeze", "start: train fc;")]);
    let arguments = ["check", "--watch", "--message-format", "short"];
    let watching = Watching::start(&arguments, folder.path());
    let first = watching.run();
    let watched = "watching the policies in `.`, and each `freeze.toml` above (Ctrl-C stops)";
    assert_eq!(first.last().unwrap(), watched);
    fs::create_dir(folder.path().join("more")).unwrap();
    fs::write(folder.path().join("more/b.freeze"), "start: tran fc;").unwrap();
    let run = watching.run();
    assert!(
        run.iter().any(|line| line.starts_with("more/b.freeze:1:8: error[FRZ0102]")),
        "{run:?}"
    );
}

#[test]
fn standard_input_cannot_be_watched() {
    let folder = folder_with(&[]);
    let (status, out, errors) =
        crate::support::freeze(&["check", "-", "--watch"], folder.path(), "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert_eq!(errors, "error: standard input cannot be watched\n");
}

#[test]
fn a_file_dated_in_the_future_is_read_once() {
    let folder = folder_with(&[("a.freeze", "start: train fc lr 1e-3;")]);
    let file = folder.path().join("a.freeze");
    let date = |time| fs::File::options().write(true).open(&file).unwrap().set_modified(time);
    date(SystemTime::now() + Duration::from_hours(24)).unwrap();
    let watching = Watching::start(&["check", "a.freeze", "--watch"], folder.path());
    // Once for its date, and then no more.
    let run = watching.run();
    assert_eq!(run.iter().filter(|line| line.starts_with("note: no model")).count(), 2, "{run:?}");
    fs::write(&file, "start: tran fc;").unwrap();
    assert!(watching.run().iter().any(|line| line.contains("FRZ0102")));
}

#[test]
fn without_a_file_there_is_nothing_to_watch() {
    let folder = folder_with(&[]);
    let (status, _, errors) = freeze(&["check", "none/a.freeze", "--watch"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(errors.ends_with("error: there is nothing to watch: no file was read\n"), "{errors}");
}
