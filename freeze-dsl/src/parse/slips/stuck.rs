//! A statement that does not parse, as the kinds of slips see it.

use crate::parse::lexeme::{Lexeme, LexemeKind};
use crate::source::Span;

/// A statement, and the place at which it stops being valid.
pub(super) struct Stuck<'t> {
    text: &'t str,
    /// The text of the whole policy.
    policy: &'t str,
    /// Where in the policy the statement begins.
    offset: usize,
    lexemes: Vec<Lexeme<'t>>,
    error: usize,
    /// The index of the lexeme at the error.
    at: usize,
}

/// Lexemes may be missing: what is outside of the statement reads as this.
const NOTHING: Lexeme<'static> = Lexeme { kind: LexemeKind::End, text: "", span: Span::new(0, 0) };

impl<'t> Stuck<'t> {
    pub(super) fn new(text: &'t str, error: usize, policy: &'t str, offset: usize) -> Self {
        let lexemes: Vec<_> = Lexeme::all(text, Span::new(0, text.len())).collect();
        let at = lexemes.partition_point(|lexeme| lexeme.span.end <= error);
        Self { text, policy, offset, lexemes, error, at }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn policy(&self) -> &'t str {
        self.policy
    }

    /// Whether a loop is open where the statement begins.
    pub(super) fn is_in_loop(&self) -> bool {
        let before = self.policy.get(..self.offset).unwrap_or_default();
        before.matches('{').count() > before.matches('}').count()
    }

