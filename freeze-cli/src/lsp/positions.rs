//! Places of the protocol, a line and a column from 0, and bytes of a text.

use freeze_dsl::source::Span;

use super::protocol::{Position, PositionEncodingKind, Range};

/// In what columns are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    Utf8,
    /// What every editor understands.
    #[default]
    Utf16,
}

impl Encoding {
    /// UTF-8 if the editor offers it: then no column has to be counted.
    pub(super) fn choose(offered: Option<&[PositionEncodingKind]>) -> Self {
        let has_utf8 = offered.is_some_and(|all| all.contains(&PositionEncodingKind::UTF8));
        if has_utf8 { Self::Utf8 } else { Self::Utf16 }
    }

    pub(super) const fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    const fn width(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
        }
    }
}

/// The lines of a text. A line ends with `\n`, `\r\n` or `\r`.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    starts: Vec<usize>,
    encoding: Encoding,
}

impl Lines {
    pub(super) fn new(text: &str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends_line = |at: usize| match bytes.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let starts = (0..bytes.len()).filter(|at| ends_line(*at)).map(|at| at + 1);
        Self { starts: std::iter::once(0).chain(starts).collect(), encoding }
    }

    /// The byte at a place. A place outside of the text is moved to the nearest one in it, as the
    /// protocol asks.
    pub(super) fn byte(&self, text: &str, position: Position) -> usize {
        let Some(start) = usize::try_from(position.line).ok().and_then(|it| self.starts.get(it))
        else {
            return text.len();
        };
        let line = text.get(*start..).unwrap_or_default();
        let line = line.split(['\n', '\r']).next().unwrap_or_default();
        let mut left = usize::try_from(position.character).unwrap_or(usize::MAX);
        for (at, character) in line.char_indices() {
            let width = self.encoding.width(character);
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + line.len()
    }

    /// The place of a byte.
    pub(super) fn position(&self, text: &str, byte: usize) -> Position {
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let before = text.get(start..byte).unwrap_or_default();
        let column: usize = before.chars().map(|it| self.encoding.width(it)).sum();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position { line: number(line), character: number(column) }
    }

    pub(super) fn range(&self, text: &str, span: Span) -> Range {
        Range { start: self.position(text, span.start), end: self.position(text, span.end) }
    }

    /// The bytes of a range; an end before its start is the start.
    pub(super) fn span(&self, text: &str, range: Range) -> Span {
        let start = self.byte(text, range.start);
        Span::new(start, self.byte(text, range.end).max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "é🦀x\r\n\ra\n";

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_are_those_of_the_encoding() {
        let utf16 = Lines::new(TEXT, Encoding::Utf16);
        let utf8 = Lines::new(TEXT, Encoding::Utf8);
        let x = TEXT.find('x').unwrap();
        assert_eq!(utf16.position(TEXT, x), at(0, 3));
        assert_eq!(utf8.position(TEXT, x), at(0, 6));
        assert_eq!(utf16.byte(TEXT, at(0, 3)), x);
        assert_eq!(utf8.byte(TEXT, at(0, 6)), x);
    }

    #[test]
    fn every_byte_is_found_again() {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let lines = Lines::new(TEXT, encoding);
            for (byte, character) in TEXT.char_indices().chain([(TEXT.len(), ' ')]) {
                let is_second_of_line_end = character == '\n' && TEXT[..byte].ends_with('\r');
                if !is_second_of_line_end {
                    assert_eq!(lines.byte(TEXT, lines.position(TEXT, byte)), byte);
                }
            }
        }
    }

    #[test]
    fn lines_end_in_three_ways() {
        let lines = Lines::new(TEXT, Encoding::Utf16);
        assert_eq!(lines.position(TEXT, TEXT.find('a').unwrap()), at(2, 0));
        assert_eq!(lines.position(TEXT, TEXT.len()), at(3, 0));
    }

    #[test]
    fn a_place_outside_of_the_text_is_moved_into_it() {
        let lines = Lines::new(TEXT, Encoding::Utf16);
        assert_eq!(lines.byte(TEXT, at(0, 99)), "é🦀x".len());
        assert_eq!(lines.byte(TEXT, at(99, 0)), TEXT.len());
        // Between both halves of a surrogate pair.
        assert_eq!(lines.byte(TEXT, at(0, 2)), "é".len());
        assert_eq!(lines.position(TEXT, "é🦀".len() - 1), at(0, 1));
        assert_eq!(lines.position(TEXT, 999), at(3, 0));
        let reversed = Range { start: at(2, 1), end: at(0, 0) };
        let span = lines.span(TEXT, reversed);
        assert_eq!(span.start, span.end);
    }

    #[test]
    fn utf_8_is_chosen_where_it_is_offered() {
        let offered = [PositionEncodingKind::UTF16, PositionEncodingKind::UTF8];
        assert_eq!(Encoding::choose(Some(&offered)), Encoding::Utf8);
        assert_eq!(Encoding::choose(Some(&[PositionEncodingKind::UTF32])), Encoding::Utf16);
        assert_eq!(Encoding::choose(None), Encoding::Utf16);
    }
}
