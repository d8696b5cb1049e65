//! Options: learning rate, weight decay, optimizer and running statistics.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::Lowering;
use super::numbers::{is_literal, sign, value_label};
use super::optimizers::OutsideOptimizer;
use crate::ast::{self, Number, Piece, Setting, Shape};
use crate::diagnostic::{Applicability, Code, Diagnostic, removal};
use crate::ir::{LrCurve, LrPiece, ParamOptions, Period};
use crate::source::{Span, Spanned};

impl Lowering<'_, '_> {
    /// The options, and the place of `keep state` among them.
    pub(super) fn options(
        &mut self,
        settings: &[Spanned<Setting>],
    ) -> (ParamOptions, Option<Span>) {
        let mut options = ParamOptions::default();
        let mut keep = None;
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for setting in settings {
            let word = setting.value.word();
            if let Some(first) = seen.insert(word, setting.span) {
                self.report(
                    Diagnostic::new(
                        Code::MisplacedOption,
                        setting.span,
                        format!("`{word}` is given twice"),
                    )
                    .label("again here")
                    .also(first, "first here")
                    .guess_without(
                        "leave out the second",
                        Some(removal::of_appendix(self.text, setting.span)),
                    ),
                );
            }
            match &setting.value {
                Setting::Lr(curve) => {
                    options.lr = self.curve(curve).map(|lr| Spanned::new(Arc::new(lr), curve.span));
                }
                Setting::WeightDecay(decay) => {
                    let value = self.weight_decay(decay);
                    options.weight_decay = value.map(|value| Spanned::new(value, decay.span));
                }
                Setting::Optimizer { name, arguments } => {
                    let outside = OutsideOptimizer {
                        start: setting.span.start,
                        words: settings.iter().map(|it| it.value.word()).collect(),
                    };
                    options.optimizer = self
                        .optimizer(name, arguments, &outside)
                        .ok()
                        .map(|optimizer| Spanned::new(optimizer, setting.span));
                }
                Setting::Stats(stats) => options.stats = Some(Spanned::new(*stats, setting.span)),
                Setting::KeepState => keep = Some(setting.span),
            }
        }
        (options, keep)
    }

