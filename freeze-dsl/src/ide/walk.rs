//! A walk through a tree that visits what editors ask about, in the order of the text.

use crate::ast::{
    Action, Bounds, Condition, Count, Curve, Duration, Element, Elements, Item, Listing, Loop,
    Metric, Moment, Number, Piece, Prefix, Segment, Selector, Setting, Shape, Step, Targets, Term,
    Test, Tree,
};
use crate::source::{Span, Spanned};

/// A part of a tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'t> {
    Targets(&'t Spanned<Targets>),
    /// A term; a list's element among them.
    Term(&'t Spanned<Term>),
    /// The elements of a list, or its name.
    List(&'t Spanned<Elements>),
    Number(&'t Spanned<Number>),
    Metric(&'t Spanned<Metric>),
    /// Before the body of a loop, in which its names mean something.
    LoopStart(&'t Loop),
    /// After the body of a loop.
    LoopEnd,
    /// A use of a name.
    Use(&'t str, Span, bool),
}

/// Calls `visit` for each part of a tree.
pub(super) fn walk<'t>(tree: &'t Tree, visit: impl FnMut(Part<'t>)) {
    TreeWalk { visit }.items(&tree.items);
}

struct TreeWalk<F> {
    visit: F,
}

impl<'t, F: FnMut(Part<'t>)> TreeWalk<F> {
    fn items(&mut self, items: &'t [Spanned<Item>]) {
        for item in items {
            self.item(&item.value);
        }
    }

    fn item(&mut self, item: &'t Item) {
        match item {
            Item::Model(_) => {}
            Item::Run(duration) => self.duration(duration),
            Item::Default(settings) => self.settings(settings),
            Item::LetNumber { number, .. } => self.number(number),
            Item::LetTargets { targets, .. } => self.targets(targets),
            Item::LetList { list, .. } => self.list(list),
            Item::For { head, body } => {
                self.head(head);
                self.items(body);
                (self.visit)(Part::LoopEnd);
            }
            Item::Track { name: _, scope, body } => {
                if let Some(scope) = scope {
                    self.targets(scope);
                }
                self.items(body);
            }
            Item::Repeat { body } => self.items(body),
            Item::Rule(rule) => {
                for moment in rule.trigger.value.iter() {
                    self.moment(moment);
                }
                self.actions(&rule.actions);
            }
        }
    }

    /// The head of a loop, whose list is outside of the loop.
    fn head(&mut self, head: &'t Spanned<Loop>) {
        match &head.value {
            Loop::Each { list, .. } => self.list(list),
            Loop::Range { start, end, .. } => {
                self.number(start);
                self.number(end);
            }
        }
        (self.visit)(Part::LoopStart(&head.value));
    }

    fn moment(&mut self, moment: &'t Moment) {
        match moment {
            Moment::Start => {}
            Moment::Epoch(number) | Moment::Step(number) | Moment::At(number) => {
                self.number(number);
            }
            Moment::After(duration) | Moment::Every(duration) => self.duration(duration),
            Moment::When(conditions) | Moment::Whenever(conditions) => {
                for condition in conditions.iter() {
                    self.condition(condition);
                }
            }
        }
    }

    fn condition(&mut self, condition: &'t Condition) {
        self.metric(&condition.metric);
        match &condition.test {
            Test::Stops { patience, by, .. } => {
                self.duration(patience);
                if let Some(by) = by {
                    self.number(&by.number);
                }
            }
            Test::Compares { bound, lasting, .. } => {
                self.number(bound);
                if let Some(lasting) = lasting {
                    self.duration(lasting);
                }
            }
        }
    }

    fn metric(&mut self, metric: &'t Spanned<Metric>) {
        (self.visit)(Part::Metric(metric));
        if let Metric::GradNorm(targets) = &metric.value {
            self.targets(targets);
        }
    }

    fn actions(&mut self, actions: &'t [Spanned<Action>]) {
        for action in actions {
            match &action.value {
                Action::On { targets, settings, .. } => {
                    self.targets(targets);
                    self.settings(settings);
                }
                Action::Reset(targets) => self.targets(targets),
                Action::Restore { metric, .. } => self.metric(metric),
                Action::Stop => {}
                Action::For { head, body } => {
                    self.head(head);
                    self.actions(body);
                    (self.visit)(Part::LoopEnd);
                }
            }
        }
    }

    fn settings(&mut self, settings: &'t [Spanned<Setting>]) {
        for setting in settings {
            match &setting.value {
                Setting::Lr(curve) | Setting::WeightDecay(curve) => self.curve(curve),
                Setting::LrTimes { factor, to } => {
                    self.number(factor);
                    self.optional(to.as_ref());
                }
                Setting::Anchor(number) => self.number(number),
                Setting::Optimizer { arguments, .. } => {
                    for argument in arguments.iter() {
                        if let Some(curve) = &argument.value {
                            self.curve(curve);
                        }
                    }
                }
                Setting::Stats(_) | Setting::KeepState => {}
            }
        }
    }

    fn curve(&mut self, curve: &'t Curve) {
        for piece in curve.pieces.iter() {
            match &piece.value {
                Piece::Hold(number) => self.number(number),
                Piece::Ramp { shape, from, to, over, repeat } => {
                    if let Shape::Power(exponent) = shape {
                        self.number(exponent);
                    }
                    self.number(from);
                    self.number(to);
                    self.duration(over);
                    self.optional(repeat.as_ref().and_then(|repeat| repeat.stretching.as_ref()));
                }
                Piece::InverseSqrt { from, over } => {
                    self.number(from);
                    self.duration(over);
                }
                Piece::Staircase { from, factor, every, to } => {
                    self.number(from);
                    self.number(factor);
                    self.duration(every);
                    self.optional(to.as_ref());
                }
            }
        }
    }

    fn duration(&mut self, duration: &'t Duration) {
        match duration {
            Duration::Epochs(number) | Duration::Steps(number) | Duration::Percent(number) => {
                self.number(number);
            }
            Duration::Rest => {}
        }
    }

    fn targets(&mut self, targets: &'t Spanned<Targets>) {
        (self.visit)(Part::Targets(targets));
        self.selectors(&targets.value);
    }

    fn selectors(&mut self, targets: &'t Targets) {
        for Spanned { value: Selector { term, within, .. }, .. } in
            targets.selectors.iter().chain(targets.except.iter())
        {
            self.term(term);
            if let Some(within) = within {
                self.term(within);
            }
        }
    }

    fn term(&mut self, term: &'t Spanned<Term>) {
        (self.visit)(Part::Term(term));
        match &term.value {
            Term::Path(path) => self.path(path),
            Term::Regex(_) => {}
            Term::Named(name) => (self.visit)(Part::Use(name, term.span, false)),
            Term::Listing(list) => self.list(list),
            Term::Sample(sample) => {
                self.count(&sample.count);
                self.list(&sample.list);
                self.optional(sample.seed.as_ref());
            }
            Term::Rows(rows) => {
                for bounds in rows.bounds.iter() {
                    self.bounds(bounds);
                }
                self.path(&rows.of);
            }
            Term::Group(targets) => self.selectors(targets),
        }
    }

    fn path(&mut self, path: &'t [Spanned<Segment>]) {
        for segment in path {
            if let Segment::Index(bounds) = &segment.value {
                self.bounds(bounds);
            }
        }
    }

    fn bounds(&mut self, bounds: &'t Bounds) {
        match bounds {
            Bounds::One(only) => self.number(only),
            Bounds::Range { start, end, .. } => {
                self.optional(start.as_ref());
                self.optional(end.as_ref());
            }
        }
    }

    fn list(&mut self, list: &'t Listing) {
        for prefix in list.prefixes.iter() {
            match &prefix.value {
                Prefix::Reversed => {}
                Prefix::First(count) | Prefix::Last(count) => self.count(count),
            }
        }
        (self.visit)(Part::List(&list.base));
        match &list.base.value {
            Elements::Named(name) => (self.visit)(Part::Use(name, list.base.span, false)),
            Elements::These(elements) => {
                for Element { term, .. } in elements.iter() {
                    self.term(term);
                }
            }
        }
    }

    fn count(&mut self, count: &'t Count) {
        self.number(&count.number);
    }

    fn optional(&mut self, number: Option<&'t Spanned<Number>>) {
        if let Some(number) = number {
            self.number(number);
        }
    }

    fn number(&mut self, number: &'t Spanned<Number>) {
        (self.visit)(Part::Number(number));
        for step in number.value.steps.iter() {
            match &step.value {
                Step::Name(name) => (self.visit)(Part::Use(name, step.span, true)),
                Step::Len(list) => self.list(list),
                _ => {}
            }
        }
    }
}

/// Calls `visit` with the options of each `default` and each action.
pub(super) fn settings<'t>(tree: &'t Tree, visit: &mut impl FnMut(&'t [Spanned<Setting>])) {
    fn items_of<'t>(items: &'t [Spanned<Item>], visit: &mut impl FnMut(&'t [Spanned<Setting>])) {
        for item in items {
            match &item.value {
                Item::Default(settings) => visit(settings),
                Item::For { body, .. } | Item::Track { body, .. } | Item::Repeat { body } => {
                    items_of(body, visit);
                }
                Item::Rule(rule) => actions(&rule.actions, visit),
                _ => {}
            }
        }
    }
    fn actions<'t>(all: &'t [Spanned<Action>], visit: &mut impl FnMut(&'t [Spanned<Setting>])) {
        for action in all {
            match &action.value {
                Action::On { settings, .. } => visit(settings),
                Action::For { body, .. } => actions(body, visit),
                _ => {}
            }
        }
    }
    items_of(&tree.items, visit);
}
