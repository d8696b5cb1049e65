//! A text with edits, each made in the result of the edits before it.

use crate::diagnostic::Edit;
use crate::source::Span;

/// A text that is edited step by step, and the edits that lead to it from the first text at once.
#[derive(Clone)]
pub(super) struct EditedText<'t> {
    original: &'t str,
    pieces: Vec<TextPiece>,
}

#[derive(Clone)]
enum TextPiece {
    /// A part of the original text.
    Kept(Span),
    Inserted(String),
}

impl<'t> EditedText<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        Self { original, pieces: vec![TextPiece::Kept(Span::new(0, original.len()))] }
    }

    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|piece| self.of(piece)).collect()
    }

    fn of<'p>(&'p self, piece: &'p TextPiece) -> &'p str {
        match piece {
            TextPiece::Kept(span) => self.original.get(span.range()).unwrap_or_default(),
            TextPiece::Inserted(text) => text,
        }
    }

    /// The edited text after more edits, which are in order and do not overlap.
    pub(super) fn with(&self, edits: &[Edit]) -> Self {
        let mut edited = self.clone();
        for edit in edits.iter().rev() {
            edited.apply(edit);
        }
        edited
    }

    fn apply(&mut self, edit: &Edit) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut start = 0;
        for piece in &self.pieces {
            let length = self.of(piece).len();
            let from = edit.span.start.saturating_sub(start).min(length);
            let to = edit.span.end.saturating_sub(start).min(length);
            before.extend(self.part(piece, 0, from));
            after.extend(self.part(piece, to, length));
            start += length;
        }
        if !edit.text.is_empty() {
            before.push(TextPiece::Inserted(edit.text.clone()));
        }
        before.append(&mut after);
        self.pieces = before;
    }

    /// The bytes of a piece in a range, if there are any.
    fn part(&self, piece: &TextPiece, from: usize, to: usize) -> Option<TextPiece> {
        (from < to).then(|| match piece {
            TextPiece::Kept(span) => TextPiece::Kept(Span::new(span.start + from, span.start + to)),
            TextPiece::Inserted(_) => {
                TextPiece::Inserted(self.of(piece).get(from..to).unwrap_or_default().to_owned())
            }
        })
    }

    /// The edits of the original text, moved by `offset`.
    pub(super) fn edits(&self, offset: usize) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        let (mut at, mut inserted) = (0, String::new());
        let end = TextPiece::Kept(Span::new(self.original.len(), self.original.len()));
        for piece in self.pieces.iter().chain([&end]) {
            match piece {
                TextPiece::Inserted(text) => inserted.push_str(text),
                TextPiece::Kept(kept) => {
                    if kept.start > at || !inserted.is_empty() {
                        let span = Span::new(offset + at, offset + kept.start);
                        edits.push(Edit { span, text: std::mem::take(&mut inserted) });
                    }
                    at = kept.end;
                }
            }
        }
        edits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_edits_are_edits_of_the_original() {
        let edit = |start, end, text: &str| Edit { span: Span::new(start, end), text: text.into() };
        let once = EditedText::new("abcdef").with(&[edit(0, 1, "xyz"), edit(3, 4, "")]);
        assert_eq!(once.text(), "xyzbcef");
        let twice = once.with(&[edit(1, 4, "-"), edit(7, 7, "!")]);
        assert_eq!(twice.text(), "x-cef!");
        assert_eq!(twice.edits(10), [edit(10, 12, "x-"), edit(13, 14, ""), edit(16, 16, "!")]);
    }
}
