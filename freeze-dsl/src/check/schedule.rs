//! Checks that every rule can fire, and none of them late.

use std::collections::HashMap;

use super::reorder::moved_up;
use crate::ast::Relation;
use crate::diagnostic::{
    Applicability, Code, Diagnostic, DiagnosticSink, Edit, Suggestion, removal, short_number,
};
use crate::ir::{
    LoweredAction, LoweredPolicy, LoweredRule, MetricCondition, MetricTest, Period, RunLength,
    TriggerMoment,
};
use crate::source::{Span, Spanned};
use crate::time::{float, part_of};

/// The earliest moment at which something can happen, in each unit: how many epochs, and how
/// many steps, must be done by then. Zero where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Earliest {
    epochs: f64,
    steps: f64,
}

/// Reports rules that can never fire, and moments that are past when their rule can fire, in each
/// sequence by itself.
pub(crate) fn schedule(lowered: &LoweredPolicy, text: &str, sink: &mut DiagnosticSink) {
    for of in &lowered.sequences {
        let rules = lowered.rules.get(of.rules.clone()).unwrap_or_default();
        let repeat = of.repeat.map_or(rules.len(), |first| first - of.rules.start);
        sequence(rules, repeat, lowered.run, text, sink);
    }
}

/// Checks the rules of a sequence, of which those from `repeat` on are repeated.
fn sequence(
    rules: &[LoweredRule],
    repeat: usize,
    run: Option<Spanned<RunLength>>,
    text: &str,
    sink: &mut DiagnosticSink,
) {
    let mut before = Earliest { epochs: 0.0, steps: 0.0 };
    let mut stopped: Option<Span> = None;
    let mut unbounded: Option<Span> = None;
    let mut previous: Option<&LoweredRule> = None;
    for (index, rule) in rules.iter().enumerate() {
        // An edit looks at all rules before it, and a finding that is not kept needs none.
        let explains = !sink.is_full(Code::PastMoment);
        let mut report = |finding| {
            rule.trace.report(finding, sink);
        };
        after_stop_within(rule, text, &mut report);
        never_true(rule, &mut report);
        // In a loop, an edit for one turn would be made for all of them.
        let is_alone = rule.trace.is_empty();
        if let Some(stop) = stopped {
            let (before, after) = rules.split_at_checked(index).unwrap_or_default();
            let finding = never(rule).also(stop, "training is over here");
            let moved = moved_up(rule, before, text).filter(|_| !rule.stops());
            report(match moved.or_else(|| without_all(after, text)) {
                Some(suggestion) => finding.with(suggestion),
                None => finding,
            });
            // The rules after it never fire for the same reason.
            break;
        }
        if index >= repeat {
            once_only(rule, &mut report);
        } else if let Some(previous) = previous {
            let earlier = rules.get(..index).filter(|_| explains);
            let moved = || moved_up(rule, earlier?, text);
            past_moments(rule, previous, before, run.map(|run| run.value), moved, &mut report);
        }
        let fires = earliest(rule, before, run.map(|run| run.value));
        let is_late = run.is_some_and(|run| is_over(run.value, fires));
        // That a moment never comes, or never again, is reported by itself.
        if let Some(when) = unbounded
            && index < repeat
            && !is_late
            && let Some(moment) = rule.trigger.iter().find(|moment| is_absolute(&moment.value))
        {
            let is_next = previous.is_some_and(|it| it.trigger.span == when && it.trace.is_empty());
            let latest = text.get(moment.span.range()).filter(|_| is_alone && is_next);
            report(
                Diagnostic::new(
                    Code::UnboundedWait,
                    moment.span,
                    "this rule may fire late: the one before it has no latest moment",
                )
                .label("this may be past when the rule before it fires")
                .also(when, "this may come at any time, or never")
                .note("add a latest moment to the rule before it, as in `when … or epoch 5`")
                .guess(
                    "let the rule before it wait no longer than that",
                    latest.map(|latest| (Span::new(when.end, when.end), format!(" or {latest}"))),
                ),
            );
            unbounded = None;
        }
        match run.filter(|_| is_late) {
            // The rules after it never fire either; it is reported once, where it can be fixed.
            Some(run) => {
                let last = last_moment(rule, run.value, before);
                report(
                    never(rule)
                        .also(run.span, "the run is over before")
                        .guess("let it fire at the end of the run", last),
                );
            }
            None => before = fires,
        }
        if !rule.trigger.is_empty()
            && rule.trigger.iter().all(|moment| !moment.value.conditions().is_empty())
        {
            unbounded = Some(rule.trigger.span);
        }
        stopped =
            rule.actions.iter().find(|it| matches!(it.value, LoweredAction::Stop)).map(|a| a.span);
        previous = Some(rule);
    }
}

fn is_absolute(moment: &TriggerMoment) -> bool {
    matches!(moment, TriggerMoment::Epoch(_) | TriggerMoment::Step(_) | TriggerMoment::At(_))
}

