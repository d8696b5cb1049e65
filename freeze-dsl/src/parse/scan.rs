//! The first pass over the text. Comments and all kinds of white space become spaces, so that the
//! grammar has only one kind of white space. What is too long or nested too deeply for the grammar
//! is reported and becomes spaces as well.

use super::{MAX_NESTING, MAX_WORDS};
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink};
use crate::source::Span;

/// The text as pest reads it, each byte in its place. Reports statements that are too long or
/// nested too deeply, and comments and strings that are not closed.
pub(crate) fn readable(text: &str, found: &mut DiagnosticSink) -> String {
    let mut scan = Scanner {
        text,
        at: 0,
        readable: text.as_bytes().to_vec(),
        statement: 0,
        braces: 0,
        others: 0,
        words: 0,
        refused: None,
    };
    scan.all(found);
    String::from_utf8(scan.readable).unwrap_or_default()
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    readable: Vec<u8>,
    /// The start of the current statement outside of loops.
    statement: usize,
    /// How many braces are open: loops continue after `;`.
    braces: usize,
    /// How many other brackets are open; the end of a statement closes them.
    others: usize,
    /// How many words and signs there are since the last `;`.
    words: usize,
    /// The reason why the statement is not parsed, if any.
    refused: Option<Diagnostic>,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or_default()
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Replaces everything from `from` on by spaces.
    fn blank(&mut self, from: usize) {
        if let Some(stretch) = self.readable.get_mut(from..self.at) {
            stretch.fill(b' ');
        }
    }

    fn all(&mut self, found: &mut DiagnosticSink) {
        while !self.is_at_end() {
            let start = self.at;
            match (self.peek(0), self.peek(1)) {
                (b'/', b'/') => {
                    self.line_comment();
                    continue;
                }
                (b'/', b'*') => {
                    self.block_comment(found);
                    continue;
                }
                (b'"', _) => self.string(found),
                (b'r', b'"' | b'#') if self.is_raw_string() => self.raw_string(found),
                (bracket @ (b'(' | b'[' | b'{'), _) => {
                    self.at += 1;
                    *(if bracket == b'{' { &mut self.braces } else { &mut self.others }) += 1;
                    if self.braces + self.others > MAX_NESTING {
                        self.refuse(|| nested_too_deeply(start));
                    }
                }
                (b')' | b']', _) => {
                    self.at += 1;
                    self.others = self.others.saturating_sub(1);
                }
                (end @ (b'}' | b';'), _) => {
                    self.at += 1;
                    self.others = 0;
                    if end == b';' {
                        self.words = 0;
                    } else {
                        self.braces = self.braces.saturating_sub(1);
                    }
                    // The brace of a set in a path ends no statement, but it does no harm to blank
                    // a little less than the whole statement.
                    if self.braces == 0 {
                        self.end_statement(found);
                    }
                }
                _ if self.is_space() => continue,
                _ => self.word(),
            }
            self.words += 1;
            if self.words > MAX_WORDS {
                let place = Span::new(start, self.at);
                self.refuse(|| too_long(place));
            }
        }
        self.end_statement(found);
    }

    fn refuse(&mut self, finding: impl FnOnce() -> Diagnostic) {
        self.refused.get_or_insert_with(finding);
    }

    fn end_statement(&mut self, found: &mut DiagnosticSink) {
        if let Some(finding) = self.refused.take() {
            found.push(finding);
            self.blank(self.statement);
            self.words = 0;
        }
        self.statement = self.at;
    }

    /// Skips white space, if there is any. A byte order mark, which some editors write, counts as a
    /// space.
    fn is_space(&mut self) -> bool {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let after =
            rest.trim_start_matches(|sign: char| sign.is_whitespace() || sign == '\u{FEFF}');
        self.at = self.text.len() - after.len();
        self.blank(start);
        self.at > start
    }

    /// Skips a word, a path without brackets, a number, or a sign.
    fn word(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_word = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.' | '*');
        let length = rest.find(|sign| !is_word(sign)).unwrap_or(rest.len());
        let sign = rest.chars().next().map_or(1, char::len_utf8);
        self.at += length.max(sign);
    }

    fn line_comment(&mut self) {
        let start = self.at;
        while !self.is_at_end() && self.peek(0) != b'\n' {
            self.at += 1;
        }
        self.blank(start);
    }

    fn block_comment(&mut self, found: &mut DiagnosticSink) {
        let start = self.at;
        let (mut depth, mut deepest) = (0_usize, 0);
        while !self.is_at_end() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    deepest = deepest.max(depth);
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                break;
            }
        }
        self.blank(start);
        if depth > 0 {
            let place = Span::new(start, start + 2);
            found.push(
                Diagnostic::new(Code::Syntax, place, "this comment is not closed")
                    .label("expected `*/` after this"),
            );
        } else if deepest > MAX_NESTING {
            self.refuse(|| nested_too_deeply(start));
        }
    }

    fn string(&mut self, found: &mut DiagnosticSink) {
        let start = self.at;
        self.at += 1;
        while !self.is_at_end() {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.unclosed_string(Span::new(start, start + 1), "\"", found);
    }

    /// Whether a raw string begins here, after its `r`: `r"`, `r#"`.
    fn is_raw_string(&self) -> bool {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        rest.trim_start_matches('#').starts_with('"')
    }

    fn raw_string(&mut self, found: &mut DiagnosticSink) {
        let start = self.at;
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let content = start + 1 + hashes + 1;
        let end = format!("\"{}", "#".repeat(hashes));
        match self.text.get(content..).and_then(|rest| rest.find(&end)) {
            Some(length) => self.at = content + length + end.len(),
            None => self.unclosed_string(Span::new(start, content), &end, found),
        }
    }

    fn unclosed_string(&mut self, opening: Span, end: &str, found: &mut DiagnosticSink) {
        self.at = self.text.len();
        found.push(
            Diagnostic::new(Code::Syntax, opening, "this string is not closed")
                .label(format!("expected another `{end}` after this")),
        );
        self.blank(self.statement);
    }
}

fn nested_too_deeply(place: usize) -> Diagnostic {
    let message = format!("nested more than {MAX_NESTING} deep");
    Diagnostic::new(Code::NestedTooDeeply, Span::new(place, place + 1), message)
        .label("this is too deep")
}

fn too_long(place: Span) -> Diagnostic {
    let message = format!("a statement of more than {MAX_WORDS} words and signs");
    Diagnostic::new(Code::NestedTooDeeply, place, message).label("this is one too many")
}
