//! Curves: learning rates, weight decays and optimizers' numbers over time.

use std::cmp::Ordering;

use super::Lowering;
use super::numbers::{is_literal, value_label};
use crate::ast::{self, Number, Piece, Shape};
use crate::diagnostic::{Applicability, Code, Diagnostic, Severity, shown_number};
use crate::ir::{CurvePiece, Period, RampShape, ValidRange, ValueCurve};
use crate::source::{Span, Spanned};

/// What a number is, which decides the values that it may have.
#[derive(Clone, Copy)]
pub(super) enum Quantity {
    LearningRate,
    WeightDecay,
    Anchor,
    /// An argument of an optimizer, by its name.
    Argument(&'static str, ValidRange),
}

impl Quantity {
    /// As a message calls it.
    fn name(self) -> String {
        match self {
            Self::LearningRate => "a learning rate".to_owned(),
            Self::WeightDecay => "a weight decay".to_owned(),
            Self::Anchor => "an anchor".to_owned(),
            Self::Argument(name, _) => format!("`{name}`"),
        }
    }

    /// As a message calls the one of a curve.
    fn this(self) -> String {
        match self {
            Self::LearningRate => "the learning rate".to_owned(),
            Self::WeightDecay => "the weight decay".to_owned(),
            Self::Anchor => "the anchor".to_owned(),
            Self::Argument(name, _) => format!("`{name}`"),
        }
    }
}

impl Lowering<'_, '_> {
    pub(super) fn curve(
        &mut self,
        curve: &Spanned<ast::Curve>,
        quantity: Quantity,
    ) -> Option<ValueCurve> {
        let last = curve.pieces.len().saturating_sub(1);
        let is_rate = matches!(quantity, Quantity::LearningRate);
        let mut pieces = Some(Vec::with_capacity(curve.pieces.len()));
        for (index, piece) in curve.pieces.iter().enumerate() {
            let known = self.piece(piece, quantity);
            let endless = known.as_ref().is_some_and(is_endless);
            if endless && (index < last || curve.then_freeze && is_rate) {
                self.report(
                    Diagnostic::new(
                        Code::NeverFires,
                        piece.span,
                        "what follows `then` can never begin",
                    )
                    .label("this piece of the curve never ends")
                    .guess_without(
                        "leave out what follows",
                        Some(Span::new(piece.span.end, curve.span.end)),
                    ),
                );
            }
            // After a finding in one number, the others are still checked.
            pieces = pieces.zip(known).map(|(mut pieces, piece)| {
                pieces.push(piece);
                pieces
            });
        }
        if curve.then_freeze && !is_rate {
            let start = curve.pieces.last().map_or(curve.span.start, |piece| piece.span.end);
            self.report(
                Diagnostic::new(
                    Code::MisplacedOption,
                    Span::new(start, curve.span.end),
                    "`then freeze` does not fit this curve",
                )
                .label("only the curve of a learning rate freezes its parameters")
                .guess_without("leave it out", Some(Span::new(start, curve.span.end))),
            );
        }
        Some(ValueCurve { pieces: pieces?, then_freeze: curve.then_freeze && is_rate })
    }

    fn piece(&mut self, piece: &Spanned<Piece>, quantity: Quantity) -> Option<CurvePiece> {
        match &piece.value {
            Piece::Hold(value) => self.quantity(value, quantity).map(CurvePiece::Hold),
            Piece::InverseSqrt { from, over } => {
                let from = self.quantity(from, quantity);
                let over = self.period(over, false);
                Some(CurvePiece::InverseSqrt { from: from?, over: over? })
            }
            Piece::Ramp { shape, from, to, over, repeat } => {
                let shape = self.shape(shape);
                let first = self.quantity(from, quantity);
                let last = self.quantity(to, quantity);
                let period = self.period(over, false);
                let stretching = match repeat {
                    Some(repeat) => Some(self.stretching(repeat)?),
                    None => None,
                };
                if shape == Some(RampShape::Exp) {
                    for (value, number) in [(first, from), (last, to)] {
                        if value == Some(0.0) {
                            self.out_of_range(
                                number,
                                0.0,
                                "no constant factor leads to or from zero",
                                |_| false,
                            );
                        }
                    }
                }
                Some(CurvePiece::Ramp {
                    shape: shape?,
                    from: first?,
                    to: last?,
                    over: period?,
                    repeat: stretching,
                })
            }
            Piece::Staircase { from, factor, every, to } => {
                let first = self.quantity(from, quantity);
                let multiplier = self.factor(factor);
                let every = self.period(every, false);
                let bound = match to {
                    Some(to) => Some((to, self.quantity(to, quantity)?)),
                    None => None,
                };
                let (first, multiplier) = (first?, multiplier?);
                match bound {
                    Some((to, bound)) => {
                        let all = [first, multiplier, bound];
                        let is_met = |bound| leads(first, multiplier, bound);
                        if all.into_iter().all(f64::is_finite) && multiplier > 0.0 && !is_met(bound)
                        {
                            let message = format!("{} never reaches this bound", quantity.this());
                            self.out_of_range(to, bound, &message, is_met);
                        }
                    }
                    None => self.check_growth(factor, first, multiplier, quantity),
                }
                let to = bound.map(|(_, bound)| bound);
                Some(CurvePiece::Staircase { from: first, factor: multiplier, every: every?, to })
            }
        }
    }

