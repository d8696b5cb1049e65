//! Words, numbers and signs, for messages and for edits.

use crate::diagnostic::{quoted, readable};
use crate::source::Span;

pub(super) fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The span of a text's last character that is not white space.
pub(crate) fn last_character(text: &str) -> Span {
    let text = text.trim_end();
    let last = text.chars().next_back().map_or(0, char::len_utf8);
    Span::new(text.len() - last, text.len())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LexemeKind {
    Word,
    Number,
    /// A string with its quotes.
    Quoted,
    Sign,
    End,
}

/// A word, number, string or sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexeme<'t> {
    pub(crate) kind: LexemeKind,
    pub(crate) text: &'t str,
    pub(crate) span: Span,
}

/// Signs of more than one character; those of other languages are among them.
const SIGNS: [&str; 16] = [
    "..=", "-->", "->", "=>", "=<", "<=", ">=", "==", "!=", ":=", "&&", "||", "**", "..", "//",
    "::",
];

impl<'t> Lexeme<'t> {
    /// The lexemes of the part of a text that `within` covers.
    pub(crate) fn all(text: &'t str, within: Span) -> impl Iterator<Item = Self> {
        let text = text.get(..within.end).unwrap_or(text);
        let mut at = within.start;
        std::iter::from_fn(move || {
            let rest = text.get(at..)?;
            at += rest.len() - rest.trim_start().len();
            let lexeme = Self::starting_at(text, at)?;
            at = lexeme.span.end;
            Some(lexeme)
        })
    }

    /// The lexeme that contains or follows a byte of a statement. A number includes the letters
    /// that follow it directly.
    pub(super) fn at(text: &'t str, within: Span, at: usize) -> Self {
        let mut all = Self::all(text, within).skip_while(|lexeme| lexeme.span.end <= at).peekable();
        match all.next() {
            Some(number) if number.kind == LexemeKind::Number => {
                let glued = all.peek().filter(|next| {
                    next.kind == LexemeKind::Word && next.span.start == number.span.end
                });
                let span = glued.map_or(number.span, |glued| number.span.to(glued.span));
                Self { text: text.get(span.range()).unwrap_or(number.text), span, ..number }
            }
            Some(lexeme) => lexeme,
            None => {
                let end = at.min(within.end);
                let span = last_character(text.get(..end).unwrap_or(text));
                Self { kind: LexemeKind::End, text: "", span }
            }
        }
    }

    fn starting_at(text: &'t str, at: usize) -> Option<Self> {
        let rest = text.get(at..)?;
        let first = rest.chars().next()?;
        let (kind, length) = if first.is_ascii_digit() {
            (LexemeKind::Number, number_length(rest))
        } else if is_word_character(first) {
            let end = rest.find(|sign| !is_word_character(sign)).unwrap_or(rest.len());
            (LexemeKind::Word, end)
        } else if first == '"' {
            (LexemeKind::Quoted, string_length(rest))
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            (LexemeKind::Sign, sign.map_or(first.len_utf8(), |sign| sign.len()))
        };
        let text = rest.get(..length)?;
        Some(Self { kind, text, span: Span::new(at, at + length) })
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == LexemeKind::Word
    }

    pub(super) fn shown(&self) -> String {
        if self.kind == LexemeKind::End {
            "the end".to_owned()
        } else {
            quoted(&readable(self.text))
        }
    }
}

/// The length of the number at the start of a text.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|sign: char| !(sign.is_ascii_digit() || sign == '_')).unwrap_or(rest.len())
    };
    let begins_digit = |at: usize| {
        text.get(at..).is_some_and(|rest| rest.starts_with(|sign: char| sign.is_ascii_digit()))
    };
    let has =
        |at: usize, signs: &[char]| text.get(at..).is_some_and(|rest| rest.starts_with(signs));
    let mut end = digits(0);
    if has(end, &['.']) && begins_digit(end + 1) {
        end = digits(end + 1);
    }
    if has(end, &['e', 'E']) {
        let sign = usize::from(has(end + 1, &['+', '-']));
        if begins_digit(end + 1 + sign) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

/// The length of the string at the start of a text, with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, character) in text.char_indices() {
        match character {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_words_numbers_strings_and_signs() {
        let text = "stàrt: lr=1e-3, x[0..=2] \"a\\\"b\" 10epochs .5 a.1.b";
        let all: Vec<&str> =
            Lexeme::all(text, Span::new(0, text.len())).map(|lexeme| lexeme.text).collect();
        assert_eq!(
            all,
            [
                "stàrt",
                ":",
                "lr",
                "=",
                "1e-3",
                ",",
                "x",
                "[",
                "0",
                "..=",
                "2",
                "]",
                "\"a\\\"b\"",
                "10",
                "epochs",
                ".",
                "5",
                "a",
                ".",
                "1",
                ".",
                "b"
            ]
        );
        let at = |byte| Lexeme::at(text, Span::new(0, text.len()), byte).text;
        let glued = text.find("10").unwrap();
        assert_eq!([at(1), at(13), at(glued)], ["stàrt", "1e-3", "10epochs"]);
    }
}
