//! The first pass over the text. Comments and all kinds of white space become spaces, so that the
//! grammar has only one kind of white space. What is too long or nested too deeply for the grammar
//! is reported and becomes spaces as well.

use super::cuts::Cuts;
use super::{MAX_NESTING, MAX_WORDS, lookalikes};
use crate::diagnostic::{Applicability, Code, Diagnostic, DiagnosticSink, Edit, Suggestion};
use crate::source::Span;

/// A text as the grammar reads it.
#[derive(Debug, Clone)]
pub(crate) struct ScannedText {
    /// The text, each byte in its place: comments are spaces.
    pub(crate) readable: String,
    pub(crate) comments: Vec<Span>,
    /// The byte after each of its parts but the last.
    ends: Vec<usize>,
}

impl ScannedText {
    /// Scans a text. Reports statements that are too long or nested too deeply, and comments and
    /// strings that are not closed.
    pub(crate) fn new(text: &str, found: &mut DiagnosticSink) -> Self {
        let mut scan = Scanner {
            text,
            at: 0,
            readable: text.as_bytes().to_vec(),
            comments: Vec::new(),
            cuts: Cuts::new(),
            statement: 0,
            braces: 0,
            others: 0,
            words: 0,
            refused: None,
        };
        scan.all(found);
        let readable = String::from_utf8(scan.readable).unwrap_or_default();
        Self { readable, comments: scan.comments, ends: scan.cuts.into_ends() }
    }

    /// A text whose mistakes are reported elsewhere.
    pub(crate) fn quietly(text: &str) -> Self {
        Self::new(text, &mut DiagnosticSink::default())
    }

    /// One of the parts that are parsed one by one; nothing that the grammar accepts reaches beyond
    /// one.
    pub(super) fn part(&self, index: usize) -> Option<Span> {
        let end = match self.ends.get(index) {
            Some(end) => *end,
            None => self.is_last(index).then_some(self.readable.len())?,
        };
        let before = index.checked_sub(1).and_then(|before| self.ends.get(before));
        Some(Span::new(before.copied().unwrap_or(0), end))
    }

