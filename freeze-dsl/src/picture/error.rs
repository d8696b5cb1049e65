//! Why there is no picture.

use crate::diagnostic::one_of;
use crate::simulate::SimulateError;

/// Why a plan cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The run cannot be simulated.
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    /// A run of no epochs.
    #[error("a run of no epochs cannot be drawn")]
    NoEpochs,
    /// No rule has this name.
    #[error("no rule is called `{name}`{}", choices(.waiting))]
    UnknownRule {
        /// The name.
        name: String,
        /// The rules that wait for metrics.
        waiting: Vec<String>,
    },
    /// The rule waits for no metric.
    #[error("rule `{0}` waits for no metric")]
    NoMetric(String),
    /// The rule cannot fire by its metrics at this moment.
    #[error("rule `{rule}` cannot fire by its metric when epoch {epoch} starts{}", possible(*.first))]
    OtherMoment {
        /// The rule.
        rule: String,
        /// The epoch that was asked for.
        epoch: u64,
        /// The first epoch at which it can, if it can at any.
        first: Option<u64>,
    },
}

fn possible(first: Option<u64>) -> String {
    first.map_or_else(String::new, |first| format!(", but from epoch {first} on"))
}

fn choices(waiting: &[String]) -> String {
    if waiting.is_empty() {
        return ", and none waits for a metric".to_owned();
    }
    format!("; choose {}", one_of(waiting))
}
