//! Text to tree. Never fails: what does not parse becomes findings, and the rest a tree.

mod build;
mod expected;
mod grammar;
mod options;
mod parts;
mod scan;
mod syntax;
mod targets;
mod token;
mod values;

use grammar::Grammar;
pub(crate) use grammar::Rule;
pub(crate) use parts::{Part, Parts};
pub(crate) use scan::readable;
pub(crate) use syntax::lost_let;
pub(crate) use token::last_character;

use pest::Parser;

use build::Builder;

use crate::ast::Tree;
use crate::diagnostic::{Applicability, Code, Diagnostic, DiagnosticSink};
use crate::source::Span;

/// How deep brackets and comments may nest.
pub const MAX_NESTING: usize = 128;

/// How many words and signs may stand between two `;`. A path is one word.
pub const MAX_WORDS: usize = 100_000;

/// Parses a policy's text, with everything that is wrong with its syntax.
#[must_use]
pub fn parse(text: &str) -> (Tree, Vec<Diagnostic>) {
    let mut found = DiagnosticSink::default();
    let readable = scan::readable(text, &mut found);
    let mut builder = Builder::new(text, &readable, found);
    for part in Parts::new(&readable) {
        match part {
            Ok((at, part)) => builder.add(at, part),
            Err((at, error)) => {
                let rest = Span::new(at, readable.len());
                builder.found.push(syntax::finding(&readable, rest, &error));
            }
        }
    }
    builder.finish()
}

/// Whether a word is one of the language's where a path could begin, so that a module of
/// that name is written in quotes.
#[must_use]
pub fn is_reserved(word: &str) -> bool {
    const OTHERS: [&str; 7] = ["lr", "weight_decay", "optimizer", "stats", "keep", "except", "in"];
    ACTIONS.contains(&word) || OTHERS.contains(&word)
}

/// The words that begin an action.
const ACTIONS: [&str; 8] =
    ["train", "unfreeze", "freeze", "set", "reset", "restore", "stop", "for"];

/// Why a statement does not parse, of which this was written.
fn junk(text: &str, span: Span, written: &str) -> Diagnostic {
    let statement = text.get(span.range()).unwrap_or_default();
    match Grammar::parse(Rule::alone, statement) {
        Err(error) => {
            let finding = syntax::finding(text, span, &error);
            if written.chars().all(|sign| sign == ';' || sign.is_whitespace()) {
                return finding.suggest(Applicability::Safe, "remove it", span, "");
            }
            finding
        }
        Ok(_) => Diagnostic::new(Code::Syntax, span, "this cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_word_stops_a_path_and_no_other_word_does() {
        let others = ["lr", "weight_decay", "optimizer", "stats", "keep", "except", "in"];
        for word in ACTIONS.into_iter().chain(others) {
            assert!(is_reserved(word));
            let (_, found) = parse(&format!("start: train {word};"));
            assert!(!found.is_empty(), "{word} began a path");
        }
        for word in ["epoch", "start", "step", "model", "training", "lr2", "rest", "of"] {
            assert!(!is_reserved(word));
            let (tree, found) = parse(&format!("start: train {word};"));
            assert_eq!((tree.items.len(), found), (1, vec![]), "{word}");
        }
    }

    #[test]
    fn a_statement_that_is_too_long_is_told_and_the_others_are_read() {
        let words = |count: usize| "a,".repeat(count / 2);
        let text = format!("start: train {}a; start: train fc;", words(MAX_WORDS));
        let (tree, found) = parse(&text);
        assert_eq!(tree.items.len(), 1);
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, [Code::NestedTooDeeply]);
        // The first word, the colon and `train` count, and so does the one that is too much.
        assert_eq!(found[0].span.start, "start: train ".len() + MAX_WORDS - 3);
    }

    #[test]
    fn comments_and_other_statements_make_no_statement_long() {
        let comment = "a ".repeat(MAX_WORDS + 1);
        let many = "start: stop;".repeat(MAX_WORDS / 10);
        let (_, found) = parse(&format!("start: train fc /* {comment} */; {many} // {comment}"));
        assert_eq!(found, []);
    }
}
