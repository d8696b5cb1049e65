//! Triggers and durations.

use super::Lowering;
use super::numbers::{is_beyond_counting, sign, value_label, whole, whole_choices};
use crate::ast::{self, Duration, Number, Relation};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::RunLength;
use crate::ir::{Margin, MetricCondition, MetricTest, Period, TriggerMoment};
use crate::select::Selection;
use crate::source::{Span, Spanned};

/// Words that mean something else than a metric where they have no quotes.
const NOT_METRICS: [&str; 6] = ["epoch", "epochs", "step", "steps", "lr", "weight_decay"];

impl Lowering<'_, '_> {
    pub(super) fn run_length(
        &mut self,
        duration: &Spanned<Duration>,
    ) -> Option<Spanned<RunLength>> {
        let length = match &duration.value {
            Duration::Epochs(amount) => RunLength::Epochs(whole(self.above_zero(amount, true)?)?),
            Duration::Steps(amount) => RunLength::Steps(whole(self.above_zero(amount, true)?)?),
            Duration::Percent(_) | Duration::Rest => {
                self.report(
                    Diagnostic::new(
                        Code::MissingRun,
                        duration.span,
                        "`run` cannot be a part of itself",
                    )
                    .label("expected a number of `epochs` or `steps`"),
                );
                return None;
            }
        };
        Some(Spanned::new(length, duration.span))
    }

    pub(super) fn moment(&mut self, moment: &Spanned<ast::Moment>) -> Option<TriggerMoment> {
        match &moment.value {
            ast::Moment::Start => Some(TriggerMoment::Epoch(0)),
            ast::Moment::Epoch(at) => self.whole_number(at, "an epoch").map(TriggerMoment::Epoch),
            ast::Moment::Step(at) => self.whole_number(at, "a step").map(TriggerMoment::Step),
            ast::Moment::At(percent) => {
                let value = self.number(percent)?;
                if !(0.0..=100.0).contains(&value) {
                    let label = value_label(percent, value);
                    self.report(
                        Diagnostic::new(
                            Code::InvalidDuration,
                            percent.span,
                            "a moment of the run lies in 0% to 100%",
                        )
                        .label(label),
                    );
                    return None;
                }
                // In a `repeat` this moment is an error by itself.
                if !self.is_in_repeat() {
                    self.needs_run(moment.span, "a percentage");
                }
                Some(TriggerMoment::At(value / 100.0))
            }
            ast::Moment::After(duration) => self.period(duration, true).map(TriggerMoment::After),
            ast::Moment::Every(duration) => self.period(duration, true).map(TriggerMoment::Every),
            ast::Moment::When(conditions) => {
                let alone = (conditions.len() == 1).then_some(moment.span);
                self.conditions(conditions, alone).map(TriggerMoment::When)
            }
            ast::Moment::Whenever(conditions) => {
                self.conditions(conditions, None).map(TriggerMoment::Whenever)
            }
        }
    }

    /// The conditions of a moment, whose place is given if it has one alone and fires once.
    fn conditions(
        &mut self,
        conditions: &[Spanned<ast::Condition>],
        moment: Option<Span>,
    ) -> Option<Vec<MetricCondition>> {
        // All of them are lowered, whatever is wrong with the first.
        let lowered: Vec<_> = conditions.iter().map(|it| self.condition(it, moment)).collect();
        lowered.into_iter().collect()
    }

    /// Reports `when epoch > 3`, which would wait for a metric that the program observes.
    fn reserved_metric(&mut self, name: &str, condition: &ast::Condition, moment: Option<Span>) {
        let unit = name.trim_end_matches('s');
        let is_moment = matches!(unit, "epoch" | "step");
        let choice = if is_moment {
            format!("a moment is written `{unit} 3` or `after 3 {unit}s`")
        } else {
            "`when` waits for a metric, such as `val_loss < 0.5`".to_owned()
        };
        let first = match &condition.test {
            ast::Test::Compares { relation, bound, lasting: None } if is_moment => {
                let whole = self.slice(bound.span).parse::<u64>().ok();
                whole.and_then(|bound| match relation {
                    Relation::AtLeast => Some(bound),
                    Relation::Above => bound.checked_add(1),
                    Relation::Below | Relation::AtMost => None,
                })
            }
            _ => None,
        };
        let edit = moment.zip(first).map(|(moment, first)| (moment, format!("{unit} {first}")));
        self.report(
            Diagnostic::new(
                Code::MisplacedOption,
                condition.metric.span,
                format!("`{name}` is not a metric"),
            )
            .label("a metric is a number that the program observes")
            .note(choice)
            .note(format!("a metric of this name is written in quotes: `\"{name}\"`"))
            .guess("write the moment itself", edit),
        );
    }

