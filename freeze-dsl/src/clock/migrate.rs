//! Moves a clock to another policy, model or program.

use std::collections::HashMap;
use std::sync::Arc;

use super::progress::Progress;
use super::{Clock, Program};
use crate::diagnostic::Findings;
use crate::index::{CurveId, RuleId, SliceId};
use crate::ir::{LoweredAction, LoweredRule};
use crate::plan::{AppliedRule, BoundPolicy, BoundSequence, CurveGiver, CurveOrigin, Plan, State};
use crate::time::{ActiveCurve, Time, float, round};

/// Why a clock cannot continue with another policy or model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A rule that has fired is changed or missing.
    #[error(
        "rule `{0}` has already fired, but is changed or missing in the new policy; only rules \
         after the last rule that fired may differ"
    )]
    Fired(String),
    /// `default` is changed.
    #[error(
        "`default` applies since the start, but is changed in the new policy; set these options in \
         a rule that has not fired yet"
    )]
    Default,
    /// The loops of the policy have other turns with the new model.
    #[error("with the new model the policy has other rules: a loop has other elements")]
    Rules,
    /// Another sequence owns a parameter, and it would have been treated otherwise until now.
    #[error(
        "in the new policy {sequence} owns `{parameter}`, and until now it would have been treated \
         otherwise; change what owns a parameter before a rule changes the parameter"
    )]
    Owner {
        /// The sequence that owns the parameter in the new policy.
        sequence: String,
        /// The parameter.
        parameter: String,
    },
    /// A parameter has row slices that the new policy does not have.
    #[error("a rule so far names rows of `{0}`, but the new policy does not name these rows")]
    Rows(String),
    /// The policy so far does not fit the new model; prints every finding.
    #[error("the policy so far does not fit the new model:\n\n{0}")]
    Policy(#[from] Findings),
}

impl Clock {
    /// This clock with another program, and a plan of the same policy and model.
    pub(crate) fn onto_program(self, plan: Plan, program: Program) -> Result<Self, MigrateError> {
        self.onto(plan, program, None)
    }

    /// This clock at the moments at which it would be if every epoch had had this many steps: what is
    /// counted in epochs or parts of the run continues from the fraction that is done.
    pub(crate) fn rescaled(mut self, steps_per_epoch: Option<u64>) -> Self {
        let before = self.program.steps_per_epoch;
        let (epoch, in_epoch) = (self.time.epochs, self.steps_in_epoch());
        let scaled = |time: Time| match (before, steps_per_epoch) {
            (_, None) => time.steps,
            (Some(before), Some(now)) => round(float(time.scaled()) * float(now) / float(before)),
            // Until now, whole epochs were counted.
            (None, Some(now)) => {
                let part = if time.epochs == epoch { in_epoch.min(now) } else { 0 };
                time.epochs.saturating_mul(now).saturating_add(part)
            }
        };
        if before != steps_per_epoch {
            let own = std::iter::once(&mut self.time);
            let progress = self
                .progress
                .iter_mut()
                .flat_map(|progress| [&mut progress.previous, &mut progress.recurred]);
            let curves = self.state.running.iter_mut().map(|curve| &mut curve.at.since);
            for time in own.chain(progress).chain(curves).chain(self.metrics.moments()) {
                *time = time.with_scaled(scaled(*time));
            }
        }
        self
    }

    /// This clock with a plan of the same policy and another model.
    pub(crate) fn onto_model(self, plan: Plan) -> Result<Self, MigrateError> {
        let mut rules = self.plan.bound().rules.iter().zip(&plan.bound().rules);
        let is_same = |(one, other): (&LoweredRule, &LoweredRule)| {
            one.trigger.value.len() == other.trigger.value.len()
                && one.trigger.iter().zip(other.trigger.iter()).all(|(one, other)| {
                    one.value.without_targets() == other.value.without_targets()
                })
                && one.actions.len() == other.actions.len()
        };
        let sequences = |plan: &Plan| {
            let all = plan.bound().sequences.iter();
            all.map(|of| (of.name.clone(), of.rules.clone(), of.repeat)).collect::<Vec<_>>()
        };
        if sequences(&plan) != sequences(&self.plan) || !rules.all(is_same) {
            return Err(MigrateError::Rules);
        }
        let fresh = self.replayed(plan.bound());
        let program = self.program;
        let mut clock = self.onto(plan, program, Some(fresh))?;
        clock.metrics.drop_bests(|_, _| true);
        Ok(clock)
    }

