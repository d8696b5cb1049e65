//! When a rule fires.

use super::Period;
use crate::ast::{Direction, Relation, Text};
use crate::select::Selection;

/// One of the moments that a trigger joins with `or`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TriggerMoment {
    Epoch(u64),
    Step(u64),
    /// A fraction of the run.
    At(f64),
    After(Period),
    Every(Period),
    When(Vec<MetricCondition>),
    /// Each time that the conditions come true.
    Whenever(Vec<MetricCondition>),
}

/// A condition on one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricCondition {
    /// Its name, which is that of its column in a table of metrics.
    pub(crate) metric: Text,
    /// The parameters of whose gradients it is the norm, where the runtime observes it by itself.
    pub(crate) grad_norm_of: Option<Selection>,
    pub(crate) test: MetricTest,
}

/// What the metric of a condition must do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetricTest {
    Stops { direction: Direction, patience: Period, by: Margin },
    Compares { relation: Relation, bound: f64, lasting: Option<Period> },
}

/// By how much a value must be better than the best to be an improvement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Margin {
    /// By more than this.
    Absolute(f64),
    /// By more than this fraction of the best.
    Relative(f64),
}

impl Margin {
    /// Whether `value` is an improvement of `best`. For positive values, computed as by
    /// [`ReduceLROnPlateau`].
    ///
    /// [`ReduceLROnPlateau`]: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
    pub(crate) fn improves(self, value: f64, best: f64, direction: Direction) -> bool {
        match (self, direction) {
            (Self::Absolute(by), Direction::Falling) => value < best - by,
            (Self::Absolute(by), Direction::Rising) => value > best + by,
            // A negative best moves away from 0 as it falls, and towards 0 as it rises.
            (Self::Relative(part), Direction::Falling) => {
                value < best * if best < 0.0 { 1.0 + part } else { 1.0 - part }
            }
            (Self::Relative(part), Direction::Rising) => {
                value > best * if best < 0.0 { 1.0 - part } else { 1.0 + part }
            }
        }
    }
}

impl TriggerMoment {
    /// Whether it has been reached whenever `other` has.
    pub(super) const fn is_reached_at(&self, other: &Self) -> bool {
        match (other, self) {
            (_, Self::Epoch(0) | Self::Step(0)) => true,
            (Self::Epoch(other), Self::Epoch(own)) | (Self::Step(other), Self::Step(own)) => {
                *own <= *other
            }
            _ => false,
        }
    }

    /// The same without the parameters that it observes, which another model may have others of.
    pub(crate) fn without_targets(&self) -> Self {
        let without = |conditions: &[MetricCondition]| {
            let without =
                |it: &MetricCondition| MetricCondition { grad_norm_of: None, ..it.clone() };
            conditions.iter().map(without).collect()
        };
        match self {
            Self::When(conditions) => Self::When(without(conditions)),
            Self::Whenever(conditions) => Self::Whenever(without(conditions)),
            other => other.clone(),
        }
    }

    /// The conditions that it waits for.
    pub(crate) fn conditions(&self) -> &[MetricCondition] {
        match self {
            Self::When(conditions) | Self::Whenever(conditions) => conditions,
            _ => &[],
        }
    }

    /// Whether it fires its rule again.
    pub(crate) const fn recurs(&self) -> bool {
        matches!(self, Self::Every(_) | Self::Whenever(_))
    }

    /// Whether it is before the first step.
    pub(super) fn is_start(&self) -> bool {
        match self {
            Self::Epoch(at) | Self::Step(at) => *at == 0,
            Self::At(fraction) => *fraction <= 0.0,
            Self::After(_) | Self::Every(_) | Self::When(_) | Self::Whenever(_) => false,
        }
    }
}

impl MetricTest {
    /// How long it must hold, if it is not for a moment only.
    pub(crate) const fn duration(&self) -> Option<Period> {
        match self {
            Self::Stops { patience, .. } => Some(*patience),
            Self::Compares { lasting, .. } => *lasting,
        }
    }
}
