//! Targets: paths to patterns, names to what they stand for.

use super::Lowering;
use crate::ast;
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, one_of};
use crate::policy::{List, Named, Segment, Selector, Targets, Term};
use crate::source::{Span, Spanned};

impl Lowering<'_> {
    pub(super) fn targets(&mut self, targets: &ast::Targets) -> Targets {
        Targets {
            selectors: self.selectors(&targets.selectors),
            except: self.selectors(&targets.except),
        }
    }

    fn selectors(&mut self, selectors: &[Spanned<ast::Selector>]) -> List<Spanned<Selector>> {
        selectors
            .iter()
            .filter_map(|selector| {
                let term = self.term(&selector.term)?;
                let within = match &selector.within {
                    Some(within) => Some(self.term(within)?),
                    None => None,
                };
                Some(Spanned::new(Selector { term, within }, selector.span))
            })
            .collect()
    }

    fn term(&mut self, term: &Spanned<ast::Term>) -> Option<Spanned<Term>> {
        let lowered = match &term.value {
            ast::Term::Path(segments) => {
                let segments = segments.iter().map(|segment| self.segment(segment));
                Term::Path(segments.collect::<Option<_>>()?)
            }
            ast::Term::Literal(name) => Term::Path(literal(name, term.span)),
            ast::Term::Name(name) => Term::Named(self.named(name, term.span)?),
            ast::Term::Group(targets) => Term::Group(self.targets(targets)),
        };
        Some(Spanned::new(lowered, term.span))
    }

    fn segment(&mut self, segment: &Spanned<ast::Segment>) -> Option<Spanned<Segment>> {
        let lowered = match &segment.value {
            ast::Segment::Glob(word) if word == "**" => Segment::AnyDepth,
            ast::Segment::Glob(word) if word.contains('*') => Segment::Glob(word.clone().into()),
            ast::Segment::Glob(word) => Segment::Name(word.clone().into()),
            ast::Segment::Index { start, end } => {
                if start.value >= end.value {
                    self.found.push(
                        Diagnostic::new(
                            Code::FRZ0201,
                            segment.span,
                            "this range is empty, so it selects no parameter",
                        )
                        .label("it ends before it begins"),
                    );
                    return None;
                }
                Segment::Index { start: start.value, end: end.value }
            }
            ast::Segment::OneOf(words) => {
                Segment::OneOf(words.iter().map(|word| word.value.clone().into()).collect())
            }
        };
        Some(Spanned::new(lowered, segment.span))
    }

    fn named(&mut self, name: &str, span: Span) -> Option<Named> {
        let named = Named::ALL.into_iter().find(|named| named.word() == name);
        if named.is_none() {
            let known: Vec<String> =
                Named::ALL.iter().map(|named| format!("`@{}`", named.word())).collect();
            let finding = Diagnostic::new(Code::FRZ0202, span, format!("unknown name `@{name}`"))
                .label(format!("expected {}", one_of(&known)));
            self.found.push(match nearest(name, Named::ALL.iter().map(|named| named.word())) {
                Some(near) => finding.suggest(
                    Applicability::Maybe,
                    format!("did you mean `@{near}`?"),
                    span,
                    format!("@{near}"),
                ),
                None => finding,
            });
        }
        named
    }
}

/// The segments of a quoted name, each with its own place where the name has no escapes.
fn literal(name: &str, span: Span) -> List<Spanned<Segment>> {
    let plain = span.end - span.start == name.len() + 2;
    let mut start = span.start + 1;
    name.split('.')
        .map(|segment| {
            let place = if plain { Span::new(start, start + segment.len()) } else { span };
            start += segment.len() + 1;
            Spanned::new(Segment::Name(segment.to_owned().into()), place)
        })
        .collect()
}
