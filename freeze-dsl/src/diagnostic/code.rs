//! The codes of the findings.

use std::fmt;

use serde::Serialize;

/// How serious a finding is. Only an error makes a policy unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy cannot be used.
    Error,
    /// The policy can be used, but is probably not what was meant.
    Warning,
    /// Information.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

macro_rules! unresolved {
    () => {
        false
    };
    (unresolved) => {
        true
    };
}

/// Defines the enum and its tables, so that each code has one line.
macro_rules! codes {
    ($($code:ident $name:literal $severity:ident $($unresolved:ident)? $meaning:literal)*) => {
        /// The kinds of findings. A code's meaning never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`: ", $meaning)] #[serde(rename = $name)] $code,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The code as printed: `FRZ0201`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// How serious a finding of this kind is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$code => Severity::$severity,)* }
            }

            /// Whether a finding of this kind leaves it unknown which rules a policy has, or which
            /// parameters they are about, so that checks of what the rules do would guess.
            #[must_use]
            pub const fn leaves_unresolved(self) -> bool {
                match self { $(Self::$code => unresolved!($($unresolved)?),)* }
            }

            /// Whether all findings of this kind are errors. A learning rate above 10 is a warning,
            /// though other values out of range are errors.
            #[must_use]
            pub const fn is_always_error(self) -> bool {
                matches!(self.severity(), Severity::Error) && !matches!(self, Self::InvalidValue)
            }

            /// Its meaning in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)* }
            }

            /// Its page, in Markdown: what it means, why it matters, a policy with the finding and one
            /// without it. A code without a page does not compile.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$code => include_str!(concat!("../codes/", $name, ".md")),)*
                }
            }

            /// The code of this name, in upper or lower case.
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
            }

            /// The code nearest to a name that is no code, if any is near.
            #[must_use]
            pub fn nearest(name: &str) -> Option<Self> {
                super::nearest(name, Self::ALL.iter().map(|code| code.name())).and_then(Self::of)
            }
        }
    };
}

codes! {
    Syntax "FRZ0101" Error unresolved "a syntax error"
    UnknownWord "FRZ0102" Error unresolved "an unknown word in place of a trigger, action, option or curve"
    NestedTooDeeply "FRZ0103" Error unresolved "nested too deeply"
    RustOutsideMacro "FRZ0104" Error "a `{ rust expression }` outside the macro"
    TooManyTurns "FRZ0105" Error unresolved "loops with too many turns"
    SelectsNothing "FRZ0201" Error unresolved "a selector selects no parameter"
    UnknownName "FRZ0202" Error unresolved "an unknown `@name` or number name"
    DefinedTwice "FRZ0203" Error "a name defined twice"
    InvalidRegex "FRZ0204" Error unresolved "a regular expression that does not compile"
    OutOfRange "FRZ0205" Error unresolved "a list has fewer elements than requested, or an index is out of range"
    TiedDifferently "FRZ0206" Error "tied parameters are treated differently"
    RowsOutside "FRZ0207" Error unresolved "`rows` outside the parameter's first dimension"
    NotOwned "FRZ0208" Error "a parameter that the sequence of the rule does not own"
    PastMoment "FRZ0301" Error "a moment that has always passed when the rule before it fires"
    NeverFires "FRZ0302" Error "a rule that can never fire: after the end of the run, or after `stop`"
    NothingTrains "FRZ0303" Error "no parameter is trainable after this rule"
    UndoneAction "FRZ0304" Error "an action that later actions of its rule undo completely"
    ConflictingOptions "FRZ0305" Error "two actions of one rule set different options for one parameter, and neither is a `set`"
    MissingRun "FRZ0306" Error "a percentage or `rest` without `run`"
    UnboundedWait "FRZ0307" Warning "an `epoch` or `step` rule after a `when` without a latest moment"
    CannotRecur "FRZ0308" Error "a trigger in a `repeat` that cannot come again"
    InvalidValue "FRZ0401" Error "a number out of range: a learning rate, weight decay, momentum or decay rate"
    InvalidDuration "FRZ0402" Error "a duration that is zero, negative or, in a trigger, not a whole number"
    MisplacedOption "FRZ0403" Error "an option that does not fit its action"
    UnknownOptimizer "FRZ0404" Error "an unknown optimizer, or an argument that it does not have"
    MissingLearningRate "FRZ0405" Error "a trainable parameter has no learning rate"
    CannotStep "FRZ0406" Error "an optimizer that cannot step a parameter"
    NoEffect "FRZ0501" Warning "an action with no effect"
    NeverTrains "FRZ0502" Note "a parameter that no rule trains"
    NoWorkSaved "FRZ0503" Note "frozen parameters after trainable ones in the model's order save no backward work"
    UnusedLet "FRZ0504" Warning "a `let` that is never used"
    ZeroLearningRate "FRZ0505" Warning "`lr 0` instead of `freeze`"
    UndoneRule "FRZ0506" Warning "a rule undone by another rule before a step is made"
    CoarseCurve "FRZ0507" Warning "a curve in epochs that stays at 0 for an epoch, or is shorter than one"
    UnobservedMetric "FRZ0508" Warning "an epoch ended without the metric for which a rule waits"
    StepsDiffer "FRZ0509" Warning "an epoch had another number of steps than the program announced"
    AbsentTargets "FRZ0510" Note "all targets of an action are optional and select nothing"
    LostUpdates "FRZ0511" Warning "updates of half precision that round to nothing"
    UselessAllow "FRZ0512" Warning "a comment that allows nothing"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
