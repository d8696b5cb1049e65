//! Rules with everything known but the state of the training: names looked up, loops unrolled,
//! numbers evaluated.

use std::sync::Arc;

use crate::ast::{Best, Direction, Relation, Shape, Stats, Text, Verb};
use crate::optimizer::Optimizer;
use crate::select::Selection;
use crate::source::{Span, Spanned};
use crate::unroll::Turns;

/// A trigger and the actions that follow it.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its name, or its number in the text counted from 1.
    pub(crate) called: String,
    pub(crate) span: Span,
    pub(crate) trigger: Spanned<Vec<Spanned<Moment>>>,
    pub(crate) actions: Vec<Spanned<Action>>,
    /// The turns of the loops in which it stands, for messages.
    pub(crate) turns: Turns,
}

/// A moment of a trigger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Moment {
    Epoch(u64),
    Step(u64),
    /// A fraction of the run.
    At(f64),
    After(Period),
    Every(Period),
    When(Vec<Condition>),
}

/// A length of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Period {
    Epochs(f64),
    Steps(f64),
    /// A fraction of the run.
    Fraction(f64),
    /// All that is left of the run.
    Rest,
}

/// What a metric must do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) metric: Text,
    pub(crate) test: Test,
}

/// What a metric must do for a condition to hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Stops { direction: Direction, patience: Period, by: f64 },
    Compares { relation: Relation, bound: f64, lasting: Option<Period> },
}

/// What a rule does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    On {
        verb: Verb,
        targets: Spanned<Selection>,
        options: Options,
        keep_state: bool,
        /// Whether all of its options could be read.
        is_sure: bool,
    },
    Reset(Spanned<Selection>),
    Restore {
        best: Best,
        metric: Text,
    },
    Stop,
}

impl Action {
    /// What it acts on, where it acts on parameters.
    pub(crate) const fn targets(&self) -> Option<&Spanned<Selection>> {
        match self {
            Self::On { targets, .. } | Self::Reset(targets) => Some(targets),
            Self::Restore { .. } | Self::Stop => None,
        }
    }

    /// Whether it is this verb.
    pub(crate) fn is(&self, verb: Verb) -> bool {
        matches!(self, Self::On { verb: own, .. } if *own == verb)
    }
}

/// How parameters train; what is `None` stays as it was.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Options {
    pub(crate) lr: Option<Spanned<Arc<Curve>>>,
    pub(crate) weight_decay: Option<Spanned<f64>>,
    pub(crate) optimizer: Option<Spanned<Optimizer>>,
    pub(crate) stats: Option<Spanned<Stats>>,
}

/// A learning rate over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) then_freeze: bool,
}

/// One piece of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Piece {
    Hold(f64),
    Ramp { shape: Shape, from: f64, to: f64, over: Period, repeat: Option<f64> },
    Staircase { from: f64, factor: f64, every: Period, to: Option<f64> },
}

impl Curve {
    /// The one learning rate, where it never changes.
    pub(crate) fn constant(&self) -> Option<f64> {
        match self.pieces.as_slice() {
            [Piece::Hold(value)] if !self.then_freeze => Some(*value),
            _ => None,
        }
    }
}

impl Options {
    /// Takes over what newer options give.
    pub(crate) fn update(&mut self, newer: &Self) {
        self.lr = newer.lr.clone().or(self.lr.take());
        self.weight_decay = newer.weight_decay.or(self.weight_decay);
        self.optimizer = newer.optimizer.or(self.optimizer);
        self.stats = newer.stats.or(self.stats);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.lr.is_none()
            && self.weight_decay.is_none()
            && self.optimizer.is_none()
            && self.stats.is_none()
    }
}
