//! Moments and durations.

use super::Lowering;
use crate::ast::{self, Duration};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Length, Moment};
use crate::source::{Span, Spanned};

impl Lowering<'_> {
    pub(super) fn length_of_run(
        &mut self,
        duration: &Spanned<Duration>,
    ) -> Option<Spanned<Length>> {
        let length = match &duration.value {
            Duration::Epochs(amount) => Length::Epochs(self.whole_duration(amount)?),
            Duration::Steps(amount) => Length::Steps(self.whole_duration(amount)?),
            Duration::Percent(_) | Duration::Rest => {
                self.found.push(
                    Diagnostic::new(
                        Code::FRZ0306,
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
            ast::Moment::Epoch(at) => self.whole("an epoch", at).map(Moment::Epoch),
            ast::Moment::Step(at) => self.whole("a step", at).map(Moment::Step),
            ast::Moment::After(duration) => self.after(duration),
        }
    }

    fn after(&mut self, duration: &Spanned<Duration>) -> Option<Moment> {
        match &duration.value {
            Duration::Epochs(amount) => {
                Some(Moment::After(Length::Epochs(self.whole_duration(amount)?)))
            }
            Duration::Steps(amount) => {
                Some(Moment::After(Length::Steps(self.whole_duration(amount)?)))
            }
            Duration::Percent(amount) => {
                if amount.value <= 0.0 || !amount.value.is_finite() {
                    self.found.push(
                        Diagnostic::new(
                            Code::FRZ0402,
                            amount.span,
                            "a duration must be above zero",
                        )
                        .label(format!("this is {} %", amount.value)),
                    );
                    return None;
                }
                self.needs_run(duration.span, "a percentage");
                Some(Moment::AfterFraction(amount.value / 100.0))
            }
            Duration::Rest => {
                self.needs_run(duration.span, "`rest`");
                // All of a run from here is over when the run is, if not later.
                Some(Moment::AfterFraction(1.0))
            }
        }
    }

    fn needs_run(&mut self, span: Span, what: &str) {
        if self.run.is_none() {
            self.found.push(
                Diagnostic::new(
                    Code::FRZ0306,
                    span,
                    format!("{what} needs the whole length of training"),
                )
                .label("of how long a run?")
                .note("say it once in the policy, as in `run 20 epochs;`"),
            );
        }
    }

    fn whole_duration(&mut self, amount: &Spanned<f64>) -> Option<u64> {
        if amount.value <= 0.0 {
            self.found.push(
                Diagnostic::new(Code::FRZ0402, amount.span, "a duration must be above zero")
                    .label(format!("this is {}", amount.value)),
            );
            return None;
        }
        self.whole("a duration", amount)
    }

    fn whole(&mut self, what: &str, amount: &Spanned<f64>) -> Option<u64> {
        // Every whole number below this one is exact as a float.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let value = amount.value;
        if value.fract() == 0.0 && (0.0..EXACT).contains(&value) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and in range"
            )]
            return Some(value as u64);
        }
        self.found.push(
            Diagnostic::new(
                Code::FRZ0402,
                amount.span,
                format!("{what} is counted in whole numbers from 0"),
            )
            .label(format!("this is {value}")),
        );
        None
    }
}
