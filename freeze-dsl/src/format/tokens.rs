//! The tokens of a text, each with the comments before it.

use std::collections::VecDeque;

use pest::Token as Edge;

use crate::parse::{Chunk, Rule};

/// A word or sign.
pub(super) struct Token<'t> {
    pub(super) kind: Rule,
    pub(super) text: &'t str,
    /// The white space and comments between the token before and this one.
    pub(super) gap: Gap<'t>,
}

/// White space and comments between two tokens.
#[derive(Default)]
pub(super) struct Gap<'t> {
    pub(super) comments: Vec<Comment<'t>>,
    /// How many line ends follow the last comment, two at most.
    pub(super) line_ends: usize,
}

pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// How many line ends precede it, two at most: more than one blank line is not kept.
    pub(super) line_ends: usize,
}

impl<'t> Gap<'t> {
    /// Reads the text between two tokens.
    fn read(mut text: &'t str) -> Self {
        let mut gap = Self::default();
        loop {
            let after = text.trim_start_matches(is_space);
            let space = text.len() - after.len();
            let line_ends = text.get(..space).map_or(0, |space| space.matches('\n').count()).min(2);
            let length = comment_length(after);
            let Some((comment, rest)) = after.split_at_checked(length).filter(|_| length > 0)
            else {
                gap.line_ends = line_ends;
                return gap;
            };
            let comment = if comment.starts_with("//") { comment.trim_end() } else { comment };
            gap.comments.push(Comment { text: comment, line_ends });
            text = rest;
        }
    }

    /// Whether it contains a line end.
    fn is_broken(&self) -> bool {
        self.line_ends > 0 || self.comments.iter().any(|comment| comment.line_ends > 0)
    }

    /// Whether its comments move after a `,`, `;` or `:` that follows.
    pub(super) fn moves_after_sign(&self) -> bool {
        !self.comments.is_empty() && self.is_broken()
    }

    /// The gap that remains if the token between this gap and `next` is removed.
    fn followed_by(mut self, next: Self) -> Self {
        let mut between = self.line_ends;
        for mut comment in next.comments {
            comment.line_ends = comment.line_ends.max(between);
            between = 0;
            self.comments.push(comment);
        }
        self.line_ends = next.line_ends.max(between);
        self
    }
}

/// White space, or a byte order mark, which counts as a space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || character == '\u{FEFF}'
}

/// The length of the comment at the start of the text; zero if there is none.
fn comment_length(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if !text.starts_with("/*") {
        return 0;
    }
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(rest) = text.get(at..) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The tokens of a text that have been read and not printed yet.
pub(super) struct Tokens<'t> {
    text: &'t str,
    /// The end of the last token that was read.
    end: usize,
    queue: VecDeque<Token<'t>>,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, end: 0, queue: VecDeque::new() }
    }

    /// Reads the parser's tokens of the next chunk, in order. The last one of a text is its end, which is
    /// empty.
    pub(super) fn read(&mut self, (at, chunk): &Chunk<'_>) {
        // A token is a pair that has no others in it: its end directly follows its start.
        let mut begun = None;
        for edge in chunk.clone().tokens() {
            let (kind, end) = match edge {
                Edge::Start { pos, .. } => {
                    begun = Some(at + pos.pos());
                    continue;
                }
                Edge::End { rule: kind, pos } => (kind, at + pos.pos()),
            };
            let Some(start) = begun.take().filter(|start| *start < end || kind == Rule::EOI) else {
                continue;
            };
            let gap = Gap::read(self.text.get(self.end..start).unwrap_or_default());
            let text = self.text.get(start..end).unwrap_or_default();
            self.queue.push_back(Token { kind, text, gap });
            self.end = end;
        }
    }

    pub(super) fn next(&mut self) -> Option<Token<'t>> {
        self.queue.pop_front()
    }

    pub(super) fn peek(&mut self) -> Option<&mut Token<'t>> {
        self.queue.front_mut()
    }

    pub(super) fn peek_kind(&self) -> Option<Rule> {
        self.queue.front().map(|token| token.kind)
    }

    /// Removes the next token; its comments move to the one after it.
    pub(super) fn drop_next(&mut self) {
        if let Some(gap) = self.next().map(|token| token.gap)
            && let Some(next) = self.peek()
        {
            next.gap = gap.followed_by(std::mem::take(&mut next.gap));
        }
    }
}
