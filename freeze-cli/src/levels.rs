//! Levels of findings: which are allowed, warnings or errors, by `--allow`, `--warn` and `--deny`,
//! and by a `freeze.toml`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use freeze_dsl::diagnostic::{Code, Diagnostic, Severity};
use serde::Deserialize;

use crate::codes;

/// How serious a finding is for the user. Errors of a policy stay errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It is not reported.
    Allow,
    /// It is a warning.
    Warn,
    /// It is an error.
    Deny,
}

/// What a level is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum LevelTarget {
    /// All findings that are warnings otherwise.
    Warnings,
    /// The findings of one code.
    Code(Code),
}

impl FromStr for LevelTarget {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        match written {
            "warnings" => Ok(Self::Warnings),
            code => codes::named(code).map(Self::Code),
        }
    }
}

impl TryFrom<String> for LevelTarget {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        written.parse()
    }
}

impl LevelTarget {
    /// Fails if findings of this kind cannot have the level.
    pub(crate) fn check(self, level: Level) -> Result<(), String> {
        match self {
            Self::Code(code) if level != Level::Deny && code.is_always_error() => Err(format!(
                "`{code}` is always an error ({}); a policy that has it cannot be used",
                code.meaning()
            )),
            Self::Warnings | Self::Code(_) => Ok(()),
        }
    }
}

/// A level, and what set it.
#[derive(Debug, Clone)]
struct SetLevel {
    level: Level,
    /// What a message names.
    setter: Cow<'static, str>,
    /// Whether it was set over others.
    is_stronger: bool,
}

/// The levels that were set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Levels(BTreeMap<LevelTarget, SetLevel>);

impl Levels {
    /// Sets a level, in place of one that was set before.
    pub(crate) fn set(
        &mut self,
        target: LevelTarget,
        level: Level,
        setter: impl Into<Cow<'static, str>>,
    ) {
        self.0.insert(target, SetLevel { level, setter: setter.into(), is_stronger: false });
    }

    /// These levels, and `weaker` ones for what these do not set.
    pub(crate) fn over(&self, weaker: &Self) -> Self {
        let mut all = weaker.0.clone();
        let own = self.0.clone().into_iter();
        all.extend(own.map(|(target, set)| (target, SetLevel { is_stronger: true, ..set })));
        Self(all)
    }

    /// The finding at its level; `None` if it is allowed. The level of its code comes before that of
    /// `warnings`, unless the latter is stronger.
    pub(crate) fn apply<'d>(&self, finding: &'d Diagnostic) -> Option<Cow<'d, Diagnostic>> {
        let mut finding = Cow::Borrowed(finding);
        for target in [LevelTarget::Code(finding.code), LevelTarget::Warnings] {
            let is_warning = finding.severity() == Severity::Warning;
            let Some(SetLevel { level, setter, is_stronger }) = self.0.get(&target) else {
                continue;
            };
            if finding.is_error() {
                continue;
            }
            if target == LevelTarget::Warnings {
                let of_code = self.0.get(&LevelTarget::Code(finding.code));
                if !is_warning || of_code.is_some_and(|set| set.is_stronger >= *is_stronger) {
                    continue;
                }
            }
            match level {
                Level::Allow => return None,
                Level::Warn => {
                    finding = Cow::Owned(finding.into_owned().with_severity(Severity::Warning));
                }
                Level::Deny => {
                    let mut denied = finding.into_owned().with_severity(Severity::Error);
                    denied.notes.push(format!("{setter} makes this an error"));
                    finding = Cow::Owned(denied);
                }
            }
        }
        Some(finding)
    }
}

/// The options that set levels. The last one that names a code holds.
pub(crate) struct LevelArgs(pub(crate) Levels);

/// The options, each by itself.
#[derive(clap::Args)]
struct LevelLists {
    /// Do not report findings of this code; `warnings` are all warnings. May be repeated
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = not_denied)]
    allow: Vec<LevelTarget>,
    /// Report findings of this code as warnings
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = not_denied)]
    warn: Vec<LevelTarget>,
    /// Report findings of this code as errors; `warnings` are all warnings
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<LevelTarget>,
}

/// What `--allow` and `--warn` take.
fn not_denied(written: &str) -> Result<LevelTarget, String> {
    let target: LevelTarget = written.parse()?;
    target.check(Level::Warn).map(|()| target)
}

impl Args for LevelArgs {
    fn augment_args(command: Command) -> Command {
        LevelLists::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        LevelLists::augment_args_for_update(command)
    }
}

impl FromArgMatches for LevelArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut set = Vec::new();
        for (option, level) in
            [("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)]
        {
            let places = matches.indices_of(option).into_iter().flatten();
            let targets = matches.get_many::<LevelTarget>(option).into_iter().flatten();
            set.extend(places.zip(targets).map(|(place, target)| (place, option, level, *target)));
        }
        set.sort_by_key(|(place, ..)| *place);
        let mut levels = Levels::default();
        for (_, option, level, target) in set {
            let name = match target {
                LevelTarget::Warnings => "warnings",
                LevelTarget::Code(code) => code.name(),
            };
            levels.set(target, level, format!("`--{option} {name}`"));
        }
        Ok(Self(levels))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
