//! Pest's pairs to the tree. The grammar fixes the shape of every pair, so a function that
//! does not find what the grammar promises gives `None`, and its statement is left out.

use pest::iterators::{Pair, Pairs};

use super::{Rule, junk};
use crate::ast::{
    Action, Argument, Duration, Item, Moment, Rule as RuleNode, Segment, Selector, Setting,
    Targets, Term, Tree, Verb,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

pub(super) fn tree(pairs: Pairs<'_, Rule>, found: &mut Vec<Diagnostic>) -> Tree {
    let mut builder = Builder { found };
    let mut items = Vec::new();
    for pair in pairs.flat_map(Pair::into_inner) {
        match pair.as_rule() {
            Rule::statement => {
                if let Some(item) = pair.into_inner().next().and_then(|item| builder.item(item)) {
                    items.push(item);
                }
            }
            Rule::junk => builder.found.push(junk(pair.get_input(), span(&pair))),
            _ => {}
        }
    }
    Tree { items }
}

fn span(pair: &Pair<'_, Rule>) -> Span {
    let place = pair.as_span();
    Span::new(place.start(), place.end())
}

/// The word or name as it stands.
fn text(pair: &Pair<'_, Rule>) -> Spanned<String> {
    Spanned::new(pair.as_str().to_owned(), span(pair))
}

struct Builder<'f> {
    found: &'f mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Item>> {
        let place = span(&pair);
        let mut parts = pair.clone().into_inner().filter(|part| !is_mark(part.as_rule()));
        let item = match pair.as_rule() {
            Rule::model_item => Item::Model(self.string(&parts.next()?)),
            Rule::run_item => Item::Run(self.duration(parts.next()?)?),
            Rule::default_item => {
                Item::Default(parts.map(|part| self.setting(part)).collect::<Option<_>>()?)
            }
            Rule::rule => Item::Rule(self.rule(pair)?),
            _ => return None,
        };
        Some(Spanned::new(item, place))
    }

    fn rule(&mut self, pair: Pair<'_, Rule>) -> Option<RuleNode> {
        let mut trigger = None;
        let mut name = None;
        let mut actions = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::trigger => {
                    let place = span(&part);
                    let moments = part
                        .into_inner()
                        .filter(|part| part.as_rule() == Rule::moment)
                        .map(|moment| self.moment(moment))
                        .collect::<Option<Vec<_>>>()?;
                    trigger = Some(Spanned::new(moments, place));
                }
                Rule::name => name = Some(text(&part)),
                Rule::action => actions.push(self.action(part)?),
                _ => {}
            }
        }
        Some(RuleNode { trigger: trigger?, name, actions })
    }

    fn moment(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Moment>> {
        let place = span(&pair);
        let mut inner = pair.into_inner();
        let moment = match inner.next()?.as_rule() {
            Rule::kw_start => Moment::Start,
            Rule::kw_epoch => Moment::Epoch(number(&inner.next()?)?),
            Rule::kw_step => Moment::Step(number(&inner.next()?)?),
            Rule::kw_after => Moment::After(self.duration(inner.next()?)?),
            _ => return None,
        };
        Some(Spanned::new(moment, place))
    }

    fn duration(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Duration>> {
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

    fn action(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Action>> {
        let place = span(&pair);
        let mut inner = pair.into_inner();
        let first = inner.next()?;
        if first.as_rule() == Rule::kw_stop {
            return Some(Spanned::new(Action::Stop, place));
        }
        let verb_place = span(&first);
        let verb = match first.into_inner().next()?.as_rule() {
            Rule::kw_train => Verb::Train,
            Rule::kw_unfreeze => Verb::Unfreeze,
            Rule::kw_set => Verb::Set,
            Rule::kw_freeze => Verb::Freeze,
            _ => return None,
        };
        let targets = self.targets(inner.next()?)?;
        let settings = inner.map(|option| self.setting(option)).collect::<Option<_>>()?;
        let action = Action::On { verb: Spanned::new(verb, verb_place), targets, settings };
        Some(Spanned::new(action, place))
    }

    fn setting(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Setting>> {
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

    fn targets(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Targets>> {
        let place = span(&pair);
        let mut lists = pair.into_inner().filter(|part| part.as_rule() == Rule::selectors);
        let selectors = self.selectors(lists.next()?)?;
        let except = lists.next().map_or(Some(Vec::new()), |list| self.selectors(list))?;
        Some(Spanned::new(Targets { selectors, except }, place))
    }

    fn selectors(&mut self, pair: Pair<'_, Rule>) -> Option<Vec<Spanned<Selector>>> {
        pair.into_inner()
            .filter(|part| part.as_rule() == Rule::selector)
            .map(|selector| self.selector(selector))
            .collect()
    }

    fn selector(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Selector>> {
        let place = span(&pair);
        let mut terms = pair.into_inner().filter(|part| part.as_rule() == Rule::term);
        let term = self.term(terms.next()?)?;
        let within = match terms.next() {
            Some(within) => Some(self.term(within)?),
            None => None,
        };
        Some(Spanned::new(Selector { term, within }, place))
    }

    fn term(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Term>> {
        let place = span(&pair);
        let inner = pair.into_inner().next()?;
        let kind = inner.as_rule();
        let term = match kind {
            Rule::string => Term::Literal(self.string(&inner).value),
            Rule::path => {
                let parts = inner.into_inner().filter(|part| part.as_rule() == Rule::segment);
                let mut segments = Vec::new();
                for part in parts.flat_map(Pair::into_inner) {
                    segments.push(self.segment(part)?);
                }
                Term::Path(segments)
            }
            Rule::ready_made => {
                let name = inner.into_inner().find(|part| part.as_rule() == Rule::name)?;
                Term::Name(name.as_str().to_owned())
            }
            Rule::group => {
                let targets = inner.into_inner().find(|part| part.as_rule() == Rule::targets)?;
                Term::Group(self.targets(targets)?.value)
            }
            _ => return None,
        };
        Some(Spanned::new(term, place))
    }

    fn segment(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Segment>> {
        let place = span(&pair);
        let segment = match pair.as_rule() {
            Rule::glob => {
                let word = pair.as_str();
                if word.contains("**") && word != "**" {
                    self.found.push(
                        Diagnostic::new(
                            Code::FRZ0101,
                            place,
                            format!("`{word}` mixes `**` with a word"),
                        )
                        .label("`**` is a whole segment, `*` a part of one"),
                    );
                }
                Segment::Glob(word.to_owned())
            }
            Rule::one_of => Segment::OneOf(
                pair.into_inner()
                    .filter(|part| part.as_rule() == Rule::word)
                    .map(|word| text(&word))
                    .collect(),
            ),
            Rule::index => self.index(pair)?,
            _ => return None,
        };
        Some(Spanned::new(segment, place))
    }

    fn index(&mut self, pair: Pair<'_, Rule>) -> Option<Segment> {
        let mut bounds = Vec::new();
        let mut one_more = 1;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::whole => bounds.push(self.whole(&part)),
                Rule::exclusive => one_more = 0,
                _ => {}
            }
        }
        let (start, last) = match bounds.as_slice() {
            [only] => (*only, *only),
            [start, last] => (*start, *last),
            _ => return None,
        };
        let end = Spanned::new(last.value.saturating_add(one_more), last.span);
        Some(Segment::Index { start, end })
    }

    fn whole(&mut self, pair: &Pair<'_, Rule>) -> Spanned<u64> {
        let value = pair.as_str().replace('_', "").parse().unwrap_or_else(|_| {
            self.found.push(Diagnostic::new(
                Code::FRZ0101,
                span(pair),
                format!("`{}` is too large for an index", pair.as_str()),
            ));
            0
        });
        Spanned::new(value, span(pair))
    }

    fn string(&mut self, pair: &Pair<'_, Rule>) -> Spanned<String> {
        let place = span(pair);
        let quoted = pair.as_str();
        let content = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(quoted);
        let value = unescape(content).unwrap_or_else(|escape| {
            self.found.push(
                Diagnostic::new(Code::FRZ0101, place, format!("unknown escape `{escape}`"))
                    .label("strings have Rust's escapes"),
            );
            content.to_owned()
        });
        Spanned::new(value, place)
    }
}

/// Keywords and signs, which carry no value of their own.
fn is_mark(kind: Rule) -> bool {
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

fn number(pair: &Pair<'_, Rule>) -> Option<Spanned<f64>> {
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
