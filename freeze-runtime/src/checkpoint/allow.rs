//! What may be other than it was when a run was saved.

use freeze_dsl::clock::Program;
use freeze_dsl::model::Model;
use freeze_dsl::policy::Policy;

use super::CheckpointError;

/// What may be other than it was when the checkpoint was saved, for
/// [`Tuner::resume_with`](crate::Tuner::resume_with). By default, nothing may.
///
/// ```
/// use freeze_runtime::Allow;
///
/// let meant = Allow::policy().and(Allow::program());
/// # assert_ne!(meant, Allow::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "it is for `resume_with`"]
pub struct Allow {
    policy: bool,
    model: bool,
    program: bool,
}

impl Allow {
    /// Another policy, or other numbers given to it.
    ///
    /// Epochs and steps are counted on, and what has happened stays: the new policy begins behind
    /// the last rule that has fired. Up to there, both policies must have the same rules and the
    /// same `default`; another one is refused. (A rule that has fired as the last one and does
    /// nothing but `stop` may be another or be gone: then training goes on.)
    ///
    /// - Curves that have begun go on where they are. A new `run` counts for what they take of the
    ///   run: a cosine `over rest` gets as much longer as the run does.
    /// - A rule whose epoch or step has passed fires at the next look, as any rule does that had to
    ///   wait for the one before it. `after` and `every` count from when the last rule fired.
    /// - A condition goes on to watch its metric where the new policy has the same, and else begins
    ///   to watch it now.
    /// - A metric that only the new policy restores has its best from now on.
    /// - The new policy may cut parameters into more rows than the old one, and not into fewer.
    ///
    /// For a policy that shall begin at its own beginning, load the weights alone:
    /// `vs.load("run/checkpoint/model.safetensors")`.
    pub const fn policy() -> Self {
        Self { policy: true, model: false, program: false }
    }

    /// Another model: tensors that are new, gone, or of another shape or dtype.
    ///
    /// A tensor that has a name and a shape of the checkpoint takes its values, converted to its
    /// dtype, and its optimizer state; one tensor under several names has that under its first.
    /// Every other tensor keeps the values that it has now, and has no optimizer state; it trains or
    /// is frozen as the rules that have fired, once each, leave it. The policy must have the same
    /// rules for both models, where it has loops. Weights of the best moments of metrics are
    /// dropped: bests count from now on.
    pub const fn model() -> Self {
        Self { policy: false, model: true, program: false }
    }

    /// Other options of the program: learning rate, optimizer, weight decay, steps of an epoch.
    ///
    /// They hold from now on where the policy gives none. What has another optimizer from now on
    /// begins with new optimizer state, and what the policy tells in epochs is counted by the new
    /// number of steps.
    pub const fn program() -> Self {
        Self { policy: false, model: false, program: true }
    }

    /// Both this and that.
    pub const fn and(self, that: Self) -> Self {
        Self {
            policy: self.policy || that.policy,
            model: self.model || that.model,
            program: self.program || that.program,
        }
    }

    /// Fails with what is other and must not be.
    pub(crate) fn check(self, saved: &Whole<'_>, now: &Whole<'_>) -> Result<(), CheckpointError> {
        if !self.policy && saved.policy != now.policy {
            return Err(CheckpointError::Policy(saved.policy.difference(now.policy)));
        }
        if !self.model && saved.model != now.model {
            return Err(CheckpointError::Model(some(&saved.model.difference(now.model))));
        }
        if !self.program && saved.program != now.program {
            return Err(CheckpointError::Program(differing(saved.program, now.program)));
        }
        Ok(())
    }
}

/// What a run is of.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'w> {
    pub(crate) policy: &'w Policy,
    pub(crate) model: &'w Model,
    pub(crate) program: &'w Program,
}

/// The first lines of many.
fn some(lines: &[String]) -> String {
    const MOST: usize = 30;
    let shown = lines.iter().take(MOST).cloned();
    let more = lines.len().checked_sub(MOST).filter(|more| *more > 0);
    let all: Vec<String> = shown.chain(more.map(|more| format!("and {more} more"))).collect();
    all.join("\n")
}

fn differing(saved: &Program, now: &Program) -> String {
    fn said<T: std::fmt::Debug>(value: Option<T>) -> String {
        value.map_or("none".to_owned(), |value| format!("{value:?}"))
    }
    let all = [
        ("lr", said(saved.lr), said(now.lr)),
        ("optimizer", said(saved.optimizer), said(now.optimizer)),
        ("weight_decay", said(saved.weight_decay), said(now.weight_decay)),
        ("steps_per_epoch", said(saved.steps_per_epoch), said(now.steps_per_epoch)),
    ];
    let others = all.into_iter().filter(|(_, was, is)| was != is);
    let lines: Vec<String> =
        others.map(|(what, was, is)| format!("{what}: {was} -> {is}")).collect();
    lines.join("\n")
}
