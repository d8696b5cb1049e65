//! Parses a text again after an edit. Statements that it had before keep their trees.

use std::collections::HashMap;

use super::ScannedText;
use crate::ast::{Item, Shift, Tree};
use crate::source::{Span, Spanned};

/// What the next parse of a text needs of this one, besides its tree.
#[derive(Debug, Clone)]
pub(crate) struct ParseMemo {
    pub(crate) scanned: ScannedText,
    /// The parts that are one statement each and have no finding, in order.
    pub(crate) statements: Vec<Span>,
}

/// The statements of a text before an edit. Each depends on its own text alone.
#[derive(Default)]
pub(super) struct KnownStatements<'t> {
    all: Vec<KnownStatement<'t>>,
    /// The first one that is likely to come next.
    next: usize,
    /// How many parts in a row are none of those that are likely to come next.
    misses: usize,
    /// The first statement of each text that is not taken yet, once the order is lost.
    by_text: Option<HashMap<&'t str, usize>>,
}

struct KnownStatement<'t> {
    text: &'t str,
    start: usize,
    /// Nothing once it is taken.
    item: Option<Spanned<Item>>,
    /// The next one with the same text.
    same: Option<usize>,
}

/// How many statements an edit may remove, or add, before they are looked for everywhere.
const NEAR: usize = 8;

impl<'t> KnownStatements<'t> {
    pub(super) fn new(memo: &'t ParseMemo, tree: Tree) -> Self {
        let mut items = Vec::new();
        flatten(tree.items.into_owned(), &mut items);
        let mut items = items.into_iter().peekable();
        let known = memo.statements.iter().map(|part| {
            // Items of other parts lie between them, and the tree has nothing of a block whose
            // head does not parse.
            while items.next_if(|item| item.span.start < part.start).is_some() {}
            let text = memo.scanned.readable.get(part.range()).unwrap_or_default();
            let item = items.next_if(|item| item.span.end <= part.end);
            KnownStatement { text, start: part.start, item, same: None }
        });
        Self { all: known.collect(), ..Self::default() }
    }

    /// The statement of a part of another text, at its place there.
    pub(super) fn take(&mut self, text: &str, part: Span) -> Option<Spanned<Item>> {
        let near = self.all.get(self.next..).unwrap_or_default().iter().take(NEAR);
        let near = near.enumerate().find(|(_, known)| known.text == text && known.item.is_some());
        let index = match near.map(|(index, _)| self.next + index) {
            Some(index) => index,
            None => self.find(text)?,
        };
        let known = self.all.get_mut(index)?;
        let mut item = known.item.take()?;
        item.shift(part.start.cast_signed() - known.start.cast_signed());
        (self.next, self.misses) = (index + 1, 0);
        Some(item)
    }

    /// The index of a statement that may be anywhere.
    fn find(&mut self, text: &str) -> Option<usize> {
        self.misses += 1;
        if self.misses <= NEAR || self.all.is_empty() {
            return None;
        }
        let all = &mut self.all;
        let by_text = self.by_text.get_or_insert_with(|| {
            let mut by_text = HashMap::with_capacity(all.len());
            for (index, known) in all.iter_mut().enumerate().rev() {
                known.same = by_text.insert(known.text, index);
            }
            by_text
        });
        let first = by_text.get_mut(text)?;
        // Some of them may have been taken in their order.
        while all.get(*first)?.item.is_none() {
            *first = all.get(*first)?.same?;
        }
        Some(*first)
    }
}

/// All statements but blocks, in the order of the text.
fn flatten(items: Vec<Spanned<Item>>, all: &mut Vec<Spanned<Item>>) {
    for item in items {
        match item.value {
            Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } => {
                flatten(body.into_owned(), all);
            }
            value => all.push(Spanned::new(value, item.span)),
        }
    }
}
