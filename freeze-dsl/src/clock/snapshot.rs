//! The state of a clock as data, to save and resume a training.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::metrics::Observations;
use super::progress::Progress;
use super::{Clock, Program};
use crate::ast::Stats;
use crate::index::{CurveId, SliceId, SliceSet};
use crate::ir::{CurveUse, LoweredAction};
use crate::json::{self, Format};
use crate::plan::{BoundPolicy, BoundSequence, CurveGiver, CurveOrigin, Plan, SliceOptions, State};
use crate::time::Time;
use crate::time::{ActiveCurve, CurvePosition};

/// The state of a [`Clock`] at one moment, given by [`Clock::snapshot`] and taken by
/// [`Clock::resume`].
///
/// It is serializable with serde, has a format version, and keeps every bit of every number. Rules,
/// curves and conditions are not in it, only the progress of each of them: the plan has the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Snapshot(SnapshotJson);

/// Why a [`Snapshot`] does not go with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved state is not one of this policy and model: {0}")]
pub struct SnapshotError(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotJson {
    format: Format,
    /// Epochs and steps that are done.
    time: Time,
    started: bool,
    /// The steps that were done when the running epoch started.
    epoch_began: u64,
    /// How far each sequence is: the main sequence, then the tracks in the order of the text.
    sequences: Vec<Progress>,
    /// How often each rule has fired.
    firings: Vec<u64>,
    stopped: bool,
    /// The slices that train.
    trains: Vec<SliceId>,
    /// The slices that are frozen and have kept their optimizer state.
    kept: Vec<SliceId>,
    /// The options of each slice.
    options: Vec<SliceOptions>,
    /// The curves to which options point.
    curves: Vec<CurveJson>,
    /// The `stats` option of each normalization, if a rule has set it.
    stats: Vec<Option<Stats>>,
    metrics: Observations,
}

/// A curve that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CurveJson {
    origin: CurveOrigin,
    at: CurvePosition,
}

/// Counts up to here are exact as `f64`, which formulas over them need, and no training comes near.
const MOST: u64 = 1 << 53;

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        json::read(from).map(Self)
    }
}

impl Clock {
    /// The state of this clock, to be saved.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let State { trains, kept, options, running, stats } = &self.state;
        let curve = |running: &ActiveCurve| {
            Some(CurveJson { origin: self.plan.bound().origin(running)?, at: running.at })
        };
        Snapshot(SnapshotJson {
            format: Format,
            time: self.time,
            started: self.started,
            epoch_began: self.epoch_began,
            sequences: self.progress.clone(),
            firings: self.firings.clone(),
            stopped: self.stopped,
            trains: trains.iter().collect(),
            kept: kept.iter().collect(),
            options: options.to_vec(),
            curves: running.iter().filter_map(curve).collect(),
            stats: stats.clone(),
            metrics: self.metrics.observations(),
        })
    }

    /// A clock in the state that another clock had when it was saved: with the same plan and program,
    /// the same events have the same results from there on.
    ///
    /// # Errors
    /// If the state cannot be one of a clock that ran this plan.
    pub fn resume(
        plan: Plan,
        program: Program,
        snapshot: &Snapshot,
    ) -> Result<Self, SnapshotError> {
        let mut clock = Self::new(plan, program);
        clock.take(&snapshot.0)?;
        clock.regroup();
        Ok(clock)
    }

    fn take(&mut self, from: &SnapshotJson) -> Result<(), SnapshotError> {
        let count = from.time.epochs.max(from.time.steps).max(from.time.scaled());
        require(count <= MOST, || format!("{count} epochs or steps are more than can be counted"))?;
        let is_started = from.started || from.time.epochs == 0;
        require(is_started, || "epochs are done, and none has started".to_owned())?;
        require(from.epoch_began <= from.time.steps, || {
            "its epoch began later than now".to_owned()
        })?;
        self.time = from.time;
        self.started = from.started;
        self.epoch_began = from.epoch_began;
        self.take_rules(from)?;
        self.state = from.state(self.plan.bound())?;
        self.wait();
        require(self.metrics.resume(&from.metrics, from.time), || {
            "its metrics are not those of the rules that are still to fire".to_owned()
        })
    }

    fn take_rules(&mut self, from: &SnapshotJson) -> Result<(), SnapshotError> {
        let (rules, sequences) = (&self.plan.bound().rules, &self.plan.bound().sequences);
        require(from.firings.len() == rules.len(), || {
            format!(
                "it counts firings of {} rules, and there are {}",
                from.firings.len(),
                rules.len()
            )
        })?;
        let count = from.sequences.len();
        require(count == sequences.len(), || {
            format!("it has {count} sequences of rules, and there are {}", sequences.len())
        })?;
        let progress = || sequences.iter().zip(&from.sequences);
        require(progress().all(|(of, progress)| progress.fits(of, from.time)), || {
            "its rules did not fire in order, or one of them later than now".to_owned()
        })?;
        let is_counted = |of: &BoundSequence, progress: &Progress| {
            of.rules
                .clone()
                .zip(from.firings.get(of.rules.clone()).unwrap_or_default())
                .all(|(rule, count)| *count <= MOST && progress.has_fired(rule, of) == (*count > 0))
        };
        require(progress().all(|(of, progress)| is_counted(of, progress)), || {
            "its rules did not fire in order".to_owned()
        })?;
        let stops = |action: &crate::source::Spanned<LoweredAction>| {
            matches!(action.value, LoweredAction::Stop)
        };
        let mut fired =
            rules.iter().zip(&from.firings).filter(|(_, count)| **count > 0).map(|(rule, _)| rule);
        require(from.stopped == fired.any(|rule| rule.actions.iter().any(stops)), || {
            "whether training is over does not go with the rules that have fired".to_owned()
        })?;
        self.firings.clone_from(&from.firings);
        self.progress.clone_from(&from.sequences);
        self.stopped = from.stopped;
        Ok(())
    }
}

