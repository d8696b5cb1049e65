//! Targets: paths become patterns, names are resolved, and with a model both become selections.

use std::collections::HashSet;

use super::numbers::is_below;
use super::scope::Meaning;
use super::{Lowering, Recorded};
use crate::ast::{self, Sample, Selector, Targets, Term};
use crate::diagnostic::{Applicability, Code, Diagnostic, Reported, nearest, one_of, removal};
use crate::select::{PathSegment, ReadyMade, Selection};
use crate::source::{Span, Spanned};

impl Lowering<'_, '_> {
    pub(super) fn targets(&mut self, targets: &Spanned<Targets>) -> Spanned<Selection> {
        Spanned::new(self.targets_at(&targets.value, targets.span), targets.span)
    }

    fn targets_at(&mut self, targets: &Targets, place: Span) -> Selection {
        let (selection, reported) = self.watch(|lowering| lowering.without_exceptions(targets));
        self.record(Recorded::Targets, place, &selection);
        if selection.is_empty() && reported.is_none() {
            return self.nothing(place, "`except` takes away everything before it");
        }
        selection
    }

    /// What selects nothing: reported, unless a `?` allows it.
    fn nothing(&mut self, place: Span, label: impl Into<String>) -> Selection {
        if self.is_forgiving {
            return Selection::Absent;
        }
        let message = format!("`{}` selects no parameter", self.slice(place));
        self.report(Diagnostic::new(Code::SelectsNothing, place, message).label(label));
        Selection::unknown()
    }

    fn without_exceptions(&mut self, targets: &Targets) -> Selection {
        let mut selection = self.union(&targets.selectors);
        for selector in targets.except.iter() {
            let (away, reported) = self.watch(|lowering| lowering.selector(selector));
            if reported.is_none() && selection.is_disjoint(&away) && !selection.is_empty() {
                let message = format!("`except {}` has no effect", self.slice(selector.span));
                let exception = self.exception(targets, selector.span);
                self.report(
                    Diagnostic::new(Code::NoEffect, selector.span, message)
                        .label(self.nothing_excepted(&away))
                        .guess_without("leave it out", exception),
                );
            }
            selection = selection.without(away);
        }
        selection
    }

