//! Sequences of rules.

use std::ops::Range;

use super::LoopTrace;
use crate::select::Selection;
use crate::source::{Span, Spanned};

/// Rules that wait for one another, and for no others: the main sequence, or a track.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    /// The name of the track; `None` for the main sequence.
    pub(crate) name: Option<String>,
    /// The head of the track.
    pub(crate) span: Span,
    pub(crate) ownership: Ownership,
    /// Its rules, as indices of the policy's rules.
    pub(crate) rules: Range<usize>,
    /// The index of the first rule of its `repeat`.
    pub(crate) repeat: Option<usize>,
    /// The loop turns that it comes from, for messages.
    pub(crate) trace: LoopTrace,
}

/// Which parameters a sequence alone may train and freeze.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ownership {
    /// What no track owns: that of the main sequence.
    Rest,
    /// What a track has after `in`.
    Scope(Spanned<Selection>),
    /// Nothing: that of a track without `in`.
    Nothing,
}

impl Ownership {
    /// Whether what a track has after `in` is known, if there is anything.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Scope(scope) => scope.value.is_known(),
            Self::Rest | Self::Nothing => true,
        }
    }
}
