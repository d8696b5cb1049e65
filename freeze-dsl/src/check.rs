//! Checks that every rule can fire, and none of them late.

use crate::diagnostic::{Code, Diagnostic};
use crate::policy::Length;
use crate::rule::{Action, Moment, Period, Rule};
use crate::source::Span;
use crate::time::float;
use crate::unroll::{Unrolled, in_turns};

/// The earliest moment at which something can happen, in each unit: how many epochs, and how
/// many steps, must be done by then. Zero where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Earliest {
    epochs: f64,
    steps: f64,
}

/// Tells rules that can never fire, and moments that are past when their turn comes.
pub(crate) fn order(unrolled: &Unrolled, found: &mut Vec<Diagnostic>) {
    let mut before = Earliest { epochs: 0.0, steps: 0.0 };
    let mut stopped: Option<Span> = None;
    let mut unbounded: Option<Span> = None;
    let mut previous: Option<&Rule> = None;
    for rule in &unrolled.rules {
        let mut tell = |finding| found.push(in_turns(finding, &rule.turns));
        after_stop_within(rule, &mut tell);
        if let Some(stop) = stopped {
            tell(never(rule).also(stop, "training is over here"));
            continue;
        }
        if let Some(previous) = previous {
            past_moments(rule, previous, before, unrolled.run.map(|run| run.value), &mut tell);
        }
        if let Some(when) = unbounded
            && let Some(moment) = rule.trigger.iter().find(|moment| is_absolute(&moment.value))
        {
            tell(
                Diagnostic::new(
                    Code::FRZ0307,
                    moment.span,
                    "this rule may fire late: the one before it has no latest moment",
                )
                .label("this may be past when the rule before it fires")
                .also(when, "this may come at any time, or never")
                .note("give the rule before it a latest moment, as in `when … or epoch 5`"),
            );
            unbounded = None;
        }
        let fires = earliest(rule, before, unrolled.run.map(|run| run.value));
        match unrolled.run.filter(|run| is_over(run.value, fires)) {
            // The rules behind it wait for it in vain; it is told once, where it can be mended.
            Some(run) => tell(never(rule).also(run.span, "the run is over before")),
            None => before = fires,
        }
        if !rule.trigger.is_empty()
            && rule.trigger.iter().all(|moment| matches!(moment.value, Moment::When(_)))
        {
            unbounded = Some(rule.trigger.span);
        }
        stopped = rule.actions.iter().find(|it| matches!(it.value, Action::Stop)).map(|a| a.span);
        previous = Some(rule);
    }
}

fn is_absolute(moment: &Moment) -> bool {
    matches!(moment, Moment::Epoch(_) | Moment::Step(_) | Moment::At(_))
}

fn never(rule: &Rule) -> Diagnostic {
    Diagnostic::new(Code::FRZ0302, rule.trigger.span, "this rule can never fire")
        .label("this moment never comes")
}

/// Actions behind a `stop` of the same rule.
fn after_stop_within(rule: &Rule, tell: &mut impl FnMut(Diagnostic)) {
    let mut stop = None;
    for action in &rule.actions {
        match stop {
            Some(place) => tell(
                Diagnostic::new(Code::FRZ0302, action.span, "nothing may follow `stop`")
                    .label("this can never happen")
                    .also(place, "training is over here"),
            ),
            None if matches!(action.value, Action::Stop) => stop = Some(action.span),
            None => {}
        }
    }
}

/// Moments that are past whenever the rule before fires.
fn past_moments(
    rule: &Rule,
    previous: &Rule,
    before: Earliest,
    run: Option<Length>,
    tell: &mut impl FnMut(Diagnostic),
) {
    for moment in &rule.trigger.value {
        let (past, unit, earliest) = match (&moment.value, run) {
            (Moment::Epoch(at), _) => {
                (float(*at) < before.epochs.floor(), "epoch", before.epochs.floor())
            }
            (Moment::Step(at), _) => (float(*at) < before.steps, "step", before.steps),
            (Moment::At(part), Some(Length::Epochs(run))) => {
                (part * float(run) < before.epochs, "epoch", before.epochs)
            }
            (Moment::At(part), Some(Length::Steps(run))) => {
                (part * float(run) < before.steps, "step", before.steps)
            }
            _ => (false, "", 0.0),
        };
        if past {
            let message = format!(
                "this moment is past when the rule before it fires, at {unit} {} at the earliest",
                earliest.ceil()
            );
            tell(
                Diagnostic::new(Code::FRZ0301, moment.span, message)
                    .label("rules fire in the order in which they are written")
                    .also(previous.trigger.span, "the rule before waits for this"),
            );
        }
    }
}

/// When a rule can fire, given when the one before it can.
fn earliest(rule: &Rule, before: Earliest, run: Option<Length>) -> Earliest {
    let of_moment = |moment: &Moment| match moment {
        Moment::Epoch(at) => Earliest { epochs: before.epochs.max(float(*at)), ..before },
        Moment::Step(at) => Earliest { steps: before.steps.max(float(*at)), ..before },
        Moment::At(part) => match run {
            Some(Length::Epochs(run)) => {
                Earliest { epochs: before.epochs.max(part * float(run)), ..before }
            }
            Some(Length::Steps(run)) => {
                Earliest { steps: before.steps.max(part * float(run)), ..before }
            }
            None => before,
        },
        Moment::After(period) | Moment::Every(period) => later(before, *period, run),
        Moment::When(_) => before,
    };
    rule.trigger
        .iter()
        .map(|moment| of_moment(&moment.value))
        .reduce(|one, other| Earliest {
            epochs: one.epochs.min(other.epochs),
            steps: one.steps.min(other.steps),
        })
        .unwrap_or(before)
}

fn later(before: Earliest, period: Period, run: Option<Length>) -> Earliest {
    let epochs = |more: f64| Earliest { epochs: before.epochs + more, ..before };
    let steps = |more: f64| Earliest { steps: before.steps + more, ..before };
    match (period, run) {
        (Period::Epochs(more), _) => epochs(more),
        (Period::Steps(more), _) => steps(more),
        // Rounded to steps, a part may come half a step early, which is half an epoch at most.
        (Period::Fraction(part), Some(Length::Epochs(run))) => {
            epochs((part * float(run) - 0.5).max(0.0))
        }
        (Period::Fraction(part), Some(Length::Steps(run))) => steps((part * float(run)).round()),
        (Period::Rest, Some(Length::Epochs(run))) => Earliest { epochs: float(run), ..before },
        (Period::Rest, Some(Length::Steps(run))) => Earliest { steps: float(run), ..before },
        (Period::Fraction(_) | Period::Rest, None) => before,
    }
}

fn is_over(run: Length, at: Earliest) -> bool {
    match run {
        Length::Epochs(epochs) => at.epochs >= float(epochs),
        Length::Steps(steps) => at.steps >= float(steps),
    }
}
