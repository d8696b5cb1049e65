//! The grammar of tree-sitter accepts what the parser of freeze accepts, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

mod mutations;
mod texts;

use std::env;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use texts::first_finding;
use tree_sitter::Parser;

/// Texts on which the parsers disagree, and the reason.
const DIFFERENCES: [(&str, &str); 4] = [
    (include_str!("deep.freeze"), "a grammar does not count how deep brackets nest"),
    ("start: train [2*i].x;", "`2*i` is read as the start of a list, where it is a path"),
    ("start: train [0.5].x;", "likewise `0.5`; no such index is valid"),
    ("start: train [{n}..].x;", "likewise `{n}`; only the macro takes Rust expressions"),
];

/// How many changes of each right text are tried, unless the environment variable
/// `FREEZE_MUTATIONS` has another number.
const MUTATIONS: u64 = 1;

/// How many policies are generated.
const GENERATED: usize = 200;

/// The parser of tree-sitter, compared with that of freeze.
struct Compared(Parser);

impl Compared {
    fn new() -> Self {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_freeze::LANGUAGE.into()).unwrap();
        Self(parser)
    }

    /// How the parsers disagree about a text in which freeze finds this.
    fn disagreement(&mut self, text: &str, finding: Option<&str>) -> Option<String> {
        let tree = self.0.parse(text, None).unwrap();
        match (finding, tree.root_node().has_error()) {
            (None, true) => Some(format!("only freeze accepts\n{text}\n")),
            (Some(finding), false) => {
                Some(format!("only tree-sitter accepts: {finding}\n{text}\n"))
            }
            _ => None,
        }
    }
}

#[track_caller]
fn assert_none(disagreements: &[String]) {
    let count = disagreements.len();
    assert!(count == 0, "{count} disagreements\n\n{}", disagreements.join("\n"));
}

#[test]
fn they_agree_on_every_text_of_the_project() {
    let mut parser = Compared::new();
    let mut disagreements = Vec::new();
    for texts::Sample { path, text, finding } in texts::ALL.iter() {
        if DIFFERENCES.iter().any(|(other, _)| other.trim_end() == text.trim_end()) {
            continue;
        }
        let how = parser.disagreement(text, finding.as_deref());
        disagreements.extend(how.map(|how| format!("{}: {how}", path.display())));
    }
    let accepted = texts::ALL.iter().filter(|text| text.finding.is_none()).count();
    println!("{} texts, {accepted} of them accepted", texts::ALL.len());
    assert!(accepted > 1_000 && texts::ALL.len() > 2 * accepted);
    assert_none(&disagreements);
}

#[test]
fn they_still_disagree_on_these_texts() {
    let mut parser = Compared::new();
    for (text, _) in DIFFERENCES {
        let how = parser.disagreement(text, first_finding(text).as_deref());
        assert!(how.is_some(), "no difference any more:\n{text}");
    }
}

#[test]
fn they_agree_on_texts_that_are_easily_read_otherwise() {
    let mut parser = Compared::new();
    let texts = include_str!("special.txt").lines();
    let disagreements: Vec<_> = texts
        .filter_map(|text| parser.disagreement(text, first_finding(text).as_deref()))
        .collect();
    assert_none(&disagreements);
}

#[test]
fn they_agree_on_changed_texts() {
    let count = env::var("FREEZE_MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    let mut parser = Compared::new();
    let mut disagreements = Vec::new();
    let (mut tried, mut accepted) = (0, 0);
    let right = texts::ALL.iter().filter(|it| it.finding.is_none() && it.text.len() < 2_000);
    for texts::Sample { text, .. } in right {
        for number in 0..count {
            let changed = mutations::changed(text, number);
            let finding = first_finding(&changed);
            tried += 1;
            accepted += usize::from(finding.is_none());
            disagreements.extend(parser.disagreement(&changed, finding.as_deref()));
        }
    }
    println!("{tried} changed texts, {accepted} of them accepted");
    assert!(accepted > tried / 20);
    assert_none(&disagreements);
}

#[test]
fn they_agree_on_generated_policies() {
    let mut parser = Compared::new();
    let mut runner = TestRunner::deterministic();
    let policies = freeze_generator::policy();
    let mut disagreements = Vec::new();
    for _ in 0..GENERATED {
        let words = policies.new_tree(&mut runner).unwrap().current();
        let text = freeze_generator::spaced(&words);
        disagreements.extend(parser.disagreement(&text, first_finding(&text).as_deref()));
    }
    assert_none(&disagreements);
}
