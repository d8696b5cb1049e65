//! Indices, each of a type of its own, and sets of them.

mod set;

use std::ops::Range;

pub(crate) use set::IdSet;

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
    /// Slices that a policy always treats alike, as an index of a picture's atoms.
    pub AtomId;
    /// A state of an atom, as an index of a picture's states.
    pub StateId;
    /// A module or parameter, as an index of a picture's modules.
    pub(crate) ModuleId;
    /// A sequence of rules, as an index of the policy's sequences.
    pub(crate) SequenceId;
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
