//! The slices that a policy can train separately.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Selection;
use crate::index::{NameId, SliceId, ids};
use crate::model::ParamId;

/// The slices that a policy can train separately: parameters under each of their names, and row
/// slices of those of which the policy names rows.
#[derive(Debug, Clone)]
pub(crate) struct SliceTable {
    /// The name of each slice, and its rows if it is a row slice.
    all: Vec<(NameId, Option<Range<usize>>)>,
    /// The slices of each name.
    of_name: Vec<Range<usize>>,
    is_cut: bool,
}

impl SliceTable {
    /// Cuts the names into slices at the rows that the selections name. `parameter_of` returns the
    /// parameter of a name, since all names of a parameter are cut alike; `rows_of` its rows.
    pub(crate) fn new<'s>(
        names: usize,
        selections: impl Iterator<Item = &'s Selection>,
        parameter_of: impl Fn(NameId) -> Option<ParamId>,
        rows_of: impl Fn(NameId) -> usize,
    ) -> Self {
        let mut cuts: BTreeMap<ParamId, Vec<usize>> = BTreeMap::new();
        for selection in selections {
            selection.rows(&mut |name, first, past| {
                let Some(parameter) = parameter_of(name) else { return };
                let cut = cuts.entry(parameter).or_insert_with(|| vec![0, rows_of(name)]);
                cut.extend([first, past]);
            });
        }
        let mut all = Vec::with_capacity(names);
        let mut of_name = Vec::with_capacity(names);
        for name in ids(0..names) {
            let start = all.len();
            match parameter_of(name).and_then(|parameter| cuts.get_mut(&parameter)) {
                Some(cut) => {
                    cut.sort_unstable();
                    cut.dedup();
                    let slices = cut.iter().zip(cut.iter().skip(1));
                    all.extend(slices.map(|(first, past)| (name, Some(*first..*past))));
                }
                None => all.push((name, None)),
            }
            of_name.push(start..all.len());
        }
        Self { all, of_name, is_cut: !cuts.is_empty() }
    }

    /// How many slices it has.
    pub(crate) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether any name is cut into row slices; if not, the slices are the names, in their order.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// All slices.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SliceId> + Clone + use<> {
        ids(0..self.len())
    }

    /// The slices of a name.
    pub(super) fn of_name(&self, name: NameId) -> impl Iterator<Item = SliceId> + use<> {
        ids(self.places(name))
    }

    fn places(&self, name: NameId) -> Range<usize> {
        self.of_name.get(name.index()).cloned().unwrap_or(0..0)
    }

    /// The name that a slice belongs to.
    pub(crate) fn name(&self, slice: SliceId) -> Option<NameId> {
        self.all.get(slice.index()).map(|(name, _)| *name)
    }

    /// The rows of a slice; `None` for a whole parameter.
    pub(crate) fn rows(&self, slice: SliceId) -> Option<&Range<usize>> {
        self.all.get(slice.index())?.1.as_ref()
    }

    /// How many slices the first `names` names have.
    pub(crate) fn of_first_names(&self, names: usize) -> usize {
        names.checked_sub(1).map_or(0, |last| self.places(NameId::new(last)).end)
    }
}
