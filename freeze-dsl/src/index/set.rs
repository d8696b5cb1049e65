//! Sets of ids.

use std::fmt;
use std::marker::PhantomData;

use fixedbitset::FixedBitSet;

use super::Id;

/// A set of ids. It takes memory and time for its members, or for a bit of each id there may be,
/// whichever is less: a policy for a large model has many sets of few.
pub(crate) struct IdSet<I> {
    members: Members,
    /// The ids below this number are those there may be.
    room: usize,
    of: PhantomData<I>,
}

enum Members {
    /// The members, in order.
    Few(Vec<usize>),
    /// A bit for each id.
    Many(FixedBitSet),
}

use Members::{Few, Many};

impl<I: Id> IdSet<I> {
    /// An empty set.
    pub(crate) const fn new() -> Self {
        Self { members: Few(Vec::new()), room: 0, of: PhantomData }
    }

    /// An empty set for ids below `count`.
    pub(crate) const fn with_capacity(count: usize) -> Self {
        Self { members: Few(Vec::new()), room: count, of: PhantomData }
    }

    /// The set of all ids below `count`.
    pub(crate) fn all(count: usize) -> Self {
        let mut all = Self::with_capacity(count);
        all.fill();
        all
    }

    /// Adds every id that the set has room for.
    pub(crate) fn fill(&mut self) {
        let mut bits = FixedBitSet::with_capacity(self.room);
        bits.insert_range(..);
        self.members = Many(bits);
    }

    pub(crate) fn contains(&self, id: I) -> bool {
        self.has(id.place())
    }

    fn has(&self, place: usize) -> bool {
        match &self.members {
            Few(members) => members.binary_search(&place).is_ok(),
            Many(bits) => bits.contains(place),
        }
    }

    pub(crate) fn insert(&mut self, id: I) {
        self.put(id);
    }

    /// Adds an id; returns whether it was in the set before.
    pub(crate) fn put(&mut self, id: I) -> bool {
        let place = id.place();
        self.room = self.room.max(place + 1);
        match &mut self.members {
            Few(members) => {
                let at = match members.last() {
                    Some(last) if *last < place => members.len(),
                    _ => match members.binary_search(&place) {
                        Ok(_) => return true,
                        Err(at) => at,
                    },
                };
                members.insert(at, place);
                self.fit();
                false
            }
            Many(bits) => {
                bits.grow(self.room);
                bits.put(place)
            }
        }
    }

    /// Has a bit for each id from now on, if that takes less memory.
    fn fit(&mut self) {
        if let Few(members) = &self.members
            && members.len() > self.room / 64 + 8
        {
            let mut bits = FixedBitSet::with_capacity(self.room);
            bits.extend(members.iter().copied());
            self.members = Many(bits);
        }
    }

    pub(crate) fn set(&mut self, id: I, is_in: bool) {
        if is_in {
            self.insert(id);
            return;
        }
        match &mut self.members {
            Few(members) => {
                if let Ok(at) = members.binary_search(&id.place()) {
                    members.remove(at);
                }
            }
            Many(bits) if id.place() < bits.len() => bits.set(id.place(), false),
            Many(_) => {}
        }
    }

