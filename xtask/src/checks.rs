//! Every check that a change must pass, the quick ones first.

use crate::dependencies;
use crate::error::Error;
use crate::program::cargo;

/// Runs them all; `args` go to `cargo test`.
pub(crate) fn all(args: &[String]) -> Result<(), Error> {
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
    cargo(&["test", "--workspace"]).args(args).run()
}

fn step(name: &str) {
    println!("\n== {name}");
}
