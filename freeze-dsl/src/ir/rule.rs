//! Rules and their actions.

use super::{LoopTrace, ParamOptions, RunLength, Sequence, TriggerMoment};
use crate::ast::{Best, Text, Verb};
use crate::diagnostic::Reported;
use crate::select::Selection;
use crate::source::{Span, Spanned};

/// A policy, lowered.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoweredPolicy {
    pub(crate) run: Option<Spanned<RunLength>>,
    pub(crate) defaults: ParamOptions,
    /// The main sequence, and the tracks in the order of the text.
    pub(crate) sequences: Vec<Sequence>,
    /// The rules of all sequences, one sequence after another.
    pub(crate) rules: Vec<LoweredRule>,
    /// Whether the number of rules is unknown, because it depends on a model or on a number that
    /// is missing.
    pub(crate) is_open: bool,
}

/// A trigger and the actions that follow it.
#[derive(Debug, Clone)]
pub(crate) struct LoweredRule {
    /// Its name, or its number in its sequence counted from 1; that of a track's rule begins with
    /// the track's name.
    pub(crate) name: String,
    pub(crate) span: Span,
    /// The rule fires at the first of these moments.
    pub(crate) trigger: Spanned<Vec<Spanned<TriggerMoment>>>,
    pub(crate) actions: Vec<Spanned<LoweredAction>>,
    /// Whether neither it nor any of its actions is in a loop, so that an edit of its text
    /// changes nothing else.
    pub(crate) is_written_once: bool,
    /// The loop turns that it comes from, for messages.
    pub(crate) trace: LoopTrace,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LoweredAction {
    On {
        verb: Verb,
        targets: Spanned<Selection>,
        options: ParamOptions,
        keep_state: bool,
        /// A finding about its options, if there is one: then some of them may be missing.
        reported: Option<Reported>,
    },
    Reset(Spanned<Selection>),
    Restore {
        best: Best,
        metric: Text,
    },
    Stop,
}

impl LoweredRule {
    /// Whether it fires whenever the rule before it fires, at the same moment.
    pub(crate) fn fires_with(&self, before: &Self) -> bool {
        before
            .trigger
            .iter()
            .all(|moment| self.trigger.iter().any(|own| own.value.is_reached_at(&moment.value)))
    }

    /// Whether training is over when it has fired.
    pub(crate) fn stops(&self) -> bool {
        self.actions.iter().any(|action| matches!(action.value, LoweredAction::Stop))
    }

    /// Whether it fires before the first step.
    pub(crate) fn fires_at_once(&self) -> bool {
        self.trigger.iter().any(|moment| moment.value.is_start())
    }
}

impl LoweredAction {
    /// The parameters that it acts on, if it acts on parameters.
    pub(crate) const fn targets(&self) -> Option<&Spanned<Selection>> {
        match self {
            Self::On { targets, .. } | Self::Reset(targets) => Some(targets),
            Self::Restore { .. } | Self::Stop => None,
        }
    }

    /// The options that it sets, if it can set any.
    pub(crate) const fn options(&self) -> Option<&ParamOptions> {
        match self {
            Self::On { options, .. } => Some(options),
            Self::Reset(_) | Self::Restore { .. } | Self::Stop => None,
        }
    }

    /// Whether its verb is this one.
    pub(crate) fn is(&self, verb: Verb) -> bool {
        matches!(self, Self::On { verb: own, .. } if *own == verb)
    }
}
