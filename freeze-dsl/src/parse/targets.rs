//! Pest's pairs to the tree: targets, lists and paths.

use pest::iterators::Pair;

use super::Rule;
use super::build::{Builder, part, parts, span, text};
use crate::ast::{Elements, List, Listing, Prefix, Segment, Selector, Targets, Term};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Spanned;

impl Builder<'_> {
    pub(super) fn targets(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Targets>> {
        let place = span(&pair);
        let mut lists = parts(pair, Rule::selectors);
        let selectors = self.selectors(lists.next()?)?;
        let except = lists.next().map_or(Some(List::default()), |list| self.selectors(list))?;
        Some(Spanned::new(Targets { selectors, except }, place))
    }

    fn selectors(&mut self, pair: Pair<'_, Rule>) -> Option<List<Spanned<Selector>>> {
        parts(pair, Rule::selector).map(|selector| self.selector(selector)).collect()
    }

    fn selector(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Selector>> {
        let place = span(&pair);
        let mut terms = parts(pair, Rule::term);
        let term = self.term(terms.next()?)?;
        let within = terms.next().map_or(Some(None), |within| self.term(within).map(Some))?;
        Some(Spanned::new(Selector { term, within }, place))
    }

    fn term(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Term>> {
        let place = span(&pair);
        let inner = pair.into_inner().next()?;
        let term = match inner.as_rule() {
            Rule::string | Rule::path => Term::Path(self.path(inner)?),
            Rule::regex => Term::Regex(self.string(&part(inner, Rule::string)?)),
            Rule::sample => {
                let mut inner = inner.into_inner();
                let count = self.number(inner.nth(1)?)?;
                let list = self.listing(inner.nth(1)?)?;
                let seed = inner.nth(1).map_or(Some(None), |seed| self.number(seed).map(Some))?;
                Term::Sample { count, list, seed }
            }
            Rule::rows => {
                let mut inner = inner.into_inner();
                let start = self.number(inner.nth(1)?)?;
                let end = self.number(inner.nth(1)?)?;
                Term::Rows { start, end, of: self.path(inner.nth(1)?)? }
            }
            Rule::listed => Term::Listing(self.listing(inner)?.value),
            Rule::named => Term::Named(text(&part(inner, Rule::name)?).value),
            Rule::group => Term::Group(self.targets(part(inner, Rule::targets)?)?.value),
            _ => return None,
        };
        Some(Spanned::new(term, place))
    }

    pub(super) fn listing(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Listing>> {
        let place = span(&pair);
        let mut prefixes = Vec::new();
        for inner in pair.into_inner() {
            let place_here = span(&inner);
            let base = match inner.as_rule() {
                Rule::prefix => {
                    prefixes.push(Spanned::new(self.prefix(inner)?, place_here));
                    continue;
                }
                Rule::named => Elements::Named(text(&part(inner, Rule::name)?).value),
                _ => Elements::These(
                    parts(inner, Rule::term).map(|term| self.term(term)).collect::<Option<_>>()?,
                ),
            };
            let base = Spanned::new(base, place_here);
            return Some(Spanned::new(Listing { prefixes: prefixes.into(), base }, place));
        }
        None
    }

    fn prefix(&mut self, pair: Pair<'_, Rule>) -> Option<Prefix> {
        let mut inner = pair.into_inner();
        Some(match inner.next()?.as_rule() {
            Rule::kw_reversed => Prefix::Reversed,
            Rule::kw_first => Prefix::First(self.number(inner.next()?)?),
            _ => Prefix::Last(self.number(inner.next()?)?),
        })
    }

    fn path(&mut self, pair: Pair<'_, Rule>) -> Option<List<Spanned<Segment>>> {
        if pair.as_rule() == Rule::string {
            let Spanned { value, span } = self.string(&pair);
            return Some(vec![Spanned::new(Segment::Literal(value), span)].into());
        }
        let segments = parts(pair, Rule::segment).flat_map(Pair::into_inner);
        segments.map(|segment| self.segment(segment)).collect()
    }

    fn segment(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Segment>> {
        let place = span(&pair);
        let segment = match pair.as_rule() {
            Rule::glob => {
                let word = pair.as_str();
                if word.contains("**") && word != "**" {
                    self.found.push(
                        Diagnostic::new(
                            Code::FRZ0101,
                            place,
                            format!("`{word}` mixes `**` with a word"),
                        )
                        .label("`**` is a whole segment, `*` a part of one"),
                    );
                }
                Segment::Glob(word.to_owned().into())
            }
            Rule::one_of => {
                Segment::OneOf(parts(pair, Rule::word).map(|word| text(&word)).collect())
            }
            Rule::index => self.index(pair)?,
            _ => return None,
        };
        Some(Spanned::new(segment, place))
    }

    fn index(&mut self, pair: Pair<'_, Rule>) -> Option<Segment> {
        let inclusive = part(pair.clone(), Rule::inclusive).is_some();
        let mut bounds = parts(pair, Rule::number);
        let start = self.number(bounds.next()?)?;
        Some(match bounds.next() {
            Some(end) => Segment::Range { start, end: self.number(end)?, inclusive },
            None => Segment::Index(start),
        })
    }
}
