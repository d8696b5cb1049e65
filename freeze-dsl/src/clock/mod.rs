//! The clock: which rule fires when, and what trains then. Pure: the same events always have the
//! same results.

mod display;
mod groups;
mod metrics;
mod migrate;
mod snapshot;
mod transition;

pub use crate::index::RuleId;
pub use crate::ir::Program;
pub use groups::SliceGroup;
pub use metrics::Observed;
pub use migrate::MigrateError;
pub use snapshot::{Snapshot, SnapshotError};
pub use transition::{BestMoment, Fired, Restore, Transition};

use crate::index::{IdSet, SliceId, SliceSet};
use crate::ir::{LoweredAction, Optimizer, TriggerMoment};
use crate::model::NormalisationId;
use crate::plan::{AppliedRule, Plan, State};
use crate::time::{Lengths, Time};
use metrics::Metrics;

/// Runs a plan. The caller reports epoch starts, optimizer steps and metrics; the clock returns
/// which rules fire and what trains from then on.
#[derive(Debug, Clone)]
pub struct Clock {
    plan: Plan,
    program: Program,
    lengths: Lengths,
    time: Time,
    /// Whether an epoch has started.
    started: bool,
    /// The steps that were done when the running epoch started.
    epoch_began: u64,
    /// When the rule fired for the first time that fired last.
    previous: Time,
    /// When it fired last, for one that recurs.
    recurred: Time,
    /// How often each rule has fired.
    firings: Vec<u64>,
    /// The index of the rule that waits.
    next: usize,
    stopped: bool,
    state: State,
    metrics: Metrics,
    groups: Vec<SliceGroup>,
    /// Whether a learning rate in force may be another at the next look.
    moves: bool,
    live: IdSet<NormalisationId>,
}

impl Clock {
    /// A clock before the first epoch.
    #[must_use]
    pub fn new(plan: Plan, program: Program) -> Self {
        let bound = plan.bound();
        let lengths = Lengths {
            run: bound.run.map(|run| run.value),
            steps_per_epoch: program.steps_per_epoch,
        };
        let mut clock = Self {
            state: bound.start(),
            live: IdSet::with_capacity(bound.deciding.len()),
            firings: vec![0; bound.rules.len()],
            metrics: Metrics::new(&bound.rules),
            program,
            lengths,
            time: Time::default(),
            started: false,
            epoch_began: 0,
            previous: Time::default(),
            recurred: Time::default(),
            next: 0,
            stopped: false,
            groups: Vec::new(),
            moves: false,
            plan,
        };
        clock.regroup();
        clock
    }

    /// Starts an epoch, and fires the rules that are due.
    pub fn start_epoch(&mut self) -> Transition {
        if self.started {
            self.time.epochs += 1;
        }
        self.started = true;
        self.epoch_began = self.time.steps;
        self.look()
    }

    /// Counts an optimizer step, and fires the rules that are due.
    pub fn end_step(&mut self) -> Transition {
        self.time.steps += 1;
        self.look()
    }

    /// Records a metric. Rules see it at the next epoch start or after the next step.
    pub fn observe(&mut self, metric: &str, value: f64) -> Observed {
        self.metrics.observe(metric, value, self.time)
    }

