//! Expressions: their values.

use super::Lowering;
use super::scope::Meaning;
use crate::ast::{Bounds, Number, Step, Text};
use crate::diagnostic::{
    Applicability, Code, Diagnostic, Edit, Suggestion, nearest, short_number, shown_number,
};
use crate::parse::uses_with_sign;
use crate::select::{Bound, BoundRange};
use crate::source::{Span, Spanned};
use crate::vocabulary::SHAPES;

impl Lowering<'_, '_> {
    /// The value of an expression; `None` after a finding, and if it depends on a missing model.
    pub(super) fn number(&mut self, number: &Spanned<Number>) -> Option<f64> {
        let value = self.value(number);
        self.record_number(number.span, value);
        value
    }

    fn value(&mut self, number: &Spanned<Number>) -> Option<f64> {
        let mut stack: Vec<Option<f64>> = Vec::new();
        for step in number.steps.iter() {
            let value = match &step.value {
                Step::Literal(value) => Some(*value),
                Step::Name(name) => self.named_number(name, step.span),
                Step::Len(list) =>
                {
                    #[expect(clippy::cast_precision_loss, reason = "a list's length is small")]
                    self.list(list)
                        .filter(|elements| elements.complete)
                        .map(|elements| elements.elements.len() as f64)
                }
                Step::Rust(index) => self.rust(*index, step.span),
                Step::Negate => stack.pop()?.map(|value| -value),
                Step::Add => binary(&mut stack, |left, right| left + right),
                Step::Subtract => binary(&mut stack, |left, right| left - right),
                Step::Multiply => binary(&mut stack, |left, right| left * right),
                Step::Divide => binary(&mut stack, |left, right| left / right),
                Step::Floor => stack.pop()?.map(f64::floor),
                Step::Ceil => stack.pop()?.map(f64::ceil),
                Step::Round => stack.pop()?.map(f64::round),
                Step::Power => binary(&mut stack, f64::powf),
                Step::Min(count) => fold(&mut stack, *count, f64::min),
                Step::Max(count) => fold(&mut stack, *count, f64::max),
            };
            stack.push(value);
        }
        stack.pop()?
    }

    /// Whether a number is only a word that looks like no number's name.
    pub(super) fn is_path(&self, number: &Spanned<Number>) -> bool {
        let [Spanned { value: Step::Name(name), .. }] = &*number.steps else { return false };
        let is_later =
            [true, false].into_iter().any(|kind| self.lets.contains_key(&(name.clone(), kind)));
        let is_known = self.scope.place(name, true).is_some();
        !(is_known || is_later || nearest(name, self.scope.names(true)).is_some())
    }

    /// Reports `let head = fc`, which names a path without `@`.
    pub(super) fn names_a_path(&mut self, name: &Spanned<Text>, path: Span, statement: Span) {
        let path_text = self.slice(path);
        let mut edits =
            vec![Edit { span: Span::new(name.span.start, name.span.start), text: "@".to_owned() }];
        edits.extend(uses_with_sign(self.text, statement, &name.value));
        let mut finding =
            Diagnostic::new(Code::UnknownName, path, format!("unknown number `{path_text}`"))
                .label("no `let` defines a number of this name")
                .also(name.span, "a name of parameters is written with `@`");
        finding.suggestions.push(Suggestion {
            message: format!("write `@{}` to name parameters", name.value),
            applicability: Applicability::Maybe,
            edits,
        });
        self.report(finding);
    }

