//! The tree of a policy's text: what was written, before anything is known about it.

use crate::source::Spanned;

/// A policy as it was written; statements that do not parse are missing from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// The statements, in order.
    pub items: Vec<Spanned<Item>>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `model "…"`: the model to check against.
    Model(Spanned<String>),
    /// `run …`: the length of the whole run.
    Run(Spanned<Duration>),
    /// `default …`: options for every parameter.
    Default(Vec<Spanned<Setting>>),
    /// A trigger and its actions.
    Rule(Rule),
}

/// `trigger as name: actions`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The moments joined by `or`.
    pub trigger: Spanned<Vec<Spanned<Moment>>>,
    /// What `as` names it.
    pub name: Option<Spanned<String>>,
    /// The actions, in order.
    pub actions: Vec<Spanned<Action>>,
}

/// When a rule may fire.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// `start`
    Start,
    /// `epoch 3`
    Epoch(Spanned<f64>),
    /// `step 500`
    Step(Spanned<f64>),
    /// `after 2 epochs`
    After(Spanned<Duration>),
}

/// A length of training.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    /// `2 epochs`
    Epochs(Spanned<f64>),
    /// `100 steps`
    Steps(Spanned<f64>),
    /// `10%` of the run
    Percent(Spanned<f64>),
    /// `rest` of the run
    Rest,
}

/// One action of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `train`, `unfreeze`, `set` or `freeze`, on targets.
    On {
        /// What is done.
        verb: Spanned<Verb>,
        /// To which parameters.
        targets: Spanned<Targets>,
        /// And how.
        settings: Vec<Spanned<Setting>>,
    },
    /// `stop`
    Stop,
}

/// What an action does to its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// These and nothing else train.
    Train,
    /// These train as well.
    Unfreeze,
    /// Options change and nothing else.
    Set,
    /// These train no longer.
    Freeze,
}

impl Verb {
    /// As it is written.
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

/// One option of an action or of `default`.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// `lr 1e-3`
    Lr(Spanned<f64>),
    /// `weight_decay 0.05`
    WeightDecay(Spanned<f64>),
    /// `optimizer sgd(momentum 0.9, nesterov)`
    Optimizer {
        /// Its name.
        name: Spanned<String>,
        /// Its arguments; a flag has no value.
        arguments: Vec<Argument>,
    },
}

/// `momentum 0.9`, or a flag such as `nesterov`.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value, where it has one.
    pub value: Option<Spanned<f64>>,
}

/// Selectors, and selectors that are taken away from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// The union of these,
    pub selectors: Vec<Spanned<Selector>>,
    /// less the union of these.
    pub except: Vec<Spanned<Selector>>,
}

/// `a`, or `a in b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// What is selected,
    pub term: Spanned<Term>,
    /// where it lies in this as well.
    pub within: Option<Spanned<Term>>,
}

/// The smallest thing that selects.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// `layer4.*.conv1`
    Path(Vec<Spanned<Segment>>),
    /// `"layer4.conv1"`: a name, letter for letter.
    Literal(String),
    /// `@biases`
    Name(String),
    /// `( … )`
    Group(Targets),
}

/// One segment of a path, or an index behind one.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// `conv1`, `conv*`, `**`
    Glob(String),
    /// `[3]`, `[0..4]` or `[0..=3]`, as a range of which the end is exclusive.
    Index {
        /// The first index.
        start: Spanned<u64>,
        /// One past the last.
        end: Spanned<u64>,
    },
    /// `{q_proj,v_proj}`
    OneOf(Vec<Spanned<String>>),
}
