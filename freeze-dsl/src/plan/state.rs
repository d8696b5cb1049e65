//! Which slices train, and with which options.

use std::sync::Arc;

use crate::ast::Stats;
use crate::index::{CurveId, IdSet, NormalisationId, SliceId, SliceSet, ids};
use crate::ir::{Optimizer, ParamOptions, ScheduledOptimizer, ValueCurve};
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
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SliceOptions {
    /// The curve of its learning rate.
    pub(crate) lr: Option<CurveId>,
    /// The factor of its learning rate, whatever sets that.
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) lr_factor: f64,
    /// The curve of its weight decay.
    pub(crate) weight_decay: Option<CurveId>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) anchor: f64,
    /// Its optimizer, with the first values of its curves.
    pub(crate) optimizer: Option<Optimizer>,
    /// The curves of the optimizer's numbers.
    #[serde(skip_serializing_if = "is_without_curves")]
    pub(crate) arguments: ArgumentCurves,
}

/// The curves of an optimizer's arguments, by the indices of these.
pub(crate) type ArgumentCurves = [Option<CurveId>; Optimizer::MOST_ARGUMENTS];

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
#[expect(clippy::float_cmp, reason = "a factor that no rule has set is exactly 1")]
fn is_one(factor: &f64) -> bool {
    *factor == 1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(anchor: &f64) -> bool {
    *anchor == 0.0
}

fn is_without_curves(curves: &ArgumentCurves) -> bool {
    curves.iter().all(Option::is_none)
}

impl Default for SliceOptions {
    fn default() -> Self {
        Self {
            lr: None,
            lr_factor: 1.0,
            weight_decay: None,
            anchor: 0.0,
            optimizer: None,
            arguments: ArgumentCurves::default(),
        }
    }
}

impl SliceOptions {
    /// The curves that it refers to, to be replaced.
    pub(crate) fn curves_mut(&mut self) -> impl Iterator<Item = &mut CurveId> {
        let Self { lr, weight_decay, arguments, .. } = self;
        [lr, weight_decay].into_iter().chain(arguments).flatten()
    }
}

impl State {
    /// Before the first rule: everything trains, with the defaults.
    pub(crate) fn new(slices: usize, normalisations: usize, defaults: &ParamOptions) -> Self {
        let mut state = Self {
            trains: SliceSet::all(slices),
            kept: SliceSet::with_capacity(slices),
            options: Arc::default(),
            running: Vec::new(),
            stats: vec![defaults.stats.map(|stats| stats.value); normalisations],
        };
        let start = Time::default();
        let optimizer = defaults.optimizer.as_ref().map(|optimizer| &optimizer.value);
        let decay = defaults.weight_decay.as_ref();
        let options = SliceOptions {
            lr: defaults.lr_curve().map(|lr| state.begin(lr, start)),
            lr_factor: 1.0,
            weight_decay: decay.map(|decay| state.begin(&decay.value, start)),
            anchor: defaults.anchor.map_or(0.0, |anchor| anchor.value),
            optimizer: optimizer.map(|scheduled| scheduled.optimizer),
            arguments: optimizer
                .map(|scheduled| state.begin_arguments(scheduled, start))
                .unwrap_or_default(),
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

    /// A curve that options refer to.
    pub(crate) fn curve_at(&self, curve: Option<CurveId>) -> Option<&ActiveCurve> {
        self.running.get(curve?.index())
    }

    /// Begins a curve.
    pub(crate) fn begin(&mut self, curve: &Arc<ValueCurve>, now: Time) -> CurveId {
        self.running.push(ActiveCurve::new(Arc::clone(curve), now));
        CurveId::new(self.running.len() - 1)
    }

    /// Begins the curves of an optimizer's numbers.
    pub(crate) fn begin_arguments(
        &mut self,
        optimizer: &ScheduledOptimizer,
        now: Time,
    ) -> ArgumentCurves {
        let mut begun = ArgumentCurves::default();
        for (index, curve) in &optimizer.curves {
            if let Some(begun) = begun.get_mut(*index) {
                *begun = Some(self.begin(curve, now));
            }
        }
        begun
    }

    /// The curve of a slice's learning rate.
    pub(crate) fn curve(&self, slice: SliceId) -> Option<&ActiveCurve> {
        self.curve_at(self.options(slice)?.lr)
    }

    /// Whether two slices have the same options.
    pub(crate) fn agree(&self, one: SliceId, other: SliceId) -> bool {
        self.agrees_with(one, self, other)
    }

    /// Whether a slice has the options of a slice in another state.
    pub(crate) fn agrees_with(&self, slice: SliceId, of: &Self, other: SliceId) -> bool {
        let factor = |state: &Self, slice| state.options(slice).map(|options| options.lr_factor);
        factor(self, slice) == factor(of, other) && self.is_given_like(slice, of, other)
    }

    /// Whether a slice has the options of a slice in another state, but for factors of its rate.
    fn is_given_like(&self, slice: SliceId, of: &Self, other: SliceId) -> bool {
        let (Some(one), Some(another)) = (self.options(slice), of.options(other)) else {
            return false;
        };
        let same = |one: Option<CurveId>, another: Option<CurveId>| {
            self.curve_at(one).map(ActiveCurve::curve)
                == of.curve_at(another).map(ActiveCurve::curve)
        };
        (one.anchor, one.optimizer) == (another.anchor, another.optimizer)
            && same(one.lr, another.lr)
            && same(one.weight_decay, another.weight_decay)
            && one.arguments.iter().zip(&another.arguments).all(|(one, other)| same(*one, *other))
    }

    /// Whether a round of a `repeat` that begins in this state goes like one that begins in another.
    pub(crate) fn starts_like(&self, other: &Self) -> bool {
        (&self.trains, &self.kept, &self.stats) == (&other.trains, &other.kept, &other.stats)
            && ids(0..self.options.len()).all(|slice| self.is_given_like(slice, other, slice))
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
            for curve in options.curves_mut() {
                let Some(place) = places.get_mut(curve.index()) else { continue };
                let place = *place.get_or_insert_with(|| {
                    kept.extend(self.running.get(curve.index()).cloned());
                    CurveId::new(kept.len() - 1)
                });
                *curve = place;
            }
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