    fn named_number(&mut self, name: &str, place: Span) -> Option<f64> {
        if let Some(meaning) = self.scope.get(name, true) {
            return match meaning {
                Meaning::Number(value) => *value,
                _ => None,
            };
        }
        let finding = Diagnostic::new(Code::UnknownName, place, format!("unknown number `{name}`"));
        if let Some(below) = self.lets.get(&(name.into(), true)) {
            self.report(is_below(finding, *below));
            return None;
        }
        if SHAPES.contains(&name) || name == "invsqrt" {
            let example = format!("`{name}` is a curve's shape, as in `{}`", example_of(name));
            self.report(finding.label(example));
            return None;
        }
        let finding = finding.label("no `let` and no loop around this defines it");
        // `then freez` reads as a number's name.
        if name == "other"
            && let Some((phrase, written)) = self.every_other(place)
        {
            let help = format!("did you mean `{written}`?");
            self.report(finding.suggest(Applicability::Maybe, help, phrase, written));
            return None;
        }
        let digits = digits_of(name);
        let near = || digits.or_else(|| nearest(name, self.scope.names(true).chain(["freeze"])));
        let finding = match self.explains().then(near).flatten() {
            Some(near) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `{near}`?"),
                place,
                near,
            ),
            None => finding,
        };
        self.report(finding);
        None
    }

    /// `other epoch` after `every`: where it is, and what it means.
    fn every_other(&self, place: Span) -> Option<(Span, &'static str)> {
        let text = self.text;
        let after = text.get(place.end..)?;
        let unit = after.trim_start();
        let written = match unit {
            _ if unit.starts_with("epoch") => "2 epochs",
            _ if unit.starts_with("step") => "2 steps",
            _ => return None,
        };
        let length = unit.find(|sign: char| !sign.is_alphabetic()).unwrap_or(unit.len());
        let end = place.end + after.len() - unit.len() + length;
        let is_after_every = text.get(..place.start)?.trim_end().ends_with("every");
        is_after_every.then(|| (Span::new(place.start, end), written))
    }

    fn rust(&mut self, index: usize, place: Span) -> Option<f64> {
        if !self.overrides.allows_rust {
            self.report(
                Diagnostic::new(
                    Code::RustOutsideMacro,
                    place,
                    "a Rust expression outside of the macro",
                )
                .label("only the tokens of `freeze_policy! { … }` can hold one")
                .note("define the number with `let`, and a program can override it"),
            );
            return None;
        }
        self.overrides.rust.get(index).copied()
    }

    /// A bound of indices or rows. One that is written with a `-` counts from the end.
    pub(super) fn bound(&mut self, number: &Spanned<Number>, what: &str) -> Option<Bound> {
        if self.counts_from_end(number) {
            let value = self.number(number)?;
            if let Some(from_end) = whole(-value).filter(|_| value < 0.0) {
                return Some(Bound::FromEnd(from_end));
            }
        }
        self.whole_number(number, what).map(Bound::At)
    }

    /// Whether a number begins with `-` and has no name in it.
    fn counts_from_end(&self, number: &Spanned<Number>) -> bool {
        let is_constant =
            |step: &Step| !matches!(step, Step::Name(_) | Step::Len(_) | Step::Rust(_));
        let written = self.text.get(number.span.range()).unwrap_or_default();
        written.starts_with('-') && number.steps.iter().all(|step| is_constant(&step.value))
    }

    /// Indices or rows.
    pub(super) fn bounds(&mut self, bounds: &Bounds, what: &str) -> Option<BoundRange> {
        match bounds {
            Bounds::One(only) => {
                let start = self.bound(only, what)?;
                Some(BoundRange { start, end: start.next() })
            }
            Bounds::Range { start, end, inclusive } => {
                let mut written = |number: &Option<Spanned<Number>>| match number {
                    Some(number) => self.bound(number, what),
                    None => Some(Bound::Open),
                };
                // Both are evaluated, so that both are checked.
                let (start, end) = (written(start), written(end));
                let (start, end) = (start?, end?);
                Some(BoundRange { start, end: if *inclusive { end.next() } else { end } })
            }
        }
    }

    /// A whole number from 0.
    pub(super) fn whole_number(&mut self, number: &Spanned<Number>, what: &str) -> Option<u64> {
        let value = self.number(number)?;
        let whole = whole(value);
        if whole.is_none() {
            let message = if is_beyond_counting(value) {
                "a number too large to count to".to_owned()
            } else {
                format!("{what} is counted in whole numbers from 0")
            };
            let finding = Diagnostic::new(Code::InvalidDuration, number.span, message)
                .label(value_label(number, value));
            self.report(
                match self.dashed_range(number).filter(|_| matches!(what, "an index" | "a row")) {
                    Some(dash) => finding.suggest(
                        Applicability::Maybe,
                        "write `..=` between the ends of a range",
                        dash,
                        "..=",
                    ),
                    None if self.dash(number).is_some_and(|dash| self.slice(dash) == "-")
                        && matches!(what, "an epoch" | "a step") =>
                    {
                        finding.note(
                            "a rule fires at a moment, not over a range: write a rule for each end",
                        )
                    }
                    None => match whole_choices(value) {
                        Some(choices) => finding.note(choices),
                        None => finding,
                    },
                },
            );
        }
        whole
    }

    /// The `-` of `1-3`, with the spaces around it.
    fn dash(&self, number: &Spanned<Number>) -> Option<Span> {
        let [first, last, minus] = &*number.steps else { return None };
        let (Step::Literal(one), Step::Literal(other), Step::Subtract) =
            (&first.value, &last.value, &minus.value)
        else {
            return None;
        };
        let gap = Span::new(first.span.end, last.span.start);
        let is_dash = self.text.get(gap.range())?.trim() == "-";
        (one < other && is_dash).then_some(gap)
    }

    /// The `-` of an index or of rows that may be meant as a range.
    fn dashed_range(&self, number: &Spanned<Number>) -> Option<Span> {
        let before = self.text.get(..number.span.start)?.trim_end();
        let after = self.text.get(number.span.end..)?.trim_start();
        let is_alone = before.ends_with('[') && after.starts_with(']')
            || before.ends_with("rows") && after.starts_with("of");
        self.dash(number).filter(|_| is_alone)
    }
}

