//! Splits a text into chunks: statements, heads and ends of loops, and what cannot be parsed. Pest
//! takes memory of several times the size of what it parses at once, so it parses one chunk.

use pest::Parser;
use pest::error::Error;
use pest::iterators::Pair;

use super::{Grammar, Rule};

/// A chunk, and the byte of the text from which pest counts.
pub(crate) type Chunk<'t> = (usize, Pair<'t, Rule>);

/// The chunks of a text that `readable` returned; the last is its end.
pub(crate) struct Chunks<'t> {
    text: &'t str,
    /// The start of the next chunk; `None` after the last.
    at: Option<usize>,
    /// How many loops are open there.
    depth: usize,
}

impl<'t> Chunks<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: Some(0), depth: 0 }
    }
}

impl<'t> Iterator for Chunks<'t> {
    /// The grammar accepts any text, so an error means that pest's stack limit was reached.
    type Item = Result<Chunk<'t>, (usize, Box<Error<Rule>>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        let kind = if self.depth == 0 { Rule::part } else { Rule::loop_part };
        let mut pairs = match Grammar::parse(kind, self.text.get(at..)?) {
            Ok(pairs) => pairs,
            Err(error) => return Some(Err((at, Box::new(error)))),
        };
        let part = pairs.next()?;
        match part.as_rule() {
            Rule::opening | Rule::lost => self.depth += 1,
            Rule::closing => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if part.as_rule() != Rule::EOI {
            self.at = Some(at + part.as_span().end());
        }
        Some(Ok((at, part)))
    }
}
