//! The names in scope, and their meanings.

use std::cell::Cell;
use std::collections::HashMap;

use super::lists::{ListElement, LoweredList};
use crate::ast::Text;
use crate::select::Selection;
use crate::source::{Span, Spanned};

/// The names in scope, the innermost last.
#[derive(Default)]
pub(super) struct Scope {
    entries: Vec<ScopeEntry>,
    /// The indices of the entries of each name, the innermost last.
    places: HashMap<Text, Vec<usize>>,
    /// The indices of the entries that loops define.
    of_loops: Vec<usize>,
}

struct ScopeEntry {
    name: Text,
    span: Span,
    meaning: Meaning,
    /// The turn's number, for a loop's own names.
    of_loop: Option<String>,
    used: Cell<bool>,
}

/// The meaning of a name.
#[derive(Clone)]
pub(super) enum Meaning {
    /// A number; `None` if it depends on a missing model.
    Number(Option<f64>),
    /// Targets.
    Targets(Selection),
    /// A list.
    List(LoweredList),
    /// An element of a list.
    Element(ListElement),
    /// Unknown, after a finding.
    Unknown,
}

impl Meaning {
    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// The weight of using it, in bytes of text.
    pub(super) fn weight(&self) -> usize {
        const PART: usize = 10;
        let parts = match self {
            Self::Number(_) | Self::Unknown => 0,
            Self::Targets(selection) => selection.size(),
            Self::Element(element) => element.selection.size(),
            Self::List(list) => list.elements.iter().map(|it| 1 + it.selection.size()).sum(),
        };
        PART * parts
    }
}

impl Scope {
    pub(super) fn define(&mut self, name: &Spanned<Text>, meaning: Meaning) {
        self.push(name, meaning, None);
    }

    /// Defines a name with another meaning, until the scope is reset; its uses count for the first.
    pub(super) fn define_again(&mut self, name: &Spanned<Text>, meaning: Meaning) {
        self.push(name, meaning, None);
        if let Some(entry) = self.entries.last() {
            entry.used.set(true);
        }
    }

    /// The number of a loop's turn.
    pub(super) fn number(&mut self, name: &Spanned<Text>, value: f64) {
        self.push(name, Meaning::Number(Some(value)), Some(value.to_string()));
    }

    /// The element of a loop's turn.
    pub(super) fn element(&mut self, name: &Spanned<Text>, element: ListElement) {
        let shown = element.shown.clone();
        self.push(name, Meaning::Element(element), Some(shown));
    }

    fn push(&mut self, name: &Spanned<Text>, meaning: Meaning, of_loop: Option<String>) {
        let place = self.entries.len();
        self.places.entry(name.value.clone()).or_default().push(place);
        if of_loop.is_some() {
            self.of_loops.push(place);
        }
        self.entries.push(ScopeEntry {
            name: name.value.clone(),
            span: name.span,
            meaning,
            of_loop,
            used: Cell::new(false),
        });
    }

    /// The meaning of a name: of a number if `number`, else of a name written with `@`.
    pub(super) fn get(&self, name: &str, number: bool) -> Option<&Meaning> {
        for place in self.places.get(name)? {
            if let Some(entry) = self.entries.get(*place) {
                entry.used.set(true);
            }
        }
        self.find(name, number).map(|entry| &entry.meaning)
    }

    /// Whether a name is defined as a list, valid or not.
    pub(super) fn is_list(&self, name: &str) -> bool {
        let entry = self.find(name, false);
        entry.is_some_and(|it| matches!(it.meaning, Meaning::List(_) | Meaning::Unknown))
    }

    /// Whether a name has no meaning because its definition is wrong.
    pub(super) fn is_unknown(&self, name: &str) -> bool {
        self.find(name, true).is_some_and(|it| matches!(it.meaning, Meaning::Unknown))
    }

    /// Whether a name is that of a loop's number.
    pub(super) fn is_loop_number(&self, name: &str) -> bool {
        self.find(name, true).is_some_and(|it| it.of_loop.is_some() && it.meaning.is_number())
    }

    /// The place where a name is defined.
    pub(super) fn place(&self, name: &str, number: bool) -> Option<Span> {
        self.find(name, number).map(|entry| entry.span)
    }

    fn find(&self, name: &str, number: bool) -> Option<&ScopeEntry> {
        let fits = |entry: &&ScopeEntry| {
            entry.meaning.is_number() == number || matches!(entry.meaning, Meaning::Unknown)
        };
        let places = self.places.get(name)?.iter().rev();
        places.filter_map(|place| self.entries.get(*place)).find(fits)
    }

    /// The names of numbers, or of the others.
    pub(super) fn names(&self, numbers: bool) -> impl Iterator<Item = &str> {
        let kind = move |entry: &&ScopeEntry| entry.meaning.is_number() == numbers;
        self.entries.iter().filter(kind).map(|entry| entry.name.as_ref())
    }

    /// The turn of each loop around: its number, or its element if it has no number.
    pub(super) fn turn_numbers(&self) -> Vec<String> {
        let mut turns: Vec<String> = Vec::new();
        let mut last_was_number = false;
        for entry in self.of_loops.iter().filter_map(|place| self.entries.get(*place)) {
            let Some(shown) = &entry.of_loop else { continue };
            let is_number = entry.meaning.is_number();
            // The number of a turn determines its element.
            if is_number || !last_was_number {
                turns.push(shown.clone());
            }
            last_was_number = is_number;
        }
        turns
    }

    pub(super) fn mark(&self) -> usize {
        self.entries.len()
    }

    /// Removes what was defined since the mark.
    pub(super) fn reset(&mut self, mark: usize) {
        while self.entries.len() > mark {
            let Some(entry) = self.entries.pop() else { return };
            if let Some(places) = self.places.get_mut(&entry.name) {
                places.pop();
            }
            if entry.of_loop.is_some() {
                self.of_loops.pop();
            }
        }
    }

    /// The names that a `let` defines and nothing uses.
    pub(super) fn unused(&self) -> Vec<(String, Span)> {
        let unused = |entry: &&ScopeEntry| entry.of_loop.is_none() && !entry.used.get();
        let written = |entry: &ScopeEntry| {
            let sign = if entry.meaning.is_number() { "" } else { "@" };
            (format!("{sign}{}", entry.name), entry.span)
        };
        self.entries.iter().filter(unused).map(written).collect()
    }
}
