//! Tests that skip: each appends a line `name: reason` to the file that `FREEZE_SKIPPED` names, and
//! `cargo xtask test` prints the lines at its end.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::program;

/// The environment variable with the path of the file.
pub(crate) const VARIABLE: &str = "FREEZE_SKIPPED";

/// Makes an empty file for the tests of one run.
pub(crate) fn new_file() -> Result<PathBuf, Error> {
    let target = program::target();
    let path = target.join("skipped-tests.txt");
    fs::create_dir_all(target)
        .and_then(|()| fs::write(&path, ""))
        .map_err(|error| Error::line(format!("{} cannot be written: {error}", path.display())))?;
    Ok(path)
}

/// The number of tests that were skipped, and their lines.
pub(crate) fn summary(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    match lines.as_slice() {
        [] => "no test was skipped\n".to_owned(),
        [line] => format!("1 test was skipped:\n    {line}\n"),
        lines => format!("{} tests were skipped:\n    {}\n", lines.len(), lines.join("\n    ")),
    }
}

/// Notes that a test is skipped.
#[cfg(test)]
pub(crate) fn report(name: &str, reason: &str) {
    use std::io::Write;

    eprintln!("skipped: {name}: {reason}");
    if let Some(path) = std::env::var_os(VARIABLE) {
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        // One call of `write`, so that lines of other tests do not come in between.
        let _ = file.and_then(|mut file| file.write_all(format!("{name}: {reason}\n").as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_tests_are_counted_and_listed() {
        let path = std::env::temp_dir().join(format!("freeze-skipped-{}", std::process::id()));
        for (text, expected) in [
            ("", "no test was skipped\n"),
            ("a: no GPU\n", "1 test was skipped:\n    a: no GPU\n"),
            ("b: no pip\na: no GPU\n", "2 tests were skipped:\n    a: no GPU\n    b: no pip\n"),
        ] {
            fs::write(&path, text).expect("a file");
            assert_eq!(summary(&path), expected);
        }
        fs::remove_file(path).expect("a file");
    }
}
