//! Text to tree. Never fails: what does not parse becomes findings, and the rest a tree.

mod build;
mod expected;
mod grammar;
mod options;
mod scan;
mod syntax;
mod targets;
mod token;
mod values;

pub(crate) use grammar::{Grammar, Rule};
pub(crate) use token::last_character;

use pest::Parser;

use crate::ast::Tree;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// How deep brackets and comments may nest.
pub const MAX_NESTING: usize = 128;

/// Parses a policy's text, with everything that is wrong with its syntax.
#[must_use]
pub fn parse(text: &str) -> (Tree, Vec<Diagnostic>) {
    let mut found = Vec::new();
    // Pest recurses where brackets nest, so what nests too deeply never reaches it.
    let readable = scan::blank_unreadable(text, &mut found);
    let tree = match Grammar::parse(Rule::policy, &readable) {
        Ok(pairs) => build::tree(pairs, &mut found),
        // `policy` takes any text whatever; were it not to, this would be told, not hidden.
        Err(error) => {
            found.push(syntax::finding(&readable, Span::new(0, readable.len()), &error));
            Tree::default()
        }
    };
    (tree, found)
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

/// Why a statement does not parse.
fn junk(text: &str, span: Span) -> Diagnostic {
    let statement = text.get(span.range()).unwrap_or_default();
    match Grammar::parse(Rule::alone, statement) {
        Err(error) => syntax::finding(text, span, &error),
        // The head of a loop parses, so what is amiss is its end.
        Ok(_) => Diagnostic::new(Code::FRZ0101, span, "this loop is never closed")
            .label("expected `}` somewhere behind this"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_word_stops_a_path_and_no_other_word_does() {
        for word in ["train", "lr", "in", "except", "optimizer"] {
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
}
