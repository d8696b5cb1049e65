//! What names stand for.

use std::cell::Cell;
use std::collections::HashMap;

use super::lists::{Element, Elements};
use crate::ast::Text;
use crate::select::Selection;
use crate::source::{Span, Spanned};

/// Names in force, the innermost last.
#[derive(Default)]
pub(super) struct Scope {
    entries: Vec<Entry>,
    /// Where each name stands among them, the innermost last.
    places: HashMap<Text, Vec<usize>>,
    /// Where those of loops stand.
    of_loops: Vec<usize>,
}

struct Entry {
    name: Text,
    span: Span,
    meaning: Meaning,
    /// The turn's number, for a loop's own names.
    of_loop: Option<String>,
    used: Cell<bool>,
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Meaning {
    /// A number; `None` where it takes a model to know it.
    Number(Option<f64>),
    /// Targets; `None` without a model.
    Targets(Selection),
    /// A list.
    List(Elements),
    /// An element of a list.
    Element(Element),
    /// Something that is wrong, and told already.
    Unknown,
}

impl Meaning {
    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// What it takes to put it in the place of its name, in bytes of text.
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

    /// The number of a loop's turn.
    pub(super) fn number(&mut self, name: &Spanned<Text>, value: f64) {
        self.push(name, Meaning::Number(Some(value)), Some(value.to_string()));
    }

    /// The element of a loop's turn.
    pub(super) fn element(&mut self, name: &Spanned<Text>, element: Element) {
        let shown = element.shown.clone();
        self.push(name, Meaning::Element(element), Some(shown));
    }

    fn push(&mut self, name: &Spanned<Text>, meaning: Meaning, of_loop: Option<String>) {
        let place = self.entries.len();
        self.places.entry(name.value.clone()).or_default().push(place);
        if of_loop.is_some() {
            self.of_loops.push(place);
        }
        self.entries.push(Entry {
            name: name.value.clone(),
            span: name.span,
            meaning,
            of_loop,
            used: Cell::new(false),
        });
    }

    /// What a name stands for: a number's where `number`, else one written with `@`.
    pub(super) fn get(&self, name: &str, number: bool) -> Option<&Meaning> {
        let entry = self.find(name, number)?;
        entry.used.set(true);
        Some(&entry.meaning)
    }

    /// Whether a name stands for a list, right or wrong.
    pub(super) fn is_list(&self, name: &str) -> bool {
        let entry = self.find(name, false);
        entry.is_some_and(|it| matches!(it.meaning, Meaning::List(_) | Meaning::Unknown))
    }

    /// Where a name was defined.
    pub(super) fn place(&self, name: &str, number: bool) -> Option<Span> {
        self.find(name, number).map(|entry| entry.span)
    }

    fn find(&self, name: &str, number: bool) -> Option<&Entry> {
        let fits = |entry: &&Entry| {
            entry.meaning.is_number() == number || matches!(entry.meaning, Meaning::Unknown)
        };
        let places = self.places.get(name)?.iter().rev();
        places.filter_map(|place| self.entries.get(*place)).find(fits)
    }

    /// The names of numbers, or of the others.
    pub(super) fn names(&self, numbers: bool) -> impl Iterator<Item = &str> {
        let kind = move |entry: &&Entry| entry.meaning.is_number() == numbers;
        self.entries.iter().filter(kind).map(|entry| entry.name.as_ref())
    }

    /// What the loops around have for this turn: their numbers, or elements where unnumbered.
    pub(super) fn turn_numbers(&self) -> Vec<String> {
        let mut turns: Vec<String> = Vec::new();
        let mut last_was_number = false;
        for entry in self.of_loops.iter().filter_map(|place| self.entries.get(*place)) {
            let Some(shown) = &entry.of_loop else { continue };
            let is_number = entry.meaning.is_number();
            // An element behind its own number says nothing more.
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

    /// Forgets what was defined since the mark.
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

    /// What `let` defined and nothing used.
    pub(super) fn unused(&self) -> Vec<(String, Span)> {
        let unused = |entry: &&Entry| entry.of_loop.is_none() && !entry.used.get();
        let written = |entry: &Entry| {
            let sign = if entry.meaning.is_number() { "" } else { "@" };
            (format!("{sign}{}", entry.name), entry.span)
        };
        self.entries.iter().filter(unused).map(written).collect()
    }
}
