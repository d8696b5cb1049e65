//! From pest's pairs to the tree: targets, lists and paths.

use pest::iterators::Pair;

use super::Rule;
use super::statements::{TreeBuilder, all, list, part, parts};
use crate::ast::{
    CowBox, Elements, List, Listing, Prefix, Rows, Sample, Segment, Selector, Targets, Term,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

impl<'t> TreeBuilder<'t> {
    pub(super) fn targets(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Targets>> {
        let place = self.span(&pair);
        let mut lists = parts(pair, Rule::selectors);
        let selectors = self.selectors(lists.next()?)?;
        let except = lists.next().map_or(Some(List::default()), |list| self.selectors(list))?;
        Some(Spanned::new(Targets { selectors, except }, place))
    }

    fn selectors(&mut self, pair: Pair<'t, Rule>) -> Option<List<Spanned<Selector>>> {
        all(parts(pair, Rule::selector).map(|selector| self.selector(selector)))
    }

    fn selector(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Selector>> {
        let place = self.span(&pair);
        let mut terms = parts(pair, Rule::term);
        let term = self.term(terms.next()?)?;
        let within = terms.next().map_or(Some(None), |within| self.term(within).map(Some))?;
        let within = within.map(CowBox::from);
        Some(Spanned::new(Selector { term, within }, place))
    }

    fn term(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Term>> {
        let place = self.span(&pair);
        let inner = pair.into_inner().next()?;
        let term = match inner.as_rule() {
            Rule::string | Rule::path => Term::Path(self.path(inner)?),
            Rule::regex => Term::Regex(self.string(&part(inner, Rule::string)?)?),
            Rule::sample => {
                let mut inner = inner.into_inner();
                let count = self.number(inner.nth(1)?)?;
                let list = self.listing(inner.nth(1)?)?;
                let seed = inner.nth(1).map_or(Some(None), |seed| self.number(seed).map(Some))?;
                Term::Sample(Sample { count, list, seed }.into())
            }
            Rule::rows => {
                let mut inner = inner.into_inner();
                let start = self.number(inner.nth(1)?)?;
                let end = self.number(inner.nth(1)?)?;
                Term::Rows(Rows { start, end, of: self.path(inner.nth(1)?)? }.into())
            }
            Rule::listed => Term::Listing(self.listing(inner)?.value.into()),
            Rule::named => Term::Named(self.text(&part(inner, Rule::name)?).value),
            Rule::group => Term::Group(self.targets(part(inner, Rule::targets)?)?.value),
            _ => return None,
        };
        Some(Spanned::new(term, place))
    }

    pub(super) fn listing(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Listing>> {
        let place = self.span(&pair);
        let mut prefixes = Vec::new();
        for inner in pair.into_inner() {
            let place_here = self.span(&inner);
            let base = match inner.as_rule() {
                Rule::prefix => {
                    prefixes.push(Spanned::new(self.prefix(inner)?, place_here));
                    continue;
                }
                Rule::named => Elements::Named(self.text(&part(inner, Rule::name)?).value),
                _ => Elements::These(all(parts(inner, Rule::term).map(|term| self.term(term)))?),
            };
            let base = Spanned::new(base, place_here);
            return Some(Spanned::new(Listing { prefixes: list(prefixes), base }, place));
        }
        None
    }

    fn prefix(&mut self, pair: Pair<'t, Rule>) -> Option<Prefix> {
        let mut inner = pair.into_inner();
        Some(match inner.next()?.as_rule() {
            Rule::kw_reversed => Prefix::Reversed,
            Rule::kw_first => Prefix::First(self.number(inner.next()?)?),
            _ => Prefix::Last(self.number(inner.next()?)?),
        })
    }

    fn path(&mut self, pair: Pair<'t, Rule>) -> Option<List<Spanned<Segment>>> {
        let mut segments = Vec::new();
        if pair.as_rule() == Rule::string {
            let Spanned { value, span } = self.string(&pair)?;
            segments.push(Spanned::new(Segment::Literal(value), span));
            return Some(list(segments));
        }
        for part in pair.into_inner() {
            let part =
                if part.as_rule() == Rule::special { part.into_inner().next()? } else { part };
            match part.as_rule() {
                Rule::globs => self.globs(&part, &mut segments),
                Rule::one_of | Rule::index => segments.push(self.segment(part)?),
                _ => {}
            }
        }
        Some(list(segments))
    }

    /// The segments of `encoder.layer*.bias`.
    fn globs(&mut self, pair: &Pair<'t, Rule>, segments: &mut Vec<Spanned<Segment>>) {
        let mut start = self.span(pair).start;
        for word in pair.as_str().split('.') {
            let place = Span::new(start, start + word.len());
            start = place.end + 1;
            if word.contains("**") && word != "**" {
                self.found.push(
                    Diagnostic::new(
                        Code::Syntax,
                        place,
                        format!("`{word}` mixes `**` with a word"),
                    )
                    .label("`**` must be a whole segment; `*` may be a part of one"),
                );
            }
            segments.push(Spanned::new(Segment::Glob(word.to_owned().into()), place));
        }
    }

    fn segment(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Segment>> {
        let place = self.span(&pair);
        let segment = match pair.as_rule() {
            Rule::one_of => {
                Segment::OneOf(list(parts(pair, Rule::word).map(|word| self.text(&word)).collect()))
            }
            Rule::index => self.index(pair)?,
            _ => return None,
        };
        Some(Spanned::new(segment, place))
    }

    fn index(&mut self, pair: Pair<'t, Rule>) -> Option<Segment> {
        let inclusive = part(pair.clone(), Rule::inclusive).is_some();
        let mut bounds = parts(pair, Rule::number);
        let start = self.number(bounds.next()?)?;
        Some(match bounds.next() {
            Some(end) => Segment::Range { start, end: self.number(end)?, inclusive },
            None => Segment::Index(start),
        })
    }
}