fn never(rule: &LoweredRule) -> Diagnostic {
    Diagnostic::new(Code::NeverFires, rule.trigger.span, "this rule can never fire")
        .label("this moment never comes")
}

/// Moments of a repeated rule that come once in a run.
fn once_only(rule: &LoweredRule, report: &mut impl FnMut(Diagnostic)) {
    for moment in rule.trigger.iter().filter(|moment| is_absolute(&moment.value)) {
        report(
            Diagnostic::new(Code::CannotRecur, moment.span, "this moment cannot come again")
                .label("a `repeat` goes through its rules again and again, and this comes once")
                .note("count from the rule before, as in `after 2 epochs`, or wait for a metric"),
        );
    }
}

/// The edits that leave out some rules, none of which is in a loop.
fn without_all(rules: &[LoweredRule], text: &str) -> Option<Suggestion> {
    let removal = |rule: &LoweredRule| {
        let span = removal::of_statement(text, rule.span).filter(|_| rule.trace.is_empty())?;
        Some(Edit { span, text: String::new() })
    };
    let message = if rules.len() == 1 { "leave it out" } else { "leave out what follows `stop`" };
    let mut edits = rules.iter().map(removal).collect::<Option<Vec<Edit>>>()?;
    // The removals of neighbours may share the space between them.
    let mut end = 0;
    for edit in &mut edits {
        edit.span.start = edit.span.start.max(end);
        end = edit.span.end;
    }
    let (message, applicability) = (message.to_owned(), Applicability::Maybe);
    Some(Suggestion { message, applicability, edits })
}

/// The last moment of the run at which a rule can fire, in the place of its own.
fn last_moment(rule: &LoweredRule, run: RunLength, before: Earliest) -> Option<(Span, String)> {
    let [moment] = &rule.trigger.value[..] else { return None };
    let (last, unit, earliest) = match (&moment.value, run) {
        (TriggerMoment::Epoch(_), RunLength::Epochs(run)) => {
            (run.checked_sub(1)?, "epoch", before.epochs)
        }
        (TriggerMoment::Step(_), RunLength::Steps(run)) => {
            (run.checked_sub(1)?, "step", before.steps)
        }
        _ => return None,
    };
    let fits = rule.trace.is_empty() && earliest <= float(last);
    fits.then(|| (moment.span, format!("{unit} {last}")))
}

/// Comparisons of one metric that exclude each other.
fn never_true(rule: &LoweredRule, report: &mut impl FnMut(Diagnostic)) {
    for moment in &rule.trigger.value {
        let conditions = moment.value.conditions();
        // The lowest and the highest value at which all of them hold, and whether these count.
        let mut bounds: HashMap<&str, [(f64, bool); 2]> = HashMap::new();
        for MetricCondition { metric, test, .. } in conditions {
            let MetricTest::Compares { relation, bound, .. } = *test else { continue };
            let all = [(f64::NEG_INFINITY, true), (f64::INFINITY, true)];
            let [low, high] = bounds.entry(metric).or_insert(all);
            let includes = matches!(relation, Relation::AtLeast | Relation::AtMost);
            match relation {
                Relation::Above | Relation::AtLeast if bound >= low.0 => {
                    *low = (bound, includes && (bound > low.0 || low.1));
                }
                Relation::Below | Relation::AtMost if bound <= high.0 => {
                    *high = (bound, includes && (bound < high.0 || high.1));
                }
                _ => {}
            }
            // A bound that is not finite has a finding of its own.
            let are_bounds = low.0 < f64::INFINITY && high.0 > f64::NEG_INFINITY;
            if are_bounds && (low.0 > high.0 || low.0 >= high.0 && !(low.1 && high.1)) {
                let message = format!("`{metric}` can never satisfy all of these conditions");
                report(
                    Diagnostic::new(Code::NeverFires, moment.span, message)
                        .label("conditions joined by `and` hold at the same time")
                        .note("write `or when` between them if one of them is enough"),
                );
                return;
            }
        }
    }
}

/// Actions after a `stop` in the same rule.
fn after_stop_within(rule: &LoweredRule, text: &str, report: &mut impl FnMut(Diagnostic)) {
    let mut stop = None;
    for action in &rule.actions {
        match stop {
            Some(place) => report(
                Diagnostic::new(Code::NeverFires, action.span, "nothing may follow `stop`")
                    .label("this can never happen")
                    .also(place, "training is over here")
                    .guess_without(
                        "leave it out",
                        removal::of_element(text, action.span).filter(|_| rule.is_written_once),
                    ),
            ),
            None if matches!(action.value, LoweredAction::Stop) => stop = Some(action.span),
            None => {}
        }
    }
}

