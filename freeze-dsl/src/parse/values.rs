//! From pest's pairs to the tree: numbers, durations and strings.

use pest::iterators::Pair;

use super::Rule;
use super::statements::{TreeBuilder, list, part, parts};
use crate::ast::{Duration, Number, Step, Text};
use crate::diagnostic::{Applicability, Code, Diagnostic, readable};
use crate::source::Spanned;

/// How many operands and operators an expression may have.
const MAX_STEPS: usize = 1_000;

impl<'t> TreeBuilder<'t> {
    pub(super) fn duration(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Duration>> {
        let place = self.span(&pair);
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

    pub(super) fn number(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Number>> {
        let place = self.span(&pair);
        let mut steps = Vec::new();
        self.steps(pair, &mut steps)?;
        Some(Spanned::new(Number { steps: list(steps) }, place))
    }

    /// Appends an expression in postfix order, by Dijkstra's shunting yard algorithm.
    fn steps(&mut self, pair: Pair<'t, Rule>, steps: &mut Vec<Spanned<Step>>) -> Option<()> {
        let place = self.span(&pair);
        let parts = pair.into_inner();
        if parts.len() > MAX_STEPS {
            self.found.push(Diagnostic::new(
                Code::NestedTooDeeply,
                place,
                format!("an expression of more than {MAX_STEPS} parts"),
            ));
            return None;
        }
        // Operators whose right operand is not complete, the innermost last.
        let mut waiting: Vec<(Precedence, Spanned<Step>)> = Vec::new();
        for part in parts {
            let Some((binding, step)) = operator(&part) else {
                self.operand(part, steps)?;
                continue;
            };
            let ends = |(before, _): &mut (Precedence, _)| binding.ends(*before);
            steps.extend(std::iter::from_fn(|| waiting.pop_if(ends)).map(|(_, step)| step));
            waiting.push((binding, Spanned::new(step, self.span(&part))));
        }
        steps.extend(waiting.into_iter().rev().map(|(_, step)| step));
        Some(())
    }

    fn operand(&mut self, pair: Pair<'t, Rule>, steps: &mut Vec<Spanned<Step>>) -> Option<()> {
        let place = self.span(&pair);
        let step = match pair.as_rule() {
            Rule::literal => Step::Literal(pair.as_str().replace('_', "").parse().ok()?),
            Rule::name => Step::Name(self.text(&pair).value),
            Rule::nested => return self.steps(part(pair, Rule::number)?, steps),
            Rule::len => Step::Len(self.listing(part(pair, Rule::list)?)?.value),
            Rule::rounded => {
                let mut inner = pair.into_inner();
                let step = match inner.next()?.as_rule() {
                    Rule::kw_floor => Step::Floor,
                    Rule::kw_ceil => Step::Ceil,
                    _ => Step::Round,
                };
                self.steps(inner.nth(1)?, steps)?;
                step
            }
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

    pub(super) fn string(&mut self, pair: &Pair<'t, Rule>) -> Option<Spanned<Text>> {
        let place = self.span(pair);
        let quoted = pair.as_str();
        if let Some(raw) = quoted.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let content = raw.get(hashes + 1..raw.len() - hashes - 1)?;
            return Some(Spanned::new(content.to_owned().into(), place));
        }
        let content =
            quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
        match unescape(content) {
            Ok(value) => Some(Spanned::new(value.into(), place)),
            Err(escape) => {
                let raw = format!("r\"{content}\"");
                let is_plain = !content.contains("\\\"") && !content.contains("\\\\");
                let finding =
                    Diagnostic::new(Code::Syntax, place, format!("unknown escape `{escape}`"))
                        .label("a raw string keeps its backslashes");
                let help = format!("write `{}`", readable(&raw));
                self.found.push(if is_plain {
                    finding.suggest(Applicability::Safe, help, place, raw)
                } else {
                    finding
                });
                None
            }
        }
    }
}

/// How tightly an operator binds: `^` before a sign, so `-2 ^ 2` is -4.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Precedence {
    Sum,
    Product,
    Sign,
    Power,
}

impl Precedence {
    /// Whether this operator ends the right operand of the operator before. A sign has no left
    /// operand, and `^` is right-associative.
    fn ends(self, before: Self) -> bool {
        match self {
            Self::Sum | Self::Product => before >= self,
            Self::Power => before > self,
            Self::Sign => false,
        }
    }
}

fn operator(pair: &Pair<'_, Rule>) -> Option<(Precedence, Step)> {
    Some(match (pair.as_rule(), pair.as_str()) {
        (Rule::negative, _) => (Precedence::Sign, Step::Negate),
        (Rule::operator, "+") => (Precedence::Sum, Step::Add),
        (Rule::operator, "-") => (Precedence::Sum, Step::Subtract),
        (Rule::operator, "*") => (Precedence::Product, Step::Multiply),
        (Rule::operator, "/") => (Precedence::Product, Step::Divide),
        (Rule::operator, _) => (Precedence::Power, Step::Power),
        _ => return None,
    })
}

/// Replaces Rust's string escapes; the error is the invalid escape.
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
                let (written, after) = rest.as_str().split_once('}').unwrap_or_default();
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
                rest = after.chars();
            }
            other => return Err(other.map_or("\\".to_owned(), |other| format!("\\{other}"))),
        }
    }
    Ok(out)
}

fn is_hexadecimal(digits: &str) -> bool {
    digits.chars().all(|digit| digit.is_ascii_hexdigit())
}