impl SnapshotJson {
    fn state(&self, bound: &BoundPolicy) -> Result<State, SnapshotError> {
        let slices = bound.table.len();
        let count = self.options.len();
        require(count == slices, || {
            format!("it has options of {count} parameters, and there are {slices}")
        })?;
        let count = self.stats.len();
        require(count == bound.deciding.len(), || {
            format!("it has statistics of {count} modules, and there are {}", bound.deciding.len())
        })?;
        let trains = self.set(&self.trains, "trains")?;
        let kept = self.set(&self.kept, "kept its optimizer state")?;
        require(trains.is_disjoint(&kept), || {
            "a parameter trains, and is frozen and has kept its state".to_owned()
        })?;
        let state = State {
            trains,
            kept,
            options: Arc::new(self.options.clone()),
            running: self
                .curves
                .iter()
                .map(|curve| self.running(curve, bound))
                .collect::<Result<_, _>>()?,
            stats: self.stats.clone(),
        };
        let is_of = |curve: Option<CurveId>, of: CurveUse| {
            let follows = |curve: CurveId| self.curves.get(curve.index()).map(|it| it.origin.of);
            curve.is_none_or(|curve| follows(curve) == Some(of))
        };
        let is_number = |value: f64| value.is_finite() && value >= 0.0;
        let of_a_policy = |options: &SliceOptions| {
            let mut arguments = options.arguments.iter().enumerate();
            is_of(options.lr, CurveUse::Lr)
                && is_of(options.weight_decay, CurveUse::WeightDecay)
                && arguments.all(|(index, curve)| is_of(*curve, CurveUse::Argument(index)))
                && is_number(options.lr_factor)
                && is_number(options.anchor)
                && options.optimizer.is_none_or(|optimizer| optimizer.fault().is_none())
        };
        require(state.options.iter().all(of_a_policy), || {
            "it has options that no policy can set".to_owned()
        })?;
        Ok(state)
    }

    /// A set of slices.
    fn set(&self, of: &[SliceId], what: &str) -> Result<SliceSet, SnapshotError> {
        let slices = self.options.len();
        let beyond = of.iter().find(|slice| slice.index() >= slices);
        require(beyond.is_none(), || format!("a parameter {what} that there is not"))?;
        let mut set = SliceSet::with_capacity(slices);
        set.extend(of.iter().copied());
        Ok(set)
    }

    /// A curve that has begun.
    fn running(&self, from: &CurveJson, bound: &BoundPolicy) -> Result<ActiveCurve, SnapshotError> {
        let has_begun = |curve: &&Arc<crate::ir::ValueCurve>| {
            let has_fired = match from.origin.giver {
                CurveGiver::Default => true,
                CurveGiver::Action { rule, .. } => {
                    self.firings.get(rule.index()).is_some_and(|count| *count > 0)
                }
            };
            has_fired && from.at.piece < curve.pieces.len() && from.at.since.is_past(self.time)
        };
        let curve = bound.curve(from.origin).filter(has_begun);
        match curve {
            Some(curve) => Ok(ActiveCurve::resumed(Arc::clone(curve), from.at)),
            None => Err(SnapshotError("it has a curve that no rule has begun".to_owned())),
        }
    }
}

fn require(holds: bool, problem: impl FnOnce() -> String) -> Result<(), SnapshotError> {
    if holds { Ok(()) } else { Err(SnapshotError(problem())) }
}
