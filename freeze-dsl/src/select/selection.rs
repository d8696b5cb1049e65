//! What targets select, as far as that can be computed before a rule fires.

use std::collections::HashMap;
use std::ops::Range;

use super::{NameSet, SliceTable};
use crate::index::{NameId, SliceSet};

/// What targets select. Some of it can only be computed when a rule fires.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Selection {
    /// Unknown, because there is no model or because of an error.
    #[default]
    Unknown,
    /// These names.
    Parameters(NameSet),
    /// Nothing, which a `?` allows.
    Absent,
    /// Rows of the parameter of one name: ranges that do not touch, in order.
    Rows { name: NameId, rows: Vec<Range<usize>> },
    /// The trainable parameters, as of just before the rule.
    Trainable,
    /// The frozen parameters, as of just before the rule.
    Frozen,
    /// `count` of the elements, drawn again at every firing.
    Sample { elements: Vec<Selection>, count: usize, seed: u64 },
    /// What may turn out to be nothing when a rule fires, which a `?` allows.
    Optional(Box<Selection>),
    /// The union of these.
    Union(Vec<Selection>),
    /// The first without the second.
    Without(Box<(Selection, Selection)>),
    /// The intersection of both.
    Within(Box<(Selection, Selection)>),
}

impl Selection {
    pub(crate) const fn unknown() -> Self {
        Self::Unknown
    }

