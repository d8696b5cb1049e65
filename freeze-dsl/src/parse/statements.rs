//! From pest's pairs to the tree: statements, rules and actions. The grammar determines the shape of
//! every pair; if one had another shape, the function would return `None`, and the statement would
//! be left out.

use pest::iterators::Pair;

use super::slips::cut_rule;
use super::syntax::missing_semicolon;
use super::{Rule, junk};
use crate::ast::{
    Action, Best, Condition, Direction, Item, List, Loop, Metric, Moment, Relation,
    Rule as RuleNode, Targets, Test, Text, Tree, Verb, WrittenMargin,
};
use crate::diagnostic::{Code, Diagnostic, DiagnosticSink, Suggestion};
use crate::source::{Span, Spanned};

/// In how many statements edits are tried: nobody reads more.
const MOST_MENDED: usize = 64;

/// The parts of one kind.
pub(super) fn parts(pair: Pair<'_, Rule>, kind: Rule) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(move |part| part.as_rule() == kind)
}

/// The first part of one kind.
pub(super) fn part(pair: Pair<'_, Rule>, kind: Rule) -> Option<Pair<'_, Rule>> {
    parts(pair, kind).next()
}

/// A list without unused memory: most have one element.
pub(super) fn list<T: Clone>(mut elements: Vec<T>) -> List<T> {
    elements.shrink_to_fit();
    elements.into()
}

/// A list of the elements, if all could be built.
pub(super) fn all<T: Clone>(elements: impl Iterator<Item = Option<T>>) -> Option<List<T>> {
    elements.collect::<Option<_>>().map(list)
}

pub(super) struct TreeBuilder<'t> {
    /// The text as it was written.
    written: &'t str,
    /// The text as pest reads it.
    text: &'t str,
    /// The byte of it from which pest counts.
    at: usize,
    /// The statements outside of blocks.
    items: Vec<Spanned<Item>>,
    /// The blocks that are open, the innermost last.
    open: Vec<OpenBlock>,
    /// The places of the Rust expressions so far.
    pub(super) rust: Vec<Spanned<()>>,
    pub(super) found: DiagnosticSink,
    /// How many statements did not parse.
    junk: usize,
    /// Where the rest of a rule begins that a `;` cuts in two.
    rest_of_rule: Option<usize>,
}

/// A block whose end has not been parsed yet.
struct OpenBlock {
    /// `None` if it does not parse.
    head: Option<BlockHead>,
    place: Span,
    body: Vec<Spanned<Item>>,
}

/// What a block is.
enum BlockHead {
    For(Spanned<Loop>),
    Track { name: Option<Spanned<Text>>, scope: Option<Spanned<Targets>> },
    Repeat,
}

impl<'t> TreeBuilder<'t> {
    pub(super) fn new(written: &'t str, text: &'t str, found: DiagnosticSink) -> Self {
        let (items, open, rust) = (Vec::new(), Vec::new(), Vec::new());
        Self { written, text, at: 0, items, open, rust, found, junk: 0, rest_of_rule: None }
    }

    /// Adds a chunk; pest counts from `at`. Returns whether it is a statement that depends on its own
    /// text alone.
    pub(super) fn add(&mut self, at: usize, part: Pair<'t, Rule>) -> bool {
        self.at = at;
        match part.as_rule() {
            Rule::statement => return self.statement(part),
            Rule::opening => self.opening(part),
            Rule::closing => self.close(),
            Rule::lost => {
                let place = self.span(&part);
                self.junk(place);
                self.open.push(OpenBlock { head: None, place, body: Vec::new() });
            }
            Rule::junk | Rule::loop_junk => {
                let place = self.span(&part);
                self.junk(place);
            }
            _ => {}
        }
        false
    }

    /// Reports why something does not parse.
    fn junk(&mut self, place: Span) {
        self.junk += 1;
        if self.junk == DiagnosticSink::MOST + 1 {
            let message = DiagnosticSink::more_than_most("statements that do not parse");
            self.found.push(Diagnostic::new(Code::Syntax, place, message));
        }
        if self.junk <= DiagnosticSink::MOST {
            if self.rest_of_rule.take().is_some_and(|rest| place.range().contains(&rest)) {
                return;
            }
            if let Some((rest, finding)) = cut_rule(self.text, place) {
                self.rest_of_rule = Some(rest);
                self.found.push(finding);
                return;
            }
            let written = self.written.get(place.range()).unwrap_or_default();
            let mut finding = junk(self.text, place, written, self.junk <= MOST_MENDED);
            finding.suggestions.retain(|suggestion| self.keeps_comments(suggestion));
            if !self.is_mended(&finding) {
                self.found.push(finding);
            }
        }
    }

    /// Whether the edits of an earlier finding include those of this one: it is the same mistake, as
    /// the uses of a name that its definition has without `@`.
    fn is_mended(&self, finding: &Diagnostic) -> bool {
        let [Suggestion { edits, .. }] = &finding.suggestions[..] else { return false };
        let includes = |other: &Suggestion| edits.iter().all(|edit| other.edits.contains(edit));
        self.found.iter().any(|earlier| earlier.suggestions.iter().any(includes))
    }

