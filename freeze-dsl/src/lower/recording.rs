//! What parts of a text mean, recorded while they are lowered.

use std::collections::HashMap;

use super::Lowering;
use crate::select::Selection;
use crate::source::Span;

/// How many values are kept of a part that is lowered more than once, as in a loop.
const MOST: usize = 256;

/// A kind of part that selects parameters. Parts of different kinds may have the same span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Recorded {
    Targets,
    Term,
    /// The elements of a list, or its name.
    List,
}

/// What the parts of a text within a span mean.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    within: Span,
    selections: HashMap<(Recorded, Span), Values<Selection>>,
    numbers: HashMap<Span, Values<f64>>,
}

/// The values of one part of a text, each time that it was lowered; equal ones in a row once.
#[derive(Debug, Clone)]
pub(crate) struct Values<T> {
    pub(crate) all: Vec<T>,
    /// The last one, which may be beyond those that are kept.
    pub(crate) last: T,
}

impl<T: Clone + PartialEq> Values<T> {
    fn add(&mut self, value: &T) {
        if self.last != *value {
            self.last = value.clone();
            if self.all.len() < MOST {
                self.all.push(value.clone());
            }
        }
    }
}

impl Recording {
    pub(super) fn new(within: Span) -> Self {
        Self { within, ..Self::default() }
    }

    /// What a part selects.
    pub(crate) fn selections(&self, kind: Recorded, place: Span) -> Option<&Values<Selection>> {
        self.selections.get(&(kind, place))
    }

    /// What an expression equals.
    pub(crate) fn numbers(&self, place: Span) -> Option<&Values<f64>> {
        self.numbers.get(&place)
    }

    fn covers(&self, place: Span) -> bool {
        place.start <= self.within.end && self.within.start <= place.end
    }
}

impl Lowering<'_, '_> {
    /// Whether what lies at a place is recorded, or everything is lowered.
    pub(super) fn is_wanted(&self, place: Span) -> bool {
        self.recording.as_ref().is_none_or(|recording| recording.covers(place))
    }

    pub(super) fn record(&mut self, kind: Recorded, place: Span, selection: &Selection) {
        let Some(recording) = self.recording.as_mut().filter(|it| it.covers(place)) else { return };
        let values = Values { all: vec![selection.clone()], last: selection.clone() };
        let known = recording.selections.entry((kind, place)).or_insert(values);
        known.add(selection);
    }

    pub(super) fn record_number(&mut self, place: Span, value: Option<f64>) {
        let Some(recording) = self.recording.as_mut().filter(|it| it.covers(place)) else { return };
        let Some(value) = value else { return };
        let values = Values { all: vec![value], last: value };
        recording.numbers.entry(place).or_insert(values).add(&value);
    }
}
