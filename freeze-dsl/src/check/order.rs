//! Checks that every rule can fire, and none of them late.

use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Action, Length, Moment, Policy, Rule};
use crate::source::{Span, Spanned};

/// The earliest moment at which something can happen, in each unit: how many epochs, and how
/// many steps, must be done by then. Zero where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Earliest {
    epochs: f64,
    steps: f64,
}

pub(crate) fn order(policy: &Policy, found: &mut Vec<Diagnostic>) {
    let mut before = Earliest { epochs: 0.0, steps: 0.0 };
    let mut stopped: Option<Span> = None;
    for (index, rule) in policy.rules().iter().enumerate() {
        after_stop_within(rule, found);
        if let Some(stop) = stopped {
            found
                .push(never(rule).label("this can never fire").also(stop, "training is over here"));
            continue;
        }
        if index > 0 {
            past_moments(policy, index, before, found);
        }
        let fires = earliest(policy, rule, before);
        match policy.parts().run.filter(|run| is_over(run.value, fires)) {
            // The rules behind it wait for it in vain; it is told once, where it can be mended.
            Some(run) => found.push(
                never(rule).label("this can never fire").also(run.span, "the run is over before"),
            ),
            None => before = fires,
        }
        stopped = rule.actions.iter().find(|action| action.value == Action::Stop).map(|a| a.span);
    }
}

fn never(rule: &Rule) -> Diagnostic {
    Diagnostic::new(Code::FRZ0302, rule.trigger.span, "this rule can never fire")
}

/// Actions behind a `stop` of the same rule.
fn after_stop_within(rule: &Rule, found: &mut Vec<Diagnostic>) {
    let mut stop = None;
    for action in rule.actions.iter() {
        match stop {
            Some(place) => found.push(
                Diagnostic::new(Code::FRZ0302, action.span, "nothing may follow `stop`")
                    .label("this can never happen")
                    .also(place, "training is over here"),
            ),
            None if action.value == Action::Stop => stop = Some(action.span),
            None => {}
        }
    }
}

/// Moments that are past whenever the rule before fires.
fn past_moments(policy: &Policy, index: usize, before: Earliest, found: &mut Vec<Diagnostic>) {
    let (Some(rule), Some(previous)) =
        (policy.rules().get(index), policy.rules().get(index.saturating_sub(1)))
    else {
        return;
    };
    for moment in rule.trigger.iter() {
        let (past, unit, earliest) = match moment.value {
            Moment::Epoch(at) => (float(at) < before.epochs, "epoch", before.epochs),
            Moment::Step(at) => (float(at) < before.steps, "step", before.steps),
            Moment::After(_) | Moment::AfterFraction(_) => (false, "", 0.0),
        };
        if past {
            found.push(
                Diagnostic::new(
                    Code::FRZ0301,
                    moment.span,
                    format!(
                        "this moment is past when the rule before it fires, at {unit} {} at the earliest",
                        earliest.ceil()
                    ),
                )
                .label("rules fire in the order in which they are written")
                .also(previous.trigger.span, "the rule before waits for this"),
            );
        }
    }
}

/// When a rule can fire, given when the one before it can.
fn earliest(policy: &Policy, rule: &Spanned<Rule>, before: Earliest) -> Earliest {
    let of_moment = |moment: Moment| match moment {
        Moment::Epoch(at) => Earliest { epochs: before.epochs.max(float(at)), ..before },
        Moment::Step(at) => Earliest { steps: before.steps.max(float(at)), ..before },
        Moment::After(length) => later(before, length, 1.0),
        Moment::AfterFraction(fraction) => {
            policy.run().map_or(before, |run| later(before, run, fraction))
        }
    };
    rule.trigger
        .iter()
        .map(|moment| of_moment(moment.value))
        .reduce(|one, other| Earliest {
            epochs: one.epochs.min(other.epochs),
            steps: one.steps.min(other.steps),
        })
        .unwrap_or(before)
}

fn later(before: Earliest, length: Length, part: f64) -> Earliest {
    match length {
        Length::Epochs(epochs) => {
            Earliest { epochs: before.epochs + part * float(epochs), ..before }
        }
        Length::Steps(steps) => Earliest { steps: before.steps + part * float(steps), ..before },
    }
}

fn is_over(run: Length, at: Earliest) -> bool {
    match run {
        Length::Epochs(epochs) => at.epochs >= float(epochs),
        Length::Steps(steps) => at.steps >= float(steps),
    }
}

#[expect(clippy::cast_precision_loss, reason = "moments are below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}