    /// Whether it is known to select nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Parameters(names) => names.is_clear(),
            Self::Union(all) => !all.is_empty() && all.iter().all(Self::is_empty),
            _ => false,
        }
    }

    /// Whether both are known to have nothing in common.
    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Parameters(left), Self::Parameters(right)) => left.is_disjoint(right),
            (Self::Parameters(names), Self::Rows { name, .. })
            | (Self::Rows { name, .. }, Self::Parameters(names)) => !names.contains(*name),
            (Self::Rows { name, rows }, Self::Rows { name: other, rows: others }) => {
                let apart = |one: &Range<usize>, other: &Range<usize>| {
                    one.end <= other.start || other.end <= one.start
                };
                name != other || rows.iter().all(|one| others.iter().all(|other| apart(one, other)))
            }
            _ => false,
        }
    }

    /// Whether it may be nothing because a `?` allows it.
    pub(crate) fn is_optional(&self) -> bool {
        match self {
            Self::Absent | Self::Optional(_) => true,
            Self::Union(all) => all.iter().all(Self::is_optional),
            _ => false,
        }
    }

    /// Nothing, where a `?` allows it.
    pub(crate) fn optional(self) -> Self {
        match self {
            Self::Parameters(names) if names.is_clear() => Self::Absent,
            Self::Unknown | Self::Absent | Self::Parameters(_) | Self::Rows { .. } => self,
            later => Self::Optional(Box::new(later)),
        }
    }

    /// Whether no part of it is `Unknown`.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Sample { elements: all, .. } | Self::Union(all) => all.iter().all(Self::is_known),
            Self::Without(both) | Self::Within(both) => both.0.is_known() && both.1.is_known(),
            Self::Optional(inner) => inner.is_known(),
            Self::Parameters(_)
            | Self::Absent
            | Self::Rows { .. }
            | Self::Trainable
            | Self::Frozen => true,
        }
    }

    /// How many nodes it has.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Sample { elements: all, .. } | Self::Union(all) => {
                all.iter().map(Self::size).sum::<usize>() + 1
            }
            Self::Without(both) | Self::Within(both) => both.0.size() + both.1.size() + 1,
            Self::Optional(inner) => inner.size(),
            Self::Rows { rows, .. } => rows.len(),
            _ => 1,
        }
    }

    pub(crate) fn union(all: Vec<Self>) -> Self {
        // A union with an unknown part is unknown.
        if all.iter().any(|one| matches!(one, Self::Unknown)) {
            return Self::Unknown;
        }
        let mut known: Option<NameSet> = None;
        let mut others = Vec::new();
        for one in all {
            match one {
                Self::Absent => {}
                Self::Parameters(names) => match &mut known {
                    Some(known) => known.union_with(&names),
                    None => known = Some(names),
                },
                other => others.push(other),
            }
        }
        let known = known.map(Self::Parameters);
        if others.is_empty() {
            return known.unwrap_or(Self::Absent);
        }
        if known.is_none() && others.len() == 1 {
            return others.pop().unwrap_or_default();
        }
        Self::Union(known.into_iter().chain(others).collect())
    }

    pub(crate) fn without(self, away: Self) -> Self {
        match (self, away) {
            (names, Self::Absent) => names,
            (Self::Absent, _) => Self::Absent,
            (Self::Parameters(mut names), Self::Parameters(away)) => {
                names.difference_with(&away);
                Self::Parameters(names)
            }
            (Self::Rows { name, .. }, Self::Parameters(away)) if away.contains(name) => {
                Self::Parameters(NameSet::new())
            }
            (names, away) => Self::Without(Box::new((names, away))),
        }
    }

    pub(crate) fn within(self, around: Self) -> Self {
        match (self, around) {
            (Self::Absent, _) | (_, Self::Absent) => Self::Absent,
            (Self::Parameters(mut names), Self::Parameters(around)) => {
                names.intersect_with(&around);
                Self::Parameters(names)
            }
            (names, around) if names.is_disjoint(&around) => Self::Parameters(NameSet::new()),
            (names, around) => Self::Within(Box::new((names, around))),
        }
    }

    /// Whether two firings may select different parameters.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Trainable | Self::Frozen | Self::Sample { .. } => true,
            Self::Union(all) => all.iter().any(Self::changes),
            Self::Without(both) | Self::Within(both) => both.0.changes() || both.1.changes(),
            Self::Optional(inner) => inner.changes(),
            Self::Unknown | Self::Absent | Self::Parameters(_) | Self::Rows { .. } => false,
        }
    }

    /// Whether it contains a `sample`.
    pub(crate) fn draws(&self) -> bool {
        match self {
            Self::Sample { .. } => true,
            Self::Union(all) => all.iter().any(Self::draws),
            Self::Without(both) | Self::Within(both) => both.0.draws() || both.1.draws(),
            Self::Optional(inner) => inner.draws(),
            _ => false,
        }
    }

    /// Calls `cut` with every row slice that it names: a name, its first row, and the row after its
    /// last.
    pub(super) fn rows(&self, cut: &mut impl FnMut(NameId, usize, usize)) {
        match self {
            Self::Rows { name, rows } => {
                for rows in rows {
                    cut(*name, rows.start, rows.end);
                }
            }
            Self::Optional(inner) => inner.rows(cut),
            Self::Sample { elements: all, .. } | Self::Union(all) => {
                for one in all {
                    one.rows(cut);
                }
            }
            Self::Without(both) | Self::Within(both) => {
                both.0.rows(cut);
                both.1.rows(cut);
            }
            Self::Unknown | Self::Absent | Self::Parameters(_) | Self::Trainable | Self::Frozen => {
            }
        }
    }

    /// What it may select at any moment.
    pub(crate) fn most(&self, table: &SliceTable) -> SliceSet {
        let mut most = SliceSet::with_capacity(table.len());
        match self {
            Self::Trainable | Self::Frozen => most.fill(),
            Self::Sample { elements: all, .. } | Self::Union(all) => {
                for one in all {
                    most.union_with(&one.most(table));
                }
            }
            Self::Optional(inner) => most = inner.most(table),
            Self::Without(both) => {
                most = both.0.most(table);
                if !both.1.changes() {
                    most.difference_with(&both.1.most(table));
                }
            }
            Self::Within(both) => {
                most = both.0.most(table);
                most.intersect_with(&both.1.most(table));
            }
            Self::Unknown | Self::Absent | Self::Parameters(_) | Self::Rows { .. } => {
                most = self.slices(table, &SliceSet::new(), 0);
            }
        }
        most
    }

    /// What it selects when a rule fires, given the slices that train before the rule and how often
    /// the rule has fired before.
    pub(crate) fn slices(&self, table: &SliceTable, trains: &SliceSet, firing: u64) -> SliceSet {
        let mut selected = SliceSet::with_capacity(table.len());
        match self {
            Self::Unknown | Self::Absent => {}
            Self::Parameters(names) if !table.is_cut() => {
                selected.union_with_places(names);
            }
            Self::Parameters(names) => {
                for name in names.iter() {
                    selected.extend(table.of_name(name));
                }
            }
            Self::Rows { name, rows } => {
                // Both are in order, and no slice lies across the end of a range.
                let mut ranges = rows.iter().peekable();
                for slice in table.of_name(*name) {
                    let Some(own) = table.rows(slice) else { continue };
                    while ranges.next_if(|range| range.end <= own.start).is_some() {}
                    if ranges.peek().is_some_and(|range| range.start <= own.start) {
                        selected.insert(slice);
                    }
                }
            }
            Self::Optional(inner) => selected = inner.slices(table, trains, firing),
            Self::Trainable => selected.union_with(trains),
            Self::Frozen => {
                selected.fill();
                selected.difference_with(trains);
            }
            Self::Sample { elements, count, seed } => {
                for index in draw(elements.len(), *count, *seed, firing) {
                    if let Some(element) = elements.get(index) {
                        selected.union_with(&element.slices(table, trains, firing));
                    }
                }
            }
            Self::Union(all) => {
                for one in all {
                    selected.union_with(&one.slices(table, trains, firing));
                }
            }
            Self::Without(both) => {
                selected = both.0.slices(table, trains, firing);
                selected.difference_with(&both.1.slices(table, trains, firing));
            }
            Self::Within(both) => {
                selected = both.0.slices(table, trains, firing);
                selected.intersect_with(&both.1.slices(table, trains, firing));
            }
        }
        selected
    }
}

