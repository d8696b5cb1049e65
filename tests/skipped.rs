//! Tests that skip on this machine say so.

use std::fs::OpenOptions;
use std::io::Write;

/// Reports that a test skips: prints a line, and appends it to the file that `FREEZE_SKIPPED` names,
/// which `cargo xtask test` sets and reads.
pub fn skip(test: &str, reason: &str) {
    println!("skipped: {test}: {reason}");
    if let Some(path) = std::env::var_os("FREEZE_SKIPPED") {
        // One call of `write`, so that lines of other tests do not mix with it.
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(format!("{test}: {reason}\n").as_bytes()));
    }
}
