//! When a rule fires.

use super::Period;
use crate::ast::{Direction, Relation, Text};

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
}

/// A condition on one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricCondition {
    pub(crate) metric: Text,
    pub(crate) test: MetricTest,
}

/// What the metric of a condition must do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetricTest {
    Stops { direction: Direction, patience: Period, by: f64 },
    Compares { relation: Relation, bound: f64, lasting: Option<Period> },
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

    /// Whether it is before the first step.
    pub(super) fn is_start(&self) -> bool {
        match self {
            Self::Epoch(at) | Self::Step(at) => *at == 0,
            Self::At(fraction) => *fraction <= 0.0,
            Self::After(_) | Self::Every(_) | Self::When(_) => false,
        }
    }
}