impl Selection {
    /// What it can select at some firing.
    pub(crate) fn reach(&self, table: &SliceTable) -> SliceSet {
        let union = |all: &[Self]| {
            let mut reach = SliceSet::with_capacity(table.len());
            for one in all {
                reach.union_with(&one.reach(table));
            }
            reach
        };
        match self {
            Self::Sample { elements: all, .. } | Self::Union(all) => union(all),
            Self::Optional(inner) => inner.reach(table),
            Self::Trainable | Self::Frozen => SliceSet::all(table.len()),
            Self::Without(both) => {
                let mut reach = both.0.reach(table);
                if !both.1.changes() {
                    reach.difference_with(&both.1.reach(table));
                }
                reach
            }
            Self::Within(both) => {
                let mut reach = both.0.reach(table);
                reach.intersect_with(&both.1.reach(table));
                reach
            }
            Self::Unknown | Self::Absent | Self::Parameters(_) | Self::Rows { .. } => {
                self.slices(table, &SliceSet::new(), 0)
            }
        }
    }
}

/// Draws `count` of the numbers below `of` without replacement, from the seed and the firing alone.
fn draw(of: usize, count: usize, seed: u64, firing: u64) -> Vec<usize> {
    // SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    // OOPSLA 2014), seeded again for each firing.
    let mut state = seed ^ mix(firing.wrapping_add(1));
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(state)
    };
    // A shuffle of all numbers as far as it is read, with those that are not in their place.
    let mut moved: HashMap<usize, usize> = HashMap::new();
    let mut drawn = Vec::with_capacity(count.min(of));
    for place in 0..count.min(of) {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of elements")]
        let other = place + (next() % (of - place) as u64) as usize;
        let here = moved.remove(&place).unwrap_or(place);
        drawn.push(if other == place { here } else { moved.insert(other, here).unwrap_or(other) });
    }
    drawn
}

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn draws_are_without_replacement_and_repeatable() {
        let mut seen = [0; 12];
        for firing in 0..600 {
            let mut drawn = draw(12, 4, 7, firing);
            assert_eq!(drawn, draw(12, 4, 7, firing));
            for index in &drawn {
                seen[*index] += 1;
            }
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 4);
        }
        assert!(seen.iter().all(|count| (150..250).contains(count)), "{seen:?}");
        assert_ne!(draw(12, 4, 7, 0), draw(12, 4, 8, 0));
    }
}