    /// This clock with a plan of another policy and the same model.
    pub(crate) fn onto_policy(
        mut self,
        plan: Plan,
        program: Program,
    ) -> Result<Self, MigrateError> {
        let own = Arc::clone(&self.plan);
        let (before, after) = (own.bound(), plan.bound());
        if before.defaults != after.defaults {
            return Err(MigrateError::Default);
        }
        let mut stopped = self.stopped;
        let mut progress = Vec::with_capacity(after.sequences.len());
        let mut pairs: Vec<Option<usize>> = Vec::with_capacity(after.sequences.len());
        for of in &after.sequences {
            let known = before.sequences.iter().position(|other| other.name == of.name);
            let known = known.filter(|known| {
                let other = before.sequences.get(*known);
                other.is_some_and(|other| other.is_ownerless == of.is_ownerless)
            });
            pairs.push(known);
            progress.push(match known {
                Some(known) => self.progress_in(&plan, known, of, &mut stopped)?,
                None => Progress::beginning(self.time),
            });
        }
        let is_known = |index: usize| pairs.contains(&Some(index));
        for (index, (of, progress)) in before.sequences.iter().zip(&self.progress).enumerate() {
            // A track without a scope may go; another one leaves its parameters to the others.
            if !is_known(index) && !of.is_ownerless && progress.fired(of) > 0 {
                let rule = before.rules.get(of.rules.start);
                return Err(MigrateError::Fired(rule.map_or(String::new(), |it| it.name.clone())));
            }
        }
        self.check_owners(&plan)?;
        self.stopped = stopped;
        let kept = self.plan.restores();
        let mut clock = self.onto_sequences(plan, program, None, &pairs, progress)?;
        clock.metrics.drop_bests(|metric, best| {
            !kept.iter().any(|(of, which)| of == metric && *which == best)
        });
        Ok(clock)
    }

    /// The progress of a sequence in another plan, whose rules that have fired must be the same. A
    /// last rule that only stops may differ: then training is not stopped.
    fn progress_in(
        &self,
        plan: &Plan,
        known: usize,
        of: &BoundSequence,
        stopped: &mut bool,
    ) -> Result<Progress, MigrateError> {
        let (before, after) = (self.plan.bound(), plan.bound());
        let (Some(other), Some(progress)) = (before.sequences.get(known), self.progress.get(known))
        else {
            return Ok(Progress::beginning(self.time));
        };
        let mut progress = progress.clone();
        let own = after.rules.get(of.rules.clone()).unwrap_or_default();
        let others = before.rules.get(other.rules.clone()).unwrap_or_default();
        let relative = |of: &BoundSequence| of.repeat.map(|first| first - of.rules.start);
        if progress.rounds > 0
            && (relative(of) != relative(other) || of.rules.len() != other.rules.len())
        {
            let first = others.first();
            return Err(MigrateError::Fired(first.map_or(String::new(), |it| it.name.clone())));
        }
        for (index, rule) in others.iter().enumerate() {
            if !progress.has_fired(other.rules.start + index, other) {
                continue;
            }
            let is_same = own.get(index).is_some_and(|own| {
                own.trigger.value == rule.trigger.value && own.actions == rule.actions
            });
            // The state is in the round only where the rule stands in the `repeat` of both or of none.
            let is_repeated = |of: &BoundSequence| relative(of).is_some_and(|first| index >= first);
            if is_same && is_repeated(of) == is_repeated(other) {
                continue;
            }
            let only_stops =
                rule.actions.iter().all(|action| matches!(action.value, LoweredAction::Stop));
            if !only_stops {
                return Err(MigrateError::Fired(rule.name.clone()));
            }
            // No later rule can have fired.
            progress.next = index;
            *stopped = false;
            break;
        }
        if progress.fits(of, self.time) {
            Ok(progress)
        } else {
            let last = others.get(progress.next.saturating_sub(1));
            Err(MigrateError::Fired(last.map_or(String::new(), |it| it.name.clone())))
        }
    }

