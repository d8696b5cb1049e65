//! Splits a text into chunks: statements, heads and ends of blocks, and what cannot be parsed. Pest
//! takes memory of several times the size of what it parses at once, so it parses one chunk.

use pest::Parser;
use pest::error::Error;
use pest::iterators::Pair;

use super::{Grammar, Rule, ScannedText};
use crate::source::Span;

/// A chunk, and the byte of the text from which pest counts.
pub(crate) type Chunk<'t> = (usize, Pair<'t, Rule>);

/// The chunks of a text; the last is its end.
pub(crate) struct Chunks<'t> {
    scanned: &'t ScannedText,
    /// The part that is parsed; it has one chunk or more.
    part: usize,
    /// The start of the next chunk, unless the part begins later.
    at: usize,
    /// How many blocks are open there.
    depth: usize,
}

impl<'t> Chunks<'t> {
    pub(crate) const fn new(scanned: &'t ScannedText) -> Self {
        Self { scanned, part: 0, at: 0, depth: 0 }
    }

    /// The next part, if no chunk of it was parsed yet.
    pub(super) fn whole_part(&mut self) -> Option<Span> {
        let mut part = self.scanned.part(self.part)?;
        if part.end <= self.at && !self.scanned.is_last(self.part) {
            self.part += 1;
            part = self.scanned.part(self.part)?;
        }
        (self.at <= part.start).then_some(part)
    }

    /// Leaves out the next part, which opens and closes no block.
    pub(super) fn leave_out(&mut self, part: Span) {
        self.at = part.end;
        self.part += 1;
    }
}

impl<'t> Iterator for Chunks<'t> {
    /// The grammar accepts any text, so an error means that pest's stack limit was reached.
    type Item = Result<Chunk<'t>, (usize, Box<Error<Rule>>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let part = self.scanned.part(self.part)?;
            let at = self.at.max(part.start);
            let kind = if self.depth == 0 { Rule::part } else { Rule::loop_part };
            let mut pairs = match Grammar::parse(kind, self.scanned.readable.get(at..part.end)?) {
                Ok(pairs) => pairs,
                Err(error) => {
                    self.part = usize::MAX;
                    return Some(Err((at, Box::new(error))));
                }
            };
            let chunk = pairs.next()?;
            self.at = at + chunk.as_span().end();
            match chunk.as_rule() {
                Rule::opening | Rule::lost => self.depth += 1,
                Rule::closing => self.depth = self.depth.saturating_sub(1),
                Rule::EOI => {
                    self.part += 1;
                    if self.scanned.part(self.part).is_some() {
                        continue;
                    }
                }
                _ => {}
            }
            return Some(Ok((at, chunk)));
        }
    }
}
