//! Every check that a change must pass, the quick ones first.

use crate::codegen;
use crate::dependencies;
use crate::error::Error;
use crate::program::cargo;
use crate::skipped;
use crate::structure;
use crate::tutorial;

/// Runs all checks; `args` go to `cargo test`.
pub(crate) fn all(args: &[String]) -> Result<(), Error> {
    step("formatting");
    cargo(&["fmt", "--all", "--check"]).run()?;

    step("dependencies on libtorch");
    dependencies::check()?;

    step("structure");
    structure::check()?;

    step("words in the grammars of editors");
    codegen::run(true)?;

    step("clippy");
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    cargo(&clippy).run()?;

    step("documentation");
    let doc = cargo(&["doc", "--no-deps", "--workspace"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings").run()?;

    step("tests");
    let skipped = skipped::new_file()?;
    let test = cargo(&["test", "--workspace"]).args(args);
    let result = test.env(skipped::VARIABLE, &skipped).run();
    print!("\n{}", skipped::summary(&skipped));
    result?;

    step("the crate of the tutorial");
    tutorial::check()
}

fn step(name: &str) {
    println!("\n== {name}");
}
