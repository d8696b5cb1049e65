//! The parts of a policy, one after another: statements, the beginnings and ends of loops, and
//! what cannot be read. Pest notes several times of a text's size for whatever it reads at once.

use pest::Parser;
use pest::error::Error;
use pest::iterators::Pair;

use super::{Grammar, Rule};

/// A part, and where in the text pest began to count.
pub(crate) type Part<'t> = (usize, Pair<'t, Rule>);

/// The parts of a text that `readable` gave; the last is its end.
pub(crate) struct Parts<'t> {
    text: &'t str,
    /// Where the next part begins; none behind the last.
    at: Option<usize>,
    /// How many loops are open there.
    depth: usize,
}

impl<'t> Parts<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: Some(0), depth: 0 }
    }
}

impl<'t> Iterator for Parts<'t> {
    /// The grammar takes any text whatever, so an error says that the stack was too small.
    type Item = Result<Part<'t>, (usize, Box<Error<Rule>>)>;

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