    /// Whether edits replace nothing that the grammar reads as space: a comment, or a character
    /// that has a finding of its own.
    fn keeps_comments(&self, suggestion: &Suggestion) -> bool {
        suggestion.edits.iter().all(|edit| {
            let range = edit.span.range();
            let Some((written, read)) = self.written.get(range.clone()).zip(self.text.get(range))
            else {
                return false;
            };
            written.split_whitespace().eq(read.split_whitespace())
        })
    }

    pub(super) fn finish(mut self) -> (Tree, Vec<Diagnostic>) {
        while let Some(OpenBlock { head, place, .. }) = self.open.last() {
            let kind = match head {
                Some(BlockHead::Track { .. }) => "track",
                Some(BlockHead::Repeat) => "`repeat`",
                _ => "loop",
            };
            self.found.push(
                Diagnostic::new(Code::Syntax, *place, format!("this {kind} is not closed"))
                    .label("expected `}` after this"),
            );
            self.close();
        }
        (Tree { items: list(self.items), rust: list(self.rust) }, self.found.into_vec())
    }

    /// Adds a statement.
    pub(super) fn push(&mut self, item: Spanned<Item>) {
        self.open.last_mut().map_or(&mut self.items, |inner| &mut inner.body).push(item);
    }

    fn opening(&mut self, pair: Pair<'t, Rule>) {
        let Some(head) = pair.into_inner().next() else { return };
        let (before, place) = (self.found.len(), self.span(&head));
        let head = match head.as_rule() {
            Rule::track_head => self.track_head(head),
            Rule::repeat_head => Some(BlockHead::Repeat),
            _ => self.head(head).map(BlockHead::For),
        };
        self.report_unread(head.is_none(), before, place);
        self.open.push(OpenBlock { head, place, body: Vec::new() });
    }

    fn close(&mut self) {
        if let Some(OpenBlock { head: Some(head), place, body }) = self.open.pop() {
            let body = list(body);
            let block = match head {
                BlockHead::For(head) => Item::For { head, body },
                BlockHead::Track { name, scope } => Item::Track { name, scope, body },
                BlockHead::Repeat => Item::Repeat { body },
            };
            self.push(Spanned::new(block, place));
        }
    }

