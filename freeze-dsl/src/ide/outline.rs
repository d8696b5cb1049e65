//! The structure of a text: its rules, tracks and names, and what can be folded.

use super::OpenPolicy;
use crate::ast::{Item, Rule, Text};
use crate::parse::Lexeme;
use crate::source::{Span, Spanned};

/// A statement, as an editor lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// What it is.
    pub kind: SymbolKind,
    /// Its name: that of a rule is what follows `as`, or else its trigger.
    pub name: String,
    /// More about it, in one line.
    pub detail: String,
    /// All of it.
    pub span: Span,
    /// Its name or its head.
    pub name_span: Span,
    /// What is in it.
    pub children: Vec<Symbol>,
}

/// The kinds of [`Symbol`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// `model`, `run` or `default`.
    Setting,
    /// A number that a `let` defines.
    Number,
    /// Targets or a list that a `let` defines.
    Targets,
    /// A rule.
    Rule,
    /// A track.
    Track,
    /// A loop.
    Loop,
    /// A `repeat`.
    Repeat,
}

/// Lines that can be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// From its first line to its last.
    pub span: Span,
    /// Whether it is a comment.
    pub is_comment: bool,
}

impl OpenPolicy {
    /// Its statements, in the order of the text.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("track body { start as first: freeze fc; }"));
    /// let symbols = policy.symbols();
    /// assert_eq!(symbols[0].name, "track body");
    /// assert_eq!(symbols[0].children[0].name, "first");
    /// ```
    #[must_use]
    pub fn symbols(&self) -> Vec<Symbol> {
        self.tree().items.iter().map(|item| self.symbol(item)).collect()
    }

    /// What can be folded: blocks, statements and comments of several lines.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("repeat {\n  after 1 epoch: stop;\n}\n// a\n// b"));
    /// assert_eq!(policy.folds().len(), 2);
    /// ```
    #[must_use]
    pub fn folds(&self) -> Vec<Fold> {
        let spans_lines = |span: &Span| self.source().slice(*span).contains('\n');
        let mut spans = self.blocks().to_vec();
        rules(&self.tree().items, &mut spans);
        spans.retain(spans_lines);
        let folds = spans.into_iter().map(|span| Fold { span, is_comment: false });
        let comments = comments(self.text(), self.readable());
        let mut folds: Vec<Fold> = folds.chain(comments).collect();
        folds.sort_by_key(|fold| (fold.span.start, std::cmp::Reverse(fold.span.end)));
        folds
    }

    fn symbol(&self, item: &Spanned<Item>) -> Symbol {
        let shown =
            |span: Span| self.source().slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
        let children = |body: &[Spanned<Item>]| -> Vec<Symbol> {
            body.iter().map(|inner| self.symbol(inner)).collect()
        };
        let plain = |kind, name: String, name_span: Span, detail_span: Span| Symbol {
            kind,
            name,
            detail: shown(detail_span),
            span: item.span,
            name_span,
            children: Vec::new(),
        };
        let after = |name: Span| Span::new(name.end.min(item.span.end), item.span.end);
        let named = |kind, name: &Spanned<Text>, sign: &str| {
            plain(kind, format!("{sign}{}", name.value), name.span, after(name.span))
        };
        let block = |kind, body: &[Spanned<Item>]| {
            let blocks = self.blocks();
            let next = blocks.partition_point(|block| block.start < item.span.end);
            let span = blocks.get(next).map_or(item.span, |block| item.span.to(*block));
            let plain = plain(kind, shown(item.span), item.span, Span::default());
            Symbol { span, children: children(body), ..plain }
        };
        match &item.value {
            Item::Model(_) | Item::Run(_) | Item::Default(_) => {
                let word = self.source().slice(item.span).split_whitespace().next().unwrap_or("");
                let name = Span::new(item.span.start, item.span.start + word.len());
                plain(SymbolKind::Setting, word.to_owned(), name, after(name))
            }
            Item::LetNumber { name, .. } => named(SymbolKind::Number, name, ""),
            Item::LetTargets { name, .. } | Item::LetList { name, .. } => {
                named(SymbolKind::Targets, name, "@")
            }
            Item::For { body, .. } => block(SymbolKind::Loop, body),
            Item::Track { body, .. } => block(SymbolKind::Track, body),
            Item::Repeat { body } => block(SymbolKind::Repeat, body),
            Item::Rule(Rule { name: Some(name), .. }) => {
                Symbol { detail: shown(item.span), ..named(SymbolKind::Rule, name, "") }
            }
            Item::Rule(Rule { trigger, name: None, .. }) => {
                let rest = after(trigger.span);
                let symbol = plain(SymbolKind::Rule, shown(trigger.span), trigger.span, rest);
                let detail = symbol.detail.trim_start_matches([':', ' ']).to_owned();
                Symbol { detail, ..symbol }
            }
        }
    }
}

/// The spans of all rules.
fn rules(items: &[Spanned<Item>], spans: &mut Vec<Span>) {
    for item in items {
        match &item.value {
            Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } => {
                rules(body, spans);
            }
            Item::Rule(_) | Item::LetList { .. } => spans.push(item.span),
            _ => {}
        }
    }
}

/// The pairs of braces, in the order of their starts; one that is not closed ends with the text.
pub(super) fn blocks(readable: &str) -> Vec<Span> {
    let (mut open, mut blocks): (Vec<usize>, Vec<Span>) = (Vec::new(), Vec::new());
    for lexeme in Lexeme::all(readable, Span::new(0, readable.len())) {
        match lexeme.text {
            "{" => {
                open.push(blocks.len());
                blocks.push(Span::new(lexeme.span.start, readable.len()));
            }
            "}" => {
                if let Some(block) = open.pop().and_then(|index| blocks.get_mut(index)) {
                    block.end = lexeme.span.end;
                }
            }
            _ => {}
        }
    }
    blocks
}

/// Neighbouring lines that are comments, and comments of several lines.
fn comments(text: &str, readable: &str) -> Vec<Fold> {
    let mut folds: Vec<Span> = Vec::new();
    let (mut at, mut run): (usize, Option<Span>) = (0, None);
    for line in text.split_inclusive('\n') {
        let end = at + line.trim_end().len();
        let is_blank = readable.get(at..at + line.len()).is_some_and(|it| it.trim().is_empty());
        let is_comment = is_blank && !line.trim().is_empty();
        if is_comment {
            run = Some(run.map_or(Span::new(at, end), |run| Span::new(run.start, end)));
        } else {
            folds.extend(run.take());
        }
        at += line.len();
    }
    folds.extend(run);
    folds.retain(|span| text.get(span.range()).is_some_and(|text| text.contains('\n')));
    folds.into_iter().map(|span| Fold { span, is_comment: true }).collect()
}