/// What a number equals, where that does not stand there.
pub(super) fn value_label(number: &Spanned<Number>, value: f64) -> String {
    if value.is_nan() {
        "this has no value".to_owned()
    } else if value.is_infinite() {
        "this is beyond the largest number".to_owned()
    } else if is_literal(number) {
        String::new()
    } else {
        format!("this equals {}", value_shown(value))
    }
}

/// A value that is wrong. That may be because of the digits that come from rounding.
pub(super) fn value_shown(value: f64) -> String {
    let short = short_number(value);
    if short.fract() == 0.0 && value.fract() != 0.0 {
        format!("{value}, not exactly {short}")
    } else {
        shown_number(value)
    }
}

/// A finding for a name that only a later `let` defines.
pub(super) fn is_below(finding: Diagnostic, below: Span) -> Diagnostic {
    finding
        .label("not defined yet")
        .also(below, "defined here")
        .note("a `let` can use the names that are defined above it")
}

/// Every whole number below this one is exact as a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a number is too large to be exact as a float.
pub(super) fn is_beyond_counting(value: f64) -> bool {
    value >= EXACT
}

/// A float as a whole number from 0, if it is one.
pub(super) fn whole(value: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range"
    )]
    (value.fract() == 0.0 && (0.0..EXACT).contains(&value)).then_some(value as u64)
}

/// An edit that replaces a literal. Names and operators may have another value elsewhere, so they
/// have no such edit.
pub(super) fn in_place(
    number: &Spanned<Number>,
    value: &impl std::fmt::Display,
) -> Option<(Span, String)> {
    is_literal(number).then(|| (number.span, value.to_string()))
}

/// The whole numbers around a number, for a note: which of them is meant cannot be known.
pub(super) fn whole_choices(value: f64) -> Option<String> {
    let (below, above) = (whole(value.floor())?, whole(value.ceil())?);
    (below < above).then(|| format!("write `{below}` or `{above}`"))
}

/// A curve of a shape.
fn example_of(shape: &str) -> &'static str {
    match shape {
        "linear" => "linear 0 -> 1e-3 over 3 epochs",
        "exp" => "exp 1e-3 -> 1e-5 over 3 epochs",
        "sqrt" => "sqrt 1e-3 -> 0 over 3 epochs",
        "power" => "power 2 1e-3 -> 0 over 3 epochs",
        "invsqrt" => "invsqrt 1e-3 over 500 steps",
        _ => "cosine 1e-3 -> 0 over 3 epochs",
    }
}

/// The sign of a literal, if it has one.
pub(super) fn sign(number: &Spanned<Number>) -> Option<Span> {
    match &*number.steps {
        [literal, sign] if is_literal(number) => {
            Some(Span::new(sign.span.start, literal.span.start))
        }
        _ => None,
    }
}

pub(super) fn is_literal(number: &Spanned<Number>) -> bool {
    let steps: Vec<&Step> = number.steps.iter().map(|step| &step.value).collect();
    matches!(steps[..], [Step::Literal(_)] | [Step::Literal(_), Step::Negate])
}

/// The value of an operator with the last two operands; `None` if one of them is unknown.
fn binary(stack: &mut Vec<Option<f64>>, apply: fn(f64, f64) -> f64) -> Option<f64> {
    let (right, left) = (stack.pop()?, stack.pop()?);
    Some(apply(left?, right?))
}

fn fold(stack: &mut Vec<Option<f64>>, count: usize, apply: fn(f64, f64) -> f64) -> Option<f64> {
    let operands = stack.split_off(stack.len().checked_sub(count)?);
    let known: Option<Vec<f64>> = operands.into_iter().collect();
    known?.into_iter().reduce(apply)
}

/// The digits of a number that is written as a word.
fn digits_of(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "none" | "null" | "zero" | "off" | "false" => "0",
        "one" => "1",
        "two" => "2",
        "three" => "3",
        "four" => "4",
        "five" => "5",
        "six" => "6",
        "seven" => "7",
        "eight" => "8",
        "nine" => "9",
        "ten" => "10",
        "twenty" => "20",
        _ => return None,
    })
}
