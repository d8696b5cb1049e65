//! Indices, each of a type of its own, and sets of them.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use fixedbitset::FixedBitSet;

/// A place in a list of things of one kind.
pub(crate) trait Id: Copy {
    /// The id of the thing at a place.
    fn at(index: usize) -> Self;

    /// The place of the thing in its list.
    fn place(self) -> usize;
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $vis:vis $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        $vis struct $name(usize);

        impl $name {
            /// The id of what has this index in its list.
            #[must_use]
            $vis const fn new(index: usize) -> Self {
                Self(index)
            }

            /// The index in its list.
            #[must_use]
            $vis const fn index(self) -> usize {
                self.0
            }
        }

        impl Id for $name {
            fn at(index: usize) -> Self {
                Self(index)
            }

            fn place(self) -> usize {
                self.0
            }
        }
    )*};
}

ids! {
    /// A tensor, as an index of the model's tensors.
    pub TensorId;
    /// A parameter, as an index of the model's parameters.
    pub ParamId;
    /// A module with running statistics, as an index of the model's normalisations.
    pub NormalisationId;
    /// A parameter or a row slice of it, as an index of the plan's slices.
    pub SliceId;
    /// A rule, as an index of the policy's rules, loops unrolled.
    pub RuleId;
    /// A name, as an index of a table of names.
    pub(crate) NameId;
    /// A node of a tree of names.
    pub(crate) NodeId;
    /// A curve that has begun, as an index of a state's curves.
    pub(crate) CurveId;
}

/// The ids of the things at these places.
pub(crate) fn ids<I: Id>(places: Range<usize>) -> impl DoubleEndedIterator<Item = I> + Clone {
    places.map(I::at)
}

/// A set of slices of a plan.
pub(crate) type SliceSet = IdSet<SliceId>;

/// A set of ids, with a bit for each.
pub(crate) struct IdSet<I> {
    bits: FixedBitSet,
    of: PhantomData<I>,
}

impl<I: Id> IdSet<I> {
    /// An empty set.
    pub(crate) const fn new() -> Self {
        Self { bits: FixedBitSet::new(), of: PhantomData }
    }

    /// An empty set for ids below `count`.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { bits: FixedBitSet::with_capacity(count), of: PhantomData }
    }

    /// The set of all ids below `count`.
    pub(crate) fn all(count: usize) -> Self {
        let mut all = Self::with_capacity(count);
        all.fill();
        all
    }

    /// Adds every id that the set has room for.
    pub(crate) fn fill(&mut self) {
        self.bits.insert_range(..);
    }

    pub(crate) fn contains(&self, id: I) -> bool {
        self.bits.contains(id.place())
    }

    pub(crate) fn insert(&mut self, id: I) {
        self.bits.insert(id.place());
    }

    /// Adds an id; returns whether it was in the set before.
    pub(crate) fn put(&mut self, id: I) -> bool {
        self.bits.put(id.place())
    }

    pub(crate) fn set(&mut self, id: I, is_in: bool) {
        self.bits.set(id.place(), is_in);
    }

    /// Its ids, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = I> + '_ {
        self.bits.ones().map(I::at)
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.bits.is_clear()
    }

    pub(crate) fn clear(&mut self) {
        self.bits.clear();
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.bits.is_disjoint(&other.bits)
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.bits.is_subset(&other.bits)
    }

    pub(crate) fn union_with(&mut self, other: &Self) {
        self.bits.union_with(&other.bits);
    }

    /// Adds the things at the places of ids of another kind, where the two lists have the same
    /// order.
    pub(crate) fn union_with_places<J: Id>(&mut self, other: &IdSet<J>) {
        self.bits.union_with(&other.bits);
    }

    pub(crate) fn intersect_with(&mut self, other: &Self) {
        self.bits.intersect_with(&other.bits);
    }

    pub(crate) fn difference_with(&mut self, other: &Self) {
        self.bits.difference_with(&other.bits);
    }
}

impl<I: Id> Extend<I> for IdSet<I> {
    fn extend<T: IntoIterator<Item = I>>(&mut self, ids: T) {
        self.bits.extend(ids.into_iter().map(I::place));
    }
}

impl<I> Clone for IdSet<I> {
    fn clone(&self) -> Self {
        Self { bits: self.bits.clone(), of: PhantomData }
    }

    fn clone_from(&mut self, from: &Self) {
        self.bits.clone_from(&from.bits);
    }
}

impl<I> PartialEq for IdSet<I> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<I> fmt::Debug for IdSet<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.bits.ones()).finish()
    }
}
