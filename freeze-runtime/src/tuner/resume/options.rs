//! What may differ between a saved run and the one that resumes it.

use std::fmt::Debug;

use freeze_dsl::clock::Program;
use freeze_dsl::model;
use freeze_dsl::policy::Policy;

use crate::CheckpointError;
use crate::precision::Precision;

/// What may differ from the checkpoint in [`Tuner::resume_with`](crate::Tuner::resume_with). By
/// default, nothing may.
///
/// # Examples
/// ```
/// use freeze_runtime::ResumeOptions;
///
/// let options = ResumeOptions::new().allow_policy_change().allow_program_change();
/// # assert_ne!(options, ResumeOptions::new());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "pass it to `resume_with`"]
#[expect(clippy::struct_excessive_bools, reason = "each is a difference of its own")]
pub struct ResumeOptions {
    policy: bool,
    model: bool,
    program: bool,
    ranks: bool,
}

impl ResumeOptions {
    /// Allows no difference.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ResumeOptions;
    /// assert_eq!(ResumeOptions::new(), ResumeOptions::default());
    /// ```
    pub const fn new() -> Self {
        Self { policy: false, model: false, program: false, ranks: false }
    }

    /// Allows another policy, or other values for its numbers.
    ///
    /// Epochs and steps count on, and what has happened stays: the new policy begins after the last
    /// rule that has fired. Up to there, both policies must have the same rules and the same
    /// `default`. (A last fired rule with no other action than `stop` may be changed or missing:
    /// then training continues.)
    ///
    /// - Running curves continue where they are. A new `run` changes what they take of the run: a
    ///   cosine `over rest` becomes as much longer as the run does.
    /// - A rule whose epoch or step has passed fires at the next look, as any rule does that waited
    ///   for the one before it. `after` and `every` count from when the last rule fired.
    /// - A condition keeps what it has seen of its metric if the new policy has the same condition,
    ///   and otherwise starts to watch it now.
    /// - A metric that only the new policy restores has its best value from now on.
    /// - A parameter that only the new policy anchors is pulled toward its value at this resume, which
    ///   the next [`Transition`](crate::Transition) reports.
    /// - The new policy may divide parameters into more rows than the old one, and not into fewer.
    ///
    /// For a policy that is to start from its own beginning, load the weights alone:
    /// [`Weights::open`](crate::Weights::open) reads `run/checkpoint/model.safetensors`.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ResumeOptions;
    /// assert_ne!(ResumeOptions::new().allow_policy_change(), ResumeOptions::new());
    /// ```
    pub const fn allow_policy_change(self) -> Self {
        Self { policy: true, ..self }
    }

    /// Allows another model: tensors that are new, missing, or of another shape or dtype.
    ///
    /// A tensor with a name and shape of the checkpoint takes its values, converted to its dtype, and
    /// its optimizer state; tied parameters have that under their first name. Every other tensor
    /// keeps its current values and has no optimizer state; it is trained or frozen as the rules
    /// that have fired, once each, leave it. The policy must have the same rules for both models
    /// where it has loops. Best weights of metrics are dropped and start anew.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ResumeOptions;
    /// assert_ne!(ResumeOptions::new().allow_model_change(), ResumeOptions::new());
    /// ```
    pub const fn allow_model_change(self) -> Self {
        Self { model: true, ..self }
    }

    /// Allows other settings of the program: learning rate, optimizer, weight decay, steps per
    /// epoch, loss scale, master weights.
    ///
    /// They apply from now on where the policy has none. Parameters with another optimizer start
    /// with new optimizer state. With another number of steps per epoch, curves and moments that the
    /// policy counts in epochs or parts of the run continue from the fraction that is done. A loss scale
    /// with other settings starts anew, and the steps that were skipped count on. Without master
    /// weights, parameters keep the rounded values of the masters, and their optimizer state is rounded;
    /// with new master weights, both are converted to f32.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ResumeOptions;
    /// assert_ne!(ResumeOptions::new().allow_program_change(), ResumeOptions::new());
    /// ```
    pub const fn allow_program_change(self) -> Self {
        Self { program: true, ..self }
    }

