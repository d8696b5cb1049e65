//! Targets: paths to patterns, names to what they stand for, and with a model all of it to
//! selections.

use std::collections::HashSet;

use super::Unroll;
use super::scope::Meaning;
use crate::ast::{self, Number, Segment as Written, Selector, Targets, Term};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, one_of};
use crate::select::{Named, Segment, Selection};
use crate::source::{Span, Spanned};

impl Unroll<'_, '_> {
    pub(super) fn targets(&mut self, targets: &Spanned<Targets>) -> Spanned<Selection> {
        Spanned::new(self.targets_at(&targets.value, targets.span), targets.span)
    }

    fn targets_at(&mut self, targets: &Targets, place: Span) -> Selection {
        let before = self.found.len();
        let mut selection = self.union(&targets.selectors);
        for selector in targets.except.iter() {
            let told = self.found.len();
            let away = self.selector(selector);
            if self.found.len() == told && selection.is_disjoint(&away) && !selection.is_empty() {
                let message = format!("`except {}` has no effect", self.slice(selector.span));
                self.tell(
                    Diagnostic::new(Code::FRZ0501, selector.span, message)
                        .label("none of this is selected before `except`"),
                );
            }
            selection = selection.without(away);
        }
        if selection.is_empty() && self.found.len() == before {
            let message = format!("`{}` selects no parameter", self.slice(place));
            self.tell(
                Diagnostic::new(Code::FRZ0201, place, message)
                    .label("`except` takes away everything that stands before it"),
            );
        }
        selection
    }

    fn union(&mut self, selectors: &[Spanned<Selector>]) -> Selection {
        let all: Vec<Selection> =
            selectors.iter().map(|selector| self.selector(selector)).collect();
        Selection::union(all)
    }

    fn selector(&mut self, selector: &Spanned<Selector>) -> Selection {
        let selection = self.term(&selector.term);
        let Some(within) = &selector.within else { return selection };
        let around = self.term(within);
        let told = selection.is_empty() || around.is_empty();
        let both = selection.within(around);
        if both.is_empty() && !told {
            let message = format!("`{}` selects no parameter", self.slice(selector.span));
            let label = format!(
                "nothing of `{}` lies in `{}`",
                self.slice(selector.term.span),
                self.slice(within.span)
            );
            self.tell(Diagnostic::new(Code::FRZ0201, selector.span, message).label(label));
        }
        both
    }

    pub(super) fn term(&mut self, term: &Spanned<Term>) -> Selection {
        match &term.value {
            Term::Path(path) => match self.pattern(path) {
                Some(pattern) => self.select(&pattern, term.span),
                None => Selection::unknown(),
            },
            Term::Regex(regex) => self.regex(regex, term.span),
            Term::Named(name) => self.named(name, term.span),
            Term::Listing(list) => self.list(list).map_or(Selection::unknown(), |list| {
                Selection::union(list.elements.into_iter().map(|e| e.selection).collect())
            }),
            Term::Sample { count, list, seed } => {
                self.sample(count, list, seed.as_ref()).unwrap_or_default()
            }
            Term::Rows { start, end, of } => self.rows(start, end, of, term.span),
            Term::Group(targets) => self.targets_at(targets, term.span),
        }
    }

    fn sample(
        &mut self,
        count: &Spanned<Number>,
        list: &Spanned<ast::Listing>,
        seed: Option<&Spanned<Number>>,
    ) -> Option<Selection> {
        let elements = self.list(list)?;
        let count = self.count(count, &elements)?;
        let seed = match seed {
            Some(seed) => self.whole_number(seed, "a seed")?,
            None => 0,
        };
        let elements = elements.elements.into_iter().map(|element| element.selection).collect();
        Some(Selection::Sample { elements, count, seed })
    }

