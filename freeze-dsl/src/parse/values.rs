//! Pest's pairs to the tree: numbers, durations and strings.

use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::Rule;
use super::build::{Builder, part, parts, span, text};
use crate::ast::{Duration, Number, Step, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// How many operands and operators an expression may have.
const MAX_STEPS: usize = 1_000;

/// `^` binds to the right and before a sign: `-2 ^ 2` is -4.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::plus, Assoc::Left) | Op::infix(Rule::minus, Assoc::Left))
        .op(Op::infix(Rule::star, Assoc::Left) | Op::infix(Rule::slash, Assoc::Left))
        .op(Op::prefix(Rule::negative))
        .op(Op::infix(Rule::caret, Assoc::Right))
});

impl Builder<'_> {
    pub(super) fn duration(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Duration>> {
        let place = span(&pair);
        let mut inner = pair.into_inner();
        let first = inner.next()?;
        if first.as_rule() == Rule::kw_rest {
            return Some(Spanned::new(Duration::Rest, place));
        }
        let amount = self.number(first)?;
        let unit = inner.next()?;
        let duration = match unit.as_rule() {
            Rule::percent => Duration::Percent(amount),
            _ => match unit.into_inner().next()?.as_rule() {
                Rule::kw_epoch | Rule::kw_epochs => Duration::Epochs(amount),
                _ => Duration::Steps(amount),
            },
        };
        Some(Spanned::new(duration, place))
    }

    pub(super) fn number(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Number>> {
        let place = span(&pair);
        let mut steps = Vec::new();
        self.steps(pair, &mut steps)?;
        Some(Spanned::new(Number { steps: steps.into() }, place))
    }

    /// Writes the operands and operators of an expression behind one another.
    fn steps(&mut self, pair: Pair<'_, Rule>, steps: &mut Vec<Spanned<Step>>) -> Option<()> {
        let place = span(&pair);
        // Pest recurses where operators do.
        if pair.clone().into_inner().count() > MAX_STEPS {
            self.found.push(Diagnostic::new(
                Code::FRZ0103,
                place,
                format!("an expression of more than {MAX_STEPS} parts"),
            ));
            return None;
        }
        // Each of pest's callbacks gives the steps of its part.
        let operands = std::cell::RefCell::new(&mut *self);
        let all: Option<Vec<Spanned<Step>>> = PRECEDENCE
            .map_primary(|operand| {
                let mut steps = Vec::new();
                operands.borrow_mut().operand(operand, &mut steps)?;
                Some(steps)
            })
            .map_prefix(|sign, operand| {
                let mut steps: Vec<Spanned<Step>> = operand?;
                steps.push(Spanned::new(Step::Negate, span(&sign)));
                Some(steps)
            })
            .map_infix(|left, operator, right| {
                let mut steps: Vec<Spanned<Step>> = left?;
                steps.extend(right?);
                let step = match operator.as_rule() {
                    Rule::plus => Step::Add,
                    Rule::minus => Step::Subtract,
                    Rule::star => Step::Multiply,
                    Rule::slash => Step::Divide,
                    _ => Step::Power,
                };
                steps.push(Spanned::new(step, span(&operator)));
                Some(steps)
            })
            .parse(pair.into_inner());
        steps.extend(all?);
        Some(())
    }

    fn operand(&mut self, pair: Pair<'_, Rule>, steps: &mut Vec<Spanned<Step>>) -> Option<()> {
        let place = span(&pair);
        let step = match pair.as_rule() {
            Rule::literal => Step::Literal(pair.as_str().replace('_', "").parse().ok()?),
            Rule::name => Step::Name(text(&pair).value),
            Rule::nested => return self.steps(part(pair, Rule::number)?, steps),
            Rule::len => Step::Len(self.listing(part(pair, Rule::list)?)?.value),
            Rule::rust => {
                self.rust.push(Spanned::new((), place));
                Step::Rust(self.rust.len() - 1)
            }
            kind => {
                let mut count = 0;
                for number in parts(pair, Rule::number) {
                    self.steps(number, steps)?;
                    count += 1;
                }
                if kind == Rule::least { Step::Min(count) } else { Step::Max(count) }
            }
        };
        steps.push(Spanned::new(step, place));
        Some(())
    }

    pub(super) fn string(&mut self, pair: &Pair<'_, Rule>) -> Spanned<Text> {
        let place = Span::new(pair.as_span().start(), pair.as_span().end());
        let quoted = pair.as_str();
        let content =
            quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
        let value = unescape(content).unwrap_or_else(|escape| {
            self.found.push(
                Diagnostic::new(Code::FRZ0101, place, format!("unknown escape `{escape}`"))
                    .label("strings have Rust's escapes"),
            );
            content.to_owned()
        });
        Spanned::new(value.into(), place)
    }
}

/// Rust's string escapes; the error is the escape that is none.
fn unescape(content: &str) -> Result<String, String> {
    let mut out = String::with_capacity(content.len());
    let mut rest = content.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('0') => out.push('\0'),
            Some(same @ ('\\' | '\'' | '"')) => out.push(same),
            Some('\n' | '\r') => {
                let trimmed = rest.as_str().trim_start();
                rest = trimmed.chars();
            }
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let is_plain = digits.len() == 2 && is_hexadecimal(&digits);
                match u8::from_str_radix(&digits, 16) {
                    Ok(byte) if byte < 0x80 && is_plain => out.push(char::from(byte)),
                    _ => return Err(format!("\\x{digits}")),
                }
            }
            Some('u') => {
                let (written, behind) = rest.as_str().split_once('}').unwrap_or_default();
                let value = written
                    .strip_prefix('{')
                    .map(|digits| digits.replace('_', ""))
                    .filter(|digits| is_hexadecimal(digits))
                    .and_then(|digits| u32::from_str_radix(&digits, 16).ok())
                    .and_then(char::from_u32);
                match value {
                    Some(character) => out.push(character),
                    None => return Err("\\u".to_owned()),
                }
                rest = behind.chars();
            }
            other => return Err(other.map_or("\\".to_owned(), |other| format!("\\{other}"))),
        }
    }
    Ok(out)
}

fn is_hexadecimal(digits: &str) -> bool {
    digits.chars().all(|digit| digit.is_ascii_hexdigit())
}