    fn shape(&mut self, shape: &Shape) -> Option<RampShape> {
        Some(match shape {
            Shape::Linear => RampShape::Linear,
            Shape::Cosine => RampShape::Cosine,
            Shape::Exp => RampShape::Exp,
            Shape::Sqrt => RampShape::Sqrt,
            Shape::Power(number) => {
                let exponent = self.number(number)?;
                let fits = |value: f64| value.is_finite() && value > 0.0;
                if !fits(exponent) {
                    self.out_of_range(number, exponent, "an exponent must be above zero", fits);
                }
                RampShape::Power(exponent)
            }
        })
    }

    /// A factor of a number that is multiplied again and again.
    pub(super) fn factor(&mut self, number: &Spanned<Number>) -> Option<f64> {
        let value = self.number(number)?;
        let fits = |value: f64| value.is_finite() && value > 0.0;
        if !fits(value) {
            let message =
                if value > 0.0 { "a factor must be finite" } else { "a factor must be above zero" };
            self.out_of_range(number, value, message, fits);
        }
        Some(value)
    }

    /// Reports steps that leave the range of an argument because nothing bounds them.
    fn check_growth(
        &mut self,
        factor: &Spanned<Number>,
        first: f64,
        multiplier: f64,
        quantity: Quantity,
    ) {
        let Quantity::Argument(name, range) = quantity else { return };
        if multiplier > 1.0
            && first != 0.0
            && let Some(reason) = range.rules_out(f64::MAX.copysign(first))
        {
            let message = format!("`{name}` {reason}, and these steps grow without a bound");
            self.report(
                Diagnostic::new(Code::InvalidValue, factor.span, message)
                    .label(value_label(factor, multiplier))
                    .note("write the last value after `to`"),
            );
        }
    }

    fn stretching(&mut self, repeat: &ast::Repeat) -> Option<f64> {
        let Some(number) = &repeat.stretching else { return Some(1.0) };
        let value = self.number(number)?;
        let fits = |value: f64| value.is_finite() && value >= 1.0;
        if !fits(value) {
            let message = "a round cannot be shorter than the one before";
            self.out_of_range(number, value, message, fits);
            return None;
        }
        Some(value)
    }

    /// A number, checked as what it is.
    pub(super) fn quantity(&mut self, number: &Spanned<Number>, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::LearningRate => self.lr(number),
            Quantity::WeightDecay => self.weight_decay(number),
            Quantity::Anchor => self.at_least_zero(number, quantity),
            Quantity::Argument(name, range) => self.argument_in_range(name, range, number),
        }
    }

    fn lr(&mut self, number: &Spanned<Number>) -> Option<f64> {
        /// A larger one is nearly always a sign that is missing.
        const LARGEST: f64 = 10.0;
        let value = self.at_least_zero(number, Quantity::LearningRate)?;
        if value.is_finite() && value > LARGEST && is_literal(number) {
            let written = self.text.get(number.span.range()).unwrap_or_default();
            let exponent = written.split_once(['e', 'E']);
            let small = exponent.and_then(|(digits, power)| {
                let power = power.trim_start_matches('+');
                power.parse::<u8>().is_ok().then(|| format!("{digits}e-{power}"))
            });
            let finding = Diagnostic::new(
                Code::InvalidValue,
                number.span,
                format!("a learning rate of {} is unusually large", shown_number(value)),
            )
            .label("few networks train with more than 10")
            .with_severity(Severity::Warning);
            self.report(match small {
                Some(small) => finding.suggest(
                    Applicability::Maybe,
                    format!("did you mean `{small}`?"),
                    number.span,
                    small,
                ),
                None => finding,
            });
        }
        Some(value)
    }

    fn weight_decay(&mut self, number: &Spanned<Number>) -> Option<f64> {
        /// A larger one without its sign is unlikely to be meant.
        const LARGEST: f64 = 0.5;
        let value = self.number(number)?;
        if value.is_finite() && value < -LARGEST {
            let label = value_label(number, value);
            self.report(
                Diagnostic::new(
                    Code::InvalidValue,
                    number.span,
                    "a weight decay cannot be negative",
                )
                .label(label)
                .note("write `0` for none, or a small number such as `0.01`"),
            );
            return Some(value);
        }
        self.at_least_zero(number, Quantity::WeightDecay)
    }

    fn at_least_zero(&mut self, number: &Spanned<Number>, quantity: Quantity) -> Option<f64> {
        let value = self.number(number)?;
        let name = quantity.name();
        if !value.is_finite() {
            self.out_of_range(number, value, &format!("{name} must be finite"), |_| false);
        } else if value < 0.0 {
            self.out_of_range(number, value, &format!("{name} cannot be negative"), |_| true);
        }
        Some(value)
    }
}

/// Whether a factor leads from one value to another, or towards zero.
fn leads(from: f64, factor: f64, to: f64) -> bool {
    let has_its_sign = from * to >= 0.0;
    let is_nearer = to.abs().partial_cmp(&from.abs());
    has_its_sign
        && match is_nearer {
            Some(Ordering::Less) => factor < 1.0,
            Some(Ordering::Equal) => true,
            // Zero times a factor is zero, which is reported.
            Some(Ordering::Greater) => factor > 1.0 || from == 0.0,
            None => false,
        }
}

/// Whether nothing can follow a piece.
fn is_endless(piece: &CurvePiece) -> bool {
    match piece {
        CurvePiece::Hold(_)
        | CurvePiece::InverseSqrt { .. }
        | CurvePiece::Staircase { to: None, .. } => true,
        // Stairs never reach zero, and never leave it.
        CurvePiece::Staircase { from, to: Some(to), .. } => *from == 0.0 || *to == 0.0,
        CurvePiece::Ramp { over, repeat, .. } => repeat.is_some() || *over == Period::Rest,
    }
}
