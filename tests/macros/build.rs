//! Writes `generated.rs`: policies made from the grammar, each between the macro's braces and as
//! a text beside it. The same ones every time.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use freeze_dsl::format::format;
use freeze_dsl::policy::Policy;
use freeze_dsl::source::Source;
use freeze_generator::{sound, spaced};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

const POLICIES: usize = 48;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let policies = sound(|text| Policy::parse(text).is_ok());
    let mut runner = TestRunner::deterministic();
    let mut tests = String::new();
    for number in 0..POLICIES {
        let words = policies.new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let spaced = spaced(&words);
        let text = if number % 2 == 0 { spaced } else { format(Source::new(spaced))? };
        writeln!(
            tests,
            "#[test]\nfn policy_{number}() {{\n    agree(&freeze_policy! {{\n{text}\n    }}, {text:?});\n}}\n"
        )?;
    }
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo names a folder")?;
    std::fs::write(Path::new(&folder).join("generated.rs"), tests)?;
    Ok(())
}