    /// Its ids, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = I> + '_ {
        self.places().map(I::at)
    }

    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let (few, many) = match &self.members {
            Few(members) => (members.as_slice(), None),
            Many(bits) => (&[][..], Some(bits)),
        };
        few.iter().copied().chain(many.into_iter().flat_map(FixedBitSet::ones))
    }

    pub(crate) fn is_clear(&self) -> bool {
        match &self.members {
            Few(members) => members.is_empty(),
            Many(bits) => bits.is_clear(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.members = Few(Vec::new());
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        match (&self.members, &other.members) {
            (Many(bits), Many(others)) => bits.is_disjoint(others),
            (Many(_), Few(few)) => !few.iter().any(|place| self.has(*place)),
            (Few(few), _) => !few.iter().any(|place| other.has(*place)),
        }
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        match (&self.members, &other.members) {
            (Many(bits), Many(others)) => bits.is_subset(others),
            _ => self.places().all(|place| other.has(place)),
        }
    }

    pub(crate) fn union_with(&mut self, other: &Self) {
        self.union_with_places(other);
    }

    /// Adds the things at the places of ids of another kind, where the two lists have the same
    /// order.
    pub(crate) fn union_with_places<J: Id>(&mut self, other: &IdSet<J>) {
        self.room = self.room.max(other.room);
        match (&mut self.members, &other.members) {
            (Many(bits), Many(others)) => bits.union_with(others),
            (Few(few), Many(others)) => {
                let mut bits = others.clone();
                bits.grow(self.room);
                bits.extend(few.drain(..));
                self.members = Many(bits);
            }
            (Few(few), Few(others)) if few.is_empty() => few.clone_from(others),
            (_, Few(others)) => {
                for place in others {
                    self.put(I::at(*place));
                }
            }
        }
    }

    pub(crate) fn intersect_with(&mut self, other: &Self) {
        match (&mut self.members, &other.members) {
            (Many(bits), Many(others)) => bits.intersect_with(others),
            (Few(few), _) => few.retain(|place| other.has(*place)),
            (Many(bits), Few(others)) => {
                let both = others.iter().copied().filter(|place| bits.contains(*place));
                self.members = Few(both.collect());
            }
        }
    }

    pub(crate) fn difference_with(&mut self, other: &Self) {
        match (&mut self.members, &other.members) {
            (Many(bits), Many(others)) => bits.difference_with(others),
            (Few(few), _) => few.retain(|place| !other.has(*place)),
            (Many(bits), Few(others)) => {
                for place in others {
                    if bits.contains(*place) {
                        bits.remove(*place);
                    }
                }
            }
        }
    }
}

impl<I: Id> Extend<I> for IdSet<I> {
    fn extend<T: IntoIterator<Item = I>>(&mut self, ids: T) {
        for id in ids {
            self.put(id);
        }
    }
}

impl<I> Clone for IdSet<I> {
    fn clone(&self) -> Self {
        let members = match &self.members {
            Few(members) => Few(members.clone()),
            Many(bits) => Many(bits.clone()),
        };
        Self { members, room: self.room, of: PhantomData }
    }

    fn clone_from(&mut self, from: &Self) {
        self.room = from.room;
        match (&mut self.members, &from.members) {
            (Few(members), Few(others)) => members.clone_from(others),
            (Many(bits), Many(others)) => bits.clone_from(others),
            (members, Few(others)) => *members = Few(others.clone()),
            (members, Many(others)) => *members = Many(others.clone()),
        }
    }
}

impl<I: Id> PartialEq for IdSet<I> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.members, &other.members) {
            (Many(bits), Many(others)) if bits.len() == others.len() => bits == others,
            _ => self.places().eq(other.places()),
        }
    }
}

impl<I: Id> fmt::Debug for IdSet<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.places()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::index::SliceId;

    const ROOM: usize = 1_000;

    type Model = BTreeSet<usize>;

    fn set(members: &Model, is_many: bool) -> IdSet<SliceId> {
        let mut set = IdSet::with_capacity(ROOM);
        set.extend(members.iter().map(|place| SliceId::new(*place)));
        if is_many && let Few(few) = &set.members {
            let mut bits = FixedBitSet::with_capacity(ROOM);
            bits.extend(few.iter().copied());
            set.members = Many(bits);
        }
        set
    }

    fn members(set: &IdSet<SliceId>) -> Model {
        set.iter().map(SliceId::index).collect()
    }

    fn models() -> impl Strategy<Value = (Model, bool)> {
        let size = prop_oneof![0..4_usize, 0..60_usize];
        let members = size.prop_flat_map(|size| prop::collection::btree_set(0..ROOM, size));
        (members, any::<bool>())
    }

    proptest! {
        #[test]
        fn it_is_a_set((left, few) in models(), (right, many) in models(), one in 0..ROOM) {
            let (a, b) = (set(&left, few), set(&right, many));
            let with = |operation: fn(&mut IdSet<SliceId>, &IdSet<SliceId>)| {
                let mut set = a.clone();
                operation(&mut set, &b);
                members(&set)
            };
            prop_assert_eq!(with(IdSet::union_with), &left | &right);
            prop_assert_eq!(with(IdSet::intersect_with), &left & &right);
            prop_assert_eq!(with(IdSet::difference_with), &left - &right);
            prop_assert_eq!(a.is_disjoint(&b), left.is_disjoint(&right));
            prop_assert_eq!(a.is_subset(&b), left.is_subset(&right));
            prop_assert_eq!(a == b, left == right);
            prop_assert_eq!(a.clone(), set(&left, !few));
            let (id, mut copy) = (SliceId::new(one), b.clone());
            copy.clone_from(&a);
            prop_assert_eq!(copy.put(id), left.contains(&one));
            prop_assert!(copy.contains(id));
            copy.set(id, false);
            let mut rest = left.clone();
            rest.remove(&one);
            prop_assert_eq!(members(&copy), rest);
            copy.fill();
            prop_assert_eq!(members(&copy).len(), ROOM);
        }
    }
}
