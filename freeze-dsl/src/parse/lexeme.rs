//! The word, number or sign at a place of a text, for messages.

use crate::diagnostic::{quoted, readable};
use crate::source::Span;

pub(super) fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The span of a text's last character that is not white space.
pub(crate) fn last_character(text: &str) -> Span {
    let text = text.trim_end();
    let last = text.chars().next_back().map_or(0, char::len_utf8);
    Span::new(text.len() - last, text.len())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LexemeKind {
    Word,
    Number,
    Other,
    End,
}

/// A word, number or sign.
pub(super) struct Lexeme<'t> {
    pub(super) kind: LexemeKind,
    pub(super) text: &'t str,
    pub(super) span: Span,
}

impl<'t> Lexeme<'t> {
    /// The lexeme at `at` in the statement at `within`.
    pub(super) fn at(text: &'t str, within: Span, at: usize) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next().filter(|_| at < within.end) else {
            let place = last_character(text.get(..at).unwrap_or(text));
            return Self { kind: LexemeKind::End, text: "", span: place };
        };
        let (kind, length) = if is_word_character(first) {
            let numeric = first.is_ascii_digit();
            let length =
                rest.find(|c| !(is_word_character(c) || numeric && c == '.')).unwrap_or(rest.len());
            (if numeric { LexemeKind::Number } else { LexemeKind::Word }, length)
        } else {
            (LexemeKind::Other, first.len_utf8())
        };
        Self { kind, text: rest.get(..length).unwrap_or(rest), span: Span::new(at, at + length) }
    }

    pub(super) fn shown(&self) -> String {
        if self.kind == LexemeKind::End {
            "the end".to_owned()
        } else {
            quoted(&readable(self.text))
        }
    }
}
