//! Texts and spans.

use std::borrow::Cow;
use std::ops::{Deref, Range};

use serde::Serialize;

/// A range of bytes of a [`Source`]'s text, its end exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that contains both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The same bytes as a range.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A value with its span. Two are equal if their values are: the meaning of a policy does not
/// depend on where it is written.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its span.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

/// A policy's text, with its name for messages.
#[derive(Debug, Clone)]
pub struct Source {
    name: Cow<'static, str>,
    text: Cow<'static, str>,
    first_line: usize,
}

/// The name of a text that has none.
const UNNAMED: &str = "<policy>";

impl Source {
    /// A text without a name.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self::named(UNNAMED, text)
    }

    /// The text of the file `name`.
    pub fn named(name: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), text: text.into(), first_line: 1 }
    }

    /// The same text, as a part of its file that begins at line `first_line` (from 1).
    #[must_use]
    pub fn at_line(self, first_line: usize) -> Self {
        Self { first_line, ..self }
    }

    /// Another text with the same name and first line.
    #[must_use]
    pub(crate) fn with_text(self, text: String) -> Self {
        Self { text: text.into(), ..self }
    }

    /// A text that begins at line `first_line` (from 1) of the file `name`, as a macro's does.
    #[must_use]
    pub const fn embedded(name: &'static str, text: &'static str, first_line: usize) -> Self {
        Self { name: Cow::Borrowed(name), text: Cow::Borrowed(text), first_line }
    }

    /// The name for messages, usually the path of a file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number, from 1, of the text's first line in its file.
    #[must_use]
    pub const fn first_line(&self) -> usize {
        self.first_line
    }

    /// The text of `span`; empty if the span is outside the text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The byte of the first character; some editors begin a file with a byte order mark, which counts
    /// as no column.
    #[must_use]
    pub fn first_byte(&self) -> usize {
        self.text.len() - without_mark(&self.text).len()
    }

    /// The line and column of a byte, both from 1, the column in characters.
    #[must_use]
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let (line, column) = position(self.text.get(..byte).unwrap_or(&self.text));
        (self.first_line + line - 1, column)
    }
}

/// The text after its byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// The line and column after the text, both from 1, the column in characters.
pub(crate) fn position(text: &str) -> (usize, usize) {
    let text = without_mark(text);
    let line = text.matches('\n').count();
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count();
    (line + 1, column + 1)
}