/// Moments that are past whenever the rule before fires.
fn past_moments(
    rule: &LoweredRule,
    previous: &LoweredRule,
    before: Earliest,
    run: Option<RunLength>,
    moved: impl Fn() -> Option<Suggestion>,
    report: &mut impl FnMut(Diagnostic),
) {
    for moment in &rule.trigger.value {
        let (past, unit, earliest) = match (&moment.value, run) {
            (TriggerMoment::Epoch(at), _) => {
                (float(*at) < before.epochs.floor(), "epoch", before.epochs.floor())
            }
            (TriggerMoment::Step(at), _) => (float(*at) < before.steps, "step", before.steps),
            (TriggerMoment::At(part), Some(RunLength::Epochs(run))) => {
                (part_of(run, *part) < before.epochs, "epoch", before.epochs)
            }
            (TriggerMoment::At(part), Some(RunLength::Steps(run))) => {
                (part_of(run, *part).round() < before.steps, "step", before.steps)
            }
            _ => (false, "", 0.0),
        };
        if past {
            // A part of the run may be a whole number but for its rounding.
            let earliest = short_number(earliest).ceil();
            let message = format!(
                "this moment is past when the rule before it fires, at {unit} {earliest} at the \
                 earliest"
            );
            let finding = Diagnostic::new(Code::PastMoment, moment.span, message)
                .label("rules fire in the order in which they are written")
                .also(previous.trigger.span, "the rule before waits for this");
            report(match moved() {
                // In its place, a `stop` would end the run before the other rules fire.
                _ if rule.stops() => finding.note(format!(
                    "write `{unit} {earliest}` or later for the rules before it to fire as well, or \
                     leave out those that fire after it"
                )),
                Some(moved) => finding.with(moved),
                None => finding.guess(
                    "let it fire together with the rule before it",
                    rule.trace.is_empty().then(|| (moment.span, format!("{unit} {earliest}"))),
                ),
            });
        }
    }
}

/// When a rule can fire, given when the one before it can.
fn earliest(rule: &LoweredRule, before: Earliest, run: Option<RunLength>) -> Earliest {
    let of_moment = |moment: &TriggerMoment| match moment {
        TriggerMoment::Epoch(at) => Earliest { epochs: before.epochs.max(float(*at)), ..before },
        TriggerMoment::Step(at) => Earliest { steps: before.steps.max(float(*at)), ..before },
        TriggerMoment::At(part) => match run {
            Some(RunLength::Epochs(run)) => {
                Earliest { epochs: before.epochs.max(part_of(run, *part)), ..before }
            }
            Some(RunLength::Steps(run)) => {
                Earliest { steps: before.steps.max(part_of(run, *part).round()), ..before }
            }
            None => before,
        },
        TriggerMoment::After(period) | TriggerMoment::Every(period) => later(before, *period, run),
        // All of them must hold.
        TriggerMoment::When(conditions) | TriggerMoment::Whenever(conditions) => {
            conditions.iter().fold(before, |latest, condition| {
                let holds = lasting(&condition.test, before);
                Earliest {
                    epochs: latest.epochs.max(holds.epochs),
                    steps: latest.steps.max(holds.steps),
                }
            })
        }
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

/// When a condition can hold: what stops falling does so since its rule began to wait, and a
/// comparison may have held since the start.
fn lasting(test: &MetricTest, before: Earliest) -> Earliest {
    let (since, period) = match test {
        MetricTest::Stops { patience, .. } => (before, Some(*patience)),
        MetricTest::Compares { lasting, .. } => (Earliest { epochs: 0.0, steps: 0.0 }, *lasting),
    };
    match period {
        // It holds when the last of so many epochs observes the metric.
        Some(Period::Epochs(epochs)) => Earliest { epochs: since.epochs + epochs - 1.0, ..since },
        Some(Period::Steps(steps)) => Earliest { steps: since.steps + steps, ..since },
        Some(Period::Fraction(_) | Period::Rest) | None => since,
    }
}

fn later(before: Earliest, period: Period, run: Option<RunLength>) -> Earliest {
    let epochs = |more: f64| Earliest { epochs: before.epochs + more, ..before };
    let steps = |more: f64| Earliest { steps: before.steps + more, ..before };
    match (period, run) {
        (Period::Epochs(more), _) => epochs(more),
        (Period::Steps(more), _) => steps(more),
        // Rounded to steps, a part may come half a step early, which is half an epoch at most.
        (Period::Fraction(part), Some(RunLength::Epochs(run))) => {
            epochs((part_of(run, part) - 0.5).max(0.0))
        }
        (Period::Fraction(part), Some(RunLength::Steps(run))) => steps(part_of(run, part).round()),
        (Period::Rest, Some(RunLength::Epochs(run))) => Earliest { epochs: float(run), ..before },
        (Period::Rest, Some(RunLength::Steps(run))) => Earliest { steps: float(run), ..before },
        (Period::Fraction(_) | Period::Rest, None) => before,
    }
}

fn is_over(run: RunLength, at: Earliest) -> bool {
    match run {
        RunLength::Epochs(epochs) => at.epochs >= float(epochs),
        RunLength::Steps(steps) => at.steps >= float(steps),
    }
}
