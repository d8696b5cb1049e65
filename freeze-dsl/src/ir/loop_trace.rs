//! The loop turns that something was unrolled from.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;

/// The loop turns that something was unrolled from, the innermost first. Everything in one turn
/// shares the turns around it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoopTrace(Option<Arc<LoopTurn>>);

#[derive(Debug)]
struct LoopTurn {
    /// As messages show it: `` `i` is 2 ``.
    description: String,
    around: LoopTrace,
}

impl LoopTrace {
    /// This trace with one more turn inside.
    pub(crate) fn turn(&self, description: String) -> Self {
        Self(Some(Arc::new(LoopTurn { description, around: self.clone() })))
    }

    /// Whether there is no loop around.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a note with these turns to a finding.
    pub(crate) fn annotate(&self, finding: Diagnostic) -> Diagnostic {
        if self.is_empty() {
            return finding;
        }
        let mut turns: Vec<&str> =
            std::iter::successors(self.0.as_deref(), |turn| turn.around.0.as_deref())
                .map(|turn| turn.description.as_str())
                .collect();
        turns.reverse();
        finding.note(format!("in the turn of the loop in which {}", turns.join(" and ")))
    }
}
