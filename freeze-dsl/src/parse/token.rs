//! What stands at a place of a text, as people see it.

use crate::diagnostic::readable;
use crate::source::Span;

pub(super) fn quoted(word: &str) -> String {
    format!("`{word}`")
}

pub(super) fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The place of a text's last character that is no space.
pub(crate) fn last_character(text: &str) -> Span {
    let text = text.trim_end();
    let last = text.chars().next_back().map_or(0, char::len_utf8);
    Span::new(text.len() - last, text.len())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Other,
    End,
}

/// What stands at a place.
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) span: Span,
}

impl<'t> Token<'t> {
    /// The token at `at`, where the statement at `within` is read.
    pub(super) fn at(text: &'t str, within: Span, at: usize) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next().filter(|_| at < within.end) else {
            let place = last_character(text.get(..at).unwrap_or(text));
            return Self { kind: Kind::End, text: "", span: place };
        };
        let (kind, length) = if is_word_character(first) {
            let numeric = first.is_ascii_digit();
            let length =
                rest.find(|c| !(is_word_character(c) || numeric && c == '.')).unwrap_or(rest.len());
            (if numeric { Kind::Number } else { Kind::Word }, length)
        } else {
            (Kind::Other, first.len_utf8())
        };
        Self { kind, text: rest.get(..length).unwrap_or(rest), span: Span::new(at, at + length) }
    }

    pub(super) fn shown(&self) -> String {
        if self.kind == Kind::End { "the end".to_owned() } else { quoted(&readable(self.text)) }
    }
}
