//! Options: learning rate, weight decay, anchor, optimizer and running statistics.

use std::collections::HashMap;
use std::sync::Arc;

use super::Lowering;
use super::curves::Quantity;
use super::numbers::{sign, value_label};
use super::optimizers::OutsideOptimizer;
use crate::ast::{Number, Piece, Setting};
use crate::diagnostic::{Code, Diagnostic, removal};
use crate::ir::{CurvePiece, LrOption, LrTimes, ParamOptions};
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
                    let lr = self.curve(curve, Quantity::LearningRate);
                    let lr = lr.map(|lr| LrOption::Curve(Arc::new(lr)));
                    options.lr = lr.map(|lr| Spanned::new(lr, curve.span));
                }
                Setting::LrTimes { factor, to } => {
                    let times = self.lr_times(factor, to.as_ref()).map(LrOption::Times);
                    options.lr = times.map(|times| Spanned::new(times, setting.span));
                }
                Setting::WeightDecay(curve) => {
                    let decay = self.curve(curve, Quantity::WeightDecay).map(Arc::new);
                    options.weight_decay = decay.map(|decay| Spanned::new(decay, curve.span));
                }
                Setting::Anchor(number) => {
                    let anchor = self.quantity(number, Quantity::Anchor);
                    options.anchor = anchor.map(|anchor| Spanned::new(anchor, number.span));
                }
                Setting::Optimizer { name, arguments } => {
                    let outside = OutsideOptimizer {
                        start: setting.span.start,
                        words: settings.iter().map(|it| it.value.word()).collect(),
                    };
                    options.optimizer = self
                        .optimizer(name, arguments, &outside)
                        .ok()
                        .map(|optimizer| Spanned::new(Arc::new(optimizer), setting.span));
                }
                Setting::Stats(stats) => options.stats = Some(Spanned::new(*stats, setting.span)),
                Setting::KeepState => keep = Some(setting.span),
            }
        }
        (options, keep)
    }

    /// A factor of the learning rate in force.
    fn lr_times(
        &mut self,
        factor: &Spanned<Number>,
        to: Option<&Spanned<Number>>,
    ) -> Option<LrTimes> {
        let value = self.factor(factor);
        let to = match to {
            Some(to) => Some(self.quantity(to, Quantity::LearningRate)?),
            None => None,
        };
        Some(LrTimes { factor: value?, to })
    }

    /// Reports a factor of the learning rate among the defaults, and leaves it out.
    pub(super) fn check_default_rate(
        &mut self,
        settings: &[Spanned<Setting>],
        options: &mut ParamOptions,
    ) {
        for setting in settings {
            if matches!(setting.value, Setting::LrTimes { .. }) {
                self.report(
                    Diagnostic::new(
                        Code::MisplacedOption,
                        setting.span,
                        "`lr *` does not fit `default`",
                    )
                    .label("no learning rate is in force before the defaults")
                    .note("write a learning rate here, or `lr *` in a rule"),
                );
                options.lr = None;
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
        let Some((written, lr)) = written.zip(options.lr_curve()) else { return };
        for (piece, lowered) in written.iter().zip(&lr.pieces) {
            // Zero times a factor is zero.
            let (place, lr) = match (&piece.value, lowered) {
                (Piece::Hold(value), CurvePiece::Hold(lr)) => (value.span, *lr),
                (Piece::Staircase { from: value, .. }, CurvePiece::Staircase { from, .. })
                | (Piece::InverseSqrt { from: value, .. }, CurvePiece::InverseSqrt { from, .. }) => {
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

    /// Reports a value that is out of range; `fits` is the range.
    pub(super) fn out_of_range(
        &mut self,
        number: &Spanned<Number>,
        value: f64,
        message: &str,
        fits: impl Fn(f64) -> bool,
    ) {
        let label = value_label(number, value);
        let sign = sign(number).filter(|_| fits(-value));
        // A number that touches the one before it would become a part of that.
        let before = sign.and_then(|sign| self.text.get(..sign.start));
        let gap = before.filter(|it| it.ends_with(|sign: char| sign.is_alphanumeric()));
        let gap = if gap.is_some() { " " } else { "" };
        self.report(
            Diagnostic::new(Code::InvalidValue, number.span, message)
                .label(label)
                .guess("leave out the sign", sign.map(|sign| (sign, gap))),
        );
    }
}
