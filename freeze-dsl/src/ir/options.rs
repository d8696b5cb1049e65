//! The options of parameters.

use std::sync::Arc;

use super::{Optimizer, ValueCurve};
use crate::ast::Stats;
use crate::source::Spanned;

/// The options that an action or `default` sets; `None` leaves an option as it was.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParamOptions {
    pub(crate) lr: Option<Spanned<LrOption>>,
    pub(crate) weight_decay: Option<Spanned<Arc<ValueCurve>>>,
    pub(crate) anchor: Option<Spanned<f64>>,
    pub(crate) optimizer: Option<Spanned<Arc<ScheduledOptimizer>>>,
    pub(crate) stats: Option<Spanned<Stats>>,
}

/// What an action says about a learning rate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LrOption {
    /// It follows this curve.
    Curve(Arc<ValueCurve>),
    /// What it follows is multiplied.
    Times(LrTimes),
}

/// A factor of the learning rate in force.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LrTimes {
    pub(crate) factor: f64,
    /// The learning rate beyond which it does not lead.
    pub(crate) to: Option<f64>,
}

/// An optimizer, some of whose numbers follow curves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScheduledOptimizer {
    /// With the first value of each curve.
    pub(crate) optimizer: Optimizer,
    /// The curves, each with the index of its argument.
    pub(crate) curves: Vec<(usize, Arc<ValueCurve>)>,
}

/// What follows a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CurveUse {
    /// The learning rate.
    Lr,
    /// The weight decay.
    WeightDecay,
    /// An argument of the optimizer, by its index.
    Argument(usize),
}

impl ParamOptions {
    /// Takes over what newer options set.
    pub(crate) fn update(&mut self, newer: &Self) {
        self.lr = newer.lr.clone().or(self.lr.take());
        self.weight_decay = newer.weight_decay.clone().or(self.weight_decay.take());
        self.anchor = newer.anchor.or(self.anchor);
        self.optimizer = newer.optimizer.clone().or(self.optimizer.take());
        self.stats = newer.stats.or(self.stats);
    }

    /// Whether it sets no option.
    pub(crate) const fn is_empty(&self) -> bool {
        self.lr.is_none()
            && self.weight_decay.is_none()
            && self.anchor.is_none()
            && self.optimizer.is_none()
            && self.stats.is_none()
    }

    /// The curve of the learning rate, if it sets one.
    pub(crate) fn lr_curve(&self) -> Option<&Arc<ValueCurve>> {
        match &self.lr.as_ref()?.value {
            LrOption::Curve(curve) => Some(curve),
            LrOption::Times(_) => None,
        }
    }

    /// The factor of the learning rate, if it sets one.
    pub(crate) fn lr_times(&self) -> Option<LrTimes> {
        match self.lr.as_ref()?.value {
            LrOption::Curve(_) => None,
            LrOption::Times(times) => Some(times),
        }
    }

    /// Every curve that it begins, with what follows it.
    pub(crate) fn curves(&self) -> impl Iterator<Item = (CurveUse, &Arc<ValueCurve>)> {
        let lr = self.lr_curve().map(|curve| (CurveUse::Lr, curve));
        let decay = self.weight_decay.as_ref().map(|it| (CurveUse::WeightDecay, &it.value));
        let arguments = self.optimizer.iter().flat_map(|optimizer| &optimizer.value.curves);
        let arguments = arguments.map(|(index, curve)| (CurveUse::Argument(*index), curve));
        lr.into_iter().chain(decay).chain(arguments)
    }
}

impl LrTimes {
    /// The factor that follows `factor`, where `factor` times `rate` is the learning rate so far.
    /// Without a known rate, its bound does not apply.
    pub(crate) fn after(self, factor: f64, rate: Option<f64>) -> f64 {
        let product = (factor * self.factor).min(f64::MAX);
        let Some((rate, to)) = rate.zip(self.to) else { return product };
        let lr = rate * factor;
        let (is_beyond, leads_beyond) = if self.factor < 1.0 {
            (lr <= to, rate * product < to)
        } else {
            (lr >= to, rate * product > to)
        };
        if lr == 0.0 || is_beyond {
            factor
        } else if leads_beyond {
            to / rate
        } else {
            product
        }
    }
}

impl ScheduledOptimizer {
    /// What is wrong with `nesterov` at any moment, if anything.
    pub(crate) fn nesterov_fault(&self) -> Option<&'static str> {
        let ends = self.curves.iter().flat_map(|(index, curve)| {
            curve.ends().map(|value| self.optimizer.with_number(*index, value))
        });
        std::iter::once(self.optimizer).chain(ends).find_map(|it| it.nesterov_fault())
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::LrTimes;

    #[test]
    fn a_factor_leads_to_its_bound_and_not_beyond() {
        let falls = LrTimes { factor: 0.5, to: Some(1.0) };
        assert_eq!(falls.after(1.0, Some(8.0)), 0.5);
        assert_eq!(falls.after(0.5, Some(8.0)), 0.25);
        assert_eq!(falls.after(0.1875, Some(8.0)), 0.125);
        // At the bound, beyond it, and at 0 it stays.
        assert_eq!(falls.after(0.125, Some(8.0)), 0.125);
        assert_eq!(falls.after(0.0625, Some(8.0)), 0.0625);
        assert_eq!(falls.after(0.25, Some(0.0)), 0.25);
        // Without a bound, or without a rate, nothing stops it.
        assert_eq!(falls.after(0.125, None), 0.0625);
        assert_eq!(LrTimes { factor: 0.5, to: None }.after(0.125, Some(0.0)), 0.0625);
        let grows = LrTimes { factor: 4.0, to: Some(1.0) };
        assert_eq!(grows.after(1.0, Some(0.5)), 2.0);
        assert_eq!(grows.after(1.0, Some(0.125)), 4.0);
        assert_eq!(grows.after(16.0, Some(0.125)), 16.0);
        assert_eq!(LrTimes { factor: 4.0, to: None }.after(f64::MAX, None), f64::MAX);
    }
}
