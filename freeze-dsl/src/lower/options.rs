//! Options: learning rate, weight decay, optimizer and running statistics.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::Lowering;
use super::numbers::sign;
use crate::ast::{self, Argument, Number, Piece, Setting, Shape};
use crate::diagnostic::{Applicability, Code, Diagnostic, Reported, nearest, one_of, removal};
use crate::ir::{ArgumentSlot, LrCurve, LrPiece, Optimizer, ParamOptions, Period};
use crate::source::{Span, Spanned};

impl Lowering<'_, '_> {
    /// The options, and the place of `keep state` among them. A constant learning rate of zero is
    /// reported with the edit `freeze`.
    pub(super) fn options(
        &mut self,
        settings: &[Spanned<Setting>],
        freeze: Option<&(Span, String)>,
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
                    options.lr =
                        self.curve(curve, freeze).map(|lr| Spanned::new(Arc::new(lr), curve.span));
                }
                Setting::WeightDecay(decay) => {
                    let value = self.at_least_zero(decay, "weight decay");
                    options.weight_decay = value.map(|value| Spanned::new(value, decay.span));
                }
                Setting::Optimizer { name, arguments } => {
                    options.optimizer = self
                        .optimizer(name, arguments)
                        .ok()
                        .map(|optimizer| Spanned::new(optimizer, setting.span));
                }
                Setting::Stats(stats) => options.stats = Some(Spanned::new(*stats, setting.span)),
                Setting::KeepState => keep = Some(setting.span),
            }
        }
        (options, keep)
    }

    fn curve(
        &mut self,
        curve: &Spanned<ast::Curve>,
        freeze: Option<&(Span, String)>,
    ) -> Option<LrCurve> {
        let last = curve.pieces.len().saturating_sub(1);
        let mut pieces = Some(Vec::with_capacity(curve.pieces.len()));
        for (index, piece) in curve.pieces.iter().enumerate() {
            let known = self.piece(piece, freeze);
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

    fn piece(
        &mut self,
        piece: &Spanned<Piece>,
        freeze: Option<&(Span, String)>,
    ) -> Option<LrPiece> {
        match &piece.value {
            Piece::Hold(value) => {
                let lr = self.at_least_zero(value, "learning rate")?;
                self.zero_lr(lr, value.span, freeze);
                Some(LrPiece::Hold(lr))
            }
            Piece::Ramp { shape, from, to, over, repeat } => {
                let first = self.at_least_zero(from, "learning rate");
                let last = self.at_least_zero(to, "learning rate");
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
                let first = self.at_least_zero(from, "learning rate");
                let multiplier = self.number(factor);
                let fits = |value: f64| value.is_finite() && value > 0.0;
                if let Some(value) = multiplier
                    && !fits(value)
                {
                    self.out_of_range(factor, value, "a factor must be above zero", fits);
                }
                let every = self.period(every, false);
                let bound = match to {
                    Some(to) => Some((to, self.at_least_zero(to, "learning rate")?)),
                    None => None,
                };
                let (first, multiplier) = (first?, multiplier?);
                // Zero times a factor is zero.
                self.zero_lr(first, from.span, freeze);
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

    fn zero_lr(&mut self, lr: f64, place: Span, freeze: Option<&(Span, String)>) {
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
    fn out_of_range(
        &mut self,
        number: &Spanned<Number>,
        value: f64,
        message: &str,
        fits: impl Fn(f64) -> bool,
    ) {
        self.report(
            Diagnostic::new(Code::InvalidValue, number.span, message)
                .label(format!("this is {value}"))
                .guess_without("leave out the sign", sign(number).filter(|_| fits(-value))),
        );
    }

    fn optimizer(
        &mut self,
        name: &Spanned<ast::Text>,
        arguments: &[Argument],
    ) -> Result<Optimizer, Reported> {
        let Some(mut optimizer) = Optimizer::named(&name.value) else {
            return Err(self.unknown_optimizer(name));
        };
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for argument in arguments {
            if let Some(first) = seen.insert(&argument.name.value, argument.name.span) {
                self.report(
                    Diagnostic::new(
                        Code::UnknownOptimizer,
                        argument.name.span,
                        format!("`{}` is given twice", argument.name.value),
                    )
                    .label("again here")
                    .also(first, "first here")
                    .guess_without("leave out the second", self.argument_place(argument)),
                );
            }
            self.argument(&mut optimizer, argument);
        }
        if let Some(message) = optimizer.nesterov_fault() {
            let flag = arguments.iter().find(|argument| argument.name.value == "nesterov");
            let place = flag.map_or(name.span, |flag| flag.name.span);
            self.report(
                Diagnostic::new(Code::InvalidValue, place, message)
                    .label("plain momentum is the default")
                    .guess_without("leave it out", flag.and_then(|flag| self.argument_place(flag))),
            );
        }
        Ok(optimizer)
    }

    fn unknown_optimizer(&mut self, name: &Spanned<ast::Text>) -> Reported {
        let names: Vec<String> =
            Optimizer::ALL.iter().map(|known| format!("`{}`", known.name())).collect();
        let finding = Diagnostic::new(
            Code::UnknownOptimizer,
            name.span,
            format!("unknown optimizer `{}`", name.value),
        )
        .label(format!("expected {}", one_of(&names)));
        let known = || Optimizer::ALL.iter().map(Optimizer::name);
        let same = known().find(|known| known.eq_ignore_ascii_case(&name.value));
        self.report(match same {
            Some(same) => {
                finding.suggest(Applicability::Safe, format!("write it `{same}`"), name.span, same)
            }
            None => meant(finding, nearest(&name.value.to_lowercase(), known()), name.span),
        })
    }

    /// An argument with its value, and the comma or the space before or after it.
    fn argument_place(&self, argument: &Argument) -> Option<Span> {
        let end = argument.value.as_ref().map_or(argument.name.span, |value| value.span).end;
        let whole = Span::new(argument.name.span.start, end);
        removal::of_element(self.text, whole)
            .or_else(|| Some(removal::of_appendix(self.text, whole)))
    }

    /// Sets an argument, if the optimizer has it.
    fn argument(&mut self, optimizer: &mut Optimizer, argument: &Argument) {
        let name = argument.name.value.as_ref();
        let place = argument.name.span;
        let of = optimizer.name();
        let Some((_, slot)) = optimizer.slots().into_iter().find(|(known, _)| *known == name)
        else {
            let known: Vec<_> = optimizer.slots().iter().map(|(known, _)| *known).collect();
            let listed: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            let finding = Diagnostic::new(
                Code::UnknownOptimizer,
                place,
                format!("`{of}` has no argument `{name}`"),
            )
            .label(format!("expected {}", one_of(&listed)));
            let near = nearest(name, known).or_else(|| optimizer.akin(name));
            self.report(match near {
                Some(_) => meant(finding, near, place),
                None => finding.guess_without("leave it out", self.argument_place(argument)),
            });
            return;
        };
        match (slot, &argument.value) {
            (ArgumentSlot::Flag(flag), None) => *flag = true,
            (ArgumentSlot::Flag(_), Some(value)) => {
                self.report(
                    Diagnostic::new(
                        Code::UnknownOptimizer,
                        value.span,
                        format!("`{name}` takes no value"),
                    )
                    .label("its name alone switches it on")
                    .guess_without(
                        "leave out the value",
                        Some(Span::new(place.end, value.span.end)),
                    ),
                );
            }
            (ArgumentSlot::Number(..), None) => {
                self.report(
                    Diagnostic::new(
                        Code::UnknownOptimizer,
                        place,
                        format!("`{name}` requires a value"),
                    )
                    .label("expected a number after this"),
                );
            }
            (ArgumentSlot::Number(number, range), Some(written)) => {
                let Some(value) = self.number(written) else { return };
                *number = value;
                if let Some(reason) = range.rules_out(value) {
                    let fits = |value| range.rules_out(value).is_none();
                    self.out_of_range(written, value, &format!("`{name}` {reason}"), fits);
                }
            }
        }
    }
}

fn meant(finding: Diagnostic, near: Option<&str>, place: Span) -> Diagnostic {
    match near {
        Some(near) => {
            finding.suggest(Applicability::Maybe, format!("did you mean `{near}`?"), place, near)
        }
        None => finding,
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
