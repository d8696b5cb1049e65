//! A clock goes on with another policy, model or program.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Clock, Program};
use crate::curve::Running;
use crate::diagnostic::Findings;
use crate::plan::{Applied, Bound, Plan, State};
use crate::rule::{Action, Rule};

/// Why a clock cannot go on with another policy or model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// A rule that has fired is another one now.
    #[error(
        "`{0}` has fired, and is another rule in the new policy, or none: what has happened stays, \
         and only what follows the last rule that fired may differ"
    )]
    Fired(String),
    /// `default` is another one now.
    #[error(
        "`default` has been in force since the start, and is another in the new policy: give the \
         options in a rule that is still to come"
    )]
    Default,
    /// The policy's loops have other turns with the new model.
    #[error("with the new model the policy has other rules: a loop goes through other elements")]
    Rules,
    /// A parameter is in parts that the new policy does not tell apart.
    #[error("`{0}` is in parts, for a rule names rows of it; the new policy does not name these")]
    Rows(String),
    /// The policy that ran so far does not fit the new model; prints every finding.
    #[error("the policy that ran so far does not fit the new model:\n\n{0}")]
    Policy(#[from] Findings),
}

impl Clock {
    /// This clock, from now on with another plan and program.
    ///
    /// Time goes on, and what has happened stays. **Another policy** begins behind the last rule
    /// that has fired: up to there, both must have the same rules and the same `default`. A last
    /// rule that does nothing but `stop` may be another or none; then training goes on. What a
    /// condition has seen of its metric counts where the condition is the same, and else it is
    /// watched from now on. Curves go on where they are; what they take of the run is counted
    /// by the new `run`. A metric that only the new policy restores has its best from now on, since
    /// nothing was kept of the time before.
    ///
    /// With **another model**, the policy that ran so far must have the same rules. Parameters are
    /// known by their names, whatever their shapes; one that is new stands as the rules that have
    /// fired, each once, leave it. All metrics have their bests from now on.
    ///
    /// With **another program**, its options hold from now on where the policy gives none, and what
    /// is told in epochs is counted by its `steps_per_epoch`.
    ///
    /// # Errors
    /// If a rule that has fired or `default` is another, or the model lets the policy that ran so
    /// far have other rules, or not fit.
    pub fn transfer(self, plan: Plan, program: Program) -> Result<Self, TransferError> {
        let is_same_policy = self.plan.policy() == plan.policy();
        let clock = if self.plan.model() == plan.model() {
            self
        } else {
            let plan = self.plan.policy().plan(plan.model())?;
            self.onto_model(plan)?
        };
        if is_same_policy {
            let plan = clock.plan.clone();
            return clock.onto(plan, program, None);
        }
        clock.onto_policy(plan, program)
    }

    fn onto_model(self, plan: Plan) -> Result<Self, TransferError> {
        let mut rules = self.plan.bound().rules.iter().zip(&plan.bound().rules);
        let is_same = |(one, other): (&Rule, &Rule)| {
            one.trigger.value == other.trigger.value && one.actions.len() == other.actions.len()
        };
        if plan.bound().rules.len() != self.plan.bound().rules.len() || !rules.all(is_same) {
            return Err(TransferError::Rules);
        }
        let bound = plan.bound();
        let fired = bound.rules.iter().zip(&self.firings).take(self.next);
        let fresh = fired.fold(bound.start(), |state, (rule, firings)| {
            Applied::new(bound, rule, &state, firings.saturating_sub(1), self.time).after
        });
        let program = self.program;
        let mut clock = self.onto(plan, program, Some(fresh))?;
        clock.metrics.forget_bests(|_, _| true);
        Ok(clock)
    }