    fn track_head(&mut self, pair: Pair<'t, Rule>) -> Option<BlockHead> {
        let (mut name, mut scope) = (None, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::name => name = Some(self.text(&inner)),
                Rule::targets => scope = Some(self.targets(inner)?),
                _ => {}
            }
        }
        Some(BlockHead::Track { name, scope })
    }

    /// The span of a pair. Pest includes the space before an optional part, even if that part is
    /// missing.
    pub(super) fn span(&self, pair: &Pair<'t, Rule>) -> Span {
        let start = self.at + pair.as_span().start();
        Span::new(start, start + pair.as_str().trim_end_matches(' ').len())
    }

    /// The word or name as written.
    pub(super) fn text(&self, pair: &Pair<'t, Rule>) -> Spanned<Text> {
        Spanned::new(pair.as_str().to_owned().into(), self.span(pair))
    }

    fn statement(&mut self, pair: Pair<'t, Rule>) -> bool {
        let mut inner = pair.into_inner();
        let Some(item) = inner.next() else { return false };
        let place = self.span(&item);
        let (reported, rust) = (self.found.reported(), self.rust.len());
        if let Some(next) = inner.find(|part| part.as_rule() == Rule::missing) {
            let next = self.span(&next).start;
            self.found.push(missing_semicolon(self.text, place.end, next));
        }
        let before = self.found.len();
        let item = self.item(item);
        self.report_unread(item.is_none(), before, place);
        let is_read = item.is_some();
        if let Some(item) = item {
            self.push(item);
        }
        is_read && self.found.reported() == reported && self.rust.len() == rust
    }

    /// Reports what is left out of the tree, if nothing has been reported since `before`.
    fn report_unread(&mut self, is_unread: bool, before: usize, place: Span) {
        if is_unread && self.found.len() == before {
            self.found.push(Diagnostic::new(Code::Syntax, place, "this cannot be parsed"));
        }
    }

    fn item(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Item>> {
        let place = self.span(&pair);
        let item = match pair.as_rule() {
            Rule::model_item => Item::Model(self.string(&part(pair, Rule::string)?)?),
            Rule::run_item => Item::Run(self.duration(part(pair, Rule::duration)?)?),
            Rule::default_item => {
                Item::Default(all(parts(pair, Rule::option).map(|it| self.setting(it)))?)
            }
            Rule::let_item => self.let_item(pair.into_inner().nth(1)?)?,
            Rule::rule => Item::Rule(self.rule(pair)?),
            _ => return None,
        };
        Some(Spanned::new(item, place))
    }

    fn let_item(&mut self, pair: Pair<'t, Rule>) -> Option<Item> {
        let mut inner = pair.into_inner();
        let name = inner.next()?;
        let value = inner.nth(1)?;
        Some(match value.as_rule() {
            Rule::number => Item::LetNumber { name: self.text(&name), number: self.number(value)? },
            Rule::list => Item::LetList { name: self.at_name(name)?, list: self.listing(value)? },
            _ => Item::LetTargets { name: self.at_name(name)?, targets: self.targets(value)? },
        })
    }

    fn head(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Loop>> {
        let place = self.span(&pair);
        let head = pair.into_inner().nth(1)?;
        let kind = head.as_rule();
        let mut inner = head.into_inner();
        let first = inner.next()?;
        let head = if kind == Rule::each {
            let (index, element) = if first.as_rule() == Rule::name {
                (Some(self.text(&first)), inner.nth(1)?)
            } else {
                (None, first)
            };
            let list = self.listing(inner.nth(1)?)?;
            Loop::Each { index, element: self.at_name(element)?, list }
        } else {
            let start = self.number(inner.nth(1)?)?;
            let inclusive = inner.next()?.as_rule() == Rule::inclusive;
            Loop::Range {
                index: self.text(&first),
                start,
                end: self.number(inner.next()?)?,
                inclusive,
            }
        };
        Some(Spanned::new(head, place))
    }

    fn rule(&mut self, pair: Pair<'t, Rule>) -> Option<RuleNode> {
        let mut trigger = None;
        let mut name = None;
        let mut actions = Vec::new();
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::trigger => {
                    let place = self.span(&inner);
                    let moments = parts(inner, Rule::moment);
                    let moments = all(moments.map(|moment| self.moment(moment)))?;
                    trigger = Some(Spanned::new(moments, place));
                }
                Rule::name => name = Some(self.text(&inner)),
                Rule::action => actions.push(self.action(inner)?),
                _ => {}
            }
        }
        Some(RuleNode { trigger: trigger?, name, actions: list(actions) })
    }

    fn moment(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Moment>> {
        let place = self.span(&pair);
        let mut inner = pair.into_inner();
        let moment = match inner.next()?.as_rule() {
            Rule::kw_start => Moment::Start,
            Rule::kw_epoch => Moment::Epoch(self.number(inner.next()?)?),
            Rule::kw_step => Moment::Step(self.number(inner.next()?)?),
            Rule::kw_at => Moment::At(self.number(inner.next()?)?),
            Rule::kw_after => Moment::After(self.duration(inner.next()?)?),
            Rule::kw_every => Moment::Every(self.duration(inner.next()?)?),
            kind @ (Rule::kw_when | Rule::kw_whenever) => {
                let conditions = inner.filter(|part| part.as_rule() == Rule::condition);
                let conditions = all(conditions.map(|condition| self.condition(condition)))?;
                match kind {
                    Rule::kw_when => Moment::When(conditions),
                    _ => Moment::Whenever(conditions),
                }
            }
            _ => return None,
        };
        Some(Spanned::new(moment, place))
    }

    fn condition(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Condition>> {
        let place = self.span(&pair);
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
            let by = match inner.nth(1) {
                Some(by) => {
                    let number = self.number(by)?;
                    Some(WrittenMargin { number, is_percent: inner.next().is_some() })
                }
                None => None,
            };
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

    fn metric(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Metric>> {
        let place = self.span(&pair);
        let inner = pair.into_inner().next()?;
        let metric = match inner.as_rule() {
            Rule::grad_norm => Metric::GradNorm(self.targets(part(inner, Rule::targets)?)?),
            Rule::string => Metric::Named(self.string(&inner)?.value),
            _ => Metric::Named(self.text(&inner).value),
        };
        Some(Spanned::new(metric, place))
    }

    fn action(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Action>> {
        let place = self.span(&pair);
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
                let body = inner.filter(|part| part.as_rule() == Rule::action);
                Action::For { head, body: all(body.map(|action| self.action(action)))? }
            }
            _ => self.on_targets(first)?,
        };
        Some(Spanned::new(action, place))
    }

    fn on_targets(&mut self, pair: Pair<'t, Rule>) -> Option<Action> {
        let mut inner = pair.into_inner();
        let verb = inner.next()?;
        let place = self.span(&verb);
        let verb = match verb.into_inner().next()?.as_rule() {
            Rule::kw_train => Verb::Train,
            Rule::kw_unfreeze => Verb::Unfreeze,
            Rule::kw_set => Verb::Set,
            Rule::kw_freeze => Verb::Freeze,
            _ => return None,
        };
        let targets = self.targets(inner.next()?)?;
        let settings = all(inner.map(|option| self.setting(option)))?;
        Some(Action::On { verb: Spanned::new(verb, place), targets, settings })
    }

    /// The name after an `@`, with the span of both.
    fn at_name(&self, pair: Pair<'t, Rule>) -> Option<Spanned<Text>> {
        let place = self.span(&pair);
        Some(Spanned::new(self.text(&part(pair, Rule::name)?).value, place))
    }
}
