//! From tokens to operations: the white space and the comments between two tokens.
//!
//! A comment keeps its place between two tokens, and the line ends before and after it. There is one
//! exception: before a `,`, `;` or `:`, comments at the end of a line or in a line of their own move
//! after the sign.

use super::layout::{Break, Operation};
use super::tokens::{Gap, Token, Tokens};
use crate::parse::{Chunks, Rule};

/// The operations that print a text; `None` if it does not parse.
pub(super) fn operations<'t>(text: &'t str, chunks: Chunks<'_>) -> Option<Vec<Operation<'t>>> {
    let mut printer = Printer {
        tokens: Tokens::new(text),
        operations: Vec::new(),
        before: None,
        asked: None,
        is_led: false,
    };
    printer.policy(chunks)?;
    Some(printer.operations)
}

pub(super) struct Printer<'t> {
    /// The tokens that have not been printed yet.
    pub(super) tokens: Tokens<'t>,
    operations: Vec<Operation<'t>>,
    /// The kind of the last token that was printed.
    before: Option<Rule>,
    /// The separator that was requested before the next token.
    asked: Option<Separator>,
    /// Whether the separator before the next token has been printed.
    is_led: bool,
}

/// What separates two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Nothing,
    Space,
    /// A place where a line may end.
    Break(Break),
    /// The end of a line, and a blank line where there was one.
    Line,
    /// The end of a line, without a blank line after it.
    BlockStart,
}

impl Separator {
    /// A line may end here; otherwise there is a space.
    pub(super) const BREAK: Self = Self::Break(Break { is_space: true, fills: false });
    /// As `BREAK`, but the line ends only if what follows does not fit.
    pub(super) const FILL: Self = Self::Break(Break { is_space: true, fills: true });
    /// A line may end here; otherwise there is nothing.
    pub(super) const EDGE: Self = Self::Break(Break { is_space: false, fills: false });
}

impl<'t> Printer<'t> {
    /// Requests a separator before the next token, in place of the usual one.
    pub(super) fn ask(&mut self, separator: Separator) {
        self.asked = Some(separator);
    }

    pub(super) fn push(&mut self, operation: Operation<'t>) {
        self.operations.push(operation);
    }

    /// Begins a group at the next token, after the separator before it.
    pub(super) fn open(&mut self) {
        self.lead();
        self.push(Operation::Open);
    }

    pub(super) fn close(&mut self) {
        self.push(Operation::Close);
    }

    /// Prints the next token.
    pub(super) fn token(&mut self) {
        if matches!(self.tokens.peek_kind(), Some(Rule::comma | Rule::semicolon | Rule::colon))
            && self.tokens.peek().is_some_and(|token| token.gap.moves_after_sign())
        {
            let text = self.tokens.peek().map_or("", |token| token.text);
            let kind = self.tokens.peek_kind();
            self.tokens.drop_next();
            self.append(text);
            self.before = kind;
            return;
        }
        self.lead();
        self.is_led = false;
        if let Some(Token { kind, text, .. }) = self.tokens.next() {
            self.push(Operation::Text(text));
            self.before = Some(kind);
        }
    }

    /// Prints a sign that is not in the text, directly after the last token.
    pub(super) fn append(&mut self, sign: &'t str) {
        self.push(Operation::Text(sign));
        self.before = Some(Rule::comma);
    }

    /// Skips the next token.
    pub(super) fn skip(&mut self) {
        self.tokens.drop_next();
    }

    /// Whether there are comments before the next token.
    pub(super) fn has_comments(&mut self) -> bool {
        self.tokens.peek().is_some_and(|token| !token.gap.comments.is_empty())
    }

    /// Prints the separator and the comments before the next token.
    fn lead(&mut self) {
        if !self.is_led {
            self.is_led = true;
            self.gap(false);
        }
    }

    /// Prints a closing bracket, with `asked` before it. Comments before it belong to the content of
    /// the brackets and are indented with it.
    pub(super) fn closing_token(&mut self, asked: Separator) {
        self.end_block(asked);
        self.token();
    }

