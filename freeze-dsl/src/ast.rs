//! The tree of a policy's text: what was written, before names are looked up.
//!
//! It is plain data that can lie in a program: `freeze_policy!` writes it as a constant.

use std::borrow::Cow;

use crate::source::Spanned;

/// Text that may lie in the program itself.
pub type Text = Cow<'static, str>;
/// A list that may lie in the program itself.
pub type List<T> = Cow<'static, [T]>;

/// A policy as it was written; statements that do not parse are missing from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// The statements, in order.
    pub items: List<Spanned<Item>>,
    /// Where its Rust expressions stand, in the order of their numbers.
    pub rust: List<Spanned<()>>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `model "…"`: the model to check against.
    Model(Spanned<Text>),
    /// `run …`: the length of the whole run.
    Run(Spanned<Duration>),
    /// `default …`: options for every parameter.
    Default(List<Spanned<Setting>>),
    /// `let base = 1e-3`
    LetNumber(Spanned<Text>, Spanned<Number>),
    /// `let @head = fc, layer4`
    LetTargets(Spanned<Text>, Spanned<Targets>),
    /// `let @stages = [fc, layer4]`
    LetList(Spanned<Text>, Spanned<Listing>),
    /// `for … { rules }`
    For(Spanned<Loop>, List<Spanned<Item>>),
    /// A trigger and its actions.
    Rule(Rule),
}

/// The head of a loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Loop {
    /// `i, @stage in @stages`
    Each {
        /// The name of the turn's number.
        index: Option<Spanned<Text>>,
        /// The name of the turn's element.
        element: Spanned<Text>,
        /// What is gone through.
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
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The moments joined by `or`.
    pub trigger: Spanned<List<Spanned<Moment>>>,
    /// What `as` names it.
    pub name: Option<Spanned<Text>>,
    /// The actions, in order.
    pub actions: List<Spanned<Action>>,
}

/// When a rule may fire.
#[derive(Debug, Clone, PartialEq)]
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
}

/// What a metric must do.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The metric's name.
    pub metric: Spanned<Text>,
    /// What it must do.
    pub test: Test,
}

/// What a metric must do for a condition to hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `stops falling for 3 epochs by 1e-3`
    Stops {
        /// Where it was going.
        direction: Direction,
        /// For how long it must not have improved.
        patience: Spanned<Duration>,
        /// How large an improvement counts as one.
        by: Option<Spanned<Number>>,
    },
    /// `< 0.5 for 2 epochs`
    Compares {
        /// How it compares.
        relation: Relation,
        /// With what.
        bound: Spanned<Number>,
        /// For how long it must hold.
        lasting: Option<Spanned<Duration>>,
    },
}

/// Where a metric goes while it improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Downwards, as a loss does.
    Falling,
    /// Upwards, as an accuracy does.
    Rising,
}

/// How a metric compares with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `train`, `unfreeze`, `set` or `freeze`, on targets.
    On {
        /// What is done.
        verb: Spanned<Verb>,
        /// To which parameters.
        targets: Spanned<Targets>,
        /// And how.
        settings: List<Spanned<Setting>>,
    },
    /// `reset …`: optimizer state is dropped.
    Reset(Spanned<Targets>),
    /// `restore lowest val_loss`
    Restore {
        /// Whether the best is the lowest or the highest.
        best: Best,
        /// The metric's name.
        metric: Spanned<Text>,
    },
    /// `stop`
    Stop,
    /// `for … { actions }`
    For(Spanned<Loop>, List<Spanned<Action>>),
}

/// Which value of a metric is its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Best {
    /// The lowest, as of a loss.
    Lowest,
    /// The highest, as of an accuracy.
    Highest,
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
    Lr(Spanned<Curve>),
    /// `weight_decay 0.05`
    WeightDecay(Spanned<Number>),
    /// `optimizer sgd(momentum 0.9, nesterov)`
    Optimizer {
        /// Its name.
        name: Spanned<Text>,
        /// Its arguments; a flag has no value.
        arguments: List<Argument>,
    },
    /// `stats held`
    Stats(Stats),
    /// `keep state`
    KeepState,
}

