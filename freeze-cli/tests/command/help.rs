//! The help of the command.

#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use std::path::Path;

use crate::support::freeze;

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

/// The long options of a subcommand.
fn options(name: &str) -> Vec<String> {
    let help = help(&[name, "--help"]);
    let words = help
        .lines()
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    words.map(|word| word.trim_end_matches(',').to_owned()).collect()
}

#[test]
fn completions_for_every_shell_have_every_subcommand_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = help(&["completions", shell]);
        for name in subcommands() {
            assert!(script.contains(&name), "{shell}: {name}");
        }
        for option in ["message-format", "allow", "deny", "watch", "unsafe"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
    }
}

/// What bash completes after these words, by its own script.
#[cfg(target_os = "linux")]
#[test]
fn bash_completes_subcommands_options_and_values() {
    use std::process::Command;

    let complete = |words: &str| {
        let script = format!(
            "source <({} completions bash); COMP_WORDS=({words}); \
             COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); \
             _freeze freeze \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_freeze")
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("freeze simul"), "simulate");
    assert_eq!(complete("freeze check --message-format sa"), "sarif");
    assert_eq!(complete("freeze fix --uns"), "--unsafe");
}

#[test]
fn a_manual_page_for_each_subcommand() {
    let folder = tempfile::tempdir().unwrap();
    let (status, out, errors) = freeze(&["man", "--out", "man1"], folder.path(), "");
    assert_eq!((status, out.as_str(), errors.as_str()), (0, "", ""));
    let main = std::fs::read_to_string(folder.path().join("man1/freeze.1")).unwrap();
    assert_eq!(main, help(&["man"]));
    for name in subcommands() {
        let file = folder.path().join(format!("man1/freeze-{name}.1"));
        let page = std::fs::read_to_string(file).unwrap();
        assert_eq!(page, help(&["man", &name]));
        assert!(page.contains(&format!("freeze\\-{name}")), "{name}: {page}");
        assert!(page.contains(".SH EXAMPLES"), "{name}: {page}");
        assert!(!page.contains(".SH EXTRA"), "{name}: {page}");
        for option in options(&name) {
            let option = option.replace('-', "\\-");
            assert!(page.contains(&option), "{name}: {option} is not in {page}");
        }
        let reference = format!("freeze\\-{name}(1)");
        assert!(main.contains(&reference), "{name} is not in {main}");
    }
    let nested = std::fs::read_to_string(folder.path().join("man1/freeze-model-diff.1")).unwrap();
    assert_eq!(nested, help(&["man", "model", "diff"]));
    assert_eq!(nested, help(&["man", "model-diff"]));
    assert!(nested.contains(".SH \"EXIT STATUS\"") && nested.contains(".SH NOTES"), "{nested}");
    let (status, _, errors) = freeze(&["man", "fxi"], folder.path(), "");
    assert_eq!((status, errors.as_str()), (2, "error: there is no subcommand `fxi`\n"));
}

#[test]
fn alone_the_command_shows_its_help() {
    let (status, out, errors) = freeze(&[], Path::new("."), "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(errors.contains("Usage: freeze") && errors.contains("Exit status: 0"), "{errors}");
}

#[test]
fn help_has_colours_where_they_are_asked_for() {
    for (color, has_colors) in [("never", false), ("always", true)] {
        for arguments in [&["--color", color, "--help"][..], &["check", "--help", "--color", color]]
        {
            assert_eq!(help(arguments).contains('\u{1b}'), has_colors, "{arguments:?}");
        }
        assert_eq!(help(&[&format!("--color={color}"), "-h"]).contains('\u{1b}'), has_colors);
    }
}

#[test]
fn help_breaks_no_line_within_a_sentence() {
    let mut pages: Vec<Vec<String>> = subcommands().into_iter().map(|name| vec![name]).collect();
    pages.extend([vec!["model".into(), "show".into()], vec!["model".into(), "diff".into()]]);
    for name in pages {
        let words: Vec<&str> = name.iter().map(String::as_str).chain(["--help"]).collect();
        let help = help(&words);
        let Some((_, after)) = help.split_once("\nExample") else { continue };
        // A line that is broken though the next word fits is broken by hand.
        let lines: Vec<&str> = after.lines().filter(|line| !line.starts_with("  ")).collect();
        for pair in lines.windows(2) {
            let next = pair[1].split(' ').next().unwrap_or_default();
            let fits = pair[0].chars().count() + 1 + next.chars().count() <= 80;
            let is_within = !pair[0].is_empty() && !next.is_empty();
            assert!(!(fits && is_within && !pair[0].starts_with(['s', ':'])), "{pair:?}");
        }
    }
}
