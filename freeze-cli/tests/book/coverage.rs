//! The book has a page for each finding, and a part for each subcommand and each of its options.

use std::path::Path;
use std::process::Command;

use freeze_dsl::diagnostic::Code;
use freeze_dsl::vocabulary::{OPTIMIZERS, READY_MADE, keywords};

use crate::page::{Page, pages, root};

#[test]
fn every_finding_has_a_page_and_a_line() {
    let index = Page::read(Path::new("docs/src/findings.md")).text;
    for code in Code::ALL {
        let page = Page::read(Path::new(&format!("docs/src/findings/{code}.md"))).text;
        assert_eq!(page, format!("{{{{#include ../../../freeze-dsl/src/codes/{code}.md}}}}\n"));
        let (severity, meaning) = (code.severity(), code.meaning());
        let line = format!("| [{code}](findings/{code}.md) | {severity} | {meaning} |\n");
        assert!(index.contains(&line), "docs/src/findings.md lacks the line\n{line}");
    }
    let pages = pages().into_iter().filter(|page| page.path.starts_with("docs/src/findings"));
    assert_eq!(pages.count(), Code::ALL.len());
}

#[test]
fn the_reference_has_the_help_of_every_subcommand() {
    let reference = Page::read(Path::new("docs/src/reference/command.md"));
    let blocks = reference.blocks();
    let has = |command: &str| blocks.iter().any(|block| block.content.starts_with(command));
    assert!(has("$ freeze --help\n"));
    let help = Command::new(env!("CARGO_BIN_EXE_freeze")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !["", "help"].contains(name)).collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        assert!(has(&format!("$ freeze {name} --help\n")), "{name}");
    }
}

#[test]
fn colours_of_policies_are_for_every_word() {
    let script = std::fs::read_to_string(root().join("docs/freeze.js")).unwrap();
    let optimizers = OPTIMIZERS.iter().map(|(name, _)| *name);
    let words = keywords().chain(READY_MADE).chain(optimizers);
    let is_sign = |sign: char| !(sign.is_ascii_alphanumeric() || sign == '_');
    let missing: Vec<&str> =
        words.filter(|word| !script.split(is_sign).any(|known| known == *word)).collect();
    assert_eq!(missing, [""; 0]);
}
