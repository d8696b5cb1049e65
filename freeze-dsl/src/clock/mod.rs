//! The clock: which rule fires when, and what trains then. Pure: the same events always have the
//! same results.

mod awaiting;
mod display;
mod future;
mod groups;
mod metrics;
mod migrate;
mod progress;
mod quiet;
mod snapshot;
mod transition;
mod unfreezing;
mod wake;

pub use crate::index::RuleId;
pub use crate::ir::Program;
pub(crate) use awaiting::AwaitingRule;
pub use groups::SliceGroup;
pub use metrics::Observed;
pub use migrate::MigrateError;
pub use snapshot::{Snapshot, SnapshotError};
pub use transition::{BestMoment, Fired, Restore, Transition};
pub use unfreezing::UnfreezingRule;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::readable;
use crate::index::{IdSet, SequenceId, SliceId, SliceSet};
use crate::ir::{LoweredAction, MetricCondition, TriggerMoment};
use crate::model::NormalisationId;
use crate::plan::{AppliedRule, BoundSequence, FiringMoment, Plan, State};
use crate::time::{Lengths, Time};
use metrics::{Metrics, Watch};
use progress::Progress;
use wake::Wake;

/// Runs a plan. The caller reports epoch starts, optimizer steps and metrics; the clock returns
/// which rules fire and what trains from then on.
#[derive(Debug, Clone)]
pub struct Clock {
    plan: Arc<Plan>,
    program: Program,
    lengths: Lengths,
    time: Time,
    /// Whether an epoch has started.
    started: bool,
    /// The steps that were done when the running epoch started.
    epoch_began: u64,
    /// How far each sequence is.
    progress: Vec<Progress>,
    /// When a rule can fire that waits for no metric.
    wake: Wake,
    /// How often each rule has fired.
    firings: Vec<u64>,
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
            progress: vec![Progress::beginning(Time::default()); bound.sequences.len()],
            wake: Wake::NEVER,
            stopped: false,
            groups: Vec::new(),
            moves: false,
            plan: Arc::new(plan),
        };
        clock.wait();
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

    /// Fires every rule that is due: those of the main sequence first, then those of the tracks.
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
        if self.stopped || (ended.is_clear() && !self.is_any_due()) {
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
        for sequence in self.plan.bound().sequence_ids() {
            self.look_at(sequence, &mut transition);
        }
        self.metrics.looked();
        self.wake = self.next_wake();
        // Only where curves have begun may others have lost their slices.
        if self.state.running.len() > before.running.len() {
            self.state.compact();
        }
        self.state.advance(self.time, &self.lengths);
        self.regroup();
        self.compare(&before, &mut transition);
        transition
    }

    /// Fires the rules of a sequence that are due, each of them once.
    fn look_at(&mut self, id: SequenceId, transition: &mut Transition) {
        let mut first = None;
        if !self.stopped
            && !self.is_due(id)
            && let Some(rule) = self.recurs(id)
        {
            if let Some(progress) = self.progress.get_mut(id.index()) {
                progress.recurred = self.time;
            }
            self.fire(id, RuleId::new(rule), transition);
            first = Some(rule);
        }
        while let Some(rule) = self.waiting(id)
            && !self.stopped
            && first != Some(rule)
            && self.is_due(id)
        {
            self.fire(id, RuleId::new(rule), transition);
            first = first.or(Some(rule));
            self.advance(id, rule);
        }
    }

    /// The rule that waits has fired: the one after it waits.
    fn advance(&mut self, id: SequenceId, fired: usize) {
        let bound = self.plan.bound();
        let (Some(of), Some(progress)) = (bound.sequence(id), self.progress.get_mut(id.index()))
        else {
            return;
        };
        if let Some(recurred) = progress.recurring(of) {
            self.metrics.watch(recurred, Watch::Past);
        }
        progress.advance(of, self.time);
        let (rounds, waiting) = (progress.rounds, progress.waiting(of));
        let recurs = progress.recurring(of) == Some(fired);
        self.metrics.watch(fired, if recurs { Watch::Recurring } else { Watch::Past });
        if waiting < of.rules.end {
            match rounds {
                0 => self.metrics.watch(waiting, Watch::Waiting),
                _ => self.metrics.wait_again(waiting),
            }
        }
    }

    /// Sets which conditions see what is observed, and computes when a rule can fire.
    fn wait(&mut self) {
        for (of, progress) in self.plan.bound().sequences.iter().zip(&self.progress) {
            let (waiting, recurring) = (progress.waiting(of), progress.recurring(of));
            for rule in of.rules.clone() {
                self.metrics.watch(
                    rule,
                    match rule {
                        _ if rule == waiting => Watch::Waiting,
                        _ if Some(rule) == recurring => Watch::Recurring,
                        _ if progress.has_fired(rule, of) => Watch::Past,
                        _ => Watch::Later,
                    },
                );
            }
        }
        self.wake = self.next_wake();
    }

    /// When a rule can fire at the earliest that waits for no metric.
    fn next_wake(&self) -> Wake {
        let bound = self.plan.bound();
        let mut wake = Wake::NEVER;
        for (of, progress) in bound.sequences.iter().zip(&self.progress) {
            let waiting =
                bound.rules.get(progress.waiting(of)).filter(|_| progress.next < of.rules.len());
            for moment in waiting.into_iter().flat_map(|rule| &rule.trigger.value) {
                wake.add(&moment.value, progress.previous, &self.lengths);
            }
            let recurring = progress.recurring(of).and_then(|rule| bound.rules.get(rule));
            for moment in recurring.into_iter().flat_map(|rule| &rule.trigger.value) {
                if let TriggerMoment::Every(_) = moment.value {
                    wake.add(&moment.value, progress.recurred, &self.lengths);
                }
            }
        }
        wake
    }

    fn fire(&mut self, sequence: SequenceId, id: RuleId, transition: &mut Transition) {
        let bound = self.plan.bound();
        let (Some(rule), Some(of)) = (bound.rule(id), bound.sequence(sequence)) else { return };
        let firing = self.firings.get(id.index()).copied().unwrap_or_default();
        let applied = AppliedRule::new(bound, of, rule, &self.state, firing, &self.moment());
        if of.is_ownerless {
            transition.notes.extend(self.empty_targets(&applied));
        }
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
                        slices: of
                            .owned
                            .as_ref()
                            .filter(|_| !of.is_ownerless)
                            .map(|owned| bound.training(owned).collect()),
                        normalisations: self.owned_normalisations(of),
                    });
                }
                LoweredAction::On { .. } | LoweredAction::Reset(_) => {}
            }
        }
        self.state = applied.after;
        self.metrics.restart(id.index(), self.time);
        if let Some(count) = self.firings.get_mut(id.index()) {
            *count += 1;
        }
    }

    /// The notes that targets such as `@trainable` are empty, where that depends on other tracks.
    fn empty_targets(&self, applied: &AppliedRule<'_>) -> Vec<String> {
        let text = self.plan.policy().source().text();
        let actions = applied.rule.actions.iter().zip(&applied.selections);
        let empty = actions.filter_map(|(action, selection)| {
            let targets = action.value.targets()?;
            let is_empty = targets.value.changes() && selection.is_clear();
            let written = readable(text.get(targets.span.range())?);
            is_empty.then(|| format!("`{written}` selects nothing at `{}`", applied.rule.name))
        });
        empty.collect()
    }

    /// The modules whose running statistics go with a sequence; `None` for all of them.
    fn owned_normalisations(&self, of: &BoundSequence) -> Option<Vec<NormalisationId>> {
        let owned = of.owned.as_ref().filter(|_| !of.is_ownerless)?;
        let deciding = self.plan.bound().deciding.iter().enumerate();
        let sequences = &self.plan.bound().sequences;
        let is_of_track = |slices: &SliceSet| {
            let mut scopes = sequences.iter().skip(1).filter_map(|track| track.owned.as_ref());
            !slices.is_clear() && scopes.any(|scope| slices.is_subset(scope))
        };
        // Statistics that no track decides about alone belong to the main sequence.
        let own = deciding.filter(|(_, slices)| match of.name {
            Some(_) => !slices.is_clear() && slices.is_subset(owned),
            None => !is_of_track(slices),
        });
        Some(own.map(|(index, _)| NormalisationId::new(index)).collect())
    }

    /// This moment, for the rules that fire at it.
    const fn moment(&self) -> FiringMoment {
        FiringMoment { now: self.time, rates: Some((self.lengths, self.program.lr)) }
    }

    /// Whether a rule of any sequence is due, or fires again.
    fn is_any_due(&self) -> bool {
        (self.metrics.is_fresh() || self.wake.has_come(self.time))
            && self
                .plan
                .bound()
                .sequence_ids()
                .any(|id| self.is_due(id) || self.recurs(id).is_some())
    }

    /// The index of the rule of a sequence that waits, if one does.
    fn waiting(&self, id: SequenceId) -> Option<usize> {
        let of = self.plan.bound().sequence(id)?;
        let waiting = self.progress.get(id.index())?.waiting(of);
        (waiting < of.rules.end).then_some(waiting)
    }

    /// Whether the next rule of a sequence is due.
    fn is_due(&self, id: SequenceId) -> bool {
        let Some(index) = self.waiting(id) else { return false };
        let Some(rule) = self.plan.bound().rules.get(index) else { return false };
        let Some(progress) = self.progress.get(id.index()) else { return false };
        let mut moments = rule.trigger.iter().enumerate();
        moments.any(|(moment, of)| self.has_come(index, moment, &of.value, progress.previous))
    }

    /// The rule of a sequence that fired last, if it fires again.
    fn recurs(&self, id: SequenceId) -> Option<usize> {
        let bound = self.plan.bound();
        let progress = self.progress.get(id.index())?;
        let index = progress.recurring(bound.sequence(id)?)?;
        let mut moments = bound.rules.get(index)?.trigger.iter().enumerate();
        let recurs = moments.any(|(moment, of)| {
            of.value.recurs() && self.has_come(index, moment, &of.value, progress.recurred)
        });
        recurs.then_some(index)
    }

    /// Whether a moment of a rule has come that waits since `since`.
    fn has_come(&self, rule: usize, index: usize, moment: &TriggerMoment, since: Time) -> bool {
        match moment {
            TriggerMoment::Epoch(at) => self.time.epochs >= *at,
            TriggerMoment::Step(at) => self.time.steps >= *at,
            TriggerMoment::At(part) => {
                let start = Time::default();
                let period = crate::ir::Period::Fraction(*part);
                self.lengths.count(period, start).is_over(start, self.time)
            }
            TriggerMoment::After(period) | TriggerMoment::Every(period) => {
                self.lengths.count_moment(*period, since).is_over(since, self.time)
            }
            TriggerMoment::When(_) | TriggerMoment::Whenever(_) => {
                self.metrics.hold(rule, index, &self.lengths, self.time)
            }
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
        let keeps_state =
            |slice: &SliceId| match (optimizer(before, *slice), optimizer(&self.state, *slice)) {
                (Some(was), Some(is)) => was.shares_state_with(&is),
                (was, is) => was == is,
            };
        let with_state = self.state.with_state();
        let mut still = before.with_state();
        still.intersect_with(&with_state);
        transition.dropped.extend(bound.training(&still).filter(|slice| !keeps_state(slice)));
        for restore in transition.restored.iter().filter(|restore| restore.observed.is_some()) {
            match &restore.slices {
                Some(slices) => {
                    let with_state = slices.iter().filter(|slice| with_state.contains(**slice));
                    transition.dropped.extend(with_state);
                }
                None => transition.dropped.extend(bound.training(&with_state)),
            }
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
    pub fn plan(&self) -> &Plan {
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

    /// The metrics for which rules wait and that the program observes, once each, in alphabetical
    /// order.
    pub fn awaited_metrics(&self) -> impl Iterator<Item = &str> {
        let awaited = self.metrics.awaited().filter(|it| it.grad_norm_of.is_none());
        awaited.map(|it| &*it.metric).collect::<BTreeSet<&str>>().into_iter()
    }

    /// The norms of gradients for which rules wait, by their names as metrics: of those slices that
    /// train now. The caller observes them at the end of each epoch, as the mean over its steps.
    #[must_use]
    pub fn awaited_grad_norms(&self) -> BTreeMap<&str, Vec<SliceId>> {
        let bound = self.plan.bound();
        let trains = &self.state.trains;
        let slices = |it: &'_ MetricCondition| {
            let mut of = it.grad_norm_of.as_ref()?.slices(&bound.table, trains, 0);
            of.intersect_with(trains);
            Some(bound.training(&of).collect())
        };
        self.metrics.awaited().filter_map(|it| Some((&*it.metric, slices(it)?))).collect()
    }

    /// The metrics that were observed as numbers, in alphabetical order.
    pub fn observed_metrics(&self) -> impl Iterator<Item = &str> {
        self.metrics.observed()
    }

    /// How many rules of each sequence have fired, the main sequence first and then the tracks in the
    /// order of the text. In a `repeat`, each round counts anew.
    #[must_use]
    pub fn rules_fired(&self) -> Vec<usize> {
        let sequences = self.plan.bound().sequences.iter().zip(&self.progress);
        sequences.map(|(of, progress)| progress.fired(of)).collect()
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
