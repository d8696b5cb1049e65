//! Which units train, and how.

use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::ast::Stats;
use crate::ir::Optimizer;
use crate::ir::{LrCurve, ParamOptions};
use crate::source::Spanned;
use crate::time::ActiveCurve;
use crate::time::{Lengths, Time};

/// Which units train, and how.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) trains: FixedBitSet,
    /// What is frozen and has kept its optimizer state.
    pub(crate) kept: FixedBitSet,
    pub(crate) options: Vec<SliceOptions>,
    /// The learning rates to which options point.
    pub(crate) running: Vec<ActiveCurve>,
    /// What was said of the statistics of each normalisation.
    pub(crate) stats: Vec<Option<Stats>>,
}

/// The options of one unit; what is `None` is the program's.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SliceOptions {
    /// Which of the running learning rates.
    pub(crate) lr: Option<usize>,
    pub(crate) weight_decay: Option<f64>,
    pub(crate) optimizer: Option<Optimizer>,
}

impl State {
    /// Before the first rule: everything trains, with the defaults.
    pub(crate) fn new(units: usize, normalisations: usize, defaults: &ParamOptions) -> Self {
        let mut trains = FixedBitSet::with_capacity(units);
        trains.insert_range(..);
        let value = |given: Option<&Spanned<f64>>| given.map(|given| given.value);
        let mut state = Self {
            trains,
            kept: FixedBitSet::with_capacity(units),
            options: Vec::new(),
            running: Vec::new(),
            stats: vec![defaults.stats.map(|stats| stats.value); normalisations],
        };
        let lr = defaults.lr.as_ref().map(|lr| state.begin(&lr.value, Time::default()));
        let options = SliceOptions {
            lr,
            weight_decay: value(defaults.weight_decay.as_ref()),
            optimizer: defaults.optimizer.map(|optimizer| optimizer.value),
        };
        state.options = vec![options; units];
        state
    }

    /// Becomes a copy of a state that has come of this one by giving options to these units, and
    /// by nothing else that changes options.
    pub(super) fn follow(&mut self, later: &Self, given: &FixedBitSet) {
        let Self { trains, kept, options, running, stats } = later;
        self.trains.clone_from(trains);
        self.kept.clone_from(kept);
        for unit in given.ones() {
            if let (Some(own), Some(options)) = (self.options.get_mut(unit), options.get(unit)) {
                *own = *options;
            }
        }
        let begun = running.get(self.running.len()..).unwrap_or_default();
        self.running.extend_from_slice(begun);
        self.stats.clone_from(stats);
    }

    /// Begins a curve; gives its place among the running ones.
    pub(crate) fn begin(&mut self, curve: &Arc<LrCurve>, now: Time) -> usize {
        self.running.push(ActiveCurve::new(Arc::clone(curve), now));
        self.running.len() - 1
    }

    /// The curve of a unit.
    pub(crate) fn curve(&self, unit: usize) -> Option<&ActiveCurve> {
        self.running.get(self.options.get(unit)?.lr?)
    }

    /// Whether two units have the same options.
    pub(crate) fn agree(&self, one: usize, other: usize) -> bool {
        let rest = |unit: usize| {
            self.options.get(unit).map(|options| (options.weight_decay, options.optimizer))
        };
        let curve = |unit: usize| self.curve(unit).map(ActiveCurve::curve);
        rest(one) == rest(other) && curve(one) == curve(other)
    }

    /// Whether the running statistics of a normalisation follow the data, where these units decide
    /// about it.
    pub(crate) fn is_live(&self, normalisation: usize, deciding: &FixedBitSet) -> bool {
        match self.stats.get(normalisation).copied().flatten() {
            Some(stats) => stats == Stats::Live,
            None => !deciding.is_disjoint(&self.trains),
        }
    }

    /// Lets go of curves that no unit follows any more.
    pub(crate) fn compact(&mut self) {
        let mut places: Vec<Option<usize>> = vec![None; self.running.len()];
        let mut kept = Vec::new();
        for options in &mut self.options {
            let Some(lr) = options.lr else { continue };
            let Some(place) = places.get_mut(lr) else { continue };
            if place.is_none() {
                *place = Some(kept.len());
                kept.extend(self.running.get(lr).cloned());
            }
            options.lr = *place;
        }
        self.running = kept;
    }

    /// Brings every curve to this moment.
    pub(crate) fn advance(&mut self, now: Time, lengths: &Lengths) {
        for running in &mut self.running {
            running.advance(now, lengths);
        }
    }

    /// The units that a curve's end freezes now. Each curve does so once.
    pub(crate) fn ended(&mut self, now: Time, lengths: &Lengths) -> FixedBitSet {
        let mut ended = FixedBitSet::with_capacity(self.running.len());
        for (index, running) in self.running.iter_mut().enumerate() {
            let freezes = running.curve().then_freeze && !running.at.has_frozen;
            if freezes && running.is_over(now, lengths) {
                running.at.has_frozen = true;
                ended.insert(index);
            }
        }
        let mut units = FixedBitSet::with_capacity(self.options.len());
        if !ended.is_clear() {
            for unit in self.trains.ones() {
                let curve = self.options.get(unit).and_then(|options| options.lr);
                units.set(unit, curve.is_some_and(|curve| ended.contains(curve)));
            }
        }
        units
    }
}
