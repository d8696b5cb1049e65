//! Moments, durations, options and plain values.

use pest::iterators::Pair;

use super::Rule;
use crate::ast::{Argument, Duration, Moment, Setting};
use crate::source::{Span, Spanned};

/// Where a pair stands. Pest counts the space before an optional part as the pair's own, even
/// where that part is missing, so it ends where its last part does.
pub(super) fn span(pair: &Pair<'_, Rule>) -> Span {
    let start = pair.as_span().start();
    let end = pair.clone().into_inner().last().map_or(pair.as_span().end(), |last| span(&last).end);
    Span::new(start, end)
}

/// The word or name as it stands.
pub(super) fn text(pair: &Pair<'_, Rule>) -> Spanned<String> {
    Spanned::new(pair.as_str().to_owned(), span(pair))
}

pub(super) fn moment(pair: Pair<'_, Rule>) -> Option<Spanned<Moment>> {
    let place = span(&pair);
    let mut inner = pair.into_inner();
    let moment = match inner.next()?.as_rule() {
        Rule::kw_start => Moment::Start,
        Rule::kw_epoch => Moment::Epoch(number(&inner.next()?)?),
        Rule::kw_step => Moment::Step(number(&inner.next()?)?),
        Rule::kw_after => Moment::After(duration(inner.next()?)?),
        _ => return None,
    };
    Some(Spanned::new(moment, place))
}

pub(super) fn duration(pair: Pair<'_, Rule>) -> Option<Spanned<Duration>> {
    let place = span(&pair);
    let mut inner = pair.into_inner();
    let first = inner.next()?;
    if first.as_rule() == Rule::kw_rest {
        return Some(Spanned::new(Duration::Rest, place));
    }
    let amount = number(&first)?;
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

pub(super) fn setting(pair: Pair<'_, Rule>) -> Option<Spanned<Setting>> {
    let place = span(&pair);
    let option = pair.into_inner().next()?;
    let kind = option.as_rule();
    let mut parts = option.into_inner().filter(|part| !is_mark(part.as_rule()));
    let first = parts.next()?;
    let setting = match kind {
        Rule::lr => Setting::Lr(number(&first)?),
        Rule::weight_decay => Setting::WeightDecay(number(&first)?),
        Rule::optimizer => Setting::Optimizer {
            name: text(&first),
            arguments: parts
                .flat_map(Pair::into_inner)
                .filter(|part| part.as_rule() == Rule::argument)
                .map(argument)
                .collect::<Option<_>>()?,
        },
        _ => return None,
    };
    Some(Spanned::new(setting, place))
}

/// Keywords and signs, which carry no value of their own.
pub(super) fn is_mark(kind: Rule) -> bool {
    matches!(
        kind,
        Rule::kw_model
            | Rule::kw_run
            | Rule::kw_default
            | Rule::kw_lr
            | Rule::kw_weight_decay
            | Rule::kw_optimizer
    )
}

pub(super) fn number(pair: &Pair<'_, Rule>) -> Option<Spanned<f64>> {
    let written: String = pair
        .as_str()
        .chars()
        .filter(|character| !character.is_whitespace() && *character != '_')
        .collect();
    Some(Spanned::new(written.parse().ok()?, span(pair)))
}

fn argument(pair: Pair<'_, Rule>) -> Option<Argument> {
    let mut inner = pair.into_inner();
    let name = text(&inner.next()?);
    let value = match inner.next() {
        Some(value) => Some(number(&value)?),
        None => None,
    };
    Some(Argument { name, value })
}

/// Rust's string escapes; the error is the escape that is none.
pub(super) fn unescape(content: &str) -> Result<String, String> {
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
            Some('\n') => {
                let trimmed = rest.as_str().trim_start();
                rest = trimmed.chars();
            }
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                match u8::from_str_radix(&digits, 16) {
                    Ok(byte) if byte < 0x80 && digits.len() == 2 => out.push(char::from(byte)),
                    _ => return Err(format!("\\x{digits}")),
                }
            }
            Some('u') => {
                let written: String =
                    rest.by_ref().take_while(|character| *character != '}').take(8).collect();
                let value = written
                    .strip_prefix('{')
                    .and_then(|digits| u32::from_str_radix(&digits.replace('_', ""), 16).ok())
                    .and_then(char::from_u32);
                match value {
                    Some(character) => out.push(character),
                    None => return Err(format!("\\u{written}}}")),
                }
            }
            other => return Err(other.map_or("\\".to_owned(), |other| format!("\\{other}"))),
        }
    }
    Ok(out)
}