    fn curve(&mut self, curve: &Spanned<ast::Curve>) -> Option<LrCurve> {
        let last = curve.pieces.len().saturating_sub(1);
        let mut pieces = Some(Vec::with_capacity(curve.pieces.len()));
        for (index, piece) in curve.pieces.iter().enumerate() {
            let known = self.piece(piece);
            let endless = known.as_ref().is_some_and(is_endless);
            if endless && (index < last || curve.then_freeze) {
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
        Some(LrCurve { pieces: pieces?, then_freeze: curve.then_freeze })
    }

    fn piece(&mut self, piece: &Spanned<Piece>) -> Option<LrPiece> {
        match &piece.value {
            Piece::Hold(value) => self.lr(value).map(LrPiece::Hold),
            Piece::Ramp { shape, from, to, over, repeat } => {
                let first = self.lr(from);
                let last = self.lr(to);
                let period = self.period(over, false);
                let stretching = match repeat {
                    Some(repeat) => Some(self.stretching(repeat)?),
                    None => None,
                };
                if *shape == Shape::Exp {
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
                Some(LrPiece::Ramp {
                    shape: *shape,
                    from: first?,
                    to: last?,
                    over: period?,
                    repeat: stretching,
                })
            }
            Piece::Staircase { from, factor, every, to } => {
                let first = self.lr(from);
                let multiplier = self.number(factor);
                let fits = |value: f64| value.is_finite() && value > 0.0;
                if let Some(value) = multiplier
                    && !fits(value)
                {
                    self.out_of_range(factor, value, "a factor must be above zero", fits);
                }
                let every = self.period(every, false);
                let bound = match to {
                    Some(to) => Some((to, self.lr(to)?)),
                    None => None,
                };
                let (first, multiplier) = (first?, multiplier?);
                if let Some((to, bound)) = bound
                    && [first, multiplier, bound].into_iter().all(|it| it.is_finite() && it >= 0.0)
                {
                    let is_met = |bound| leads(first, multiplier, bound);
                    if !is_met(bound) {
                        let message = "the learning rate never reaches this bound";
                        self.out_of_range(to, bound, message, is_met);
                    }
                }
                let to = bound.map(|(_, bound)| bound);
                Some(LrPiece::Staircase { from: first, factor: multiplier, every: every?, to })
            }
        }
    }

    /// Reports a constant learning rate of zero, with the edit `freeze`.
    pub(super) fn check_zero_lr(
        &mut self,
        settings: &[Spanned<Setting>],
        options: &ParamOptions,
        freeze: Option<&(Span, String)>,
    ) {
        let written = settings.iter().rev().find_map(|setting| match &setting.value {
            Setting::Lr(curve) => Some(&curve.pieces),
            _ => None,
        });
        let Some((written, lr)) = written.zip(options.lr.as_ref()) else { return };
        for (piece, lowered) in written.iter().zip(&lr.pieces) {
            // Zero times a factor is zero.
            let (place, lr) = match (&piece.value, lowered) {
                (Piece::Hold(value), LrPiece::Hold(lr)) => (value.span, *lr),
                (Piece::Staircase { from: value, .. }, LrPiece::Staircase { from, .. }) => {
                    (value.span, *from)
                }
                _ => continue,
            };
            if lr == 0.0 {
                self.report(
                    Diagnostic::new(
                        Code::ZeroLearningRate,
                        place,
                        "`lr 0` trains nothing and costs as much",
                    )
                    .label("a learning rate of zero")
                    .note("`freeze` keeps these as they are and costs nothing")
                    .guess("freeze it", freeze.cloned()),
                );
            }
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

    fn lr(&mut self, number: &Spanned<Number>) -> Option<f64> {
        /// A larger one is nearly always a sign that is missing.
        const LARGEST: f64 = 10.0;
        let value = self.at_least_zero(number, "learning rate")?;
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
                format!("a learning rate of {value} is unusually large"),
            )
            .label("few networks train with more than 10")
            .mild();
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
        self.at_least_zero(number, "weight decay")
    }

    fn at_least_zero(&mut self, number: &Spanned<Number>, what: &str) -> Option<f64> {
        let value = self.number(number)?;
        if !value.is_finite() {
            self.out_of_range(number, value, &format!("a {what} must be finite"), |_| false);
        } else if value < 0.0 {
            self.out_of_range(number, value, &format!("a {what} cannot be negative"), |_| true);
        }
        Some(value)
    }

    /// Reports a value that is out of range; `fits` is the range.
    pub(super) fn out_of_range(
        &mut self,
        number: &Spanned<Number>,
        value: f64,
        message: &str,
        fits: impl Fn(f64) -> bool,
    ) {
        let label = value_label(number, value);
        self.report(
            Diagnostic::new(Code::InvalidValue, number.span, message)
                .label(label)
                .guess_without("leave out the sign", sign(number).filter(|_| fits(-value))),
        );
    }
}

/// Whether a factor leads from one learning rate to another, or towards zero.
fn leads(from: f64, factor: f64, to: f64) -> bool {
    match to.partial_cmp(&from) {
        Some(Ordering::Less) => factor < 1.0,
        Some(Ordering::Equal) => true,
        // Zero times a factor is zero, which is reported.
        Some(Ordering::Greater) => factor > 1.0 || from == 0.0,
        None => false,
    }
}

/// Whether nothing can follow a piece.
fn is_endless(piece: &LrPiece) -> bool {
    match piece {
        LrPiece::Hold(_) | LrPiece::Staircase { to: None, .. } => true,
        // Stairs never reach zero, and never leave it.
        LrPiece::Staircase { from, to: Some(to), .. } => *from == 0.0 || *to == 0.0,
        LrPiece::Ramp { over, repeat, .. } => repeat.is_some() || *over == Period::Rest,
    }
}
