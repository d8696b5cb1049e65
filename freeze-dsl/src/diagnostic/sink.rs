//! Collects findings.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Deref;

use super::{Code, Diagnostic, Reported};
use crate::source::Span;

/// Collects findings in the order in which they are reported. Of each code, only the first
/// [`MOST`](Self::MOST) are kept: nobody reads more, and a text of a megabyte may have a million. In
/// place of the next one is a finding that says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct DiagnosticSink {
    kept: Vec<Diagnostic>,
    counts: HashMap<Code, usize>,
    /// How many findings were reported, including those that were dropped.
    reported: usize,
    /// The findings in loop turns.
    in_turns: HashMap<(Code, Span), InTurns>,
}

/// A finding that is reported once for all turns of a loop.
#[derive(Debug, Clone)]
struct InTurns {
    /// Its index; `None` if it was dropped.
    index: Option<usize>,
    /// The first turn in which it was found, and the last.
    first: usize,
    last: usize,
    /// How many turns it was found in besides the first.
    more: usize,
}

/// How the message ends of the finding that is in place of all further ones.
const NOT_LISTED: &str = "the others are not listed";

impl Diagnostic {
    /// Whether it says that there are further findings, which are not listed.
    pub(super) fn is_limit(&self) -> bool {
        self.message.ends_with(NOT_LISTED)
    }
}

impl DiagnosticSink {
    /// How many findings of one code are kept.
    pub(crate) const MOST: usize = 1_000;

    pub(crate) fn push(&mut self, finding: Diagnostic) -> Reported {
        self.reported += 1;
        let count = self.counts.entry(finding.code).or_default();
        *count += 1;
        match (*count).cmp(&(Self::MOST + 1)) {
            Ordering::Less => self.kept.push(finding),
            Ordering::Equal => {
                let what = format!("findings with the code {}", finding.code.name());
                let message = Self::more_than_most(&what);
                self.kept.push(Diagnostic::new(finding.code, finding.span, message));
            }
            Ordering::Greater => {}
        }
        Reported::new()
    }

    /// Reports a finding in a turn of a loop, once for all turns; `annotate` adds the turn to it.
    pub(crate) fn push_in_turn(
        &mut self,
        finding: Diagnostic,
        turn: usize,
        annotate: impl FnOnce(Diagnostic) -> Diagnostic,
    ) -> Reported {
        let key = (finding.code, finding.span);
        match self.in_turns.get_mut(&key) {
            Some(known) if known.first != turn => {
                known.more += usize::from(known.last != turn);
                known.last = turn;
                Reported::new()
            }
            Some(_) => self.push(annotate(finding)),
            None => {
                let index = (!self.is_full(finding.code)).then_some(self.kept.len());
                self.in_turns.insert(key, InTurns { index, first: turn, last: turn, more: 0 });
                self.push(annotate(finding))
            }
        }
    }

    /// The message of the finding that is in place of all further ones.
    pub(crate) fn more_than_most(what: &str) -> String {
        format!("there are more than {} {what}: {NOT_LISTED}", Self::MOST)
    }

    /// How many findings were reported, including those that were dropped.
    pub(crate) const fn reported(&self) -> usize {
        self.reported
    }

    /// Whether further findings of a code are dropped, so that making them is a waste of time.
    pub(crate) fn is_full(&self, code: Code) -> bool {
        self.counts.get(&code).is_some_and(|count| *count > Self::MOST)
    }

    pub(crate) fn into_vec(mut self) -> Vec<Diagnostic> {
        for InTurns { index, more, .. } in self.in_turns.into_values() {
            let finding = index.and_then(|index| self.kept.get_mut(index));
            // Its last note is about its turn.
            if let Some(note) = finding.filter(|_| more > 0).and_then(|it| it.notes.last_mut()) {
                let turns = if more == 1 { "turn" } else { "turns" };
                *note = format!("{note}, and in {more} more {turns}");
            }
        }
        self.kept
    }
}

impl Deref for DiagnosticSink {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.kept
    }
}

impl Extend<Diagnostic> for DiagnosticSink {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}

impl FromIterator<Diagnostic> for DiagnosticSink {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(findings: I) -> Self {
        let mut found = Self::default();
        found.extend(findings);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn a_limited_number_of_each_code_is_kept() {
        let finding = |code| Diagnostic::new(code, Span::new(0, 0), "");
        let warnings = (0..3_000).map(|_| finding(Code::NoEffect));
        let found: DiagnosticSink = warnings.chain([finding(Code::Syntax)]).collect();
        assert_eq!(found.len(), DiagnosticSink::MOST + 2);
        assert!(
            found[DiagnosticSink::MOST]
                .message
                .contains("more than 1000 findings with the code FRZ0501")
        );
        assert!(found.is_full(Code::NoEffect) && !found.is_full(Code::Syntax));
        assert!(found.iter().any(Diagnostic::is_error));
        assert_eq!(found.into_vec().last(), Some(&finding(Code::Syntax)));
    }
}
