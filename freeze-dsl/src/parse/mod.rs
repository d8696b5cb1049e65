//! Text to tree. Never fails: what does not parse becomes findings, and the rest a tree.

mod chunks;
mod continuations;
mod expected;
mod grammar;
mod lexeme;
mod lookalikes;
mod lost;
mod options;
mod path_slips;
mod scan;
mod slips;
mod statements;
mod syntax;
mod targets;
mod values;

pub(crate) use chunks::{Chunk, Chunks};
pub(crate) use continuations::{ContinuationKind, Continuations};
use grammar::Grammar;
pub(crate) use grammar::Rule;
pub(crate) use lexeme::{Lexeme, last_character};
pub(crate) use lost::{LostStatements, words_outside};
pub(crate) use scan::{comments, readable};
pub(crate) use slips::uses_with_sign;

use pest::Parser;

use slips::Reach;
use statements::TreeBuilder;

use crate::ast::Tree;
use crate::diagnostic::{Applicability, Code, Diagnostic, DiagnosticSink};
use crate::source::Span;

/// How deep brackets and comments may nest.
pub const MAX_NESTING: usize = 128;

/// How many words and signs a statement may have. A path is one word.
pub const MAX_WORDS: usize = 100_000;

/// Parses a policy's text; returns its tree and all syntax errors.
#[must_use]
pub fn parse(text: &str) -> (Tree, Vec<Diagnostic>) {
    let mut found = DiagnosticSink::default();
    let readable = scan::readable(text, &mut found);
    let mut builder = TreeBuilder::new(text, &readable, found);
    for chunk in Chunks::new(&readable) {
        match chunk {
            Ok((at, chunk)) => builder.add(at, chunk),
            Err((at, error)) => {
                let rest = Span::new(at, readable.len());
                builder.found.push(syntax::finding(&readable, rest, &error));
            }
        }
    }
    builder.finish()
}

/// Why a statement does not parse; `written` is the statement with its comments. If `mends`, edits
/// are tried, which takes longer than everything else.
fn junk(text: &str, span: Span, written: &str, mends: bool) -> Diagnostic {
    let statement = text.get(span.range()).unwrap_or_default();
    match Grammar::parse(Rule::alone, statement) {
        Err(error) => {
            let slip = mends.then(|| slips::finding(text, span)).flatten();
            let mut finding = syntax::finding(text, span, &error);
            // A statement may have other mistakes beside a misspelt word.
            let least = match finding.code {
                Code::UnknownWord => Reach::Further,
                _ => Reach::Whole,
            };
            finding.suggestions.retain(|edit| slips::reach(text, span, edit) >= least);
            let of = |finding: &Diagnostic| match &finding.suggestions[..] {
                [] => Reach::Less,
                [edit, ..] => slips::reach(text, span, edit),
            };
            if let Some(slip) = slip
                && (slip.suggestions.is_empty() || of(&slip) > of(&finding))
            {
                return slip;
            }
            if written.chars().all(|sign| sign == ';' || sign.is_whitespace()) {
                return finding.suggest(Applicability::Safe, "remove the `;`", span, "");
            }
            finding
        }
        Ok(_) => Diagnostic::new(Code::Syntax, span, "this cannot be parsed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_too_long_is_reported_and_the_others_are_read() {
        let words = |count: usize| "a,".repeat(count / 2);
        let text = format!("start: train {}a; start: train fc;", words(MAX_WORDS));
        let (tree, found) = parse(&text);
        assert_eq!(tree.items.len(), 1);
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, [Code::NestedTooDeeply]);
        // `start`, `:` and `train` count, and so does the word that is one too many.
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
