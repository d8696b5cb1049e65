//! What targets select, as far as that can be computed before a rule fires.

use std::ops::Range;

use fixedbitset::FixedBitSet;

/// What targets select. Some of it can only be computed when a rule fires.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Selection {
    /// Unknown, because there is no model or because of an error.
    #[default]
    Unknown,
    /// These names.
    Parameters(FixedBitSet),
    /// Rows of the parameter of one name.
    Rows { parameter: usize, first: usize, past: usize },
    /// The trainable parameters, as of just before the rule.
    Trainable,
    /// The frozen parameters, as of just before the rule.
    Frozen,
    /// `count` of the elements, drawn again at every firing.
    Sample { elements: Vec<Selection>, count: usize, seed: u64 },
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
            (Self::Parameters(names), Self::Rows { parameter, .. })
            | (Self::Rows { parameter, .. }, Self::Parameters(names)) => {
                !names.contains(*parameter)
            }
            (
                Self::Rows { parameter, first, past },
                Self::Rows { parameter: other, first: start, past: end },
            ) => parameter != other || past <= start || end <= first,
            _ => false,
        }
    }

    /// Whether no part of it is `Unknown`.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Sample { elements: all, .. } | Self::Union(all) => all.iter().all(Self::is_known),
            Self::Without(both) | Self::Within(both) => both.0.is_known() && both.1.is_known(),
            Self::Parameters(_) | Self::Rows { .. } | Self::Trainable | Self::Frozen => true,
        }
    }

    /// How many nodes it has.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Sample { elements: all, .. } | Self::Union(all) => {
                all.iter().map(Self::size).sum::<usize>() + 1
            }
            Self::Without(both) | Self::Within(both) => both.0.size() + both.1.size() + 1,
            _ => 1,
        }
    }

    pub(crate) fn union(all: Vec<Self>) -> Self {
        // A union with an unknown part is unknown.
        if all.iter().any(|one| matches!(one, Self::Unknown)) {
            return Self::Unknown;
        }
        let mut known: Option<FixedBitSet> = None;
        let mut others = Vec::new();
        for one in all {
            match one {
                Self::Parameters(names) => match &mut known {
                    Some(known) => known.union_with(&names),
                    None => known = Some(names),
                },
                other => others.push(other),
            }
        }
        let known = known.map(Self::Parameters);
        if others.is_empty() {
            return known.unwrap_or_default();
        }
        if known.is_none() && others.len() == 1 {
            return others.pop().unwrap_or_default();
        }
        Self::Union(known.into_iter().chain(others).collect())
    }

    pub(crate) fn without(self, away: Self) -> Self {
        match (self, away) {
            (Self::Parameters(mut names), Self::Parameters(away)) => {
                names.difference_with(&away);
                Self::Parameters(names)
            }
            (Self::Rows { parameter, .. }, Self::Parameters(away)) if away.contains(parameter) => {
                Self::Parameters(FixedBitSet::new())
            }
            (names, away) => Self::Without(Box::new((names, away))),
        }
    }

    pub(crate) fn within(self, around: Self) -> Self {
        match (self, around) {
            (Self::Parameters(mut names), Self::Parameters(around)) => {
                names.intersect_with(&around);
                Self::Parameters(names)
            }
            (names, around) if names.is_disjoint(&around) => Self::Parameters(FixedBitSet::new()),
            (names, around) => Self::Within(Box::new((names, around))),
        }
    }

    /// Whether two firings may select different parameters.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Trainable | Self::Frozen | Self::Sample { .. } => true,
            Self::Union(all) => all.iter().any(Self::changes),
            Self::Without(both) | Self::Within(both) => both.0.changes() || both.1.changes(),
            Self::Unknown | Self::Parameters(_) | Self::Rows { .. } => false,
        }
    }

    /// Whether it contains a `sample`.
    pub(crate) fn draws(&self) -> bool {
        match self {
            Self::Sample { .. } => true,
            Self::Union(all) => all.iter().any(Self::draws),
            Self::Without(both) | Self::Within(both) => both.0.draws() || both.1.draws(),
            _ => false,
        }
    }

    /// Calls `cut` for every slice of rows.
    fn rows(&self, cut: &mut impl FnMut(usize, usize, usize)) {
        match self {
            Self::Rows { parameter, first, past } => cut(*parameter, *first, *past),
            Self::Sample { elements: all, .. } | Self::Union(all) => {
                for one in all {
                    one.rows(cut);
                }
            }
            Self::Without(both) | Self::Within(both) => {
                both.0.rows(cut);
                both.1.rows(cut);
            }
            Self::Unknown | Self::Parameters(_) | Self::Trainable | Self::Frozen => {}
        }
    }

    /// What it selects when a rule fires, given the units that train before the rule and how often
    /// the rule has fired before.
    pub(crate) fn units(&self, units: &Units, trains: &FixedBitSet, firing: u64) -> FixedBitSet {
        let mut selected = FixedBitSet::with_capacity(units.len());
        match self {
            Self::Unknown => {}
            Self::Parameters(names) if !units.is_cut => selected.union_with(names),
            Self::Parameters(names) => {
                for name in names.ones() {
                    selected.insert_range(units.of_name(name));
                }
            }
            Self::Rows { parameter, first, past } => {
                for unit in units.of_name(*parameter) {
                    let inside = |rows: &Range<usize>| *first <= rows.start && rows.end <= *past;
                    if units.rows(unit).is_some_and(inside) {
                        selected.insert(unit);
                    }
                }
            }
            Self::Trainable => selected.union_with(trains),
            Self::Frozen => {
                selected.insert_range(..);
                selected.difference_with(trains);
            }
            Self::Sample { elements, count, seed } => {
                for index in draw(elements.len(), *count, *seed, firing) {
                    if let Some(element) = elements.get(index) {
                        selected.union_with(&element.units(units, trains, firing));
                    }
                }
            }
            Self::Union(all) => {
                for one in all {
                    selected.union_with(&one.units(units, trains, firing));
                }
            }
            Self::Without(both) => {
                selected = both.0.units(units, trains, firing);
                selected.difference_with(&both.1.units(units, trains, firing));
            }
            Self::Within(both) => {
                selected = both.0.units(units, trains, firing);
                selected.intersect_with(&both.1.units(units, trains, firing));
            }
        }
        selected
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
    let mut all: Vec<usize> = (0..of).collect();
    for place in 0..count.min(of) {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of elements")]
        let other = place + (next() % (of - place) as u64) as usize;
        all.swap(place, other);
    }
    all.truncate(count);
    all
}

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The units that a policy can train separately: names of parameters, and slices of those of which
/// the policy names rows.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    /// The name that a unit belongs to, and its rows if it is a slice.
    all: Vec<(usize, Option<Range<usize>>)>,
    /// The units of each name.
    of_name: Vec<Range<usize>>,
    /// Whether any name is cut into slices; if not, the units are the names.
    is_cut: bool,
}