    pub(super) const fn is_last(&self, part: usize) -> bool {
        part == self.ends.len()
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    readable: Vec<u8>,
    comments: Vec<Span>,
    cuts: Cuts,
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
                (b'#', _) => {
                    found.push(foreign_comment(start));
                    self.line_comment();
                    continue;
                }
                _ if self.is_space() => continue,
                _ if self.is_lookalike(found) => {}
                _ => self.word(),
            }
            self.note_token(start);
            self.words += 1;
            if self.words > MAX_WORDS {
                let place = Span::new(start, self.at);
                self.refuse(|| too_long(place));
            }
        }
        self.end_statement(found);
    }

    /// Takes note of a word, string or sign where the text may be cut.
    fn note_token(&mut self, start: usize) {
        let token = self.readable.get(start..self.at).unwrap_or_default().trim_ascii_start();
        if !token.is_empty() {
            self.cuts.add(token, self.at);
        }
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

    /// Reads what looks like a word, a number, a string or a sign of the language, if it is here,
    /// and reports it. The text then reads as if it were one.
    fn is_lookalike(&mut self, found: &mut DiagnosticSink) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { return false };
        if lookalikes::is_quote(first) {
            return self.is_foreign_string(first, found);
        }
        let length = cluster(rest);
        let cluster = rest.get(..length).unwrap_or_default();
        if cluster.chars().all(|it| lookalikes::ascii_of(it).is_none()) {
            return false;
        }
        let odd = cluster.chars().find(|character| !character.is_ascii()).unwrap_or(first);
        let plain: String = cluster
            .chars()
            .map(|it| lookalikes::ascii_of(it).unwrap_or_else(|| it.to_string()))
            .collect();
        let place = Span::new(self.at, self.at + length);
        let (label, help) = if plain.is_empty() {
            ("nothing is seen here".to_owned(), "leave it out".to_owned())
        } else {
            (format!("this only looks like `{plain}`"), format!("write `{plain}`"))
        };
        let message = format!("{} is not a character of the language", lookalikes::shown(odd));
        found.push(Diagnostic::new(Code::Syntax, place, message).label(label).suggest(
            Applicability::Safe,
            help,
            place,
            plain.clone(),
        ));
        self.write(place, &plain);
        self.at = place.end;
        true
    }

    /// `'fc'` or `“fc”`: a string with other quotation marks.
    fn is_foreign_string(&mut self, first: char, found: &mut DiagnosticSink) -> bool {
        let start = self.at;
        let rest = self.text.get(start + first.len_utf8()..).unwrap_or_default();
        let closes = |sign: char| match first {
            '\'' | '`' => sign == first,
            _ => lookalikes::is_quote(sign) && !sign.is_ascii() || sign == '"',
        };
        let Some(length) = rest.find(|sign| closes(sign) || sign == '\n') else { return false };
        let Some(last) = rest.get(length..).and_then(|rest| rest.chars().next()) else {
            return false;
        };
        let content = rest.get(..length).unwrap_or_default();
        if !closes(last) || content.contains(['"', '\\']) {
            return false;
        }
        let open = Span::new(start, start + first.len_utf8());
        let close = Span::new(open.end + length, open.end + length + last.len_utf8());
        let mut finding = Diagnostic::new(
            Code::Syntax,
            open,
            format!("{} is not a quotation mark of the language", lookalikes::shown(first)),
        )
        .label("a string is written in `\"`");
        finding.suggestions.push(Suggestion {
            message: format!("write `\"{content}\"`"),
            applicability: Applicability::Safe,
            edits: [open, close].map(|span| Edit { span, text: "\"".to_owned() }).to_vec(),
        });
        found.push(finding);
        self.write(open, "\"");
        self.write(Span::new(close.start, close.start + 1), "\"");
        self.at = close.end;
        self.blank(close.start + 1);
        true
    }

    /// Writes a text in place of a longer one, at its end.
    fn write(&mut self, place: Span, text: &str) {
        if let Some(stretch) = self.readable.get_mut(place.range()) {
            let (gap, end) = stretch.split_at_mut(stretch.len().saturating_sub(text.len()));
            gap.fill(b' ');
            end.copy_from_slice(text.as_bytes());
        }
    }

    fn line_comment(&mut self) {
        let start = self.at;
        while !self.is_at_end() && self.peek(0) != b'\n' {
            self.at += 1;
        }
        self.comments.push(Span::new(start, self.at));
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
        self.comments.push(Span::new(start, self.at));
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

/// The length of the word, number or sign at the start of a text, with the characters that look
/// like a part of it.
fn cluster(text: &str) -> usize {
    let is_letter = |character: char| {
        character.is_ascii_alphanumeric()
            || character == '_'
            || lookalikes::full_width(character)
                .is_some_and(|plain| plain.is_ascii_alphanumeric() || matches!(plain, '_' | '.'))
    };
    let is_number =
        text.starts_with(|sign| lookalikes::full_width(sign).unwrap_or(sign).is_ascii_digit());
    let mut last = ' ';
    let end = text.find(|character: char| {
        let follows_e = matches!(lookalikes::full_width(last).unwrap_or(last), 'e' | 'E');
        let is_part = is_letter(character)
            || is_number && character == '.'
            || is_number && follows_e && lookalikes::is_minus(character);
        last = character;
        !is_part
    });
    match end.unwrap_or(text.len()) {
        0 => text.chars().next().map_or(0, char::len_utf8),
        length => length,
    }
}

fn foreign_comment(place: usize) -> Diagnostic {
    let place = Span::new(place, place + 1);
    Diagnostic::new(Code::Syntax, place, "`#` does not begin a comment")
        .label("a comment begins with `//`")
        .suggest(Applicability::Safe, "write `//`", place, "//")
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
