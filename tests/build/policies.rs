//! Policies made from the grammar, each between the macro's braces and as
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

/// Writes `policies.rs`, with a test for each policy.
pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
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
    std::fs::write(folder.join("policies.rs"), tests)?;
    Ok(())
}
