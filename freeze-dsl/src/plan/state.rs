//! Which slices train, and with which options.

use std::sync::Arc;

use crate::ast::Stats;
use crate::index::{CurveId, IdSet, NormalisationId, SliceId, SliceSet, ids};
use crate::ir::Optimizer;
use crate::ir::{LrCurve, ParamOptions};
use crate::source::Spanned;
use crate::time::ActiveCurve;
use crate::time::{Lengths, Time};

/// Which slices train, and with which options.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) trains: SliceSet,
    /// The frozen slices that have kept their optimizer state.
    pub(crate) kept: SliceSet,
    /// Shared with copies of the state for as long as both have the same: there is one a slice.
    pub(crate) options: Arc<Vec<SliceOptions>>,
    /// The curves that options refer to.
    pub(crate) running: Vec<ActiveCurve>,
    /// The `stats` option of each normalization, if a rule has set it.
    pub(crate) stats: Vec<Option<Stats>>,
}

/// The options of one slice; `None` is the program's option.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SliceOptions {
    /// Its curve.
    pub(crate) lr: Option<CurveId>,
    pub(crate) weight_decay: Option<f64>,
    pub(crate) optimizer: Option<Optimizer>,
}

impl State {
    /// Before the first rule: everything trains, with the defaults.
    pub(crate) fn new(slices: usize, normalisations: usize, defaults: &ParamOptions) -> Self {
        let value = |given: Option<&Spanned<f64>>| given.map(|given| given.value);
        let mut state = Self {
            trains: SliceSet::all(slices),
            kept: SliceSet::with_capacity(slices),
            options: Arc::default(),
            running: Vec::new(),
            stats: vec![defaults.stats.map(|stats| stats.value); normalisations],
        };
        let lr = defaults.lr.as_ref().map(|lr| state.begin(&lr.value, Time::default()));
        let options = SliceOptions {
            lr,
            weight_decay: value(defaults.weight_decay.as_ref()),
            optimizer: defaults.optimizer.map(|optimizer| optimizer.value),
        };
        state.options = Arc::new(vec![options; slices]);
        state
    }

    /// A state of no slices.
    pub(super) fn nothing() -> Self {
        Self {
            trains: SliceSet::new(),
            kept: SliceSet::new(),
            options: Arc::default(),
            running: Vec::new(),
            stats: Vec::new(),
        }
    }

    /// Becomes a copy of a later state that differs in its options for the `given` slices alone.
    pub(super) fn follow(&mut self, later: &Self, given: &SliceSet) {
        let Self { trains, kept, options, running, stats } = later;
        self.trains.clone_from(trains);
        self.kept.clone_from(kept);
        if !given.is_clear() {
            let all = Arc::make_mut(&mut self.options);
            for slice in given.iter().map(SliceId::index) {
                if let (Some(own), Some(options)) = (all.get_mut(slice), options.get(slice)) {
                    *own = *options;
                }
            }
        }
        let begun = running.get(self.running.len()..).unwrap_or_default();
        self.running.extend_from_slice(begun);
        self.stats.clone_from(stats);
    }

    /// The slices that may have optimizer state.
    pub(crate) fn with_state(&self) -> SliceSet {
        let mut all = self.trains.clone();
        all.union_with(&self.kept);
        all
    }

    /// The options of a slice.
    pub(crate) fn options(&self, slice: SliceId) -> Option<&SliceOptions> {
        self.options.get(slice.index())
    }

    /// The options of a slice, to be set.
    pub(crate) fn options_mut(&mut self, slice: SliceId) -> Option<&mut SliceOptions> {
        Arc::make_mut(&mut self.options).get_mut(slice.index())
    }

    /// The curve that options refer to.
    pub(crate) fn curve_of(&self, options: &SliceOptions) -> Option<&ActiveCurve> {
        self.running.get(options.lr?.index())
    }

    /// Begins a curve.
    pub(crate) fn begin(&mut self, curve: &Arc<LrCurve>, now: Time) -> CurveId {
        self.running.push(ActiveCurve::new(Arc::clone(curve), now));
        CurveId::new(self.running.len() - 1)
    }

    /// The curve of a slice.
    pub(crate) fn curve(&self, slice: SliceId) -> Option<&ActiveCurve> {
        self.curve_of(self.options(slice)?)
    }

    /// Whether two slices have the same options.
    pub(crate) fn agree(&self, one: SliceId, other: SliceId) -> bool {
        self.agrees_with(one, self, other)
    }

    /// Whether a slice has the options of a slice in another state.
    pub(crate) fn agrees_with(&self, slice: SliceId, of: &Self, other: SliceId) -> bool {
        let rest = |state: &Self, slice: SliceId| {
            state.options(slice).map(|options| (options.weight_decay, options.optimizer))
        };
        rest(self, slice) == rest(of, other)
            && self.curve(slice).map(ActiveCurve::curve) == of.curve(other).map(ActiveCurve::curve)
    }

    /// Whether a round of a `repeat` that begins in this state goes like one that begins in another.
    pub(crate) fn starts_like(&self, other: &Self) -> bool {
        (&self.trains, &self.kept, &self.stats) == (&other.trains, &other.kept, &other.stats)
            && ids(0..self.options.len()).all(|slice| self.agrees_with(slice, other, slice))
    }

    /// Whether the running statistics of a normalization follow the data, if these slices decide
    /// about it.
    pub(crate) fn is_live(&self, normalisation: NormalisationId, deciding: &SliceSet) -> bool {
        match self.stats.get(normalisation.index()).copied().flatten() {
            Some(stats) => stats == Stats::Live,
            None => !deciding.is_disjoint(&self.trains),
        }
    }

    /// Drops the curves that no slice follows any more.
    pub(crate) fn compact(&mut self) {
        let mut places: Vec<Option<CurveId>> = vec![None; self.running.len()];
        let mut kept = Vec::new();
        for options in Arc::make_mut(&mut self.options) {
            let Some(lr) = options.lr else { continue };
            let Some(place) = places.get_mut(lr.index()) else { continue };
            if place.is_none() {
                *place = Some(CurveId::new(kept.len()));
                kept.extend(self.running.get(lr.index()).cloned());
            }
            options.lr = *place;
        }
        self.running = kept;
    }

    /// Advances every curve to this moment.
    pub(crate) fn advance(&mut self, now: Time, lengths: &Lengths) {
        for running in &mut self.running {
            running.advance(now, lengths);
        }
    }

    /// The slices that the end of a curve freezes now. Each curve does so once.
    pub(crate) fn ended(&mut self, now: Time, lengths: &Lengths) -> SliceSet {
        let mut ended = IdSet::<CurveId>::with_capacity(self.running.len());
        for (id, running) in ids(0..self.running.len()).zip(&mut self.running) {
            let freezes = running.curve().then_freeze && !running.at.has_frozen;
            if freezes && running.is_over(now, lengths) {
                running.at.has_frozen = true;
                ended.insert(id);
            }
        }
        let mut slices = SliceSet::with_capacity(self.options.len());
        if !ended.is_clear() {
            for slice in self.trains.iter() {
                let curve = self.options(slice).and_then(|options| options.lr);
                slices.set(slice, curve.is_some_and(|curve| ended.contains(curve)));
            }
        }
        slices
    }
}