    /// Prints the separator before the end of an indented block, and ends the block.
    pub(super) fn end_block(&mut self, asked: Separator) {
        self.ask(asked);
        self.is_led = true;
        self.gap(true);
    }

    fn gap(&mut self, is_end: bool) {
        let Some((next, gap)) =
            self.tokens.peek().map(|token| (token.kind, std::mem::take(&mut token.gap)))
        else {
            return;
        };
        let usual = || match self.before {
            Some(before) => usual(before, next),
            None => Separator::BlockStart,
        };
        let asked = self.asked.take().unwrap_or_else(usual);
        let Gap { comments, line_ends } = gap;
        let blank_lines_end = |count: usize, is_first: bool| match asked {
            Separator::Line => count,
            Separator::BlockStart if !is_first => count,
            _ => count.min(1),
        };
        let is_text_start = self.before.is_none();
        let is_bare = comments.is_empty();
        let mut line_has_ended = is_text_start;
        for (index, comment) in comments.into_iter().enumerate() {
            if comment.line_ends > 0 {
                line_has_ended = true;
                let count = blank_lines_end(comment.line_ends, index == 0);
                self.push(Operation::LineEnds(count));
            } else if index > 0 || self.before.is_some_and(|before| !glues(before, comment.text)) {
                self.push(Operation::Text(" "));
            }
            self.push(Operation::Comment(comment.text));
        }
        if is_end {
            self.push(Operation::Dedent);
        }
        match asked {
            _ if is_bare && is_text_start => {}
            Separator::Line | Separator::BlockStart if is_bare || !line_has_ended || is_end => {
                let count = if is_end { 1 } else { blank_lines_end(line_ends, is_bare).max(1) };
                self.push(Operation::LineEnds(count));
            }
            Separator::Break(place) if is_bare => self.push(Operation::Break(place)),
            Separator::Space if is_bare => self.push(Operation::Text(" ")),
            Separator::Nothing if is_bare => {}
            _ if line_ends > 0 || (is_end && line_has_ended) => {
                self.push(Operation::LineEnds(blank_lines_end(line_ends.max(1), false)));
            }
            Separator::Break(place) if is_end => self.push(Operation::Break(place)),
            Separator::Break(place) if !line_has_ended => {
                self.push(Operation::Break(Break { is_space: true, ..place }));
            }
            _ if is_glued_to_the_left(next) => {}
            _ => self.push(Operation::Text(" ")),
        }
    }
}

/// The separator of two tokens if no other is requested.
fn usual(before: Rule, next: Rule) -> Separator {
    let is_glued = is_opening(before)
        || (is_glued_to_the_left(next) && before != Rule::kw_rows)
        || matches!(before, Rule::at | Rule::tilde | Rule::negative | Rule::dot)
        || (matches!(before, Rule::inclusive | Rule::exclusive) && next != Rule::kw_of)
        || (next == Rule::open && is_function(before))
        || (next == Rule::open_index && before == Rule::globs);
    if is_glued { Separator::Nothing } else { Separator::Space }
}

/// Whether a comment directly follows a token: after an opening bracket, if it is no line comment.
fn glues(before: Rule, comment: &str) -> bool {
    is_opening(before) && !comment.starts_with("//")
}

fn is_function(kind: Rule) -> bool {
    matches!(
        kind,
        Rule::kw_grad_norm
            | Rule::kw_len
            | Rule::kw_min
            | Rule::kw_max
            | Rule::kw_floor
            | Rule::kw_ceil
            | Rule::kw_round
    )
}

fn is_opening(kind: Rule) -> bool {
    matches!(kind, Rule::open | Rule::open_index | Rule::open_set)
}

fn is_glued_to_the_left(kind: Rule) -> bool {
    matches!(
        kind,
        Rule::comma
            | Rule::semicolon
            | Rule::colon
            | Rule::percent
            | Rule::optional
            | Rule::dot
            | Rule::inclusive
            | Rule::exclusive
            | Rule::close
            | Rule::close_index
            | Rule::close_set
            | Rule::EOI
    )
}