    /// Allows another number of processes than that of the [`Group`](crate::Group) that saved.
    ///
    /// Each process has random number generators of its own. Those that the checkpoint has none for keep
    /// theirs. The share of each rank is another one, so that the run is not bit for bit the one that would
    /// have continued.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::ResumeOptions;
    /// assert_ne!(ResumeOptions::new().allow_ranks_change(), ResumeOptions::new());
    /// ```
    pub const fn allow_ranks_change(self) -> Self {
        Self { ranks: true, ..self }
    }

    /// Fails if the number of processes is another, and that is not allowed.
    pub(super) fn check_ranks(self, saved: usize, now: usize) -> Result<(), CheckpointError> {
        if self.ranks || saved == now { Ok(()) } else { Err(CheckpointError::Ranks { saved, now }) }
    }

    /// Fails with the first difference that is not allowed.
    pub(super) fn check(
        self,
        saved: &RunIdentity<'_>,
        now: &RunIdentity<'_>,
    ) -> Result<(), CheckpointError> {
        if !self.policy && saved.policy != now.policy {
            return Err(CheckpointError::Policy(saved.policy.difference(now.policy)));
        }
        if !self.model && saved.model != now.model {
            return Err(CheckpointError::Model(first_lines(&saved.model.differences(now.model))));
        }
        if !self.program && saved.program != now.program {
            return Err(CheckpointError::Program(differing(saved.program, now.program)));
        }
        if !self.program && saved.precision != now.precision {
            let lines = differing_precision(&saved.precision, &now.precision);
            return Err(CheckpointError::Program(lines));
        }
        Ok(())
    }
}

/// What must be the same for a run to resume.
#[derive(Clone, Copy)]
pub(super) struct RunIdentity<'r> {
    pub(super) policy: &'r Policy,
    pub(super) model: &'r model::Model,
    pub(super) program: &'r Program,
    pub(super) precision: Precision,
}

/// The first lines of many.
fn first_lines<T: ToString>(lines: &[T]) -> String {
    const MOST: usize = 30;
    let shown = lines.iter().take(MOST).map(ToString::to_string);
    let more = lines.len().checked_sub(MOST).filter(|more| *more > 0);
    let all: Vec<String> = shown.chain(more.map(|more| format!("and {more} more"))).collect();
    all.join("\n")
}

fn shown<T: Debug>(value: Option<T>) -> String {
    value.map_or("none".to_owned(), |value| format!("{value:?}"))
}

/// The settings of a program, a line each.
pub(in crate::tuner) fn settings(program: &Program, precision: Precision) -> String {
    let Program { lr, optimizer, weight_decay, steps_per_epoch } = *program;
    let Precision { loss_scale, master_weights } = precision;
    let lines = [
        ("lr", shown(lr)),
        ("optimizer", shown(optimizer)),
        ("weight_decay", shown(weight_decay)),
        ("steps_per_epoch", shown(steps_per_epoch)),
        ("loss_scale", shown(loss_scale)),
        ("master_weights", master_weights.to_string()),
    ];
    lines.map(|(what, value)| format!("{what}: {value}")).join("\n")
}

fn differing(saved: &Program, now: &Program) -> String {
    let all = [
        ("lr", shown(saved.lr), shown(now.lr)),
        ("optimizer", shown(saved.optimizer), shown(now.optimizer)),
        ("weight_decay", shown(saved.weight_decay), shown(now.weight_decay)),
        ("steps_per_epoch", shown(saved.steps_per_epoch), shown(now.steps_per_epoch)),
    ];
    lines(all)
}

fn differing_precision(saved: &Precision, now: &Precision) -> String {
    lines([
        ("loss_scale", shown(saved.loss_scale), shown(now.loss_scale)),
        ("master_weights", saved.master_weights.to_string(), now.master_weights.to_string()),
    ])
}

/// A line for each setting that differs.
fn lines<const N: usize>(all: [(&str, String, String); N]) -> String {
    let others = all.into_iter().filter(|(_, was, is)| was != is);
    let lines: Vec<String> =
        others.map(|(what, was, is)| format!("{what}: {was} -> {is}")).collect();
    lines.join("\n")
}