impl Setting {
    /// The word that begins it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Lr(_) => "lr",
            Self::WeightDecay(_) => "weight_decay",
            Self::Optimizer { .. } => "optimizer",
            Self::Stats(_) => "stats",
            Self::KeepState => "keep state",
        }
    }
}

/// Whether running statistics follow the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stats {
    /// They stay as they are.
    Held,
    /// They follow the data.
    Live,
}

/// `momentum 0.9`, or a flag such as `nesterov`.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its name.
    pub name: Spanned<Text>,
    /// Its value, where it has one.
    pub value: Option<Spanned<Number>>,
}

/// A learning rate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its pieces, one after another.
    pub pieces: List<Spanned<Piece>>,
    /// Whether the parameter freezes at its end.
    pub then_freeze: bool,
}

/// One piece of a curve.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// `1e-3`
    Hold(Spanned<Number>),
    /// `cosine 1e-3 -> 0 over 10 epochs repeat stretching 2`
    Ramp {
        /// Its shape.
        shape: Shape,
        /// Where it begins.
        from: Spanned<Number>,
        /// Where it ends.
        to: Spanned<Number>,
        /// How long it takes.
        over: Spanned<Duration>,
        /// Whether it starts again and again, each round longer by this factor.
        repeat: Option<Repeat>,
    },
    /// `1e-3 times 0.1 every 30 epochs to 1e-6`
    Staircase {
        /// Where it begins.
        from: Spanned<Number>,
        /// What it is multiplied by,
        factor: Spanned<Number>,
        /// each time that this has passed,
        every: Spanned<Duration>,
        /// and where it ends, if anywhere.
        to: Option<Spanned<Number>>,
    },
}

/// Warm restarts.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// By what each round is longer than the one before.
    pub stretching: Option<Spanned<Number>>,
}

/// How a curve moves from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Evenly.
    Linear,
    /// Along half a cosine.
    Cosine,
    /// By a constant factor.
    Exp,
}

/// Selectors, and selectors that are taken away from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// The union of these,
    pub selectors: List<Spanned<Selector>>,
    /// less the union of these.
    pub except: List<Spanned<Selector>>,
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
    Path(List<Spanned<Segment>>),
    /// `~"…"`: a regular expression over the whole name.
    Regex(Spanned<Text>),
    /// `@biases`
    Named(Text),
    /// `[a, b]`, `last 2 of @stages`
    Listing(Listing),
    /// `sample 4 of @layers seed 7`
    Sample {
        /// How many are drawn.
        count: Spanned<Number>,
        /// From what.
        list: Spanned<Listing>,
        /// What decides the draws.
        seed: Option<Spanned<Number>>,
    },
    /// `rows 0..32 of embed.weight`
    Rows {
        /// The first row.
        start: Spanned<Number>,
        /// One past the last.
        end: Spanned<Number>,
        /// The parameter.
        of: List<Spanned<Segment>>,
    },
    /// `( … )`
    Group(Targets),
}

/// An ordered list: `reversed last 2 of [a, b, c]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What is done to the list, the outermost first.
    pub prefixes: List<Spanned<Prefix>>,
    /// The list.
    pub base: Spanned<Elements>,
}

/// What stands before a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Prefix {
    /// `reversed`
    Reversed,
    /// `first 2 of`
    First(Spanned<Number>),
    /// `last 2 of`
    Last(Spanned<Number>),
}

/// A list's own elements, or its name.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// `[a, b]`
    These(List<Spanned<Term>>),
    /// `@stages`
    Named(Text),
}

/// One segment of a path, or an index behind one.
#[derive(Debug, Clone, PartialEq)]
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

/// An expression, its operators behind their operands, so that reading one needs a stack of
/// numbers and no recursion.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Operands and operators.
    pub steps: List<Spanned<Step>>,
}

/// An operand or an operator of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `1e-3`
    Literal(f64),
    /// `base`
    Name(Text),
    /// `len(@stages)`
    Len(Listing),
    /// The value of the Rust expression of this number, counted from 0.
    Rust(usize),
    /// `-` before one operand.
    Negate,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
    /// `min(…)` of so many.
    Min(usize),
    /// `max(…)` of so many.
    Max(usize),
}
