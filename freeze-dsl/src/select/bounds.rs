//! Bounds of indices and rows.

use std::ops::Range;

/// One end of a range of indices or rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Not written: the first or the last of all.
    Open,
    /// This number.
    At(u64),
    /// So many before the one past the last.
    FromEnd(u64),
}

/// A range of indices or rows, its end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoundRange {
    pub(crate) start: Bound,
    pub(crate) end: Bound,
}

impl Bound {
    /// The bound after this one: the exclusive end of a range that ends with it.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Open => Self::Open,
            Self::At(number) => Self::At(number.saturating_add(1)),
            Self::FromEnd(number) => Self::FromEnd(number.saturating_sub(1)),
        }
    }

    /// The bound as a number, where numbers end before `past`; `open` if it is not written.
    /// `None` if it would be before the first.
    pub(crate) const fn of(self, past: u64, open: u64) -> Option<u64> {
        match self {
            Self::Open => Some(open),
            Self::At(number) => Some(number),
            Self::FromEnd(number) => past.checked_sub(number),
        }
    }
}

impl BoundRange {
    /// Whether it is empty, wherever numbers end.
    pub(crate) fn is_empty(self) -> bool {
        match (self.start, self.end) {
            (Bound::At(start), Bound::At(end)) => start >= end,
            (Bound::FromEnd(start), Bound::FromEnd(end)) => start <= end,
            _ => false,
        }
    }

    /// Whether it has one number.
    pub(crate) fn is_single(self) -> bool {
        self.start.next() == self.end && self.start != Bound::Open
    }

    /// Whether it counts from the last number, or goes to it.
    pub(crate) fn depends_on_last(self) -> bool {
        !matches!((self.start, self.end), (Bound::Open | Bound::At(_), Bound::At(_)))
    }

    /// The numbers in it where numbers end before `past`; those before the first are cut off.
    pub(crate) fn within(self, past: u64) -> Range<u64> {
        self.start.of(past, 0).unwrap_or(0)..self.end.of(past, past).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Bound::{At, FromEnd, Open};
    use super::*;

    #[test]
    fn bounds_count_as_python_slices_do() {
        let within = |start, end| BoundRange { start, end }.within(12);
        assert_eq!(within(At(6), Open), 6..12);
        assert_eq!(within(Open, At(6)), 0..6);
        assert_eq!(within(FromEnd(4), Open), 8..12);
        assert_eq!(within(FromEnd(4), FromEnd(1)), 8..11);
        assert_eq!(within(Open, FromEnd(1).next()), 0..12);
        assert_eq!(within(FromEnd(1), FromEnd(1).next()), 11..12);
        assert_eq!(within(FromEnd(20), Open), 0..12);
        assert!(within(FromEnd(20), FromEnd(20).next()).is_empty());
    }
}
