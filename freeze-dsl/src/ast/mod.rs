//! The syntax tree of a policy: what was written, before names are looked up.
//!
//! It is plain data that can be a constant, which `freeze_policy!` makes use of.

mod cow_box;
mod json;
mod numbers;
mod options;
mod shift;
mod targets;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use cow_box::CowBox;
pub use numbers::{Number, Step};
pub use options::{Argument, Curve, Piece, Repeat, Setting, Shape, Stats};
pub(crate) use shift::Shift;
pub use targets::{
    Bounds, Count, Element, Elements, Listing, Prefix, Rows, Sample, Segment, Selector, Targets,
    Term,
};

use crate::source::Spanned;

/// Text, owned or static.
pub type Text = Cow<'static, str>;
/// A list, owned or static.
pub type List<T> = Cow<'static, [T]>;

/// A policy as it was written; statements that do not parse are missing from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// The statements, in order.
    pub items: List<Spanned<Item>>,
    /// The places of its Rust expressions, in the order of their numbers.
    pub rust: List<Spanned<()>>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// `model "…"`: the model to check against.
    Model(Spanned<Text>),
    /// `run …`: the length of the whole run.
    Run(Spanned<Duration>),
    /// `default …`: options for every parameter.
    Default(List<Spanned<Setting>>),
    /// `let base = 1e-3`
    LetNumber {
        /// The name.
        name: Spanned<Text>,
        /// Its value.
        number: Spanned<Number>,
    },
    /// `let @head = fc, layer4`
    LetTargets {
        /// The name, without its `@`.
        name: Spanned<Text>,
        /// The targets that it names.
        targets: Spanned<Targets>,
    },
    /// `let @stages = [fc, layer4]`
    LetList {
        /// The name, without its `@`.
        name: Spanned<Text>,
        /// The list that it names.
        list: Spanned<Listing>,
    },
    /// `for … { rules }`
    For {
        /// The head of the loop.
        head: Spanned<Loop>,
        /// The body of the loop.
        body: List<Spanned<Item>>,
    },
    /// `track vision in encoder { rules }`: a sequence of its own.
    Track {
        /// Its name, if it has one.
        name: Option<Spanned<Text>>,
        /// The parameters that it owns, if it owns any.
        scope: Option<Spanned<Targets>>,
        /// Its body.
        body: List<Spanned<Item>>,
    },
    /// `repeat { rules }`: the rules at the end of a sequence, round after round.
    Repeat {
        /// Its body.
        body: List<Spanned<Item>>,
    },
    /// A trigger and its actions.
    Rule(Rule),
}

/// The head of a loop.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Loop {
    /// `i, @stage in @stages`
    Each {
        /// The name of the turn's number.
        index: Option<Spanned<Text>>,
        /// The name of the turn's element.
        element: Spanned<Text>,
        /// The list to iterate over.
        list: Spanned<Listing>,
    },
    /// `i in 0..4`
    Range {
        /// The name of the turn's number.
        index: Spanned<Text>,
        /// The first number.
        start: Spanned<Number>,
        /// The last number, or one past it.
        end: Spanned<Number>,
        /// Whether `end` is the last number itself.
        inclusive: bool,
    },
}

/// `trigger as name: actions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// The moments joined by `or`.
    pub trigger: Spanned<List<Spanned<Moment>>>,
    /// The name after `as`.
    pub name: Option<Spanned<Text>>,
    /// The actions, in order.
    pub actions: List<Spanned<Action>>,
}

/// When a rule may fire.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// `start`
    Start,
    /// `epoch 3`
    Epoch(Spanned<Number>),
    /// `step 500`
    Step(Spanned<Number>),
    /// `at 50%`
    At(Spanned<Number>),
    /// `after 2 epochs`
    After(Spanned<Duration>),
    /// `every 50 steps`
    Every(Spanned<Duration>),
    /// `when val_loss < 0.5 and val_acc > 0.9`
    When(List<Spanned<Condition>>),
    /// `whenever val_loss stops falling for 3 epochs`: each time that it comes true.
    Whenever(List<Spanned<Condition>>),
}

/// A condition on a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Condition {
    /// The metric.
    pub metric: Spanned<Metric>,
    /// The test that it must pass.
    pub test: Test,
}

/// A metric that a condition waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// `val_loss`: one that the program observes.
    Named(Text),
    /// `grad_norm(layer4)`: the norm of the gradients of these parameters.
    GradNorm(Spanned<Targets>),
}

/// The smallest change that counts as an improvement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WrittenMargin {
    /// The number.
    pub number: Spanned<Number>,
    /// Whether it is a percentage of the best value.
    pub is_percent: bool,
}

/// The test of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// `stops falling for 3 epochs by 1e-3`
    Stops {
        /// The direction of improvement.
        direction: Direction,
        /// How long it must not improve.
        patience: Spanned<Duration>,
        /// The smallest change that counts as an improvement.
        by: Option<WrittenMargin>,
    },
    /// `< 0.5 for 2 epochs`
    Compares {
        /// The comparison.
        relation: Relation,
        /// The bound.
        bound: Spanned<Number>,
        /// How long the comparison must hold.
        lasting: Option<Spanned<Duration>>,
    },
}

/// The direction in which a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Downwards, as a loss does.
    Falling,
    /// Upwards, as an accuracy does.
    Rising,
}

/// How a metric compares with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// A length of training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// `2 epochs`
    Epochs(Spanned<Number>),
    /// `100 steps`
    Steps(Spanned<Number>),
    /// `10%` of the run
    Percent(Spanned<Number>),
    /// `rest` of the run
    Rest,
}

/// One action of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `train`, `unfreeze`, `set` or `freeze`, on targets.
    On {
        /// The action.
        verb: Spanned<Verb>,
        /// The parameters.
        targets: Spanned<Targets>,
        /// The options.
        settings: List<Spanned<Setting>>,
    },
    /// `reset …`: optimizer state is dropped.
    Reset(Spanned<Targets>),
    /// `restore lowest val_loss`
    Restore {
        /// Whether the best is the lowest or the highest.
        best: Best,
        /// The metric.
        metric: Spanned<Metric>,
    },
    /// `stop`
    Stop,
    /// `for … { actions }`
    For {
        /// The head of the loop.
        head: Spanned<Loop>,
        /// The body of the loop.
        body: List<Spanned<Action>>,
    },
}

/// Which value of a metric is its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Best {
    /// The lowest, as of a loss.
    Lowest,
    /// The highest, as of an accuracy.
    Highest,
}

/// The effect of an action on its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// The targets train, everything else is frozen.
    Train,
    /// The targets train as well.
    Unfreeze,
    /// Only options change.
    Set,
    /// The targets are frozen.
    Freeze,
}

impl Verb {
    /// The word of the language.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Unfreeze => "unfreeze",
            Self::Set => "set",
            Self::Freeze => "freeze",
        }
    }
}
