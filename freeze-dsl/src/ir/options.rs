//! The options of parameters.

use std::sync::Arc;

use super::{LrCurve, Optimizer};
use crate::ast::Stats;
use crate::source::Spanned;

/// The options that an action or `default` sets; `None` leaves an option as it was.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParamOptions {
    pub(crate) lr: Option<Spanned<Arc<LrCurve>>>,
    pub(crate) weight_decay: Option<Spanned<f64>>,
    pub(crate) optimizer: Option<Spanned<Optimizer>>,
    pub(crate) stats: Option<Spanned<Stats>>,
}

impl ParamOptions {
    /// Takes over what newer options set.
    pub(crate) fn update(&mut self, newer: &Self) {
        self.lr = newer.lr.clone().or(self.lr.take());
        self.weight_decay = newer.weight_decay.or(self.weight_decay);
        self.optimizer = newer.optimizer.or(self.optimizer);
        self.stats = newer.stats.or(self.stats);
    }

    /// Whether it sets no option.
    pub(crate) const fn is_empty(&self) -> bool {
        self.lr.is_none()
            && self.weight_decay.is_none()
            && self.optimizer.is_none()
            && self.stats.is_none()
    }
}
