//! The help of the command.

#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

mod support;

use std::path::Path;

use support::freeze;

fn help(arguments: &[&str]) -> String {
    let (status, out, errors) = freeze(arguments, Path::new("."), "");
    assert_eq!((status, errors.as_str()), (0, ""), "{arguments:?}");
    out
}

/// The subcommands, as the command's own help lists them.
fn subcommands() -> Vec<String> {
    let help = help(&["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_subcommand_has_an_example() {
    let names = subcommands();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let help = help(&[&name, "--help"]);
        let example = format!("\n  freeze {name} ");
        let (_, examples) = help.split_once("\nExample").unwrap_or_else(|| panic!("{help}"));
        assert!(examples.contains(&example), "{help}");
    }
}

#[test]
fn every_subcommand_has_the_common_options() {
    for name in subcommands() {
        let help = help(&[&name, "--help"]);
        for option in ["--message-format <FORMAT>", "--color <WHEN>", "-q, --quiet"] {
            assert!(help.contains(option), "{name}: {option} is not in {help}");
        }
        for format in ["human", "short", "json", "sarif", "github"] {
            assert!(help.contains(&format!("- {format}:")), "{name}: {help}");
        }
    }
}

#[test]
fn alone_the_command_shows_its_help() {
    let (status, out, errors) = freeze(&[], Path::new("."), "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(errors.contains("Usage: freeze") && errors.contains("Exit status: 0"), "{errors}");
}
