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

/// `a`, or `a in b`, or either with a `?` after it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selector {
    /// The term `a`.
    pub term: Spanned<Term>,
    /// The term `b`, if any: the selector is the intersection of both.
    pub within: Option<CowBox<Spanned<Term>>>,
    /// Whether it may select nothing, as the `?` after it says.
    pub is_optional: bool,
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
    pub count: Spanned<Count>,
    /// The list to draw from.
    pub list: Spanned<Listing>,
    /// The seed of the draws.
    pub seed: Option<Spanned<Number>>,
}

/// A number of elements, or a part of all of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Count {
    /// The number, or the percentage.
    pub number: Spanned<Number>,
    /// Whether it is a percentage of the elements.
    pub is_percent: bool,
}

/// `rows 0..32 of embed.weight`
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Rows {
    /// Its rows.
    pub bounds: List<Spanned<Bounds>>,
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
    First(Spanned<Count>),
    /// `last 2 of`
    Last(Spanned<Count>),
}

/// A list's own elements, or its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Elements {
    /// `[a, b]`
    These(List<Element>),
    /// `@stages`
    Named(Text),
}

/// An element of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Element {
    /// What it selects.
    pub term: Spanned<Term>,
    /// Whether it may select nothing, as the `?` after it says; then it is no element.
    pub is_optional: bool,
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
    /// `[3]`, `[0..4]`
    Index(Bounds),
    /// `{q_proj,v_proj}`
    OneOf(List<Spanned<Text>>),
}

/// Indices or rows: one, or all between two bounds. A negative one counts from the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Bounds {
    /// `3`
    One(Spanned<Number>),
    /// `0..4` or `0..=3`
    Range {
        /// The first; without one, 0.
        start: Option<Spanned<Number>>,
        /// The last, or one past it; without one, all to the end.
        end: Option<Spanned<Number>>,
        /// Whether `end` is the last itself.
        inclusive: bool,
    },
}