impl Units {
    /// Cuts the names into slices at the rows that the selections name. `parameter_of` returns the
    /// parameter of a name, since all names of a parameter are cut alike; `rows_of` its rows.
    pub(crate) fn new<'s>(
        names: usize,
        selections: impl Iterator<Item = &'s Selection>,
        parameter_of: impl Fn(usize) -> usize,
        rows_of: impl Fn(usize) -> usize,
    ) -> Self {
        let mut cuts: std::collections::BTreeMap<usize, Vec<usize>> =
            std::collections::BTreeMap::new();
        for selection in selections {
            selection.rows(&mut |name, first, past| {
                let cut = cuts.entry(parameter_of(name)).or_insert_with(|| vec![0, rows_of(name)]);
                cut.extend([first, past]);
            });
        }
        let mut all = Vec::with_capacity(names);
        let mut of_name = Vec::with_capacity(names);
        for name in 0..names {
            let start = all.len();
            match cuts.get_mut(&parameter_of(name)) {
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

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn of_name(&self, name: usize) -> Range<usize> {
        self.of_name.get(name).cloned().unwrap_or(0..0)
    }

    /// The name that a unit belongs to.
    pub(crate) fn name(&self, unit: usize) -> Option<usize> {
        self.all.get(unit).map(|(name, _)| *name)
    }

    /// The rows of a unit, if it is a slice of its parameter.
    pub(crate) fn rows(&self, unit: usize) -> Option<&Range<usize>> {
        self.all.get(unit)?.1.as_ref()
    }

    /// How many units the first `names` names have.
    pub(crate) fn of_first_names(&self, names: usize) -> usize {
        names.checked_sub(1).map_or(0, |last| self.of_name(last).end)
    }
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