    fn rows(
        &mut self,
        start: &Spanned<Number>,
        end: &Spanned<Number>,
        of: &[Spanned<Written>],
        place: Span,
    ) -> Selection {
        let bounds = (self.whole_number(start, "a row"), self.whole_number(end, "a row"));
        let Some(pattern) = self.pattern(of) else { return Selection::unknown() };
        let of_place = of.iter().map(|segment| segment.span).reduce(Span::to).unwrap_or(place);
        let selected = self.select(&pattern, of_place);
        let (Some(model), Selection::Parameters(parameters)) = (self.model, selected) else {
            return Selection::unknown();
        };
        let (Some(first), Some(past)) = bounds else { return Selection::unknown() };
        let mut found = parameters.ones();
        let (Some(parameter), None) = (found.next(), found.next()) else {
            if !parameters.is_clear() {
                self.tell(
                    Diagnostic::new(Code::FRZ0207, of_place, "`rows` are those of one parameter")
                        .label(format!("this selects {}", parameters.count_ones(..))),
                );
            }
            return Selection::unknown();
        };
        let rows = model.rows(parameter);
        let in_range = usize::try_from(first).ok().zip(usize::try_from(past).ok());
        match (rows, in_range) {
            (Some(rows), Some((first, past))) if first < past && past <= rows => {
                Selection::Rows { parameter, first, past }
            }
            _ => {
                let has = match rows {
                    Some(rows) => format!("its first dimension has {rows}"),
                    None => "it has no dimension".to_owned(),
                };
                self.tell(
                    Diagnostic::new(
                        Code::FRZ0207,
                        place,
                        format!("`{}` has no such rows", self.slice(of_place)),
                    )
                    .label(format!("rows {first} to before {past}; {has}")),
                );
                Selection::unknown()
            }
        }
    }

    fn regex(&mut self, regex: &Spanned<ast::Text>, place: Span) -> Selection {
        /// To compile one takes as much time as many an action.
        const WEIGHT: usize = 10_000;
        if let Some(known) = self.regexes.get(&regex.value) {
            return known.clone();
        }
        self.weigh(WEIGHT, place);
        if self.is_too_heavy() {
            return Selection::unknown();
        }
        let Some(selection) = self.compiled(regex, place) else { return Selection::unknown() };
        self.regexes.insert(regex.value.clone(), selection.clone());
        selection
    }

