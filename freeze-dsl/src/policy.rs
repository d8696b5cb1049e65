//! A checked policy, as data: what its text means, without a model.

use std::borrow::Cow;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Findings};
use crate::model::Model;
use crate::optimizer::Optimizer;
use crate::plan::Plan;
use crate::source::{Source, Spanned};
use crate::{analysis, check};

/// Text that may lie in the program itself.
pub type Text = Cow<'static, str>;
/// A list that may lie in the program itself.
pub type List<T> = Cow<'static, [T]>;

/// A policy that was checked as far as can be without a model.
///
/// Two policies are equal when they mean the same, wherever their texts stand and however
/// they are spaced. One written with `freeze_policy!` is plain data in the program.
#[derive(Debug, Clone)]
pub struct Policy {
    source: Source,
    parts: Parts,
}

/// What a policy consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The model that the policy names, as it is written there.
    pub model: Option<Spanned<Text>>,
    /// The length of the whole run.
    pub run: Option<Spanned<Length>>,
    /// Options of every parameter to which no action gave others.
    pub defaults: Options,
    /// The rules, in the order in which they fire.
    pub rules: List<Spanned<Rule>>,
}

/// A whole length of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many epochs.
    Epochs(u64),
    /// So many optimizer steps.
    Steps(u64),
}

/// A trigger and the actions that follow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The name that `as` gives it.
    pub name: Option<Spanned<Text>>,
    /// It fires at the first of these moments.
    pub trigger: Spanned<List<Spanned<Moment>>>,
    /// What it does, in order.
    pub actions: List<Spanned<Action>>,
}

/// A moment of a trigger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    /// So many epochs are done.
    Epoch(u64),
    /// So many optimizer steps are done.
    Step(u64),
    /// So much has passed since the rule before this one fired.
    After(Length),
    /// So much of the run, as a fraction, has passed since the rule before this one fired.
    AfterFraction(f64),
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The targets train, and nothing else does.
    Train(Spanned<Targets>, Options),
    /// The targets train as well.
    Unfreeze(Spanned<Targets>, Options),
    /// The targets' options change.
    Set(Spanned<Targets>, Options),
    /// The targets train no longer.
    Freeze(Spanned<Targets>),
    /// Training is over.
    Stop,
}

/// How parameters train; what is `None` stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// The learning rate.
    pub lr: Option<Spanned<f64>>,
    /// The weight decay.
    pub weight_decay: Option<Spanned<f64>>,
    /// The optimizer.
    pub optimizer: Option<Spanned<Optimizer>>,
}

/// The union of some selectors, less the union of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// These,
    pub selectors: List<Spanned<Selector>>,
    /// less these.
    pub except: List<Spanned<Selector>>,
}

/// What a term selects, and where there is a second, what both select.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// What is selected,
    pub term: Spanned<Term>,
    /// where it lies in this as well.
    pub within: Option<Spanned<Term>>,
}

/// The smallest thing that selects parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// Every parameter at or under the paths that match.
    Path(List<Spanned<Segment>>),
    /// A selection that the language has a name for.
    Named(Named),
    /// Targets in parentheses.
    Group(Targets),
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// This very segment.
    Name(Text),
    /// A segment with `*` in it, which stands for any run of characters.
    Glob(Text),
    /// Any number of segments, none included.
    AnyDepth,
    /// A number of this range, its end exclusive.
    Index {
        /// The first.
        start: u64,
        /// One past the last.
        end: u64,
    },
    /// One of these.
    OneOf(List<Text>),
}

/// The selections that the language has names for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Every parameter.
    All,
    /// Those whose last segment is `bias`.
    Biases,
    /// Those of at most one dimension.
    Vectors,
}

impl Named {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::All, Self::Biases, Self::Vectors];

    /// As it is written behind the `@`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Biases => "biases",
            Self::Vectors => "vectors",
        }
    }
}

impl Policy {
    /// Reads and checks a policy's text.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Findings> {
        Self::from_source(Source::new(text.to_owned()))
    }

    /// Reads and checks the policy in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or all that is wrong with the policy.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let name = path.as_ref().display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::from_source(Source::named(name, text))?),
            Err(error) => Err(LoadError::File(name, error)),
        }
    }

    /// Reads and checks a policy that has a name or a place of its own.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn from_source(source: Source) -> Result<Self, Findings> {
        let analysis = analysis::analyze(source);
        match analysis.policy {
            Some(policy) => Ok(policy),
            None => Err(analysis.findings),
        }
    }

    /// What every rule does to each parameter of a model.
    ///
    /// # Errors
    /// All that does not fit the model.
    pub fn plan(&self, model: &Model) -> Result<Plan, Findings> {
        Plan::new(self, model)
    }

    /// Warnings: what stops nothing and is likely not what was meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Diagnostic> {
        check::advice(self)
    }

    /// The text that it was read from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The model that it names, as it is written there.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.parts.model.as_ref().map(|model| model.value.as_ref())
    }

    /// The length of the whole run.
    #[must_use]
    pub fn run(&self) -> Option<Length> {
        self.parts.run.map(|run| run.value)
    }

    /// Options of every parameter to which no action gave others.
    #[must_use]
    pub const fn defaults(&self) -> &Options {
        &self.parts.defaults
    }

    /// The rules, in the order in which they fire.
    #[must_use]
    pub fn rules(&self) -> &[Spanned<Rule>] {
        &self.parts.rules
    }

    /// What it consists of, for `freeze_policy!`.
    #[doc(hidden)]
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// A policy from parts that were checked: for `freeze_policy!`, which checks at compile
    /// time, and for the checker itself.
    #[doc(hidden)]
    #[must_use]
    pub const fn from_checked(source: Source, parts: Parts) -> Self {
        Self { source, parts }
    }
}

/// Why a policy's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    File(String, #[source] std::io::Error),
    /// The policy is wrong; prints every finding with its place.
    #[error(transparent)]
    Policy(#[from] Findings),
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Rule {
    /// What messages call it: its name, or its number in the text counted from 1.
    #[must_use]
    pub fn called(&self, index: usize) -> String {
        match &self.name {
            Some(name) => name.value.to_string(),
            None => format!("rule {}", index + 1),
        }
    }

    /// Whether training is over when it fires.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.actions.iter().any(|action| action.value == Action::Stop)
    }
}

impl Options {
    /// Whether nothing is given.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lr.is_none() && self.weight_decay.is_none() && self.optimizer.is_none()
    }

    /// These, with those of `newer` in their place where it gives any.
    #[must_use]
    pub fn updated(self, newer: &Self) -> Self {
        Self {
            lr: newer.lr.or(self.lr),
            weight_decay: newer.weight_decay.or(self.weight_decay),
            optimizer: newer.optimizer.or(self.optimizer),
        }
    }
}

impl Action {
    /// Its targets, where it has any.
    #[must_use]
    pub const fn targets(&self) -> Option<&Spanned<Targets>> {
        match self {
            Self::Train(targets, _)
            | Self::Unfreeze(targets, _)
            | Self::Set(targets, _)
            | Self::Freeze(targets) => Some(targets),
            Self::Stop => None,
        }
    }

    /// The options that it gives, where it can give any.
    #[must_use]
    pub const fn options(&self) -> Option<&Options> {
        match self {
            Self::Train(_, options) | Self::Unfreeze(_, options) | Self::Set(_, options) => {
                Some(options)
            }
            Self::Freeze(_) | Self::Stop => None,
        }
    }
}