    /// The word of the innermost block that is open where the statement begins: `for`, `track`,
    /// `repeat`, or none.
    pub(super) fn block(&self) -> &'t str {
        let before = self.nearby();
        let mut depth = 0_usize;
        let open = before.char_indices().rev().find(|(_, sign)| match sign {
            '}' => {
                depth += 1;
                false
            }
            '{' if depth > 0 => {
                depth -= 1;
                false
            }
            sign => *sign == '{',
        });
        let head = open.and_then(|(at, _)| before.get(..at)).unwrap_or_default();
        let head = head.rsplit([';', '{', '}']).next().unwrap_or_default();
        head.split_whitespace().next().unwrap_or_default()
    }

    /// The end of the text before the statement, as much as a person would look at.
    pub(super) fn nearby(&self) -> &'t str {
        const LONGEST: usize = 4_000;
        let before = self.policy.get(..self.offset).unwrap_or_default();
        let mut start = before.len().saturating_sub(LONGEST);
        while !before.is_char_boundary(start) {
            start += 1;
        }
        before.get(start..).unwrap_or_default()
    }

    pub(super) fn error(&self) -> usize {
        self.error
    }

    /// The index of the lexeme at the error; that of the end if there is none.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn count(&self) -> usize {
        self.lexemes.len()
    }

    /// A lexeme by its index; an empty one outside of the statement.
    pub(super) fn get(&self, index: usize) -> Lexeme<'t> {
        self.lexemes.get(index).copied().unwrap_or(NOTHING)
    }

    /// The lexeme so many before the error.
    pub(super) fn before(&self, count: usize) -> Lexeme<'t> {
        self.at.checked_sub(count).map_or(NOTHING, |index| self.get(index))
    }

    /// The lexeme before an index.
    pub(super) fn previous(&self, index: usize) -> Lexeme<'t> {
        index.checked_sub(1).map_or(NOTHING, |before| self.get(before))
    }

    /// The lexeme at the error.
    pub(super) fn here(&self) -> Lexeme<'t> {
        self.get(self.at)
    }

    /// The lexeme so many after the error.
    pub(super) fn after(&self, count: usize) -> Lexeme<'t> {
        self.get(self.at + count)
    }

    /// The indices of the lexemes at which a slip may lie: the error and those before it, the
    /// nearest first.
    pub(super) fn near(&self) -> impl Iterator<Item = usize> + use<> {
        const FAR: usize = 3;
        let at = self.at;
        // A number is at the error if the letters that follow it are wrong.
        (at.saturating_sub(FAR)..=at).rev().chain([at + 1])
    }

    /// The index of the lexeme after the statement's own last one: its `;` is none of them.
    pub(super) fn end(&self) -> usize {
        self.lexemes.iter().rposition(|lexeme| lexeme.text != ";").map_or(0, |last| last + 1)
    }

    /// The byte at which the lexeme before an index ends.
    pub(super) fn end_before(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.get(before).span.end)
    }

    /// The byte at which a lexeme begins; the end of the text if there is none.
    pub(super) fn start_of(&self, index: usize) -> usize {
        self.lexemes.get(index).map_or(self.text.len(), |lexeme| lexeme.span.start)
    }

    /// The text of the lexemes in a range.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(self.span(from, to).range()).unwrap_or_default()
    }

    /// The span of the lexemes in a range.
    pub(super) fn span(&self, from: usize, to: usize) -> Span {
        let start = self.start_of(from);
        Span::new(start, self.end_before(to).max(start))
    }

    /// Whether a lexeme follows the one before it directly.
    pub(super) fn is_glued(&self, index: usize) -> bool {
        index > 0 && self.get(index).span.start == self.end_before(index) && index < self.count()
    }

    /// The span to remove with a lexeme, so that the words around it are apart: the space after it
    /// as well, if there is one before it too.
    pub(super) fn without(&self, index: usize) -> (Span, &'static str) {
        let span = self.get(index).span;
        let spaced = span.start > self.end_before(index);
        let next = self.start_of(index + 1);
        let is_end = index + 1 >= self.end();
        if is_end || self.get(index + 1).text == ";" {
            (Span::new(self.end_before(index), span.end), "")
        } else if spaced {
            (Span::new(span.start, next), "")
        } else if next > span.end {
            (span, "")
        } else {
            (span, " ")
        }
    }

    /// The index after a path or name that begins at an index: words, dots, stars, and brackets
    /// that touch it.
    pub(super) fn path_end(&self, start: usize) -> Option<usize> {
        let first = self.get(start);
        let begins = first.is_word()
            || matches!(first.text, "*" | "**" | "{")
            || first.kind == LexemeKind::Quoted;
        let mut end = begins.then_some(start)?;
        let mut depth = 0_usize;
        while end < self.count() {
            let lexeme = self.get(end);
            if end > start && depth == 0 && !self.is_glued(end) {
                break;
            }
            match lexeme.text {
                "[" | "{" => depth += 1,
                "]" | "}" if depth > 0 => depth -= 1,
                "." | "*" | "**" => {}
                ".." | "..=" | "," | "-" | ":" | "+" if depth > 0 => {}
                _ if lexeme.is_word()
                    || matches!(lexeme.kind, LexemeKind::Number | LexemeKind::Quoted) => {}
                _ => break,
            }
            end += 1;
        }
        (end > start && depth == 0).then_some(end)
    }

    /// The index of the `[` around an index, if it follows a name directly, as in `layer[1:3]`.
    pub(super) fn open_index(&self, index: usize) -> Option<usize> {
        let nearest = (0..index).rev().find(|at| matches!(self.get(*at).text, "[" | "]"))?;
        (self.get(nearest).text == "[" && self.is_glued(nearest)).then_some(nearest)
    }

    /// The index of the `rows` before an index, if its `of` is not before the index as well.
    pub(super) fn open_rows(&self, index: usize) -> Option<usize> {
        let word = self.last_of(&["row", "rows", "of"], index)?;
        (self.get(word).text != "of").then_some(word)
    }

    /// The last word of `words` before an index that is not in brackets.
    pub(super) fn last_of(&self, words: &[&str], before: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for index in (0..before.min(self.count())).rev() {
            let lexeme = self.get(index);
            match lexeme.text {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" => depth = depth.saturating_sub(1),
                word if depth == 0 && lexeme.is_word() && words.contains(&word) => {
                    return Some(index);
                }
                _ => {}
            }
        }
        None
    }
}
