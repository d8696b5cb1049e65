//! From pest's pairs to the tree: targets, lists and paths.

use pest::iterators::Pair;

use super::Rule;
use super::statements::{TreeBuilder, all, list, part, parts};
use crate::ast::{
    Bounds, Count, CowBox, Element, Elements, List, Listing, Prefix, Rows, Sample, Segment,
    Selector, Targets, Term,
};
use crate::diagnostic::{Applicability, Code, Diagnostic};
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
        let is_optional = part(pair.clone(), Rule::optional).is_some();
        let mut terms = parts(pair, Rule::term);
        let term = self.term(terms.next()?)?;
        let within = terms.next().map_or(Some(None), |within| self.term(within).map(Some))?;
        let within = within.map(CowBox::from);
        Some(Spanned::new(Selector { term, within, is_optional }, place))
    }

    fn term(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Term>> {
        let place = self.span(&pair);
        let inner = pair.into_inner().next()?;
        let term = match inner.as_rule() {
            Rule::string | Rule::path => Term::Path(self.path(inner)?),
            Rule::regex => Term::Regex(self.string(&part(inner, Rule::string)?)?),
            Rule::sample => {
                let mut inner = inner.into_inner();
                let count = self.count(inner.nth(1)?)?;
                let list = self.listing(inner.nth(1)?)?;
                let seed = inner.nth(1).map_or(Some(None), |seed| self.number(seed).map(Some))?;
                Term::Sample(Sample { count, list, seed }.into())
            }
            Rule::rows => {
                let mut inner = inner.into_inner();
                let rows = inner.nth(1)?;
                let bounds = match rows.as_rule() {
                    Rule::bounds => list(vec![self.bounds(rows)?]),
                    _ => all(parts(rows, Rule::bounds).map(|bounds| self.bounds(bounds)))?,
                };
                Term::Rows(Rows { bounds, of: self.path(inner.nth(1)?)? }.into())
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
                _ => {
                    let elements = parts(inner, Rule::element);
                    Elements::These(all(elements.map(|element| self.element(element)))?)
                }
            };
            let base = Spanned::new(base, place_here);
            return Some(Spanned::new(Listing { prefixes: list(prefixes), base }, place));
        }
        None
    }

    fn element(&mut self, pair: Pair<'t, Rule>) -> Option<Element> {
        let is_optional = part(pair.clone(), Rule::optional).is_some();
        Some(Element { term: self.term(part(pair, Rule::term)?)?, is_optional })
    }

    fn count(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Count>> {
        let place = self.span(&pair);
        let mut inner = pair.into_inner();
        let number = self.number(inner.next()?)?;
        Some(Spanned::new(Count { number, is_percent: inner.next().is_some() }, place))
    }

    fn prefix(&mut self, pair: Pair<'t, Rule>) -> Option<Prefix> {
        let mut inner = pair.into_inner();
        Some(match inner.next()?.as_rule() {
            Rule::kw_reversed => Prefix::Reversed,
            Rule::kw_first => Prefix::First(self.count(inner.next()?)?),
            _ => Prefix::Last(self.count(inner.next()?)?),
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
                self.found.push(stars_in_word(word, place));
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
            Rule::index => Segment::Index(self.bounds(part(pair, Rule::bounds)?)?.value),
            _ => return None,
        };
        Some(Spanned::new(segment, place))
    }

    fn bounds(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Bounds>> {
        let place = self.span(&pair);
        let mut dots = None;
        let (mut start, mut end) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::number if dots.is_none() => start = Some(self.number(part)?),
                Rule::number => end = Some(self.number(part)?),
                kind => dots = Some(kind),
            }
        }
        let bounds = match dots {
            None => Bounds::One(start?),
            Some(kind) => Bounds::Range { start, end, inclusive: kind == Rule::inclusive },
        };
        Some(Spanned::new(bounds, place))
    }
}

/// `**bias`, `layer**`: a segment with `**` and other characters.
fn stars_in_word(word: &str, place: Span) -> Diagnostic {
    let finding = Diagnostic::new(Code::Syntax, place, format!("`{word}` mixes `**` with a word"))
        .label("`**` must be a whole segment; `*` may be a part of one");
    let rest = word.trim_start_matches('*');
    let (finding, written) = if rest.is_empty() {
        (finding, "**".to_owned())
    } else if word.starts_with("**") && !rest.contains("**") {
        let note = format!("`**.*{rest}` also selects segments that only end in `{rest}`");
        (finding.note(note), format!("**.{rest}"))
    } else {
        let parts = word.split('*').enumerate();
        let joined = parts.filter(|(index, part)| *index == 0 || !part.is_empty());
        let mut written: Vec<&str> = joined.map(|(_, part)| part).collect();
        if word.ends_with('*') {
            written.push("");
        }
        (finding, written.join("*"))
    };
    let help = format!("write `{written}`");
    finding.suggest(Applicability::Maybe, help, place, written)
}
