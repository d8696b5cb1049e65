//! Lines and columns of a text's bytes, in time that does not depend on the text's length.

use freeze_dsl::source::{Source, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// How many bytes are counted at most for one position.
const BLOCK: usize = 1024;

/// The start of each line, and the number of characters before each block of bytes.
pub(super) struct LineIndex<'s> {
    source: &'s Source,
    lines: Vec<usize>,
    blocks: Vec<usize>,
}

/// The lines and columns of a span.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Region {
    /// The line of its first character, from 1.
    pub(super) line: usize,
    /// The column of its first character, in characters from 1.
    pub(super) column: usize,
    /// The line of its end.
    pub(super) end_line: usize,
    /// The column after its last character.
    pub(super) end_column: usize,
}

impl<'s> LineIndex<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        let text = source.text();
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let mut blocks = vec![0];
        let mut before = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            before += begun(block);
            blocks.push(before);
        }
        Self { source, lines: std::iter::once(source.first_byte()).chain(starts).collect(), blocks }
    }

    pub(super) const fn source(&self) -> &'s Source {
        self.source
    }

    pub(super) fn region(&self, span: Span) -> Region {
        let (line, column) = self.line_column(span.start);
        let (end_line, end_column) = self.line_column(span.end);
        Region { line, column, end_line, end_column }
    }

    /// The line and column of a byte, as [`Source::line_column`] returns them.
    pub(super) fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.source.text().len());
        let line = self.lines.partition_point(|start| *start <= byte).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.characters(byte).saturating_sub(self.characters(start));
        (self.source.first_line() + line - 1, column + 1)
    }

    /// How many characters begin before a byte.
    fn characters(&self, byte: usize) -> usize {
        let block = byte / BLOCK;
        let rest = self.source.text().as_bytes().get(block * BLOCK..byte).unwrap_or_default();
        self.blocks.get(block).copied().unwrap_or_default() + begun(rest)
    }
}

/// How many characters begin in these bytes: every byte that does not continue a character.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_those_of_the_source() {
        let text = format!("é\n\n{}🦀{}\nlast", "x".repeat(BLOCK), "ü".repeat(BLOCK));
        let source = Source::named("a", text.clone()).at_line(7);
        let lines = LineIndex::new(&source);
        for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(lines.line_column(byte), source.line_column(byte), "{byte}");
        }
    }
}