    /// Why nothing of an exception is selected before it.
    fn nothing_excepted(&self, away: &Selection) -> &'static str {
        if self.own_part(away.clone()).is_empty() {
            "what another sequence owns is not selected before `except`"
        } else {
            "none of this is selected before `except`"
        }
    }

    /// A selector after `except`, with `except` itself if it is the only one. In a loop there is
    /// none: in another turn it may have an effect.
    fn exception(&self, targets: &Targets, selector: Span) -> Option<Span> {
        if !self.trace.is_empty() {
            return None;
        }
        match (&*targets.selectors, &*targets.except) {
            ([.., last], [_]) => Some(Span::new(last.span.end, selector.end)),
            _ => removal::of_element(self.text, selector),
        }
    }

    fn union(&mut self, selectors: &[Spanned<Selector>]) -> Selection {
        let all: Vec<Selection> =
            selectors.iter().map(|selector| self.selector(selector)).collect();
        Selection::union(all)
    }

    fn selector(&mut self, selector: &Spanned<Selector>) -> Selection {
        self.allowing(selector.value.is_optional, |lowering| lowering.required(selector))
    }

    /// Lowers what may select nothing if `is_optional`.
    pub(super) fn allowing(
        &mut self,
        is_optional: bool,
        lower: impl FnOnce(&mut Self) -> Selection,
    ) -> Selection {
        let outer = self.is_forgiving;
        self.is_forgiving |= is_optional;
        let selection = lower(self);
        self.is_forgiving = outer;
        if is_optional { selection.optional() } else { selection }
    }

    fn required(&mut self, selector: &Spanned<Selector>) -> Selection {
        let selection = self.term(&selector.term);
        let Some(within) = &selector.within else { return selection };
        let around = self.term(within);
        let is_reported = selection.is_empty() || around.is_empty();
        let both = selection.within(around);
        if both.is_empty() && !is_reported {
            let written = self.slice(selector.term.span);
            let cut = matches!(selector.term.value, Term::Named(_)).then(|| self.shown_cut());
            let label = match cut.flatten() {
                Some(cut) => {
                    format!("`{written}` is `{written} {cut}` here, and nothing of it lies in this")
                }
                None => format!("nothing of `{written}` lies in `{}`", self.slice(within.span)),
            };
            return self.nothing(selector.span, label);
        }
        both
    }

    pub(super) fn term(&mut self, term: &Spanned<Term>) -> Selection {
        let selection = self.selection(term);
        self.record(Recorded::Term, term.span, &selection);
        selection
    }

    fn selection(&mut self, term: &Spanned<Term>) -> Selection {
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
            Term::Sample(sample) => self.sample(sample).unwrap_or_default(),
            Term::Rows(rows) => self.rows(rows, term.span),
            Term::Group(targets) => self.targets_at(targets, term.span),
        }
    }

    fn sample(&mut self, sample: &Sample) -> Option<Selection> {
        let Sample { count, list, seed } = sample;
        let elements = self.list(list)?;
        let count = self.count(count, list, &elements)?;
        let seed = match seed {
            Some(seed) => self.whole_number(seed, "a seed")?,
            None => 0,
        };
        let elements = elements.elements.into_iter().map(|element| element.selection).collect();
        Some(Selection::Sample { elements, count, seed })
    }

    fn regex(&mut self, regex: &Spanned<ast::Text>, place: Span) -> Selection {
        /// Compiling one takes as long as lowering many actions.
        const WEIGHT: usize = 10_000;
        if let Some(known) = self.regexes.get(&regex.value)
            && (self.is_forgiving || *known != Selection::Absent)
        {
            return known.clone();
        }
        self.weigh(WEIGHT, place);
        if self.is_too_heavy() {
            return Selection::unknown();
        }
        let Ok(selection) = self.compiled(regex, place) else { return Selection::unknown() };
        self.regexes.insert(regex.value.clone(), selection.clone());
        selection
    }

    /// The selection of a regular expression.
    fn compiled(&mut self, regex: &Spanned<ast::Text>, place: Span) -> Result<Selection, Reported> {
        // The whole name must match.
        let whole = format!("^(?:{})$", regex.value);
        let compiled = regex::RegexBuilder::new(&whole).size_limit(1 << 20).build();
        // Compiled without the anchors, so that the message shows what was written.
        let own = regex::RegexBuilder::new(&regex.value).size_limit(1 << 20).build();
        match (own, compiled) {
            (Ok(_), Ok(compiled)) => {
                let Some(model) = self.model else { return Ok(Selection::unknown()) };
                let parameters = model.matching(|name| compiled.is_match(name));
                if parameters.is_clear() && self.is_forgiving {
                    return Ok(Selection::Absent);
                }
                if parameters.is_clear() {
                    let message = format!("`{}` selects no parameter", self.slice(place));
                    let finding = Diagnostic::new(Code::SelectsNothing, place, message)
                        .label("no whole name matches this");
                    return Err(
                        self.report(model.nothing_matches(finding, |name| compiled.is_match(name)))
                    );
                }
                Ok(Selection::Parameters(parameters))
            }
            (Err(error), _) | (_, Err(error)) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ").to_owned();
                Err(self.report(
                    Diagnostic::new(
                        Code::InvalidRegex,
                        regex.span,
                        "this regular expression does not compile",
                    )
                    .label(reason),
                ))
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
        let Some(named) = ReadyMade::of(name) else {
            self.unknown_name(name, place);
            return Selection::unknown();
        };
        let selection = self.own_part(match (named, self.model) {
            (ReadyMade::Trainable, _) => Selection::Trainable,
            (ReadyMade::Frozen, _) => Selection::Frozen,
            (_, None) => Selection::unknown(),
            (_, Some(model)) => Selection::Parameters(model.named(named)),
        });
        if selection.is_empty() {
            let whole = self.model.is_some_and(|model| model.named(named).is_clear());
            let label = if whole { "the model has none" } else { self.nothing_of() };
            return self.nothing(place, label);
        }
        selection
    }

    pub(super) fn unknown_name(&mut self, name: &str, place: Span) {
        const LISTED: usize = 4;
        let own = ReadyMade::ALL.iter().map(|named| named.word());
        let known = self.scope.names(false).chain(own.clone()).take(LISTED);
        let known: Vec<String> = known.map(|known| format!("`@{known}`")).collect();
        let finding = Diagnostic::new(Code::UnknownName, place, format!("unknown name `@{name}`"));
        if let Some(below) = self.lets.get(&(name.into(), false)) {
            self.report(is_below(finding, *below));
            return;
        }
        let finding = finding.label(format!("expected a name such as {}", one_of(&known)));
        let near = || nearest(name, own.chain(self.scope.names(false))).or_else(|| meant_by(name));
        let finding = match self.explains().then(near).flatten() {
            Some(near) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `@{near}`?"),
                place,
                format!("@{near}"),
            ),
            None => finding.note("a path of the model is written without `@`"),
        };
        self.report(finding);
    }

    /// The parameters of a path; reports if there are none.
    pub(super) fn select(&mut self, pattern: &[Spanned<PathSegment>], place: Span) -> Selection {
        let Some(model) = self.model else { return Selection::unknown() };
        let parameters = model.path(pattern);
        if self.is_forgiving {
            return Selection::Parameters(parameters).optional();
        }
        // Looking for a suggestion takes longer than everything else.
        let explains = !self.sink.is_full(Code::SelectsNothing);
        if parameters.is_clear() {
            // `let head = fc` is reported, with an edit of this use.
            if let [Spanned { value: PathSegment::Name(name), .. }] = pattern
                && self.scope.is_unknown(name)
            {
                return Selection::unknown();
            }
            self.report(if let Some(finding) = self.loop_number(pattern, place) {
                finding
            } else if explains {
                model.nothing(pattern, place, self.text)
            } else {
                Diagnostic::new(Code::SelectsNothing, place, "selects no parameter")
            });
            return Selection::unknown();
        }
        if explains {
            for finding in model.idle_choices(pattern, place, self.text) {
                self.report(finding);
            }
        }
        Selection::Parameters(parameters)
    }

    /// The finding for a path such as `layer.i` or `layer.{i}`, where `i` is a loop's number.
    fn loop_number(&self, pattern: &[Spanned<PathSegment>], place: Span) -> Option<Diagnostic> {
        let number = |segment: &Spanned<PathSegment>| match &segment.value {
            PathSegment::Name(name) => Some((*name).to_owned()),
            PathSegment::OneOf(words) => match words.as_slice() {
                [only] => Some(only.value.to_owned()),
                _ => None,
            },
            _ => None,
        };
        let mut numbers = pattern.iter().filter_map(|segment| Some((segment, number(segment)?)));
        let (segment, name) = numbers.find(|(_, name)| self.scope.is_loop_number(name))?;
        let dot = segment.span.start.checked_sub(1)?;
        let index = (self.text.get(dot..segment.span.start) == Some("."))
            .then(|| (Span::new(dot, segment.span.end), format!("[{name}]")));
        let message = format!("`{}` selects no parameter", self.slice(place));
        Some(
            Diagnostic::new(Code::SelectsNothing, segment.span, message)
                .label(format!("this is the word `{name}`, not the number of the loop"))
                .guess(format!("write `[{name}]` for the number"), index),
        )
    }

    /// A path with its numbers evaluated; `None` if one of them is unknown.
    pub(super) fn pattern<'p>(
        &mut self,
        path: &'p [Spanned<ast::Segment>],
    ) -> Option<Vec<Spanned<PathSegment<'p>>>> {
        let mut pattern: Vec<Spanned<PathSegment<'p>>> = Vec::with_capacity(path.len());
        let mut is_known = true;
        for segment in path {
            if let ast::Segment::Literal(name) = &segment.value {
                pattern.extend(literal(name, segment.span, self.text));
                continue;
            }
            match self.segment(segment) {
                // Two `**` in a row equal one.
                Some(PathSegment::AnyDepth)
                    if pattern.last().is_some_and(|last| last.value == PathSegment::AnyDepth) => {}
                Some(known) => pattern.push(Spanned::new(known, segment.span)),
                None => is_known = false,
            }
        }
        is_known.then_some(pattern)
    }

    fn segment<'p>(&mut self, segment: &'p Spanned<ast::Segment>) -> Option<PathSegment<'p>> {
        Some(match &segment.value {
            ast::Segment::Literal(name) => PathSegment::Name(name),
            ast::Segment::Glob(word) if word == "**" => PathSegment::AnyDepth,
            ast::Segment::Glob(word) if word.contains('*') => PathSegment::Glob(word),
            ast::Segment::Glob(word) => PathSegment::Name(word),
            ast::Segment::Index(bounds) => {
                let range = self.bounds(bounds, "an index")?;
                if range.is_empty() {
                    self.report(
                        Diagnostic::new(
                            Code::SelectsNothing,
                            segment.span,
                            "this range is empty, so it selects no parameter",
                        )
                        .label("it ends before it begins")
                        .guess(
                            "let the last number be the range's last",
                            self.inclusive_bounds(bounds).filter(|_| range.start == range.end),
                        ),
                    );
                    return None;
                }
                PathSegment::Index(range)
            }
            ast::Segment::OneOf(words) => {
                let mut known = HashSet::new();
                let first = words.iter().filter(|word| known.insert(word.value.as_ref()));
                let first = first.map(|word| Spanned::new(word.value.as_ref(), word.span));
                PathSegment::OneOf(first.collect())
            }
        })
    }
}

/// The segments of a quoted name, each with its own place if the name has no escapes.
fn literal<'n>(
    name: &'n str,
    span: Span,
    text: &str,
) -> impl Iterator<Item = Spanned<PathSegment<'n>>> + use<'n> {
    let quoted = text.get(span.range()).unwrap_or_default();
    let mut start = quoted.find(name).map(|at| span.start + at);
    name.split('.').map(move |segment| {
        let place = start.map_or(span, |start| Span::new(start, start + segment.len()));
        start = start.map(|start| start + segment.len() + 1);
        Spanned::new(PathSegment::Name(segment), place)
    })
}

/// The ready-made name that another tool's word for the same means.
fn meant_by(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    if name.contains("norm") || matches!(name.as_str(), "bn" | "ln") {
        return Some("norms");
    }
    match name.as_str() {
        "everything" | "model" | "params" | "parameters" => Some("all"),
        "active" | "unfrozen" | "training" => Some("trainable"),
        _ => None,
    }
}
