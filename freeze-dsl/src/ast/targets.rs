//! Targets: the parameters that an action applies to.

use serde::Serialize;

use super::{CowBox, List, Number, Text};
use crate::source::Spanned;

/// A union of selectors, less another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Targets {
    /// The selectors.
    pub selectors: List<Spanned<Selector>>,
    /// The selectors after `except`.
    pub except: List<Spanned<Selector>>,
}

/// `a`, or `a in b`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selector {
    /// The term `a`.
    pub term: Spanned<Term>,
    /// The term `b`, if any: the selector is the intersection of both.
    pub within: Option<CowBox<Spanned<Term>>>,
}

/// A part of a selector.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// `layer4.*.conv1`
    Path(List<Spanned<Segment>>),
    /// `~"…"`: a regular expression over the whole name.
    Regex(Spanned<Text>),
    /// `@biases`
    Named(Text),
    /// `[a, b]`, `last 2 of @stages`
    Listing(CowBox<Listing>),
    /// `sample 4 of @layers seed 7`
    Sample(CowBox<Sample>),
    /// `rows 0..32 of embed.weight`
    Rows(CowBox<Rows>),
    /// `( … )`
    Group(Targets),
}

/// `sample 4 of @layers seed 7`
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Sample {
    /// How many are drawn.
    pub count: Spanned<Number>,
    /// The list to draw from.
    pub list: Spanned<Listing>,
    /// The seed of the draws.
    pub seed: Option<Spanned<Number>>,
}

/// `rows 0..32 of embed.weight`
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Rows {
    /// The first row.
    pub start: Spanned<Number>,
    /// One past the last.
    pub end: Spanned<Number>,
    /// The parameter.
    pub of: List<Spanned<Segment>>,
}

/// An ordered list: `reversed last 2 of [a, b, c]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Listing {
    /// The prefixes, the outermost first.
    pub prefixes: List<Spanned<Prefix>>,
    /// The list.
    pub base: Spanned<Elements>,
}

/// A prefix of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Prefix {
    /// `reversed`
    Reversed,
    /// `first 2 of`
    First(Spanned<Number>),
    /// `last 2 of`
    Last(Spanned<Number>),
}

/// A list's own elements, or its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Elements {
    /// `[a, b]`
    These(List<Spanned<Term>>),
    /// `@stages`
    Named(Text),
}

/// One segment of a path, or an index after one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// `"layer4.conv1"`: a whole path, letter for letter.
    Literal(Text),
    /// `conv1`, `conv*`, `**`
    Glob(Text),
    /// `[3]`
    Index(Spanned<Number>),
    /// `[0..4]` or `[0..=3]`
    Range {
        /// The first index.
        start: Spanned<Number>,
        /// The last index, or one past it.
        end: Spanned<Number>,
        /// Whether `end` is the last index itself.
        inclusive: bool,
    },
    /// `{q_proj,v_proj}`
    OneOf(List<Spanned<Text>>),
}