    /// Fails where a parameter has another owner in another plan, and the rules that have fired would
    /// have treated it otherwise there.
    fn check_owners(&self, plan: &Plan) -> Result<(), MigrateError> {
        let (before, after) = (self.plan.bound(), plan.bound());
        if !before.has_owners() && !after.has_owners() {
            return Ok(());
        }
        let known = SliceLookup::new(before);
        let replayed = self.replayed_in(plan);
        for slice in after.slice_ids() {
            let Some(other) = known.around(after, slice) else { continue };
            let (own, was) = (after.owner(slice), before.owner(other));
            let same = own.and_then(|of| of.name.as_ref()) == was.and_then(|of| of.name.as_ref());
            let agrees = || {
                replayed.trains.contains(slice) == self.state.trains.contains(other)
                    && replayed.agrees_with(slice, &self.state, other)
            };
            if !same && !agrees() {
                let sequence = own.and_then(|of| of.name.as_ref());
                return Err(MigrateError::Owner {
                    sequence: sequence
                        .map_or("the main sequence".to_owned(), |name| format!("track `{name}`")),
                    parameter: after.name(slice).to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The state of a plan of the same policy, or of another model, after the rules that have fired,
    /// each applied once.
    fn replayed(&self, bound: &BoundPolicy) -> State {
        let mut state = bound.start();
        for (of, progress) in bound.sequences.iter().zip(&self.progress) {
            for index in of.rules.clone().filter(|index| progress.has_fired(*index, of)) {
                let firings = self.firings.get(index).copied().unwrap_or_default();
                if let Some(rule) = bound.rules.get(index) {
                    let firing = firings.saturating_sub(1);
                    state = AppliedRule::new(bound, of, rule, &state, firing, &self.moment()).after;
                }
            }
        }
        state
    }

    /// The same with the plan of another policy: of each of its sequences, as many rules as have fired
    /// of the sequence of the same name.
    fn replayed_in(&self, plan: &Plan) -> State {
        let (before, after) = (self.plan.bound(), plan.bound());
        let mut state = after.start();
        for of in &after.sequences {
            let mut known = before.sequences.iter().zip(&self.progress);
            let known = known.find(|(other, _)| other.name == of.name);
            let Some((other, progress)) = known else { continue };
            for (index, place) in of.rules.clone().zip(other.rules.clone()) {
                if let Some(rule) =
                    after.rules.get(index).filter(|_| progress.has_fired(place, other))
                {
                    state = AppliedRule::new(after, of, rule, &state, 0, &self.moment()).after;
                }
            }
        }
        state
    }

    /// This clock with a plan in which the rules that have fired are the same. `fresh` is the state
    /// that they leave parameters in that this clock does not have.
    fn onto(
        self,
        plan: Plan,
        program: Program,
        fresh: Option<State>,
    ) -> Result<Self, MigrateError> {
        let pairs: Vec<Option<usize>> = (0..self.progress.len()).map(Some).collect();
        let progress = self.progress.clone();
        self.onto_sequences(plan, program, fresh, &pairs, progress)
    }

    /// The same, where the sequences of the plan are others: `pairs` has the sequence of this clock
    /// for each of them.
    fn onto_sequences(
        self,
        plan: Plan,
        program: Program,
        fresh: Option<State>,
        pairs: &[Option<usize>],
        progress: Vec<Progress>,
    ) -> Result<Self, MigrateError> {
        let mut clock = Self::new(plan, program);
        clock.time = self.time;
        clock.started = self.started;
        clock.epoch_began = self.epoch_began;
        clock.progress = progress;
        clock.stopped = self.stopped;
        let (before, plan) = (self.plan.bound(), Arc::clone(&clock.plan));
        let after = plan.bound();
        let mut rules = Vec::new();
        for ((of, progress), known) in after.sequences.iter().zip(&clock.progress).zip(pairs) {
            let Some(other) = known.and_then(|known| before.sequences.get(known)) else { continue };
            for (own, place) in of.rules.clone().zip(other.rules.clone()) {
                rules.push((own, place));
                if progress.has_fired(own, of)
                    && let Some(count) = clock.firings.get_mut(own)
                {
                    *count = self.firings.get(place).copied().unwrap_or_default();
                }
            }
        }
        clock.state = self.state_in(&clock.plan, fresh, &rules)?;
        clock.wait();
        clock.metrics.take_over(&self.metrics, &clock.waiting_pairs(&self, &rules));
        clock.state.compact();
        clock.state.advance(clock.time, &clock.lengths);
        clock.regroup();
        Ok(clock)
    }

    /// The rules that wait or recur here and in another clock, among pairs of rules of both.
    fn waiting_pairs(&self, other: &Self, rules: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let active = |clock: &Self| -> Vec<usize> {
            let sequences = clock.plan.bound().sequences.iter().zip(&clock.progress);
            let active = sequences.flat_map(|(of, progress)| {
                // After the last rule, none waits.
                let waiting = Some(progress.waiting(of)).filter(|rule| of.rules.contains(rule));
                [waiting, progress.recurring(of)].into_iter().flatten()
            });
            active.collect()
        };
        let (own, others) = (active(self), active(other));
        let both = |(rule, place): &&(usize, usize)| own.contains(rule) && others.contains(place);
        rules.iter().filter(both).copied().collect()
    }

    /// The state of this clock, by the slices of another plan.
    /// `rules` are the rules there, with those of this clock that they are.
    fn state_in(
        &self,
        plan: &Plan,
        fresh: Option<State>,
        rules: &[(usize, usize)],
    ) -> Result<State, MigrateError> {
        let (before, after) = (self.plan.bound(), plan.bound());
        let has_fresh = fresh.is_some();
        let mut state = fresh.unwrap_or_else(|| after.start());
        let mut running = Vec::new();
        for curve in &self.state.running {
            let there = |origin: CurveOrigin| match origin.giver {
                CurveGiver::Default => Some(origin),
                CurveGiver::Action { rule, action } => {
                    let pair = rules.iter().find(|(_, place)| *place == rule.index())?;
                    let giver = CurveGiver::Action { rule: RuleId::new(pair.0), action };
                    Some(CurveOrigin { giver, ..origin })
                }
            };
            let other = before.origin(curve).and_then(there).and_then(|origin| after.curve(origin));
            let other = other.filter(|other| other.pieces.len() == curve.curve().pieces.len());
            // A track that is gone may have begun a curve that parameters still follow.
            let gone = || match before.origin(curve)?.giver {
                CurveGiver::Action { rule, .. }
                    if rules.iter().all(|(_, place)| *place != rule.index()) =>
                {
                    Some(MigrateError::Fired(before.rule(rule)?.name.clone()))
                }
                _ => None,
            };
            let other = other.ok_or_else(|| gone().unwrap_or(MigrateError::Rules))?;
            running.push(ActiveCurve::resumed(Arc::clone(other), curve.at));
        }
        let known = SliceLookup::new(before);
        for slice in after.table.ids() {
            let Some(options) = Arc::make_mut(&mut state.options).get_mut(slice.index()) else {
                continue;
            };
            if let Some(known) = known.around(after, slice) {
                state.trains.set(slice, self.state.trains.contains(known));
                state.kept.set(slice, self.state.kept.contains(known));
                *options = self.state.options(known).copied().unwrap_or_default();
                continue;
            }
            if !has_fresh {
                return Err(MigrateError::Rows(after.name(slice).to_owned()));
            }
            // New parameters follow curves that have begun.
            for id in options.curves_mut() {
                let Some(begun) = state.running.get(id.index()) else { continue };
                let place = running.iter().rposition(|curve| curve.is_same(begun));
                *id = CurveId::new(place.unwrap_or(running.len()));
                match place.and_then(|place| running.get(place)) {
                    Some(curve) if curve.at.has_frozen => state.trains.set(slice, false),
                    Some(_) => {}
                    None => running.push(begun.clone()),
                }
            }
        }
        state.running = running;
        let modules = |plan: &Plan| {
            let modules = plan.model().normalisations().iter();
            modules.map(|module| module.module.clone()).collect::<Vec<_>>()
        };
        let before = modules(&self.plan);
        for (stats, module) in state.stats.iter_mut().zip(modules(plan)) {
            if let Some(known) = before.iter().position(|before| *before == module) {
                *stats = self.state.stats.get(known).copied().flatten();
            }
        }
        Ok(state)
    }
}

/// The slices of a plan, by their names.
struct SliceLookup<'b> {
    bound: &'b BoundPolicy,
    slices: HashMap<&'b str, Vec<SliceId>>,
}

impl<'b> SliceLookup<'b> {
    fn new(bound: &'b BoundPolicy) -> Self {
        let mut slices: HashMap<&str, Vec<SliceId>> = HashMap::new();
        for slice in bound.table.ids() {
            slices.entry(bound.name(slice)).or_default().push(slice);
        }
        Self { bound, slices }
    }

    /// The slice that equals a slice of another plan, or contains it.
    fn around(&self, other: &BoundPolicy, slice: SliceId) -> Option<SliceId> {
        let rows = other.table.rows(slice);
        self.slices.get(other.name(slice))?.iter().copied().find(|known| {
            match (self.bound.table.rows(*known), rows) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(around), Some(rows)) => around.start <= rows.start && rows.end <= around.end,
            }
        })
    }
}
