//! The effect of a policy on a model over a whole training, without any tensor.
//!
//! ```
//! use freeze_dsl::model::Model;
//! use freeze_dsl::policy::Policy;
//! use freeze_dsl::simulate::{Setup, Table, simulate};
//!
//! let model = Model::from_json(
//!     r#"{"format":1,"tensors":[
//!         {"name":"body.weight","shape":[8,8],"dtype":"f32","role":"parameter"},
//!         {"name":"head.weight","shape":[2,8],"dtype":"f32","role":"parameter"}]}"#,
//! )?;
//! let policy = Policy::parse("start: train head lr 1e-3; when loss < 0.5: unfreeze body")?;
//! let setup = Setup {
//!     epochs: Some(3),
//!     metrics: Table::from_csv("epoch,loss\n0,0.7\n1,0.4")?,
//!     ..Setup::default()
//! };
//! let trainable = simulate(policy.plan(&model)?, setup)?.map(|record| record.trainable.len());
//! assert_eq!(trainable.collect::<Vec<_>>(), [1, 1, 2]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod changes;
mod error;
mod numbers;
mod record;
mod steps;
mod table;
#[cfg(test)]
mod tests;

pub use changes::{GroupChange, RecordChanges};
pub use error::{SimulateError, TableError};
pub use numbers::OptimizerNumbers;
pub use record::{Record, RecordGroup};
pub use table::Table;

use crate::clock::{Clock, Fired, Program, RuleId, Transition};
use crate::diagnostic::Diagnostic;
use crate::ir::RunLength;
use crate::plan::Plan;

/// What a plan needs to be run through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// The number of epochs; `None` for the length of the policy's `run`.
    pub epochs: Option<u64>,
    /// The training program's options, including the number of steps in an epoch.
    pub program: Program,
    /// What is observed at the end of each epoch.
    pub metrics: Table,
    /// What each record is of.
    pub per: Per,
}

/// How often there is a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Per {
    /// One an epoch, of its first optimizer step.
    #[default]
    Epoch,
    /// One an optimizer step.
    Step,
}

/// Runs a plan, and returns its trainable parameters as an iterator of records.
///
/// # Errors
/// If the length of training is unknown, or if steps are counted and their number in an epoch is
/// unknown.
pub fn simulate(plan: Plan, setup: Setup) -> Result<Simulation, SimulateError> {
    let Setup { epochs, program, metrics, per } = setup;
    let steps = program.steps_per_epoch;
    if steps == Some(0) {
        return Err(SimulateError::EmptyEpoch);
    }
    if steps.is_none() && per == Per::Step {
        return Err(SimulateError::NoSteps("the records are"));
    }
    if steps.is_none() && steps::are_counted(plan.bound()) {
        return Err(SimulateError::NoSteps("some of the policy is"));
    }
    let (epochs, all_steps) = match (epochs, plan.bound().run.map(|run| run.value)) {
        (Some(epochs), _) | (None, Some(RunLength::Epochs(epochs))) => (epochs, u64::MAX),
        // A run in steps is counted, so how many an epoch has is known here.
        (None, Some(RunLength::Steps(all))) => (all.div_ceil(steps.unwrap_or(1)), all),
        (None, None) => return Err(SimulateError::NoLength),
    };
    let mut diagnostics = unobserved(&plan, &metrics);
    diagnostics.extend(plan.coarse_curves(steps));
    let clock = Clock::new(plan, program);
    Ok(Simulation {
        clock,
        metrics,
        per,
        epochs,
        all_steps,
        steps: steps.unwrap_or_default(),
        made: 0,
        fired: Vec::new(),
        has_changed: false,
        assumed: Vec::new(),
        notes: Vec::new(),
        diagnostics,
        is_over: false,
    })
}

/// The metrics that rules wait for and that have no column.
fn unobserved(plan: &Plan, metrics: &Table) -> Vec<Diagnostic> {
    let observed: Vec<&str> = metrics.names().collect();
    let missing = plan.metrics().into_iter().filter(|metric| !observed.contains(&metric.as_str()));
    let found = missing.map(|metric| plan.unobserved_metric(&metric, &observed));
    found.filter(|finding| !plan.allows(finding)).collect()
}

/// The records of a training, one at a time. Where the policy stops training, the last record
/// shows it.
#[derive(Debug, Clone)]
pub struct Simulation {
    clock: Clock,
    metrics: Table,
    per: Per,
    epochs: u64,
    /// After how many steps the whole training is over, if an epoch's end does not come first.
    all_steps: u64,
    /// How many steps an epoch has; 0 where that is not known.
    steps: u64,
    /// How many of them are made in this epoch.
    made: u64,
    /// What fired since it was taken.
    fired: Vec<Fired>,
    /// Whether a rule has fired or the end of a curve has frozen something at the last advance.
    has_changed: bool,
    /// The rules whose conditions are taken to hold when the next epoch starts.
    assumed: Vec<RuleId>,
    /// Notes that the caller has not taken yet.
    notes: Vec<String>,
    diagnostics: Vec<Diagnostic>,
    is_over: bool,
}

