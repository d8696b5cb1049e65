//! Moves a clock to another policy, model or program.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Clock, Program};
use crate::diagnostic::Findings;
use crate::index::{CurveId, SliceId};
use crate::ir::{LoweredAction, LoweredRule};
use crate::plan::{AppliedRule, BoundPolicy, Plan, State};
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
            let own = [&mut self.time, &mut self.previous, &mut self.recurred];
            let curves = self.state.running.iter_mut().map(|curve| &mut curve.at.since);
            for time in own.into_iter().chain(curves).chain(self.metrics.moments()) {
                *time = time.with_scaled(scaled(*time));
            }
        }
        self
    }

    /// This clock with a plan of the same policy and another model.
    pub(crate) fn onto_model(self, plan: Plan) -> Result<Self, MigrateError> {
        let mut rules = self.plan.bound().rules.iter().zip(&plan.bound().rules);
        let is_same = |(one, other): (&LoweredRule, &LoweredRule)| {
            one.trigger.value == other.trigger.value && one.actions.len() == other.actions.len()
        };
        if plan.bound().rules.len() != self.plan.bound().rules.len() || !rules.all(is_same) {
            return Err(MigrateError::Rules);
        }
        let bound = plan.bound();
        let fired = bound.rules.iter().zip(&self.firings).take(self.next);
        let fresh = fired.fold(bound.start(), |state, (rule, firings)| {
            AppliedRule::new(bound, rule, &state, firings.saturating_sub(1), &self.moment()).after
        });
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
        let (before, after) = (self.plan.bound(), plan.bound());
        if before.defaults != after.defaults {
            return Err(MigrateError::Default);
        }
        let is_same = |(index, rule): &(usize, &LoweredRule)| {
            after.rules.get(*index).is_some_and(|other| {
                other.trigger.value == rule.trigger.value && other.actions == rule.actions
            })
        };
        let mut fired = before.rules.iter().enumerate().take(self.next);
        if let Some((index, rule)) = fired.find(|fired| !is_same(fired)) {
            let only_stops =
                rule.actions.iter().all(|action| matches!(action.value, LoweredAction::Stop));
            if !only_stops {
                return Err(MigrateError::Fired(rule.name.clone()));
            }
            // No later rule can have fired.
            self.next = index;
            self.stopped = false;
        }
        let kept = self.plan.restores();
        let mut clock = self.onto(plan, program, None)?;
        clock.metrics.drop_bests(|metric, best| {
            !kept.iter().any(|(of, which)| of == metric && *which == best)
        });
        Ok(clock)
    }

    /// This clock with a plan in which the rules that have fired are the same. `fresh` is the state
    /// that they leave parameters in that this clock does not have.
    fn onto(
        self,
        plan: Plan,
        program: Program,
        fresh: Option<State>,
    ) -> Result<Self, MigrateError> {
        let mut clock = Self::new(plan, program);
        let fired = self.firings.iter().take(self.next);
        for (count, before) in clock.firings.iter_mut().zip(fired) {
            *count = *before;
        }
        clock.time = self.time;
        clock.started = self.started;
        clock.epoch_began = self.epoch_began;
        clock.previous = self.previous;
        clock.recurred = self.recurred;
        clock.next = self.next;
        clock.stopped = self.stopped;
        clock.state = self.state_in(&clock.plan, fresh)?;
        clock.metrics.wait(clock.next);
        clock.metrics.take_over(&self.metrics);
        clock.state.compact();
        clock.state.advance(clock.time, &clock.lengths);
        clock.regroup();
        Ok(clock)
    }

    /// The state of this clock, by the slices of another plan.
    fn state_in(&self, plan: &Plan, fresh: Option<State>) -> Result<State, MigrateError> {
        let (before, after) = (self.plan.bound(), plan.bound());
        let has_fresh = fresh.is_some();
        let mut state = fresh.unwrap_or_else(|| after.start());
        let mut running = Vec::new();
        for curve in &self.state.running {
            let other = before.origin(curve).and_then(|origin| after.curve(origin));
            let other = other.filter(|other| other.pieces.len() == curve.curve().pieces.len());
            let other = other.ok_or(MigrateError::Rules)?;
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