    /// What a regular expression selects; `None` where it is told to be wrong.
    fn compiled(&mut self, regex: &Spanned<ast::Text>, place: Span) -> Option<Selection> {
        // The whole name must match.
        let whole = format!("^(?:{})$", regex.value);
        let compiled = regex::RegexBuilder::new(&whole).size_limit(1 << 20).build();
        // Without the frame, the message speaks of what was written.
        let own = regex::RegexBuilder::new(&regex.value).size_limit(1 << 20).build();
        match (own, compiled) {
            (Ok(_), Ok(compiled)) => {
                let Some(model) = self.model else { return Some(Selection::unknown()) };
                let parameters = model.matching(|name| compiled.is_match(name));
                if parameters.is_clear() {
                    let message = format!("`{}` selects no parameter", self.slice(place));
                    self.tell(
                        Diagnostic::new(Code::FRZ0201, place, message)
                            .label("no whole name matches this"),
                    );
                    return None;
                }
                Some(Selection::Parameters(parameters))
            }
            (Err(error), _) | (_, Err(error)) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ").to_owned();
                self.tell(
                    Diagnostic::new(
                        Code::FRZ0204,
                        regex.span,
                        "this regular expression does not compile",
                    )
                    .label(reason),
                );
                None
            }
        }
    }

    pub(super) fn named(&mut self, name: &str, place: Span) -> Selection {
        if let Some(meaning) = self.scope.get(name, false) {
            let weight = meaning.weight();
            self.weigh(weight, place);
            if self.is_too_heavy() {
                return Selection::unknown();
            }
        }
        if let Some(meaning) = self.scope.get(name, false).cloned() {
            return match meaning {
                Meaning::Targets(selection) => selection,
                Meaning::Element(element) => element.selection,
                Meaning::List(list) => {
                    Selection::union(list.elements.into_iter().map(|e| e.selection).collect())
                }
                Meaning::Number(_) | Meaning::Unknown => Selection::unknown(),
            };
        }
        let Some(named) = Named::of(name) else {
            self.unknown_name(name, place);
            return Selection::unknown();
        };
        let selection = match (named, self.model) {
            (Named::Trainable, _) => Selection::Trainable,
            (Named::Frozen, _) => Selection::Frozen,
            (_, None) => Selection::unknown(),
            (_, Some(model)) => Selection::Parameters(model.named(named)),
        };
        if selection.is_empty() {
            self.tell(
                Diagnostic::new(Code::FRZ0201, place, format!("`@{name}` selects no parameter"))
                    .label("the model has none"),
            );
        }
        selection
    }

    pub(super) fn unknown_name(&mut self, name: &str, place: Span) {
        const LISTED: usize = 20;
        let own = Named::ALL.iter().map(|named| named.word());
        let known = own.clone().chain(self.scope.names(false)).take(LISTED);
        let known: Vec<String> = known.map(|known| format!("`@{known}`")).collect();
        let finding = Diagnostic::new(Code::FRZ0202, place, format!("unknown name `@{name}`"))
            .label(format!("expected {}", one_of(&known)));
        let near = || nearest(name, own.chain(self.scope.names(false)));
        let finding = match self.explains().then(near).flatten() {
            Some(near) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `@{near}`?"),
                place,
                format!("@{near}"),
            ),
            None => finding,
        };
        self.tell(finding);
    }

    /// Selects a path's parameters; tells where there are none.
    pub(super) fn select(&mut self, pattern: &[Spanned<Segment>], place: Span) -> Selection {
        let Some(model) = self.model else { return Selection::unknown() };
        match model.path(pattern, place, self.text) {
            Ok(parameters) => {
                let idle = model.idle_choices(pattern, place, self.text);
                for finding in idle {
                    self.tell(finding);
                }
                Selection::Parameters(parameters)
            }
            Err(finding) => {
                self.tell(*finding);
                Selection::unknown()
            }
        }
    }

    /// A path with its numbers known; `None` where one is told to be wrong or not known yet.
    pub(super) fn pattern(&mut self, path: &[Spanned<Written>]) -> Option<Vec<Spanned<Segment>>> {
        let mut pattern: Option<Vec<Spanned<Segment>>> = Some(Vec::new());
        for segment in path {
            let known = self.segment(segment);
            // Two `**` in a row are as good as one.
            let again = |known: &Vec<Spanned<Segment>>, before: &Vec<Spanned<Segment>>| {
                let any = |segment: Option<&Spanned<Segment>>| {
                    segment.is_some_and(|segment| segment.value == Segment::AnyDepth)
                };
                any(known.first()) && any(before.last())
            };
            if known.as_ref().zip(pattern.as_ref()).is_some_and(|(k, before)| again(k, before)) {
                continue;
            }
            pattern = pattern.zip(known).map(|(mut pattern, mut known)| {
                pattern.append(&mut known);
                pattern
            });
        }
        pattern
    }

    fn segment(&mut self, segment: &Spanned<Written>) -> Option<Vec<Spanned<Segment>>> {
        let lowered = match &segment.value {
            Written::Literal(name) => return Some(literal(name, segment.span)),
            Written::Glob(word) if word == "**" => Segment::AnyDepth,
            Written::Glob(word) if word.contains('*') => Segment::Glob(word.to_string()),
            Written::Glob(word) => Segment::Name(word.to_string()),
            Written::Index(index) => {
                let start = self.whole_number(index, "an index")?;
                Segment::Index { start, end: start.saturating_add(1) }
            }
            Written::Range { start, end, inclusive } => {
                let first = self.whole_number(start, "an index");
                let last = self.whole_number(end, "an index");
                let (start, last) = (first?, last?);
                let end = if *inclusive { last.saturating_add(1) } else { last };
                if start >= end {
                    self.tell(
                        Diagnostic::new(
                            Code::FRZ0201,
                            segment.span,
                            "this range is empty, so it selects no parameter",
                        )
                        .label("it ends before it begins"),
                    );
                    return None;
                }
                Segment::Index { start, end }
            }
            Written::OneOf(words) => {
                let mut known = HashSet::new();
                let first = words.iter().filter(|word| known.insert(word.value.as_ref()));
                Segment::OneOf(
                    first.map(|word| Spanned::new(word.value.to_string(), word.span)).collect(),
                )
            }
        };
        Some(vec![Spanned::new(lowered, segment.span)])
    }
}

/// The segments of a quoted name, each with its own place where the name has no escapes.
fn literal(name: &str, span: Span) -> Vec<Spanned<Segment>> {
    let plain = span.end - span.start == name.len() + 2;
    let mut start = span.start + 1;
    name.split('.')
        .map(|segment| {
            let place = if plain { Span::new(start, start + segment.len()) } else { span };
            start += segment.len() + 1;
            Spanned::new(Segment::Name(segment.to_owned()), place)
        })
        .collect()
}
