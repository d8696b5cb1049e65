//! Comments in a policy that allow findings: `// freeze: allow FRZ0502`.
//!
//! Such a comment counts for the statement below it, and where something precedes it on its line, for
//! the statement there. Before the first statement, it counts for the whole text.

mod comment;
mod findings;

use comment::AllowComment;

use crate::ast::{Item, Tree};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::ScannedText;
use crate::source::{Source, Span, Spanned};

/// What the comments of a policy allow.
pub(crate) struct Allowances<'t> {
    text: &'t str,
    comments: Vec<ScopedComment>,
}

/// A comment, and the part of the text for which it counts.
struct ScopedComment {
    comment: AllowComment,
    /// Nothing, for the last comment of a block.
    scope: Option<Span>,
}

/// What was known when findings were made, so that a comment is not called useless too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// The text alone.
    Text,
    /// The text and a model.
    Model,
}

impl<'t> Allowances<'t> {
    /// Reads the comments of a text.
    pub(crate) fn read(text: &'t str, tree: &Tree) -> Self {
        // Nearly all texts have none.
        if !text.contains("freeze:") {
            return Self { text, comments: Vec::new() };
        }
        let scanned = ScannedText::quietly(text);
        let statements = Statements::of(&scanned.readable, tree);
        let comments = scanned.comments.into_iter();
        let comments = comments.filter_map(|span| AllowComment::read(text, span));
        let scoped = comments
            .map(|comment| ScopedComment { scope: statements.scope(text, comment.span), comment });
        Self { text, comments: scoped.collect() }
    }

    /// Whether a comment allows the finding. Errors cannot be allowed.
    pub(crate) fn allows(&self, finding: &Diagnostic) -> bool {
        !finding.is_error() && self.comments.iter().any(|it| it.covers(finding))
    }
}

impl ScopedComment {
    fn covers(&self, finding: &Diagnostic) -> bool {
        self.names(finding.code)
            && self
                .scope
                .is_some_and(|scope| (scope.start..=scope.end).contains(&finding.span.start))
    }

    fn names(&self, code: Code) -> bool {
        self.comment.verb.value == "allow"
            && self.comment.codes.iter().any(|word| Code::of(&word.value) == Some(code))
    }
}

/// The findings that no comment allows, and those about the comments themselves.
pub(crate) fn heeding(
    source: &Source,
    tree: &Tree,
    found: Vec<Diagnostic>,
    knowledge: Knowledge,
) -> Vec<Diagnostic> {
    let allowances = Allowances::read(source.text(), tree);
    if allowances.comments.is_empty() {
        return found;
    }
    let (allowed, mut left): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|finding| allowances.allows(finding));
    // What an error hides is found once it is mended.
    let is_complete = !left.iter().any(Diagnostic::is_error);
    let useless = allowances.useless(&allowed, is_complete.then_some(knowledge));
    left.extend(useless.into_iter().filter(|finding| !allowances.allows(finding)));
    left
}

/// The places of all statements, in the order of the text.
struct Statements {
    all: Vec<Statement>,
}

#[derive(Clone, Copy)]
struct Statement {
    span: Span,
    /// Whether it contains others.
    is_block: bool,
}

impl Statements {
    /// Comments in the text are blank.
    fn of(readable: &str, tree: &Tree) -> Self {
        let mut all = Vec::new();
        add(&tree.items, readable, &mut all);
        Self { all }
    }

    /// The part of the text for which a comment counts.
    fn scope(&self, text: &str, comment: Span) -> Option<Span> {
        let begun = self.all.partition_point(|statement| statement.span.start < comment.start);
        let (before, after) = self.all.split_at_checked(begun)?;
        let Some(last) = before.last() else { return Some(Span::new(0, text.len())) };
        let line = text.get(..comment.start)?.rsplit('\n').next()?;
        if !line.trim_start_matches('\u{FEFF}').trim().is_empty() {
            return Some(last.span);
        }
        let surrounding = before.iter().rev().find(|it| comment.start < it.span.end);
        let end = match surrounding {
            Some(statement) if !statement.is_block => return Some(statement.span),
            Some(block) => block.span.end,
            None => text.len(),
        };
        after.first().map(|next| next.span).filter(|next| next.start < end)
    }
}

/// Adds statements and those in them; returns the end of the last one. The span of a block in the tree
/// is that of its head alone; here it extends to its closing brace.
fn add(items: &[Spanned<Item>], readable: &str, all: &mut Vec<Statement>) -> Option<usize> {
    let mut end = None;
    for item in items {
        let mut span = item.span;
        let place = all.len();
        let body = match &item.value {
            Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } => Some(body),
            _ => None,
        };
        all.push(Statement { span, is_block: body.is_some() });
        if let Some(body) = body {
            let inner = add(body, readable, all).unwrap_or(span.end);
            let brace = readable.get(inner..).and_then(|rest| rest.find('}'));
            span.end = brace.map_or(inner, |brace| inner + brace + 1);
            if let Some(block) = all.get_mut(place) {
                block.span = span;
            }
        }
        end = Some(span.end);
    }
    end
}