    fn condition(
        &mut self,
        condition: &ast::Condition,
        moment: Option<Span>,
    ) -> Option<MetricCondition> {
        let test = match &condition.test {
            ast::Test::Stops { direction, patience, by } => {
                let patience = self.period(patience, true)?;
                let by = match by {
                    Some(ast::WrittenMargin { number: by, is_percent }) => {
                        let value = self.number(by)?;
                        if !(value.is_finite() && value >= 0.0) {
                            let label = value_label(by, value);
                            self.report(
                                Diagnostic::new(
                                    Code::InvalidValue,
                                    by.span,
                                    if value < 0.0 && value.is_finite() {
                                        "an improvement cannot be negative"
                                    } else {
                                        "an improvement must be finite"
                                    },
                                )
                                .label(label)
                                .guess_without("leave out the sign", sign(by)),
                            );
                        }
                        if *is_percent {
                            Margin::Relative(hundredth(value))
                        } else {
                            Margin::Absolute(value)
                        }
                    }
                    None => Margin::Absolute(0.0),
                };
                MetricTest::Stops { direction: *direction, patience, by }
            }
            ast::Test::Compares { relation, bound, lasting } => {
                let lasting = match lasting {
                    Some(lasting) => Some(self.period(lasting, true)?),
                    None => None,
                };
                let value = self.number(bound)?;
                if !value.is_finite() {
                    let label = value_label(bound, value);
                    self.report(
                        Diagnostic::new(Code::InvalidValue, bound.span, "a bound must be finite")
                            .label(label),
                    );
                }
                MetricTest::Compares { relation: *relation, bound: value, lasting }
            }
        };
        let (metric, grad_norm_of) = match &condition.metric.value {
            ast::Metric::Named(name) => {
                if self.slice(condition.metric.span) == **name && NOT_METRICS.contains(&&**name) {
                    self.reserved_metric(name, condition, moment);
                }
                (name.clone(), None)
            }
            ast::Metric::GradNorm(targets) => {
                self.counted_in_epochs(&condition.test)?;
                let of = self.targets(targets).value;
                if of.draws() {
                    self.report(
                        Diagnostic::new(
                            Code::MisplacedOption,
                            targets.span,
                            "`sample` does not fit in `grad_norm`",
                        )
                        .label("it draws when a rule fires, and this is observed at every step"),
                    );
                    return None;
                }
                if of == Selection::Absent {
                    let message = format!("`{}` selects nothing here", self.slice(targets.span));
                    self.report(
                        Diagnostic::new(Code::AbsentTargets, targets.span, message)
                            .label("its `?` allows that, so this condition never holds"),
                    );
                }
                (self.grad_norm_name(targets).into(), Some(of))
            }
        };
        Some(MetricCondition { metric, grad_norm_of, test })
    }

    /// Reports a duration of a norm of gradients that is not counted in epochs.
    fn counted_in_epochs(&mut self, test: &ast::Test) -> Option<()> {
        let duration = match test {
            ast::Test::Stops { patience, .. } => Some(patience),
            ast::Test::Compares { lasting, .. } => lasting.as_ref(),
        };
        let other = duration.filter(|it| !matches!(it.value, Duration::Epochs(_)));
        let Some(other) = other else { return Some(()) };
        self.report(
            Diagnostic::new(
                Code::MisplacedOption,
                other.span,
                "the conditions of `grad_norm` are counted in epochs",
            )
            .label("it is observed once an epoch: the mean over the steps of the epoch"),
        );
        None
    }

    /// A duration; in a trigger, it must be whole.
    pub(super) fn period(
        &mut self,
        duration: &Spanned<Duration>,
        in_trigger: bool,
    ) -> Option<Period> {
        match &duration.value {
            Duration::Epochs(amount) => self.above_zero(amount, in_trigger).map(Period::Epochs),
            Duration::Steps(amount) => self.above_zero(amount, in_trigger).map(Period::Steps),
            Duration::Percent(amount) => {
                let percent = self.above_zero(amount, false)?;
                self.needs_run(duration.span, "a percentage");
                Some(Period::Fraction(percent / 100.0))
            }
            Duration::Rest => {
                self.needs_run(duration.span, "`rest`");
                Some(Period::Rest)
            }
        }
    }

    fn above_zero(&mut self, amount: &Spanned<Number>, is_whole: bool) -> Option<f64> {
        let value = self.number(amount)?;
        let (message, help) = if !value.is_finite() {
            ("a duration must be finite", None)
        } else if value <= 0.0 {
            ("a duration must be above zero", None)
        } else if is_whole && is_beyond_counting(value) {
            ("a number too large to count to", None)
        } else if is_whole && whole(value).is_none() {
            (
                "a duration is counted in whole numbers here",
                whole_choices(value.max(1.0)).or_else(|| Some(one())),
            )
        } else {
            return Some(value);
        };
        let finding = Diagnostic::new(Code::InvalidDuration, amount.span, message)
            .label(value_label(amount, value));
        self.report(match help {
            Some(help) => finding.note(help),
            None => finding,
        });
        None
    }

    fn needs_run(&mut self, place: Span, what: &str) {
        if !self.has_run {
            self.report(
                Diagnostic::new(
                    Code::MissingRun,
                    place,
                    format!("{what} requires the length of the whole run"),
                )
                .label("the length of the run is unknown")
                .note("write it once in the policy, as in `run 20 epochs;`"),
            );
        }
    }
}

fn one() -> String {
    "write `1`".to_owned()
}

/// A percentage as a fraction: the float nearest to the decimal number, which `/ 100.0` may miss.
fn hundredth(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}
