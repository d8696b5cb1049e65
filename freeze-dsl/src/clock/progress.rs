//! How far a sequence of rules is.

use serde::{Deserialize, Serialize};

use crate::plan::BoundSequence;
use crate::time::Time;

/// How far a sequence of rules is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// The rule that waits, counted from the first of the sequence.
    pub(super) next: usize,
    /// How many rounds of its `repeat` are over.
    pub(super) rounds: u64,
    /// When the rule fired for the first time, in this round, that fired last.
    pub(super) previous: Time,
    /// When it fired last, for one that recurs.
    pub(super) recurred: Time,
}

impl Progress {
    /// Before the first rule of a sequence that begins to wait at this moment.
    pub(super) const fn beginning(at: Time) -> Self {
        Self { next: 0, rounds: 0, previous: at, recurred: at }
    }

    /// The index of the rule that waits; that after the last rule if none does.
    pub(super) const fn waiting(&self, of: &BoundSequence) -> usize {
        of.rules.start + self.next
    }

    /// The index of the rule that fired last and recurs until the next one fires. The only rule of a
    /// `repeat` waits again instead.
    pub(super) fn recurring(&self, of: &BoundSequence) -> Option<usize> {
        let waiting = self.waiting(of);
        let is_new_round = self.rounds > 0 && Some(waiting) == of.repeat;
        let last = if is_new_round { of.rules.end } else { waiting };
        last.checked_sub(1).filter(|last| *last >= of.rules.start && *last != waiting)
    }

    /// Whether the rule with this index has fired.
    pub(super) const fn has_fired(&self, rule: usize, of: &BoundSequence) -> bool {
        self.rounds > 0 || rule < self.waiting(of)
    }

    /// How many rules have fired, counted anew in each round.
    pub(super) fn fired(&self, of: &BoundSequence) -> usize {
        let round = of.repeat.map_or(0, |first| of.rules.end.saturating_sub(first));
        let rounds = usize::try_from(self.rounds).unwrap_or(usize::MAX);
        round.saturating_mul(rounds).saturating_add(self.next)
    }

    /// The rule that waits has fired. Returns whether another round begins.
    pub(super) fn advance(&mut self, of: &BoundSequence, now: Time) -> bool {
        let waiting = self.waiting(of);
        let next = of.after(waiting);
        (self.previous, self.recurred) = (now, now);
        self.next = next.saturating_sub(of.rules.start);
        let begins = next <= waiting;
        self.rounds += u64::from(begins);
        begins
    }

    /// Whether it can be the progress of this sequence.
    pub(super) fn fits(&self, of: &BoundSequence, now: Time) -> bool {
        let first = match of.repeat {
            Some(first) if self.rounds > 0 => first.saturating_sub(of.rules.start),
            _ if self.rounds > 0 => return false,
            _ => 0,
        };
        (first..=of.rules.len()).contains(&self.next)
            // After the last rule of a `repeat`, its first one waits.
            && (of.repeat.is_none() || self.next < of.rules.len())
            && self.previous.is_past(now)
            && self.recurred.is_past(now)
    }
}