    fn onto_policy(mut self, plan: Plan, program: Program) -> Result<Self, TransferError> {
        let (before, after) = (self.plan.bound(), plan.bound());
        if before.defaults != after.defaults {
            return Err(TransferError::Default);
        }
        let is_same = |(index, rule): &(usize, &Rule)| {
            after.rules.get(*index).is_some_and(|other| {
                other.trigger.value == rule.trigger.value && other.actions == rule.actions
            })
        };
        let mut fired = before.rules.iter().enumerate().take(self.next);
        if let Some((index, rule)) = fired.find(|fired| !is_same(fired)) {
            let only_stops = rule.actions.iter().all(|action| matches!(action.value, Action::Stop));
            if !only_stops {
                return Err(TransferError::Fired(rule.called.clone()));
            }
            // Nothing can have followed it.
            self.next = index;
            self.stopped = false;
        }
        let kept = self.plan.restores();
        let mut clock = self.onto(plan, program, None)?;
        clock.metrics.forget_bests(|metric, best| {
            !kept.iter().any(|(of, which)| of == metric && *which == best)
        });
        Ok(clock)
    }

    /// This clock with a plan in which the rules that have fired are the same. `fresh` is what
    /// they do to parameters that this clock may not know.
    fn onto(
        self,
        plan: Plan,
        program: Program,
        fresh: Option<State>,
    ) -> Result<Self, TransferError> {
        let mut clock = Self::new(plan, program);
        let fired = self.firings.iter().take(self.next);
        for (count, before) in clock.firings.iter_mut().zip(fired) {
            *count = *before;
        }
        clock.time = self.time;
        clock.started = self.started;
        clock.previous = self.previous;
        clock.recurred = self.recurred;
        clock.next = self.next;
        clock.stopped = self.stopped;
        clock.state = self.state_in(&clock.plan, fresh)?;
        clock.metrics.wait(clock.next);
        clock.metrics.go_on(&self.metrics);
        clock.state.compact();
        clock.state.advance(clock.time, &clock.lengths);
        clock.regroup();
        Ok(clock)
    }

    /// The state of this clock, by the units of another plan.
    fn state_in(&self, plan: &Plan, fresh: Option<State>) -> Result<State, TransferError> {
        let (before, after) = (self.plan.bound(), plan.bound());
        let has_fresh = fresh.is_some();
        let mut state = fresh.unwrap_or_else(|| after.start());
        let mut running = Vec::new();
        for curve in &self.state.running {
            let other = before.giver(curve).and_then(|giver| after.curve(giver));
            let other = other.filter(|other| other.pieces.len() == curve.curve().pieces.len());
            let other = other.ok_or(TransferError::Rules)?;
            running.push(Running::resumed(Arc::clone(other), curve.at));
        }
        let known = Known::new(before);
        for unit in 0..after.units.len() {
            let Some(options) = state.options.get_mut(unit) else { continue };
            if let Some(known) = known.around(after, unit) {
                state.trains.set(unit, self.state.trains.contains(known));
                state.kept.set(unit, self.state.kept.contains(known));
                *options = self.state.options.get(known).copied().unwrap_or_default();
                continue;
            }
            if !has_fresh {
                return Err(TransferError::Rows(after.unit_name(unit).to_owned()));
            }
            // A curve that has begun goes for new parameters as well.
            let Some(begun) = options.lr.and_then(|lr| state.running.get(lr)) else { continue };
            let place = running.iter().rposition(|curve| curve.is_same(begun));
            options.lr = Some(place.unwrap_or(running.len()));
            match place.and_then(|place| running.get(place)) {
                Some(curve) if curve.at.has_frozen => state.trains.set(unit, false),
                Some(_) => {}
                None => running.push(begun.clone()),
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

/// The units of a plan, by their names.
struct Known<'b> {
    bound: &'b Bound,
    units: HashMap<&'b str, Vec<usize>>,
}

impl<'b> Known<'b> {
    fn new(bound: &'b Bound) -> Self {
        let mut units: HashMap<&str, Vec<usize>> = HashMap::new();
        for unit in 0..bound.units.len() {
            units.entry(bound.unit_name(unit)).or_default().push(unit);
        }
        Self { bound, units }
    }

    /// The unit that is the same as one of another plan, or around it.
    fn around(&self, other: &Bound, unit: usize) -> Option<usize> {
        let rows = other.units.rows(unit);
        self.units.get(other.unit_name(unit))?.iter().copied().find(|known| {
            match (self.bound.units.rows(*known), rows) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(around), Some(rows)) => around.start <= rows.start && rows.end <= around.end,
            }
        })
    }
}
