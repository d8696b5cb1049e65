//! The codes of the findings.

use std::fmt;

use serde::Serialize;

/// How serious a finding is. Errors alone stop anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy cannot be used.
    Error,
    /// The policy can be used and is likely not what was meant.
    Warning,
    /// Worth knowing.
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

/// Writes the enum and its tables, so that a code stands in one place.
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

            /// As it is written: `FRZ0201`.
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

            /// What it means, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)* }
            }

            /// Its page, in Markdown: what it means, why it matters, a policy that has it and one
            /// that has not. A code without a page does not compile.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$code => include_str!(concat!("../codes/", $name, ".md")),)*
                }
            }

            /// The code that is written so, in whatever case.
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
            }

            /// The code that was likely meant by one that is none, if any is near.
            #[must_use]
            pub fn nearest(name: &str) -> Option<Self> {
                super::nearest(name, Self::ALL.iter().map(|code| code.name())).and_then(Self::of)
            }
        }
    };
}

codes! {
    Syntax "FRZ0101" Error unresolved "syntax: what was found, what could stand there"
    UnknownWord "FRZ0102" Error unresolved "an unknown word where a trigger, action, option or curve begins"
    NestedTooDeeply "FRZ0103" Error unresolved "nested too deeply"
    RustOutsideMacro "FRZ0104" Error "a `{ rust expression }` outside the macro"
    TooManyTurns "FRZ0105" Error unresolved "loops with too many turns"
    SelectsNothing "FRZ0201" Error unresolved "a selector selects no parameter"
    UnknownName "FRZ0202" Error unresolved "an unknown `@name` or number name"
    DefinedTwice "FRZ0203" Error "a name defined twice"
    InvalidRegex "FRZ0204" Error unresolved "a regular expression that does not compile"
    OutOfRange "FRZ0205" Error unresolved "more elements asked of a list than it has; an index out of range"
    TiedDifferently "FRZ0206" Error "one tensor under two names, treated differently"
    RowsOutside "FRZ0207" Error unresolved "`rows` outside the parameter's first dimension"
    PastMoment "FRZ0301" Error "a moment that is past whenever the rule before it fires"
    NeverFires "FRZ0302" Error "a rule that can never fire: after the run's end, or after `stop`"
    NothingTrains "FRZ0303" Error "after this rule nothing trains"
    UndoneAction "FRZ0304" Error "an action that later actions of its rule undo whole"
    ConflictingOptions "FRZ0305" Error "two actions of one rule give one parameter different options, and neither is a `set`"
    MissingRun "FRZ0306" Error "a percentage or `rest` without `run`"
    UnboundedWait "FRZ0307" Warning "an `epoch` or `step` rule behind a `when` that has no latest moment"
    InvalidValue "FRZ0401" Error "a learning rate that is negative or not finite; a probability, momentum or decay out of range"
    InvalidDuration "FRZ0402" Error "a duration that is zero or negative; in a trigger, one that is not whole"
    MisplacedOption "FRZ0403" Error "an option that does not fit its action"
    UnknownOptimizer "FRZ0404" Error "an unknown optimizer, or an argument that it does not have"
    MissingLearningRate "FRZ0405" Error "a parameter trains and nothing gives it a learning rate"
    NoEffect "FRZ0501" Warning "an action with no effect"
    NeverTrains "FRZ0502" Note "a parameter that no rule ever trains"
    NoWorkSaved "FRZ0503" Note "frozen parameters behind trainable ones in the model's order save no backward work"
    UnusedLet "FRZ0504" Warning "a `let` that nothing uses"
    ZeroLearningRate "FRZ0505" Warning "`lr 0`: freeze says it better"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