    /// Fires every rule that is due, in order.
    fn look(&mut self) -> Transition {
        let mut transition = Transition::at(self.time.epochs, self.time.steps);
        transition.notes = self.metrics.notes();
        if self.moves {
            self.state.advance(self.time, &self.lengths);
        }
        let ended = if self.moves && !self.stopped {
            self.state.ended(self.time, &self.lengths)
        } else {
            SliceSet::new()
        };
        if self.stopped || (ended.is_clear() && !self.is_due() && !self.recurs()) {
            transition.stopped = self.stopped;
            self.metrics.looked();
            if self.moves {
                self.regroup();
            }
            return transition;
        }
        let before = self.state.clone();
        if !ended.is_clear() {
            self.state.trains.difference_with(&ended);
            transition.dropped.extend(self.plan.bound().training(&ended));
        }
        if !self.is_due() && self.recurs() {
            self.recurred = self.time;
            self.fire(RuleId::new(self.next - 1), &mut transition);
        }
        while !self.stopped && self.is_due() {
            self.fire(RuleId::new(self.next), &mut transition);
            self.previous = self.time;
            self.recurred = self.time;
            self.next += 1;
            self.metrics.wait(self.next);
        }
        self.metrics.looked();
        // Only where curves have begun may others have lost their slices.
        if self.state.running.len() > before.running.len() {
            self.state.compact();
        }
        self.state.advance(self.time, &self.lengths);
        self.regroup();
        self.compare(&before, &mut transition);
        transition
    }

    fn fire(&mut self, id: RuleId, transition: &mut Transition) {
        let bound = self.plan.bound();
        let Some(rule) = bound.rule(id) else { return };
        let firing = self.firings.get(id.index()).copied().unwrap_or_default();
        let applied = AppliedRule::new(bound, rule, &self.state, firing, self.time);
        transition.fired.push(Fired { rule: id, name: rule.name.clone() });
        let trained = || bound.training(&self.state.trains);
        let with_state = self.state.with_state();
        let slices = bound.training(&with_state);
        transition.dropped.extend(slices.filter(|slice| applied.drops(&self.state, *slice)));
        let froze = |slice: &SliceId| {
            applied.froze.contains(*slice) || !applied.after.trains.contains(*slice)
        };
        transition.interrupted.extend(trained().filter(froze));
        for action in &rule.actions {
            match &action.value {
                LoweredAction::Stop => self.stopped = true,
                LoweredAction::Restore { best, metric } => {
                    let observed = self.metrics.best(metric, *best);
                    if observed.is_none() {
                        transition.notes.push(format!(
                            "`{metric}` was never observed, so nothing is restored in epoch {}",
                            self.time.epochs
                        ));
                    }
                    transition.restored.push(Restore {
                        metric: metric.to_string(),
                        best: *best,
                        observed,
                    });
                }
                LoweredAction::On { .. } | LoweredAction::Reset(_) => {}
            }
        }
        self.state = applied.after;
        if let Some(count) = self.firings.get_mut(id.index()) {
            *count += 1;
        }
    }

    /// Whether the next rule is due.
    fn is_due(&self) -> bool {
        let Some(rule) = self.plan.bound().rules.get(self.next) else { return false };
        let mut moments = rule.trigger.iter().enumerate();
        moments.any(|(index, moment)| self.has_come(index, &moment.value))
    }

    /// Whether the rule that fired last fires again.
    fn recurs(&self) -> bool {
        let rules = &self.plan.bound().rules;
        let Some(rule) = self.next.checked_sub(1).and_then(|last| rules.get(last)) else {
            return false;
        };
        rule.trigger.iter().any(|moment| match moment.value {
            TriggerMoment::Every(period) => {
                self.lengths.count_moment(period, self.recurred).is_over(self.recurred, self.time)
            }
            _ => false,
        })
    }

    fn has_come(&self, index: usize, moment: &TriggerMoment) -> bool {
        match moment {
            TriggerMoment::Epoch(at) => self.time.epochs >= *at,
            TriggerMoment::Step(at) => self.time.steps >= *at,
            TriggerMoment::At(part) => {
                let start = Time::default();
                let period = crate::ir::Period::Fraction(*part);
                self.lengths.count(period, start).is_over(start, self.time)
            }
            TriggerMoment::After(period) | TriggerMoment::Every(period) => {
                self.lengths.count_moment(*period, self.previous).is_over(self.previous, self.time)
            }
            TriggerMoment::When(_) => self.metrics.hold(index, &self.lengths, self.time),
        }
    }

