//! What a look at the rules changed, by names.

use std::fmt;

use freeze_dsl::clock::{self, Restore};
use freeze_dsl::diagnostic::Diagnostic;
use freeze_dsl::plan::Plan;

/// The result of looking at the rules: those that fired, and what they changed.
///
/// `Display` prints it as one line for a person.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The number of completed epochs.
    pub epoch: u64,
    /// The number of completed optimizer steps.
    pub step: u64,
    /// The names of the rules that fired, in order; a rule without a name as `rule 3`.
    pub fired: Vec<String>,
    /// The parameters that are trained from now on and were not before, in the model's order; a
    /// row slice as `embed.weight[0..32000]`.
    pub unfrozen: Vec<String>,
    /// The parameters that were trained before and are not from now on.
    pub frozen: Vec<String>,
    /// The modules whose running statistics follow the data from now on.
    pub stats_unfrozen: Vec<String>,
    /// The modules whose running statistics keep their values from now on.
    pub stats_frozen: Vec<String>,
    /// The best weights that rules restored, in order.
    pub restored: Vec<Restore>,
    /// Whether training is over.
    pub stopped: bool,
    /// What a person should know of, such as a metric that is not a number.
    pub notes: Vec<String>,
    /// What the epoch that has ended shows of the program, reported once in a run: a metric for which
    /// a rule waits was not observed (`FRZ0508`); the epoch had another number of steps than the
    /// program said, or gradients were left over (`FRZ0509`).
    pub diagnostics: Vec<Diagnostic>,
    change: clock::Transition,
}

impl Transition {
    pub(crate) fn new(
        change: clock::Transition,
        plan: &Plan,
        stats_unfrozen: Vec<String>,
        stats_frozen: Vec<String>,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        Self {
            epoch: change.epoch,
            step: change.step,
            fired: change.fired.iter().map(|fired| fired.name.clone()).collect(),
            unfrozen: plan.names(change.unfrozen.iter().copied()),
            frozen: plan.names(change.frozen.iter().copied()),
            stats_unfrozen,
            stats_frozen,
            restored: change.restored.clone(),
            stopped: change.stopped,
            notes: change.notes.clone(),
            diagnostics,
            change,
        }
    }

    /// Whether no rule fired and nothing changed.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// assert!(!tuner.start_epoch()?.is_empty());
    /// assert!(tuner.start_epoch()?.is_empty());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.change.is_empty()
    }

    /// The same with the indices of the plan.
    pub(crate) const fn change(&self) -> &clock::Transition {
        &self.change
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.fmt(f)?;
        self.diagnostics.iter().try_for_each(|finding| write!(f, "; {}", in_a_line(finding)))
    }
}

/// A finding without its place in the policy.
pub(crate) fn in_a_line(finding: &Diagnostic) -> String {
    let said = std::iter::once(&finding.message).chain(&finding.notes).map(String::as_str);
    format!("{}: {}", finding.code, said.collect::<Vec<_>>().join("; "))
}
