//! Lists: `[fc, layer.*]`, `reversed last 2 of @stages`.

use super::Lowering;
use super::numbers::in_place;
use super::scope::Meaning;
use crate::ast::{self, Item, Listing, Number, Prefix, Segment, Term, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::select::{ReadyMade, Selection};
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
    /// Whether these are all elements: without a model, a wildcard is one element, not many.
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
    fn meaning(&mut self, list: &Spanned<Listing>) -> Meaning {
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
        for prefix in list.prefixes.iter().rev() {
            match &prefix.value {
                Prefix::Reversed => elements.elements.reverse(),
                Prefix::First(count) => {
                    let count = self.count(count, &elements)?;
                    elements.elements.truncate(count);
                }
                Prefix::Last(count) => {
                    let count = self.count(count, &elements)?;
                    let skipped = elements.elements.len().saturating_sub(count);
                    elements.elements.drain(..skipped);
                }
            }
        }
        Some(elements)
    }

    /// A count of a list's elements; `None` if the list has fewer.
    pub(super) fn count(&mut self, count: &Spanned<Number>, of: &LoweredList) -> Option<usize> {
        let asked = usize::try_from(self.whole_number(count, "a number of elements")?).ok()?;
        let has = of.elements.len();
        if asked > has && of.complete {
            self.report(
                Diagnostic::new(
                    Code::OutOfRange,
                    count.span,
                    format!("{asked} elements are asked of a list that has {has}"),
                )
                .label(format!("at most {has}"))
                .guess("ask for all of them", in_place(count, &has).filter(|_| has > 0)),
            );
            return None;
        }
        if asked == 0 {
            self.report(
                Diagnostic::new(
                    Code::OutOfRange,
                    count.span,
                    "no elements of a list are asked for",
                )
                .label("expected at least 1")
                .guess("ask for one", in_place(count, &1)),
            );
            return None;
        }
        Some(asked)
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
                self.report(
                    Diagnostic::new(Code::UnknownName, place, format!("`@{name}` is no list"))
                        .label("expected a list such as `[fc, layer4]`")
                        .guess("make a list of it", Some((place, format!("[@{name}]")))),
                );
                None
            }
        }
    }

    fn elements(&mut self, terms: &[Spanned<Term>]) -> LoweredList {
        let mut all = LoweredList { elements: Vec::new(), complete: true };
        for term in terms {
            match &term.value {
                Term::Path(path) if has_single_star(path) => self.spread(path, term.span, &mut all),
                _ => {
                    let selection = self.term(term);
                    let shown = self.slice(term.span);
                    all.elements.push(ListElement { selection, shown });
                }
            }
        }
        all
    }

    /// A path with a `*` segment: one element for each name that its last `*` matches.
    fn spread(&mut self, path: &[Spanned<Segment>], place: Span, all: &mut LoweredList) {
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
            self.select(&pattern, place);
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
