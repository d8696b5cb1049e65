//! Text to tree. Never fails: what does not parse becomes findings, and the rest a tree.

mod chunks;
mod continuations;
mod cuts;
mod expected;
mod grammar;
mod lexeme;
mod lookalikes;
mod lost;
mod memo;
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
pub(crate) use lost::{LostStatements, is_outside};
pub(crate) use memo::ParseMemo;
pub(crate) use scan::ScannedText;
pub(crate) use slips::uses_with_sign;

use pest::Parser;

use memo::KnownStatements;
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
    let (tree, found, _) = parse_all(text, KnownStatements::default());
    (tree, found)
}

/// Parses a text that is parsed again after an edit; `before` is what is known of it from before.
pub(crate) fn parse_again(
    text: &str,
    before: Option<(ParseMemo, Tree)>,
) -> (Tree, Vec<Diagnostic>, ParseMemo) {
    match before {
        Some((memo, tree)) => parse_all(text, KnownStatements::new(&memo, tree)),
        None => parse_all(text, KnownStatements::default()),
    }
}

fn parse_all(text: &str, mut known: KnownStatements<'_>) -> (Tree, Vec<Diagnostic>, ParseMemo) {
    let mut found = DiagnosticSink::default();
    let scanned = ScannedText::new(text, &mut found);
    let readable = scanned.readable.as_str();
    let mut builder = TreeBuilder::new(text, readable, found);
    let mut chunks = Chunks::new(&scanned);
    let mut statements = Vec::new();
    loop {
        let part = chunks.whole_part();
        let written = part.and_then(|part| Some((part, readable.get(part.range())?)));
        if let Some((part, written)) = written
            && let Some(item) = known.take(written, part)
        {
            builder.push(item);
            statements.push(part);
            chunks.leave_out(part);
            continue;
        }
        match chunks.next() {
            Some(Ok((at, chunk))) => {
                let end = at + chunk.as_span().end();
                let is_clean = builder.add(at, chunk);
                statements.extend(part.filter(|part| is_clean && end == part.end));
            }
            Some(Err((at, error))) => {
                let rest = Span::new(at, readable.len());
                builder.found.push(syntax::finding(readable, rest, &error));
            }
            None => break,
        }
    }
    let (tree, found) = builder.finish();
    (tree, found, ParseMemo { scanned, statements })
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
