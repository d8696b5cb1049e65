//! Lists: `[fc, layer.*]`, `reversed last 2 of @stages`.

use super::numbers::in_place;
use super::scope::Meaning;
use super::{Lowering, Recorded};
use crate::ast::{
    self, Count, Element, Item, Listing, Number, Prefix, Segment, Targets, Term, Text,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::select::{PathSegment, ReadyMade, Selection};
use crate::source::{Span, Spanned};

/// One element of a list.
#[derive(Clone)]
pub(super) struct ListElement {
    pub(super) selection: Selection,
    /// Its name in messages.
    pub(super) shown: String,
}

/// A list's elements.
#[derive(Clone)]
pub(super) struct LoweredList {
    pub(super) elements: Vec<ListElement>,
    /// Whether these are all elements: without a model, a wildcard is one element, not many. Not
    /// so where an element was reported.
    pub(super) complete: bool,
}

impl Lowering<'_, '_> {
    /// Defines the name of a `let`.
    pub(super) fn define(&mut self, item: &Spanned<Item>) {
        let (name, meaning) = match &item.value {
            Item::LetNumber { name, number } if self.is_path(number) => {
                self.names_a_path(name, number.span, item.span);
                (name, Meaning::Unknown)
            }
            Item::LetNumber { name, number } => {
                let overridden = self.overrides.names.get(&name.value).copied();
                // The names in the number count as used, even if the program overrides it.
                let own = self.number(number);
                (name, Meaning::Number(overridden.or(own)))
            }
            Item::LetTargets { name, targets } => {
                if self.is_optional(targets) {
                    self.optional_names.insert(name.value.clone());
                }
                (name, Meaning::Targets(self.targets(targets).value))
            }
            Item::LetList { name, list } => (name, self.meaning(list)),
            _ => return,
        };
        if !self.is_taken(name, meaning.is_number(), self.statement(item.span)) {
            self.scope.define(name, meaning);
        }
    }

    /// Reports a name that is defined already; `again` is the second definition, if it can be
    /// left out.
    pub(super) fn is_taken(
        &mut self,
        name: &Spanned<Text>,
        is_number: bool,
        again: Option<Span>,
    ) -> bool {
        let sign = if is_number { "" } else { "@" };
        let written = format!("`{sign}{}`", name.value);
        let twice = |message: String| Diagnostic::new(Code::DefinedTwice, name.span, message);
        if let Some(first) = self.scope.place(&name.value, is_number) {
            self.report(
                twice(format!("{written} is defined twice"))
                    .label("again here")
                    .also(first, "first here")
                    .guess_without("leave out the second", again),
            );
            true
        } else if !is_number && ReadyMade::of(&name.value).is_some() {
            self.report(
                twice(format!("{written} is defined by the language")).label("choose another name"),
            );
            true
        } else {
            false
        }
    }

    /// The meaning of a `let @name = …` that reads as a list: a single name may be of targets.
    pub(super) fn meaning(&mut self, list: &Spanned<Listing>) -> Meaning {
        match (&*list.prefixes, &list.base.value) {
            ([], ast::Elements::Named(name)) if !self.scope.is_list(name) => {
                Meaning::Targets(self.named(name, list.base.span))
            }
            _ => self.list(list).map_or(Meaning::Unknown, Meaning::List),
        }
    }

    /// A list's elements; `None` after a finding.
    pub(super) fn list(&mut self, list: &Listing) -> Option<LoweredList> {
        let mut elements = match &list.base.value {
            ast::Elements::These(terms) => self.elements(terms),
            ast::Elements::Named(name) => self.named_list(name, list.base.span)?,
        };
        if self.recording.is_some() {
            let all = elements.elements.iter().map(|element| element.selection.clone());
            self.record(Recorded::List, list.base.span, &Selection::union(all.collect()));
        }
        for prefix in list.prefixes.iter().rev() {
            match &prefix.value {
                Prefix::Reversed => elements.elements.reverse(),
                Prefix::First(count) => {
                    let count = self.count(count, list, &elements)?;
                    elements.elements.truncate(count);
                }
                Prefix::Last(count) => {
                    let count = self.count(count, list, &elements)?;
                    let skipped = elements.elements.len().saturating_sub(count);
                    elements.elements.drain(..skipped);
                }
            }
        }
        Some(elements)
    }

    /// A count of a list's elements; `None` if the list has fewer.
    pub(super) fn count(
        &mut self,
        count: &Count,
        list: &Listing,
        of: &LoweredList,
    ) -> Option<usize> {
        let Count { number: count, is_percent } = count;
        if *is_percent {
            return self.part(count, of);
        }
        let asked = usize::try_from(self.whole_number(count, "a number of elements")?).ok()?;
        let has = of.elements.len();
        if asked > has && of.complete {
            let finding = Diagnostic::new(
                Code::OutOfRange,
                count.span,
                match has {
                    1 => format!("this list has 1 element, not {asked}"),
                    _ => format!("this list has {has} elements, not {asked}"),
                },
            )
            .label(match has {
                0 => "its `?` lets it have none here".to_owned(),
                _ => format!("at most {has}"),
            });
            let all = in_place(count, &has).filter(|_| has > 0);
            let finding = match self.children(list, asked) {
                Some((place, children)) => finding.guess(
                    format!("the list has one element; did you mean its {children} parts?"),
                    Some((place, ".*")),
                ),
                None => finding.guess("ask for all of them", all),
            };
            self.report(finding);
            return None;
        }
        if asked == 0 {
            self.report(
                Diagnostic::new(
                    Code::OutOfRange,
                    count.span,
                    "0 elements of a list select nothing",
                )
                .label("expected at least 1")
                .guess("ask for one", in_place(count, &1)),
            );
            return None;
        }
        Some(asked)
    }

    /// For a list of one path without a wildcard, such as `[encoder.layer]`: where `.*` would make
    /// at least this many elements of it, and how many.
    fn children(&mut self, list: &Listing, asked: usize) -> Option<(Span, usize)> {
        let ast::Elements::These(elements) = &list.base.value else { return None };
        let [Element { term: Spanned { value: Term::Path(path), span }, .. }] = &**elements else {
            return None;
        };
        let mut pattern = self.pattern(path)?;
        let is_quoted = self.text.get(span.range())?.ends_with(['"', '#']);
        if has_single_star(path) || is_quoted {
            return None;
        }
        pattern.push(Spanned::new(PathSegment::Glob("*"), *span));
        let count = self.model?.spread(&pattern).len();
        (count >= asked).then(|| (Span::new(span.end, span.end), count))
    }

    /// A percentage of a list's elements: to the nearest, halves up, and at least one.
    fn part(&mut self, percent: &Spanned<Number>, of: &LoweredList) -> Option<usize> {
        let percentage = self.number(percent)?;
        if !(percentage > 0.0 && percentage <= 100.0) {
            self.report(
                Diagnostic::new(
                    Code::OutOfRange,
                    percent.span,
                    format!("`{}%` of a list is not a part of it", self.slice(percent.span)),
                )
                .label("expected more than 0% and at most 100%"),
            );
            return None;
        }
        if !of.complete {
            return Some(of.elements.len());
        }
        if of.elements.is_empty() {
            self.report(
                Diagnostic::new(
                    Code::OutOfRange,
                    percent.span,
                    "a part of a list without elements",
                )
                .label("each of its elements selects nothing here"),
            );
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a list's length is small"
        )]
        let asked = (of.elements.len() as f64 * percentage / 100.0 + 0.5).floor() as usize;
        Some(asked.max(1))
    }

    fn named_list(&mut self, name: &str, place: Span) -> Option<LoweredList> {
        if let Some(meaning) = self.scope.get(name, false) {
            let weight = meaning.weight();
            self.weigh(weight, place);
        }
        if self.is_too_heavy() {
            return None;
        }
        match self.scope.get(name, false).cloned() {
            Some(Meaning::List(elements)) => Some(elements),
            Some(Meaning::Unknown) => None,
            None if ReadyMade::of(name).is_none() => {
                self.unknown_name(name, place);
                None
            }
            None | Some(Meaning::Targets(_) | Meaning::Element(_) | Meaning::Number(_)) => {
                let finding =
                    Diagnostic::new(Code::UnknownName, place, format!("`@{name}` is not a list"))
                        .label("expected a list such as `[fc, layer4]`");
                self.report(if self.optional_names.contains(name) {
                    finding.note(
                        "a list has no `?`: write it after each element, as in `[fc?, layer4?]`",
                    )
                } else {
                    finding.guess("make a list of it", Some((place, format!("[@{name}]"))))
                });
                None
            }
        }
    }

    fn elements(&mut self, written: &[Element]) -> LoweredList {
        let (mut all, reported) = self.watch(|lowering| lowering.all_elements(written));
        // A count of elements of which one is wrong would be a second finding.
        all.complete &= reported.is_none();
        all
    }

    fn all_elements(&mut self, written: &[Element]) -> LoweredList {
        let mut all = LoweredList { elements: Vec::new(), complete: true };
        for element in written {
            let Element { term, is_optional } = element;
            // Without a model, whether it is an element is unknown.
            let may_be_absent = *is_optional || self.may_be_absent(&term.value);
            all.complete &= self.model.is_some() || !may_be_absent;
            match &term.value {
                Term::Path(path) if has_single_star(path) => {
                    self.spread(path, element, &mut all);
                }
                _ => {
                    let selection = self.allowing(*is_optional, |lowering| lowering.term(term));
                    if selection == Selection::Absent {
                        continue;
                    }
                    let shown = self.slice(term.span);
                    all.elements.push(ListElement { selection, shown });
                }
            }
        }
        all
    }

    /// Whether targets may select nothing: each of their selectors has a `?`, or names such.
    fn is_optional(&self, targets: &Targets) -> bool {
        targets
            .selectors
            .iter()
            .all(|selector| selector.is_optional || self.may_be_absent(&selector.term.value))
    }

    fn may_be_absent(&self, term: &Term) -> bool {
        match term {
            Term::Named(name) => self.optional_names.contains(name),
            Term::Group(targets) => self.is_optional(targets),
            _ => false,
        }
    }

    /// A path with a `*` segment: one element for each name that its last `*` matches.
    fn spread(&mut self, path: &[Spanned<Segment>], element: &Element, all: &mut LoweredList) {
        let place = element.term.span;
        let pattern = self.pattern(path);
        let (Some(model), Some(pattern)) = (self.model, pattern) else {
            all.complete = self.model.is_some();
            let shown = self.slice(place);
            all.elements.push(ListElement { selection: Selection::unknown(), shown });
            return;
        };
        let spread = model.spread(&pattern);
        if spread.is_empty() {
            // Reported like any path that selects nothing.
            let nothing =
                self.allowing(element.is_optional, |lowering| lowering.select(&pattern, place));
            if nothing != Selection::Absent {
                all.complete = false;
                let shown = self.slice(place);
                all.elements.push(ListElement { selection: Selection::unknown(), shown });
            }
        }
        if self.recording.is_some() {
            let each = spread.iter().map(|(_, names)| Selection::Parameters(names.clone()));
            self.record(Recorded::Term, place, &Selection::union(each.collect()));
        }
        all.elements.extend(spread.into_iter().map(|(shown, parameters)| ListElement {
            selection: Selection::Parameters(parameters),
            shown,
        }));
    }
}

/// Whether a segment of the path is a single `*`.
fn has_single_star(path: &[Spanned<Segment>]) -> bool {
    path.iter().any(|segment| matches!(&segment.value, Segment::Glob(glob) if glob == "*"))
}
