//! The loop turns that something was unrolled from.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, DiagnosticSink, Reported};

/// The loop turns that something was unrolled from, the innermost first. Everything in one turn
/// shares the turns around it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoopTrace(Option<Arc<LoopTurn>>);

#[derive(Debug)]
struct LoopTurn {
    /// As messages show it: `` `i` is 2 ``.
    description: String,
    /// Its number among all turns of the policy's loops.
    number: usize,
    around: LoopTrace,
}

impl LoopTrace {
    /// This trace with one more turn inside.
    pub(crate) fn turn(&self, description: String, number: usize) -> Self {
        Self(Some(Arc::new(LoopTurn { description, number, around: self.clone() })))
    }

    /// Reports a finding with these turns. What is reported at the same place in other turns is
    /// counted.
    pub(crate) fn report(&self, finding: Diagnostic, sink: &mut DiagnosticSink) -> Reported {
        match &self.0 {
            None => sink.push(finding),
            Some(turn) => sink.push_in_turn(finding, turn.number, |finding| self.annotate(finding)),
        }
    }

    /// Whether there is no loop around.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a note with these turns to a finding.
    fn annotate(&self, finding: Diagnostic) -> Diagnostic {
        let mut turns: Vec<&str> =
            std::iter::successors(self.0.as_deref(), |turn| turn.around.0.as_deref())
                .map(|turn| turn.description.as_str())
                .collect();
        turns.reverse();
        finding.note(format!("in the turn of the loop in which {}", turns.join(" and ")))
    }
}
