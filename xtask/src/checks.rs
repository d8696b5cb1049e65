//! Every check that a change must pass, the quick ones first.

use std::path::Path;

use crate::dependencies;
use crate::error::Error;
use crate::program::cargo;

/// Runs them all; `args` go to `cargo test`. `libtorch` is the folder of libtorch's libraries.
pub(crate) fn all(libtorch: Option<&Path>, args: &[String]) -> Result<(), Error> {
    step("formatting");
    cargo(&["fmt", "--all", "--check"]).run()?;

    step("who depends on libtorch");
    dependencies::check()?;

    step("clippy");
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    cargo(&clippy).run()?;

    step("documentation");
    let doc = cargo(&["doc", "--no-deps", "--workspace"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings").run()?;

    step("tests");
    let mut tests = cargo(&["test", "--workspace"]);
    if let Some(lib) = libtorch {
        // No build script can give documentation's tests their run path.
        let flag = format!("-Clink-arg=-Wl,-rpath,{}", lib.display());
        tests = tests.env("CARGO_ENCODED_RUSTDOCFLAGS", flag);
    }
    tests.args(args).run()
}

fn step(name: &str) {
    println!("\n== {name}");
}