    /// Records what changed since before the rules fired.
    fn compare(&mut self, before: &State, transition: &mut Transition) {
        let bound = self.plan.bound();
        let (was, is) = (&before.trains, &self.state.trains);
        let without = |all: &SliceSet, others: &SliceSet| {
            let mut rest = all.clone();
            rest.difference_with(others);
            bound.training(&rest).collect()
        };
        transition.unfrozen = without(is, was);
        transition.frozen = without(was, is);
        // Another kind of optimizer begins with a state of its own.
        let optimizer = |state: &State, slice: SliceId| {
            state.options(slice).and_then(|options| self.program.optimizer_or(options.optimizer))
        };
        let shares = |was: Option<Optimizer>, is: Option<Optimizer>| match (was, is) {
            (Some(was), Some(is)) => was.shares_state_with(&is),
            _ => was == is,
        };
        let with_state = self.state.with_state();
        let mut still = before.with_state();
        still.intersect_with(&with_state);
        transition.dropped.extend(
            bound
                .training(&still)
                .filter(|slice| !shares(optimizer(before, *slice), optimizer(&self.state, *slice))),
        );
        if transition.restored.iter().any(|restore| restore.observed.is_some()) {
            transition.dropped.extend(bound.training(&with_state));
        }
        transition.dropped.sort_unstable();
        transition.dropped.dedup();
        transition.interrupted.retain(|slice| is.contains(*slice));
        transition.interrupted.sort_unstable();
        transition.interrupted.dedup();
        transition.stopped = self.stopped;
        transition.summary = display::summary(transition, &self.plan, is, &self.groups);
        for slice in &transition.dropped {
            self.state.kept.set(*slice, false);
        }
    }

    /// The plan that it runs.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The program's options, used where the policy sets none.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// How many epochs have started: also the number of the one that starts next.
    #[must_use]
    pub const fn epochs_started(&self) -> u64 {
        if self.started { self.time.epochs + 1 } else { 0 }
    }

    /// How many optimizer steps are done.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.time.steps
    }

    /// How many optimizer steps of the running epoch are done.
    const fn steps_in_epoch(&self) -> u64 {
        self.time.steps.saturating_sub(self.epoch_began)
    }

    /// The metrics for which the next rule waits, once each, in alphabetical order.
    pub fn awaited_metrics(&self) -> impl Iterator<Item = &str> {
        self.metrics.awaited().into_iter()
    }

    /// The metrics that were observed as numbers, in alphabetical order.
    pub fn observed_metrics(&self) -> impl Iterator<Item = &str> {
        self.metrics.observed()
    }

    /// How many rules have fired; the next to fire has this index.
    #[must_use]
    pub const fn rules_fired(&self) -> usize {
        self.next
    }

    /// Whether a rule has ended the training.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether a slice trains.
    #[must_use]
    pub fn trains(&self, slice: SliceId) -> bool {
        self.state.trains.contains(slice)
    }

    /// The slices that train, in the model's order.
    pub fn trainable(&self) -> impl Iterator<Item = SliceId> + '_ {
        self.plan.bound().training(&self.state.trains)
    }

    /// Which share of the model's numbers trains, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of more numbers than any model has")]
    pub fn trained_share(&self) -> f64 {
        let bound = self.plan.bound();
        bound.elements(&self.state.trains) as f64 / bound.all_elements().max(1) as f64
    }

    /// What trains, in groups with the same options, in the order of their first slices.
    #[must_use]
    pub fn groups(&self) -> &[SliceGroup] {
        &self.groups
    }

    /// The paths of the modules whose running statistics follow the data, in the model's order.
    pub fn live_stats(&self) -> impl Iterator<Item = &str> {
        let modules = self.plan.model().normalisations();
        self.live.iter().filter_map(|id| Some(modules.get(id.index())?.module.as_str()))
    }

    /// Whether the running statistics of a module follow the data.
    #[must_use]
    pub fn is_live(&self, normalisation: NormalisationId) -> bool {
        self.live.contains(normalisation)
    }
}
