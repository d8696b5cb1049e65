//! Paths of parameters, segment by segment, as they are written.

use super::completion::{Completion, CompletionKind};
use super::selected::{Selected, parameters};
use crate::model::Model;
use crate::select::{Bound, BoundRange, NameIndex, PathSegment, Selection};
use crate::source::{Span, Spanned};
use crate::vocabulary::is_reserved;

/// How many segments are offered.
const MOST: usize = 1_000;

/// A path that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrittenPath<'t> {
    /// Where it begins.
    pub(super) start: usize,
    /// The segments before the one that is being written.
    prefix: &'t str,
    /// Where the segment begins that is being written.
    segment: usize,
    part: WrittenPart,
}

/// What of a path is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WrittenPart {
    Segment,
    /// An index, after its `[`.
    Index,
    /// A word of a set, after its `{` or a `,`.
    Word,
}

impl<'t> WrittenPath<'t> {
    /// The path that ends at a byte; empty if there is none yet.
    pub(super) fn ending_at(text: &'t str, byte: usize) -> Self {
        let bytes = text.as_bytes();
        let is_word = |sign: &u8| sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'*');
        let (mut at, mut segment, mut part) = (byte, None, WrittenPart::Segment);
        // The closing brackets passed on the way back.
        let mut open: Vec<u8> = Vec::new();
        while let Some(sign) = at.checked_sub(1).and_then(|before| bytes.get(before)) {
            match sign {
                b']' => open.push(b'['),
                b'}' => open.push(b'{'),
                b'[' | b'{' if open.last() == Some(sign) => {
                    open.pop();
                }
                // An index or a set follows a path; other brackets do not.
                b'[' | b'{' if segment.is_none() && follows_path(bytes, at - 1, *sign) => {
                    segment = Some(at.max(last_comma(text, at, byte)));
                    part = if *sign == b'[' { WrittenPart::Index } else { WrittenPart::Word };
                }
                b'.' if open.is_empty() && segment.is_none() => segment = Some(at),
                b'.' => {}
                sign if is_word(sign) || !open.is_empty() => {}
                b',' | b' ' if in_set(text, at) && segment.is_none() => {}
                _ => break,
            }
            at -= 1;
        }
        let segment = segment.unwrap_or(at);
        let prefix = text.get(at..segment).unwrap_or_default();
        Self { start: at, prefix, segment, part }
    }

    /// What may be written here. `end` is the end of the word that is being written.
    pub(super) fn completions(&self, model: &Model, text: &str, end: usize) -> Vec<Completion> {
        let index = NameIndex::new(model);
        let pattern = pattern(self.prefix);
        let written = text.get(self.segment..end).unwrap_or_default().to_lowercase();
        let replace = Span::new(self.segment, end);
        let children = index.children(&pattern).into_iter();
        let fits = |name: &str| match self.part {
            WrittenPart::Index => name.bytes().all(|sign| sign.is_ascii_digit()),
            WrittenPart::Segment | WrittenPart::Word => true,
        };
        let mut children: Vec<_> = children.filter(|(name, _)| fits(name)).collect();
        if children.len() > MOST {
            children.retain(|(name, _)| name.to_lowercase().starts_with(&written));
            children.truncate(MOST);
        }
        children
            .into_iter()
            .filter_map(|(name, under)| {
                let count = under.iter().count();
                let only = under.iter().next().filter(|_| count == 1);
                let whole = only.and_then(|id| index.name(id)).map(|(whole, _)| whole);
                let is_whole = whole.and_then(|it| it.rsplit('.').next()) == Some(name);
                let selected = Selected::new(&Selection::Parameters(under), &index, model)?;
                let (text, replace) = self.inserted(name, replace)?;
                Some(Completion {
                    label: name.to_owned(),
                    kind: if is_whole { CompletionKind::Parameter } else { CompletionKind::Module },
                    detail: parameters(selected.parameters),
                    documentation: selected.described(),
                    replace,
                    text,
                })
            })
            .collect()
    }

    /// What is written for a segment, and in place of what.
    fn inserted(&self, name: &str, replace: Span) -> Option<(String, Span)> {
        let is_plain = name.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_');
        let is_first = self.prefix.is_empty();
        if is_plain && !(is_first && is_reserved(name)) {
            return Some((name.to_owned(), replace));
        }
        // Such a name is written in quotes, which only a whole path can be.
        let is_literal = !self.prefix.contains(['*', '[', '{']);
        (self.part == WrittenPart::Segment && is_literal).then(|| {
            let path = format!("{}{name}", self.prefix);
            (format!("{path:?}"), Span::new(self.start, replace.end))
        })
    }
}

/// Whether the bracket at a byte is an index or a set of a path.
fn follows_path(bytes: &[u8], at: usize, bracket: u8) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    match bracket {
        b'[' => {
            before.is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'*' | b'.'))
        }
        _ => before == Some(&b'.'),
    }
}

/// Whether what is before a byte is an open set of a path, as `mlp.{up, `.
fn in_set(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let Some(open) = before.rfind('{') else { return false };
    let inside = before.get(open + 1..).unwrap_or_default();
    let is_set = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | ',' | ' ');
    follows_path(text.as_bytes(), open, b'{') && inside.chars().all(is_set)
}

/// The byte after the last comma or space between two bytes.
fn last_comma(text: &str, from: usize, to: usize) -> usize {
    let between = text.get(from..to).unwrap_or_default();
    between.rfind([',', ' ']).map_or(from, |at| from + at + 1)
}

/// The segments of a path that ends with a `.`, or with an open bracket. Whatever is no plain number
/// in an index counts as any index.
fn pattern(prefix: &str) -> Vec<Spanned<PathSegment<'_>>> {
    let any = || PathSegment::Index(BoundRange { start: Bound::Open, end: Bound::Open });
    let mut segments = Vec::new();
    let mut rest = prefix;
    while let Some(first) = rest.chars().next() {
        let (segment, after) = match first {
            '.' => (None, rest.get(1..)),
            '[' => match rest.split_once(']') {
                Some((inside, after)) => {
                    let number = inside.get(1..).and_then(|it| it.trim().parse::<u64>().ok());
                    let range = number.map(|number| BoundRange {
                        start: Bound::At(number),
                        end: Bound::At(number + 1),
                    });
                    (Some(range.map_or_else(any, PathSegment::Index)), Some(after))
                }
                None => (None, None),
            },
            '{' => match rest.split_once('}') {
                Some((inside, after)) => {
                    let words = inside.get(1..).unwrap_or_default().split(',');
                    let words = words.map(|word| Spanned::new(word.trim(), Span::default()));
                    (Some(PathSegment::OneOf(words.collect())), Some(after))
                }
                None => (None, None),
            },
            _ => {
                let end = rest.find(['.', '[', '{']).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                let word = word.trim();
                let segment = match word {
                    "**" => PathSegment::AnyDepth,
                    word if word.contains('*') => PathSegment::Glob(word),
                    word => PathSegment::Name(word),
                };
                (Some(segment), Some(after))
            }
        };
        segments.extend(segment.map(|segment| Spanned::new(segment, Span::default())));
        rest = after.unwrap_or_default();
    }
    segments
}
