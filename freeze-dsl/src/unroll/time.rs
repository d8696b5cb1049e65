//! Moments and durations.

use super::Unroll;
use super::numbers::{is_beyond_counting, sign, whole, whole_in_place};
use crate::ast::{self, Duration, Number};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::Length;
use crate::rule::{Condition, Moment, Period, Test};
use crate::source::{Span, Spanned};

impl Unroll<'_, '_> {
    pub(super) fn length_of_run(
        &mut self,
        duration: &Spanned<Duration>,
    ) -> Option<Spanned<Length>> {
        let length = match &duration.value {
            Duration::Epochs(amount) => Length::Epochs(whole(self.above_zero(amount, true)?)?),
            Duration::Steps(amount) => Length::Steps(whole(self.above_zero(amount, true)?)?),
            Duration::Percent(_) | Duration::Rest => {
                self.tell(
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

    pub(super) fn moment(&mut self, moment: &Spanned<ast::Moment>) -> Option<Moment> {
        match &moment.value {
            ast::Moment::Start => Some(Moment::Epoch(0)),
            ast::Moment::Epoch(at) => self.whole_number(at, "an epoch").map(Moment::Epoch),
            ast::Moment::Step(at) => self.whole_number(at, "a step").map(Moment::Step),
            ast::Moment::At(percent) => {
                self.needs_run(moment.span, "a percentage");
                let value = self.number(percent)?;
                if !(0.0..=100.0).contains(&value) {
                    self.tell(
                        Diagnostic::new(
                            Code::InvalidDuration,
                            percent.span,
                            "a moment of the run lies in 0% to 100%",
                        )
                        .label(format!("this is {value} %")),
                    );
                    return None;
                }
                Some(Moment::At(value / 100.0))
            }
            ast::Moment::After(duration) => self.period(duration, true).map(Moment::After),
            ast::Moment::Every(duration) => self.period(duration, true).map(Moment::Every),
            ast::Moment::When(conditions) => Some(Moment::When(
                conditions
                    .iter()
                    .map(|condition| self.condition(condition))
                    .collect::<Option<_>>()?,
            )),
        }
    }

    fn condition(&mut self, condition: &ast::Condition) -> Option<Condition> {
        let test = match &condition.test {
            ast::Test::Stops { direction, patience, by } => {
                let patience = self.period(patience, true)?;
                let by = match by {
                    Some(by) => {
                        let value = self.number(by)?;
                        if !(value.is_finite() && value >= 0.0) {
                            self.tell(
                                Diagnostic::new(
                                    Code::InvalidValue,
                                    by.span,
                                    if value < 0.0 && value.is_finite() {
                                        "an improvement cannot be negative"
                                    } else {
                                        "an improvement must be finite"
                                    },
                                )
                                .label(format!("this is {value}"))
                                .guess_without("leave out the sign", sign(by)),
                            );
                        }
                        value
                    }
                    None => 0.0,
                };
                Test::Stops { direction: *direction, patience, by }
            }
            ast::Test::Compares { relation, bound, lasting } => {
                let lasting = match lasting {
                    Some(lasting) => Some(self.period(lasting, true)?),
                    None => None,
                };
                let value = self.number(bound)?;
                if !value.is_finite() {
                    self.tell(
                        Diagnostic::new(Code::InvalidValue, bound.span, "a bound must be finite")
                            .label(format!("this is {value}")),
                    );
                }
                Test::Compares { relation: *relation, bound: value, lasting }
            }
        };
        Some(Condition { metric: condition.metric.value.clone(), test })
    }

    /// A duration; in a trigger one that is whole.
    pub(super) fn period(
        &mut self,
        duration: &Spanned<Duration>,
        in_trigger: bool,
    ) -> Option<Period> {
        match &duration.value {
            Duration::Epochs(amount) => self.above_zero(amount, in_trigger).map(Period::Epochs),
            Duration::Steps(amount) => self.above_zero(amount, in_trigger).map(Period::Steps),
            Duration::Percent(amount) => {
                self.needs_run(duration.span, "a percentage");
                let percent = self.above_zero(amount, false)?;
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
        let (message, help) = if !(value.is_finite() && value > 0.0) {
            ("a duration must be above zero", "write a number above zero")
        } else if is_whole && is_beyond_counting(value) {
            ("a number too large to count to", "write a smaller number")
        } else if is_whole && whole(value).is_none() {
            ("a duration is counted in whole numbers here", "write a whole number")
        } else {
            return Some(value);
        };
        self.tell(
            Diagnostic::new(Code::InvalidDuration, amount.span, message)
                .label(format!("this is {value}"))
                .guess(help, whole_in_place(amount, value.abs().max(1.0))),
        );
        None
    }

    fn needs_run(&mut self, place: Span, what: &str) {
        if !self.has_run {
            self.tell(
                Diagnostic::new(
                    Code::MissingRun,
                    place,
                    format!("{what} needs the whole length of training"),
                )
                .label("of how long a run?")
                .note("say it once in the policy, as in `run 20 epochs;`"),
            );
        }
    }
}
