//! Optimizers and their arguments.

use std::collections::HashMap;
use std::sync::Arc;

use super::Lowering;
use super::curves::Quantity;
use super::numbers::{is_literal, value_label, value_shown};
use crate::ast::{self, Argument, Number};
use crate::diagnostic::{
    Applicability, Code, Diagnostic, Edit, Reported, Suggestion, nearest, one_of, removal,
};
use crate::ir::{ArgumentSlot, Optimizer, ScheduledOptimizer, ValidRange, ValueCurve};
use crate::source::{Span, Spanned};

/// Where an optimizer is written, and which options are written beside it.
pub(super) struct OutsideOptimizer {
    pub(super) start: usize,
    pub(super) words: Vec<&'static str>,
}

impl Lowering<'_, '_> {
    pub(super) fn optimizer(
        &mut self,
        name: &Spanned<ast::Text>,
        arguments: &[Argument],
        outside: &OutsideOptimizer,
    ) -> Result<ScheduledOptimizer, Reported> {
        let Some(mut optimizer) = Optimizer::named(&name.value) else {
            return Err(self.unknown_optimizer(name));
        };
        let mut curves = Vec::new();
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
            let curve = self.argument(&mut optimizer, argument, arguments.len() == 1, outside);
            curves.extend(curve.map(|(index, curve)| (index, Arc::new(curve))));
        }
        let scheduled = ScheduledOptimizer { optimizer, curves };
        if let Some(message) = scheduled.nesterov_fault() {
            let named = |name: &str| arguments.iter().find(|it| it.name.value == name);
            let place = named("nesterov").map_or(name.span, |flag| flag.name.span);
            let momentum = match named("momentum") {
                None => Some((Span::new(place.start, place.start), "momentum 0.9, ")),
                Some(_) => None,
            };
            let finding = Diagnostic::new(Code::InvalidValue, place, message)
                .label("it looks ahead along the momentum");
            self.report(match (named("dampening"), optimizer) {
                (Some(dampening), Optimizer::Sgd { dampening: 1e-300.., momentum, .. })
                    if momentum > 0.0 =>
                {
                    finding.guess_without("leave out the dampening", self.argument_place(dampening))
                }
                (_, Optimizer::Sgd { dampening: 0.0, .. }) => {
                    finding.guess("write a momentum, as in `momentum 0.9`", momentum)
                }
                _ => finding,
            });
        }
        Ok(scheduled)
    }

    fn unknown_optimizer(&mut self, name: &Spanned<ast::Text>) -> Reported {
        let finding = Diagnostic::new(
            Code::UnknownOptimizer,
            name.span,
            format!("unknown optimizer `{}`", name.value),
        )
        .label("no optimizer has this name");
        let known = || Optimizer::ALL.iter().map(Optimizer::name);
        if let Some(same) = known().find(|known| known.eq_ignore_ascii_case(&name.value)) {
            let message = format!("write it `{same}`");
            return self.report(finding.suggest(Applicability::Safe, message, name.span, same));
        }
        let near = nearest(&name.value.to_lowercase(), known());
        let finding = meant(finding, near, name.span);
        let names: Vec<String> = known().map(|known| format!("`{known}`")).collect();
        self.report(match near {
            Some(_) => finding,
            None => finding.note(format!("the optimizers are {}", all_of(&names))),
        })
    }

    /// An argument with its value, and the comma or the space before or after it.
    fn argument_place(&self, argument: &Argument) -> Option<Span> {
        let end = argument.value.as_ref().map_or(argument.name.span, |value| value.span).end;
        let whole = Span::new(argument.name.span.start, end);
        removal::of_element(self.text, whole)
            .or_else(|| Some(removal::of_appendix(self.text, whole)))
    }

    /// The only argument with its parentheses, or one of several.
    fn argument_with_parentheses(&self, argument: &Argument, is_only: bool) -> Option<Span> {
        let inner = self.argument_place(argument)?;
        if !is_only {
            return Some(inner);
        }
        let before = self.text.get(..inner.start)?.trim_end().strip_suffix('(')?.trim_end().len();
        let after = self.text.get(inner.end..)?.trim_start().strip_prefix(')')?;
        Some(Span::new(before, self.text.len() - after.len()))
    }

    /// The edits that write an option in front of the optimizer, not among its arguments.
    fn moved_out(
        &self,
        argument: &Argument,
        is_only: bool,
        outside: &OutsideOptimizer,
    ) -> Option<Suggestion> {
        let option = match argument.name.value.as_ref() {
            "lr" | "learning_rate" => "lr",
            "weight_decay" | "wd" => "weight_decay",
            _ => return None,
        };
        let value = self.text.get(argument.value.as_ref()?.span.range())?;
        let inside = self.argument_with_parentheses(argument, is_only)?;
        let start = Span::new(outside.start, outside.start);
        (!outside.words.contains(&option)).then(|| Suggestion {
            message: format!("write `{option} {value}` before the optimizer"),
            applicability: Applicability::Safe,
            edits: vec![
                Edit { span: start, text: format!("{option} {value} ") },
                Edit { span: inside, text: String::new() },
            ],
        })
    }

    /// Sets an argument, if the optimizer has it. Returns its curve and its index, if it changes.
    fn argument(
        &mut self,
        optimizer: &mut Optimizer,
        argument: &Argument,
        is_only: bool,
        outside: &OutsideOptimizer,
    ) -> Option<(usize, ValueCurve)> {
        let name = argument.name.value.as_ref();
        let place = argument.name.span;
        let of = optimizer.name();
        let Some((index, (known, slot))) =
            optimizer.slots().into_iter().enumerate().find(|(_, (known, _))| *known == name)
        else {
            let known: Vec<_> = optimizer.slots().iter().map(|(known, _)| *known).collect();
            let listed: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            let finding = Diagnostic::new(
                Code::UnknownOptimizer,
                place,
                format!("`{of}` has no argument `{name}`"),
            )
            .label(format!("expected {}", one_of(&listed)));
            if let Some(moved) = self.moved_out(argument, is_only, outside) {
                let mut finding = finding.label("this is an option beside the optimizer");
                finding.suggestions.push(moved);
                self.report(finding);
                return None;
            }
            let near = synonym(name).filter(|meant| known.contains(meant));
            let near = near.or_else(|| nearest(name, known)).or_else(|| optimizer.akin(name));
            self.report(match near {
                Some(_) => meant(finding, near, place),
                None => finding.guess_without(
                    "leave it out",
                    self.argument_with_parentheses(argument, is_only),
                ),
            });
            return None;
        };
        match (slot, &argument.value) {
            (ArgumentSlot::Flag(flag), None) => *flag = true,
            (ArgumentSlot::Flag(flag), Some(written)) => {
                let [Spanned { value: ast::Piece::Hold(number), .. }] = &*written.pieces else {
                    self.takes_no_curve(known, written.span);
                    return None;
                };
                let value = self.number(number)?;
                *flag = value != 0.0;
                if ![0.0, 1.0].contains(&value) {
                    self.report(
                        Diagnostic::new(
                            Code::InvalidValue,
                            written.span,
                            format!("`{name}` is 0 or 1"),
                        )
                        .label("0 switches it off; 1, or its name alone, switches it on"),
                    );
                }
            }
            (_, None) => {
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
                let curve = self.argument_curve(known, range, written)?;
                *number = curve.ends().next()?;
                return curve.constant().is_none().then_some((index, curve));
            }
            (ArgumentSlot::Optional(number, range), Some(written)) => {
                let curve = self.argument_curve(known, range, written)?;
                *number = Some(curve.ends().next()?);
                return curve.constant().is_none().then_some((index, curve));
            }
            (ArgumentSlot::Whole(number, range), Some(written)) => {
                let value = self.argument_curve(known, range, written)?.constant()?;
                let is_valid = range.rules_out(value).is_none();
                let whole = (0..100).find(|whole| f64::from(*whole).to_bits() == value.to_bits());
                if let Some(whole) = whole {
                    *number = whole;
                } else if is_valid {
                    self.report(
                        Diagnostic::new(
                            Code::InvalidValue,
                            written.span,
                            format!("`{name}` must be a whole number"),
                        )
                        .label(format!("this is {}", value_shown(value))),
                    );
                }
            }
        }
        None
    }

    /// The curve of a number of an optimizer; reports one that is more than a constant where the number
    /// takes none.
    fn argument_curve(
        &mut self,
        name: &'static str,
        range: ValidRange,
        written: &Spanned<ast::Curve>,
    ) -> Option<ValueCurve> {
        let curve = self.curve(written, Quantity::Argument(name, range))?;
        if curve.constant().is_none() && !Optimizer::takes_curve(name) {
            self.takes_no_curve(name, written.span);
            return None;
        }
        Some(curve)
    }

    fn takes_no_curve(&mut self, name: &str, place: Span) {
        self.report(
            Diagnostic::new(Code::MisplacedOption, place, format!("`{name}` takes no curve"))
                .label("it is one number for the whole run"),
        );
    }

    /// A number of an optimizer; reports one that is out of range.
    pub(super) fn argument_in_range(
        &mut self,
        name: &str,
        range: ValidRange,
        written: &Spanned<Number>,
    ) -> Option<f64> {
        let value = self.number(written)?;
        let fits = |value| range.rules_out(value).is_none();
        if let Some(reason) = range.rules_out(value) {
            let message = format!("`{name}` {reason}");
            if value > 0.0 && fits(-value) {
                self.report(
                    Diagnostic::new(Code::InvalidValue, written.span, message)
                        .label(value_label(written, value))
                        .guess("write it with a minus sign", negated(written)),
                );
            } else {
                self.out_of_range(written, value, &message, fits);
            }
        }
        Some(value)
    }
}

/// The edit that writes a `-` before a number.
fn negated(number: &Spanned<Number>) -> Option<(Span, &'static str)> {
    let start = number.span.start;
    is_literal(number).then(|| (Span::new(start, start), "-"))
}

/// The argument that has another name in other tools.
fn synonym(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().as_str() {
        "epsilon" | "term" => "eps",
        "epsilon1" | "eps_1" => "eps1",
        "epsilon2" | "eps_2" => "eps2",
        "clip_threshold" | "clipping_threshold" => "d",
        "initial_accumulator_value" | "init_acc" => "initial",
        "lr_decay_rate" | "learning_rate_decay" => "lr_decay",
        "schedule_decay" => "momentum_decay",
        "decoupled_weight_decay" => "decoupled",
        "ns_steps" => "steps",
        "adjust_lr_fn" | "match_rms_adamw" => "match_rms",
        "b1" | "beta_1" | "beta" => "beta1",
        "b2" | "beta_2" => "beta2",
        "mu" | "mom" => "momentum",
        "rho" | "decay_rate" => "alpha",
        "nesterov_momentum" => "nesterov",
        _ => return None,
    })
}

/// "`a`, `b` and `c`", from names that are quoted already.
fn all_of(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
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
