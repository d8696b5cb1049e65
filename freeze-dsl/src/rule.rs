//! Rules with everything known but the state of the training: names looked up, loops unrolled,
//! numbers evaluated.

use std::sync::Arc;

use serde::Serialize;

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
    /// Whether neither it nor an action of it stands in a loop, so that an edit of its text
    /// mends it and nothing else.
    pub(crate) is_written_once: bool,
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Period {
    /// So many epochs.
    Epochs(f64),
    /// So many optimizer steps.
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
#[derive(Debug, Clone, PartialEq)]
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

    /// The options that it gives, where it can.
    pub(crate) const fn options(&self) -> Option<&Options> {
        match self {
            Self::On { options, .. } => Some(options),
            Self::Reset(_) | Self::Restore { .. } | Self::Stop => None,
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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Curve {
    /// Its pieces, one after another.
    pub(crate) pieces: Vec<Piece>,
    /// Whether what trains by it freezes at its end.
    pub(crate) then_freeze: bool,
}

/// One piece of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    /// Always the same.
    Hold(f64),
    /// From one value to another.
    Ramp {
        /// How.
        shape: Shape,
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
        /// How long it takes.
        over: Period,
        /// By what factor each round is longer than the one before, where it starts again and
        /// again.
        repeat: Option<f64>,
    },
    /// Multiplied again and again.
    Staircase {
        /// Where it begins.
        from: f64,
        /// What it is multiplied by,
        factor: f64,
        /// each time that this has passed,
        every: Period,
        /// and where it ends, if anywhere.
        to: Option<f64>,
    },
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
