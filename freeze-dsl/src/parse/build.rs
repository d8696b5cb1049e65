//! Pest's pairs to the tree: statements, rules and actions. The grammar fixes the shape of every
//! pair, so a function that does not find what the grammar promises gives `None`, and its
//! statement is left out.

use pest::iterators::{Pair, Pairs};

use super::syntax::missing_semicolon;
use super::{Rule, junk};
use crate::ast::{
    Action, Best, Condition, Direction, Item, List, Loop, Moment, Relation, Rule as RuleNode, Test,
    Text, Tree, Verb,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

pub(super) fn tree(pairs: Pairs<'_, Rule>, found: &mut Vec<Diagnostic>) -> Tree {
    let mut builder = Builder { found, rust: Vec::new(), junk: 0 };
    let items = builder.items(pairs.flat_map(Pair::into_inner));
    Tree { items: items.into(), rust: builder.rust.into() }
}

/// Where a pair stands. Pest counts the space before an optional part as the pair's own, even
/// where that part is missing, so it ends where its last part does.
pub(super) fn span(pair: &Pair<'_, Rule>) -> Span {
    let start = pair.as_span().start();
    let end = pair.clone().into_inner().last().map_or(pair.as_span().end(), |last| span(&last).end);
    Span::new(start, end)
}

/// The word or name as it stands.
pub(super) fn text(pair: &Pair<'_, Rule>) -> Spanned<Text> {
    Spanned::new(pair.as_str().to_owned().into(), span(pair))
}

/// The parts that are of one kind.
pub(super) fn parts(pair: Pair<'_, Rule>, kind: Rule) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(move |part| part.as_rule() == kind)
}

/// The first part that is of one kind.
pub(super) fn part(pair: Pair<'_, Rule>, kind: Rule) -> Option<Pair<'_, Rule>> {
    parts(pair, kind).next()
}

/// How many statements that do not parse are told: nobody reads more.
const MOST_JUNK: usize = 1_000;

pub(super) struct Builder<'f> {
    pub(super) found: &'f mut Vec<Diagnostic>,
    /// Where the Rust expressions stand that have been read.
    pub(super) rust: Vec<Spanned<()>>,
    /// How many statements did not parse.
    junk: usize,
}

impl Builder<'_> {
    fn items<'t>(&mut self, pairs: impl Iterator<Item = Pair<'t, Rule>>) -> Vec<Spanned<Item>> {
        let mut items = Vec::new();
        for pair in pairs {
            match pair.as_rule() {
                Rule::statement => {
                    let mut inner = pair.into_inner();
                    let Some(item) = inner.next() else { continue };
                    let (input, place) = (item.get_input(), span(&item));
                    if let Some(next) = inner.find(|part| part.as_rule() == Rule::missing) {
                        let next = next.as_span().start();
                        self.found.push(missing_semicolon(input, place.end, next));
                    }
                    let told = self.found.len();
                    let item = self.item(item);
                    self.tell_unread(item.is_none(), told, place);
                    items.extend(item);
                }
                Rule::looped => {
                    let (told, place) = (self.found.len(), span(&pair));
                    let item = self.for_item(pair);
                    self.tell_unread(item.is_none(), told, place);
                    items.extend(item);
                }
                Rule::junk | Rule::inner_junk if self.junk < MOST_JUNK => {
                    self.junk += 1;
                    self.found.push(junk(pair.get_input(), span(&pair)));
                }
                _ => {}
            }
        }
        items
    }

    /// What is left out of the tree is told.
    fn tell_unread(&mut self, is_unread: bool, told: usize, place: Span) {
        if is_unread && self.found.len() == told {
            self.found.push(Diagnostic::new(Code::FRZ0101, place, "this cannot be read"));
        }
    }

    fn for_item(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Item>> {
        let mut inner = pair.into_inner();
        let head = inner.next()?;
        let end = inner.clone().next_back();
        if end.is_some_and(|part| part.as_rule() == Rule::never_closed) {
            self.found.push(
                Diagnostic::new(Code::FRZ0101, span(&head), "this loop is never closed")
                    .label("expected `}` somewhere behind this"),
            );
        }
        let head = self.head(head)?;
        let place = head.span;
        let body = self.items(inner);
        Some(Spanned::new(Item::For(head, body.into()), place))
    }

    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Item>> {
        let place = span(&pair);
        let item = match pair.as_rule() {
            Rule::model_item => Item::Model(self.string(&part(pair, Rule::string)?)),
            Rule::run_item => Item::Run(self.duration(part(pair, Rule::duration)?)?),
            Rule::default_item => Item::Default(
                parts(pair, Rule::option).map(|it| self.setting(it)).collect::<Option<_>>()?,
            ),
            Rule::let_item => self.let_item(pair.into_inner().nth(1)?)?,
            Rule::rule => Item::Rule(self.rule(pair)?),
            _ => return None,
        };
        Some(Spanned::new(item, place))
    }

    fn let_item(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        let mut inner = pair.into_inner();
        let name = inner.next()?;
        let value = inner.nth(1)?;
        Some(match value.as_rule() {
            Rule::number => Item::LetNumber(text(&name), self.number(value)?),
            Rule::list => Item::LetList(at_name(name)?, self.listing(value)?),
            _ => Item::LetTargets(at_name(name)?, self.targets(value)?),
        })
    }

    fn head(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Loop>> {
        let place = span(&pair);
        let head = pair.into_inner().nth(1)?;
        let kind = head.as_rule();
        let mut inner = head.into_inner();
        let first = inner.next()?;
        let head = if kind == Rule::each {
            let (index, element) = if first.as_rule() == Rule::name {
                (Some(text(&first)), inner.nth(1)?)
            } else {
                (None, first)
            };
            let list = self.listing(inner.nth(1)?)?;
            Loop::Each { index, element: at_name(element)?, list }
        } else {
            let start = self.number(inner.nth(1)?)?;
            let inclusive = inner.next()?.as_rule() == Rule::inclusive;
            Loop::Range { index: text(&first), start, end: self.number(inner.next()?)?, inclusive }
        };
        Some(Spanned::new(head, place))
    }

    fn rule(&mut self, pair: Pair<'_, Rule>) -> Option<RuleNode> {
        let mut trigger = None;
        let mut name = None;
        let mut actions = Vec::new();
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::trigger => {
                    let place = span(&inner);
                    let moments = parts(inner, Rule::moment)
                        .map(|moment| self.moment(moment))
                        .collect::<Option<_>>()?;
                    trigger = Some(Spanned::new(moments, place));
                }
                Rule::name => name = Some(text(&inner)),
                Rule::action => actions.push(self.action(inner)?),
                _ => {}
            }
        }
        Some(RuleNode { trigger: trigger?, name, actions: actions.into() })
    }

    fn moment(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Moment>> {
        let place = span(&pair);
        let mut inner = pair.into_inner();
        let moment = match inner.next()?.as_rule() {
            Rule::kw_start => Moment::Start,
            Rule::kw_epoch => Moment::Epoch(self.number(inner.next()?)?),
            Rule::kw_step => Moment::Step(self.number(inner.next()?)?),
            Rule::kw_at => Moment::At(self.number(inner.next()?)?),
            Rule::kw_after => Moment::After(self.duration(inner.next()?)?),
            Rule::kw_every => Moment::Every(self.duration(inner.next()?)?),
            Rule::kw_when => Moment::When(
                inner
                    .filter(|part| part.as_rule() == Rule::condition)
                    .map(|condition| self.condition(condition))
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        };
        Some(Spanned::new(moment, place))
    }

    fn condition(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Condition>> {
        let place = span(&pair);
        let mut inner = pair.into_inner();
        let metric = self.metric(inner.next()?)?;
        let test = inner.next()?;
        let kind = test.as_rule();
        let mut inner = test.into_inner();
        let test = if kind == Rule::stops {
            let direction = match inner.nth(1)?.as_rule() {
                Rule::kw_falling => Direction::Falling,
                _ => Direction::Rising,
            };
            let patience = self.duration(inner.nth(1)?)?;
            let by = inner.nth(1).map_or(Some(None), |by| self.number(by).map(Some))?;
            Test::Stops { direction, patience, by }
        } else {
            let relation = match inner.next()?.as_rule() {
                Rule::below => Relation::Below,
                Rule::at_most => Relation::AtMost,
                Rule::above => Relation::Above,
                _ => Relation::AtLeast,
            };
            let bound = self.number(inner.next()?)?;
            let lasting = inner.nth(1).map_or(Some(None), |it| self.duration(it).map(Some))?;
            Test::Compares { relation, bound, lasting }
        };
        Some(Spanned::new(Condition { metric, test }, place))
    }

    fn metric(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Text>> {
        let inner = pair.into_inner().next()?;
        Some(if inner.as_rule() == Rule::string { self.string(&inner) } else { text(&inner) })
    }

    fn action(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Action>> {
        let place = span(&pair);
        let first = pair.into_inner().next()?;
        let action = match first.as_rule() {
            Rule::kw_stop => Action::Stop,
            Rule::reset => Action::Reset(self.targets(part(first, Rule::targets)?)?),
            Rule::restore => {
                let mut inner = first.into_inner();
                let best = match inner.nth(1)?.as_rule() {
                    Rule::kw_lowest => Best::Lowest,
                    _ => Best::Highest,
                };
                Action::Restore { best, metric: self.metric(inner.next()?)? }
            }
            Rule::for_action => {
                let mut inner = first.into_inner();
                let head = self.head(inner.next()?)?;
                let body: Option<List<_>> = inner
                    .filter(|part| part.as_rule() == Rule::action)
                    .map(|action| self.action(action))
                    .collect();
                Action::For(head, body?)
            }
            _ => self.on_targets(first)?,
        };
        Some(Spanned::new(action, place))
    }

    fn on_targets(&mut self, pair: Pair<'_, Rule>) -> Option<Action> {
        let mut inner = pair.into_inner();
        let verb = inner.next()?;
        let place = span(&verb);
        let verb = match verb.into_inner().next()?.as_rule() {
            Rule::kw_train => Verb::Train,
            Rule::kw_unfreeze => Verb::Unfreeze,
            Rule::kw_set => Verb::Set,
            Rule::kw_freeze => Verb::Freeze,
            _ => return None,
        };
        let targets = self.targets(inner.next()?)?;
        let settings = inner.map(|option| self.setting(option)).collect::<Option<_>>()?;
        Some(Action::On { verb: Spanned::new(verb, place), targets, settings })
    }
}

/// The name behind an `@`, with the place of both.
fn at_name(pair: Pair<'_, Rule>) -> Option<Spanned<Text>> {
    let place = span(&pair);
    Some(Spanned::new(text(&part(pair, Rule::name)?).value, place))
}