impl Iterator for Simulation {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while !self.is_over {
            if self.per == Per::Epoch {
                self.pass_over(self.steps, 0);
            }
            let starts_epoch = self.advance()?;
            self.is_over = self.clock.is_stopped();
            if starts_epoch || self.is_over || self.per == Per::Step {
                let fired = self.take_fired().into_iter().map(|fired| fired.name).collect();
                return Some(Record::of(&self.clock, fired));
            }
        }
        None
    }
}

impl Simulation {
    /// Its warnings: the table has no column for a metric that a rule waits for or restores, or a
    /// learning rate stays at 0 because the steps of an epoch are unknown.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Notes for a person since the last call: a metric that is not a number, or has nothing to
    /// restore.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The clock at this moment.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the next advance starts an epoch, or ends the run in place of one.
    pub(crate) fn is_at_epoch_end(&self) -> bool {
        self.clock.epochs_started() == 0 || self.made + 1 >= self.steps
    }

    /// Takes the conditions of these rules to hold when the next epoch starts, if they wait then.
    pub(crate) fn assume(&mut self, rules: Vec<RuleId>) {
        self.assumed = rules;
    }

    /// The rules that fired since the last call.
    pub(crate) fn take_fired(&mut self) -> Vec<Fired> {
        std::mem::take(&mut self.fired)
    }

    /// Whether a rule has fired or the end of a curve has frozen something at the last advance.
    pub(crate) const fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// How many epochs and steps the run has at most; no steps where those of an epoch are unknown.
    pub(crate) fn length(&self) -> (u64, Option<u64>) {
        let steps = self.clock.program().steps_per_epoch;
        (self.epochs, steps.map(|steps| self.epochs.saturating_mul(steps).min(self.all_steps)))
    }

    /// Passes over ticks at which nothing happens, at most so many, and starts no epoch from this one on.
    /// Returns how many: a tick is a step, or an epoch where its steps are unknown.
    pub(crate) fn pass_over(&mut self, ticks: u64, until_epoch: u64) -> u64 {
        let Some(epoch) = self.clock.epochs_started().checked_sub(1) else { return 0 };
        let per_epoch = self.steps.max(1);
        let left = self.all_steps.saturating_sub(self.clock.steps()).saturating_sub(1);
        let mut epochs = (ticks / per_epoch)
            .min(until_epoch.saturating_sub(epoch + 1))
            .min(self.epochs.saturating_sub(epoch + 1))
            .min(left / per_epoch);
        if epochs > 0 {
            let observed = self.metrics.next_observed(epoch);
            epochs = epochs.min(observed.map_or(u64::MAX, |observed| observed - epoch));
            epochs = epochs.min(self.clock.quiet_epochs(self.steps));
        }
        if epochs > 0 && self.assumed.is_empty() {
            self.clock.pass_over(epochs, epochs * self.steps);
        } else {
            epochs = 0;
        }
        let passed = epochs * per_epoch;
        let rest = self.steps.saturating_sub(self.made).saturating_sub(1);
        let mut steps = (ticks - passed).min(rest).min(left - passed.min(left));
        if steps > 0 {
            steps = steps.min(self.clock.quiet_steps());
            self.clock.pass_over(0, steps);
            self.made += steps;
        }
        passed + steps
    }

    /// Advances to the next optimizer step, or to the end of training. Returns whether that step is
    /// the first of an epoch; `None` if there is none.
    pub(crate) fn advance(&mut self) -> Option<bool> {
        self.has_changed = false;
        let started = self.clock.epochs_started();
        if started > 0 {
            if self.made < self.steps {
                self.made += 1;
                let transition = self.clock.end_step();
                self.note(transition);
                if self.clock.is_stopped() {
                    return Some(false);
                }
                if self.made < self.steps {
                    self.is_over = self.clock.steps() >= self.all_steps;
                    return (!self.is_over).then_some(false);
                }
            }
            for (metric, value) in self.metrics.observed(started - 1) {
                self.clock.observe(metric, value);
            }
        }
        if started >= self.epochs {
            self.is_over = true;
            return None;
        }
        for rule in self.assumed.drain(..) {
            self.clock.assume(rule);
        }
        self.made = 0;
        let transition = self.clock.start_epoch();
        self.note(transition);
        Some(true)
    }

    fn note(&mut self, transition: Transition) {
        self.has_changed |= !transition.is_empty();
        self.notes.extend(transition.notes);
        self.fired.extend(transition.fired);
    }
}
