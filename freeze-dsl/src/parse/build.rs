//! Pest's pairs to the tree. The grammar fixes the shape of every pair, so a function that
//! does not find what the grammar promises gives `None`, and its statement is left out.

use pest::iterators::{Pair, Pairs};

use super::values::{duration, is_mark, moment, setting, span, text, unescape};
use super::{Rule, junk};
use crate::ast::{Action, Item, Rule as RuleNode, Segment, Selector, Targets, Term, Tree, Verb};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Spanned;

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

struct Builder<'f> {
    found: &'f mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Item>> {
        let place = span(&pair);
        let mut parts = pair.clone().into_inner().filter(|part| !is_mark(part.as_rule()));
        let item = match pair.as_rule() {
            Rule::model_item => Item::Model(self.string(&parts.next()?)),
            Rule::run_item => Item::Run(duration(parts.next()?)?),
            Rule::default_item => Item::Default(parts.map(setting).collect::<Option<_>>()?),
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
                        .map(moment)
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
        let settings = inner.map(setting).collect::<Option<_>>()?;
        let action = Action::On { verb: Spanned::new(verb, verb_place), targets, settings };
        Some(Spanned::new(action, place))
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
        let content =
            quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
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
