//! Slices that a policy always treats alike.

use std::collections::HashMap;

use crate::index::{AtomId, SliceId, SliceSet, ids};
use crate::ir::LoweredAction;
use crate::plan::BoundPolicy;
use crate::select::{Selection, SliceTable};

/// A partition of the slices: those of one atom are in the same selections and owned by the same
/// sequence, so they have the same options at every moment.
#[derive(Debug, Clone)]
pub(super) struct Atoms {
    of_slice: Vec<AtomId>,
    /// A slice of each atom.
    pub(super) representatives: Vec<SliceId>,
    /// How many numbers each atom has.
    pub(super) elements: Vec<usize>,
    /// For each rule, the atoms that a `sample` of it may draw.
    drawn: Vec<Vec<AtomId>>,
    /// For each rule, the other atoms that it trains.
    plain: Vec<Vec<AtomId>>,
}

impl Atoms {
    pub(super) fn new(bound: &BoundPolicy) -> Self {
        let mut partition = Partition { of_slice: vec![0; bound.slices.len()], parts: 1 };
        for owned in bound.sequences.iter().filter_map(|sequence| sequence.owned.as_ref()) {
            partition.split(owned);
        }
        for action in bound.rules.iter().flat_map(|rule| &rule.actions) {
            if let Some(targets) = action.value.targets() {
                partition.split_by(&targets.value, &bound.table);
            }
        }
        let mut atoms = partition.into_atoms(bound);
        for rule in &bound.rules {
            let (mut drawn, mut plain) = (SliceSet::new(), SliceSet::new());
            for action in &rule.actions {
                if let LoweredAction::On { targets, .. } = &action.value {
                    add_drawn(&targets.value, &bound.table, &mut drawn, &mut plain);
                }
            }
            drawn.difference_with(&plain);
            let (drawn, plain) = (atoms.of(&drawn), atoms.of(&plain));
            atoms.drawn.push(drawn);
            atoms.plain.push(plain);
        }
        atoms
    }

    /// The atom of a slice.
    pub(super) fn of_slice(&self, slice: SliceId) -> Option<AtomId> {
        self.of_slice.get(slice.index()).copied()
    }

    /// The atoms of which a set has slices, in order.
    pub(super) fn of(&self, slices: &SliceSet) -> Vec<AtomId> {
        let own = slices.iter().filter_map(|slice| self.of_slice(slice));
        let mut atoms: Vec<AtomId> = own.collect();
        atoms.sort_unstable();
        atoms.dedup();
        atoms
    }

    /// All atoms.
    pub(super) fn ids(&self) -> impl Iterator<Item = AtomId> + use<> {
        ids(0..self.representatives.len())
    }

    /// The atoms that a `sample` of a rule may draw, and the others that it trains.
    pub(super) fn drawn_and_plain(&self, rule: usize) -> (&[AtomId], &[AtomId]) {
        (
            self.drawn.get(rule).map_or(&[], Vec::as_slice),
            self.plain.get(rule).map_or(&[], Vec::as_slice),
        )
    }
}

/// What a selection has by a draw, and what whatever is drawn.
fn add_drawn(of: &Selection, table: &SliceTable, drawn: &mut SliceSet, plain: &mut SliceSet) {
    match of {
        Selection::Union(all) => {
            for one in all {
                add_drawn(one, table, drawn, plain);
            }
        }
        Selection::Optional(inner) => add_drawn(inner, table, drawn, plain),
        one if one.draws() => drawn.union_with(&one.reach(table)),
        // What trains already goes on as it was.
        Selection::Trainable => {}
        one => plain.union_with(&one.reach(table)),
    }
}

/// Parts that are split again and again.
struct Partition {
    of_slice: Vec<usize>,
    parts: usize,
}

impl Partition {
    /// Splits each part into what a set has of it and what it has not.
    fn split(&mut self, set: &SliceSet) {
        let mut split: HashMap<usize, usize> = HashMap::new();
        for slice in set.iter() {
            let Some(part) = self.of_slice.get_mut(slice.index()) else { break };
            let next = self.parts;
            *part = *split.entry(*part).or_insert_with(|| {
                self.parts += 1;
                next
            });
        }
    }

    /// Splits by all sets that a selection is made of.
    fn split_by(&mut self, selection: &Selection, table: &SliceTable) {
        match selection {
            Selection::Sample { elements: all, .. } | Selection::Union(all) => {
                for one in all {
                    self.split_by(one, table);
                }
            }
            Selection::Without(both) | Selection::Within(both) => {
                self.split_by(&both.0, table);
                self.split_by(&both.1, table);
            }
            Selection::Optional(inner) => self.split_by(inner, table),
            // Which atoms these are follows from what was selected before.
            Selection::Trainable | Selection::Frozen | Selection::Unknown | Selection::Absent => {}
            Selection::Parameters(_) | Selection::Rows { .. } => {
                self.split(&selection.slices(table, &SliceSet::new(), 0));
            }
        }
    }

    /// Numbers the parts in the order of their first slices.
    fn into_atoms(self, bound: &BoundPolicy) -> Atoms {
        let mut known: HashMap<usize, AtomId> = HashMap::new();
        let mut atoms = Atoms {
            of_slice: Vec::with_capacity(self.of_slice.len()),
            representatives: Vec::new(),
            elements: Vec::new(),
            drawn: Vec::new(),
            plain: Vec::new(),
        };
        for (slice, part) in ids::<SliceId>(0..self.of_slice.len()).zip(self.of_slice) {
            let atom = *known.entry(part).or_insert_with(|| {
                atoms.representatives.push(slice);
                atoms.elements.push(0);
                AtomId::new(atoms.representatives.len() - 1)
            });
            if let Some(elements) = atoms.elements.get_mut(atom.index()) {
                *elements = elements.saturating_add(bound.elements_of(slice));
            }
            atoms.of_slice.push(atom);
        }
        atoms
    }
}
