//! Moves a part of a tree to another place of the text.

use super::{
    Action, Argument, Bounds, Condition, Count, CowBox, Curve, Duration, Element, Elements, Item,
    List, Listing, Loop, Metric, Moment, Number, Piece, Prefix, Repeat, Rows, Rule, Sample,
    Segment, Selector, Setting, Shape, Step, Targets, Term, Test, Text, Verb, WrittenMargin,
};
use crate::source::Spanned;

/// A part of a tree whose places can be moved.
pub(crate) trait Shift {
    /// Moves all places by so many bytes.
    fn shift(&mut self, by: isize);
}

impl<T: Shift> Shift for Spanned<T> {
    fn shift(&mut self, by: isize) {
        self.span.start = self.span.start.saturating_add_signed(by);
        self.span.end = self.span.end.saturating_add_signed(by);
        self.value.shift(by);
    }
}

impl<T: Shift> Shift for Option<T> {
    fn shift(&mut self, by: isize) {
        if let Some(value) = self {
            value.shift(by);
        }
    }
}

impl<T: Shift + Clone> Shift for List<T> {
    fn shift(&mut self, by: isize) {
        for element in self.to_mut() {
            element.shift(by);
        }
    }
}

impl<T: Shift + Clone> Shift for CowBox<T> {
    fn shift(&mut self, by: isize) {
        match self {
            Self::Owned(value) => value.shift(by),
            Self::Static(value) => {
                let mut moved = T::clone(value);
                moved.shift(by);
                *self = moved.into();
            }
        }
    }
}

impl Shift for Text {
    fn shift(&mut self, _: isize) {}
}

impl Shift for Verb {
    fn shift(&mut self, _: isize) {}
}

/// Moves each part of a node.
macro_rules! shift_each {
    ($by:ident: $($part:expr),*) => {{
        let _ = $by;
        $($part.shift($by);)*
    }};
}

/// Nodes that are structures, with all of their parts that have places.
macro_rules! structures {
    ($($node:ident { $($part:ident),* })*) => {$(
        impl Shift for $node {
            fn shift(&mut self, by: isize) {
                shift_each!(by: $(self.$part),*);
            }
        }
    )*};
}

structures! {
    Rule { trigger, name, actions }
    Condition { metric, test }
    WrittenMargin { number }
    Targets { selectors, except }
    Selector { term, within }
    Sample { count, list, seed }
    Count { number }
    Rows { bounds, of }
    Listing { prefixes, base }
    Element { term }
    Number { steps }
    Argument { name, value }
    Curve { pieces }
    Repeat { stretching }
}

/// Nodes that are enumerations: the kinds that have places, with all of their parts that do.
macro_rules! enumerations {
    ($($node:ident { $($kind:pat => $($part:ident),*;)* })*) => {$(
        impl Shift for $node {
            fn shift(&mut self, by: isize) {
                match self {
                    $($kind => shift_each!(by: $($part),*),)*
                }
            }
        }
    )*};
}

enumerations! {
    Item {
        Self::Model(path) => path;
        Self::Run(duration) => duration;
        Self::Default(settings) => settings;
        Self::LetNumber { name, number } => name, number;
        Self::LetTargets { name, targets } => name, targets;
        Self::LetList { name, list } => name, list;
        Self::For { head, body } => head, body;
        Self::Track { name, scope, body } => name, scope, body;
        Self::Repeat { body } => body;
        Self::Rule(rule) => rule;
    }
    Loop {
        Self::Each { index, element, list } => index, element, list;
        Self::Range { index, start, end, inclusive: _ } => index, start, end;
    }
    Moment {
        Self::Start => ;
        Self::Epoch(number) | Self::Step(number) | Self::At(number) => number;
        Self::After(duration) | Self::Every(duration) => duration;
        Self::When(conditions) | Self::Whenever(conditions) => conditions;
    }
    Metric {
        Self::Named(name) => name;
        Self::GradNorm(targets) => targets;
    }
    Test {
        Self::Stops { direction: _, patience, by: margin } => patience, margin;
        Self::Compares { relation: _, bound, lasting } => bound, lasting;
    }
    Duration {
        Self::Epochs(number) | Self::Steps(number) | Self::Percent(number) => number;
        Self::Rest => ;
    }
    Action {
        Self::On { verb, targets, settings } => verb, targets, settings;
        Self::Reset(targets) => targets;
        Self::Restore { best: _, metric } => metric;
        Self::Stop => ;
        Self::For { head, body } => head, body;
    }
    Setting {
        Self::Lr(curve) | Self::WeightDecay(curve) => curve;
        Self::LrTimes { factor, to } => factor, to;
        Self::Anchor(number) => number;
        Self::Optimizer { name, arguments } => name, arguments;
        Self::Stats(_) | Self::KeepState => ;
    }
    Piece {
        Self::Hold(number) => number;
        Self::Ramp { shape, from, to, over, repeat } => shape, from, to, over, repeat;
        Self::InverseSqrt { from, over } => from, over;
        Self::Staircase { from, factor, every, to } => from, factor, every, to;
    }
    Shape {
        Self::Linear | Self::Cosine | Self::Exp | Self::Sqrt => ;
        Self::Power(exponent) => exponent;
    }
    Term {
        Self::Path(path) => path;
        Self::Regex(text) => text;
        Self::Named(name) => name;
        Self::Listing(list) => list;
        Self::Sample(sample) => sample;
        Self::Rows(rows) => rows;
        Self::Group(targets) => targets;
    }
    Segment {
        Self::Literal(text) | Self::Glob(text) => text;
        Self::Index(bounds) => bounds;
        Self::OneOf(words) => words;
    }
    Prefix {
        Self::Reversed => ;
        Self::First(count) | Self::Last(count) => count;
    }
    Elements {
        Self::These(elements) => elements;
        Self::Named(name) => name;
    }
    Bounds {
        Self::One(number) => number;
        Self::Range { start, end, inclusive: _ } => start, end;
    }
    Step {
        Self::Len(list) => list;
        Self::Name(name) => name;
        Self::Literal(_) | Self::Rust(_) | Self::Negate | Self::Add | Self::Subtract
        | Self::Multiply | Self::Divide | Self::Power | Self::Min(_) | Self::Max(_) | Self::Floor
        | Self::Ceil | Self::Round => ;
    }
}
