//! A first look at the text: what no grammar should be asked to read.

use std::borrow::Cow;

use super::MAX_NESTING;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// The text, with statements that nest too deeply, and comments and strings that never end,
/// replaced by spaces; each is told.
pub(super) fn blank_unreadable<'t>(text: &'t str, found: &mut Vec<Diagnostic>) -> Cow<'t, str> {
    let unreadable = Scan::new(text).unreadable(found);
    if unreadable.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in unreadable {
        if let Some(stretch) = bytes.get_mut(span.range()) {
            stretch.fill(b' ');
        }
    }
    Cow::Owned(String::from_utf8(bytes).unwrap_or_default())
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn unreadable(mut self, found: &mut Vec<Diagnostic>) -> Vec<Span> {
        let mut unreadable = Vec::new();
        // Loops nest across `;`, other brackets end with their statement even where left open.
        let (mut statement, mut braces, mut others) = (0, 0_usize, 0_usize);
        let mut too_deep = None;
        while self.at < self.bytes.len() {
            let start = self.at;
            match self.peek(0) {
                b'/' if self.peek(1) == b'/' => self.line_comment(),
                b'/' if self.peek(1) == b'*' => match self.block_comment() {
                    Comment::Closed => {}
                    Comment::TooDeep => too_deep = too_deep.or(Some(start)),
                    Comment::Open => {
                        let span = Span::new(start, self.bytes.len());
                        found.push(
                            Diagnostic::new(
                                Code::FRZ0101,
                                Span::new(start, start + 2),
                                "this comment is never closed",
                            )
                            .label("expected `*/` somewhere behind this"),
                        );
                        unreadable.push(span);
                    }
                },
                b'"' => {
                    if !self.string() {
                        found.push(
                            Diagnostic::new(
                                Code::FRZ0101,
                                Span::new(start, start + 1),
                                "this string is never closed",
                            )
                            .label("expected another `\"` behind this"),
                        );
                        unreadable.push(Span::new(statement, self.bytes.len()));
                    }
                }
                bracket @ (b'(' | b'[' | b'{') => {
                    *(if bracket == b'{' { &mut braces } else { &mut others }) += 1;
                    if braces + others > MAX_NESTING {
                        too_deep = too_deep.or(Some(start));
                    }
                    self.at += 1;
                }
                b')' | b']' => {
                    others = others.saturating_sub(1);
                    self.at += 1;
                }
                end @ (b'}' | b';') => {
                    self.at += 1;
                    others = 0;
                    braces = braces.saturating_sub(usize::from(end == b'}'));
                    // A set of words in a path closes a brace and ends nothing; to blank a little
                    // less than the whole statement does no harm.
                    if braces == 0 {
                        if let Some(place) = too_deep.take() {
                            found.push(nested_too_deeply(place));
                            unreadable.push(Span::new(statement, self.at));
                        }
                        statement = self.at;
                    }
                }
                _ => self.at += 1,
            }
        }
        if let Some(place) = too_deep {
            found.push(nested_too_deeply(place));
            unreadable.push(Span::new(statement, self.bytes.len()));
        }
        unreadable
    }

    fn line_comment(&mut self) {
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) -> Comment {
        let (mut depth, mut deepest) = (0_usize, 0);
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    deepest = deepest.max(depth);
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return if deepest > MAX_NESTING {
                            Comment::TooDeep
                        } else {
                            Comment::Closed
                        };
                    }
                }
                _ => self.at += 1,
            }
        }
        Comment::Open
    }

    /// Whether the string that begins here is closed.
    fn string(&mut self) -> bool {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return true;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
        false
    }
}

enum Comment {
    Closed,
    TooDeep,
    Open,
}

fn nested_too_deeply(place: usize) -> Diagnostic {
    Diagnostic::new(
        Code::FRZ0103,
        Span::new(place, place + 1),
        format!("nested more than {MAX_NESTING} deep"),
    )
    .label("this one is too deep")
}
