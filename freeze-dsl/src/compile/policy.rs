//! How policies are made: read, overridden, and read back from JSON.

use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Draft;
use crate::ast::Tree;
use crate::diagnostic::{Diagnostic, Findings};
use crate::ir::Overrides;
use crate::json::{self, Format};
use crate::policy::{Policy, PolicyJson};
use crate::source::Source;
use crate::text_file;

/// Why the file of a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    File(String, std::io::Error),
    /// The policy has errors; prints every finding with its place.
    #[error(transparent)]
    Policy(#[from] Findings),
}

/// Why a number of a policy cannot be overridden.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// No `let` of the policy defines it.
    #[error("the policy defines no number `{0}`{1}")]
    Unknown(String, String),
    /// With this value the policy has errors; prints every finding with its place.
    #[error(transparent)]
    Policy(#[from] Findings),
}

impl Policy {
    /// Reads and checks the text of a policy.
    ///
    /// # Errors
    /// All findings, if one of them is an error.
    ///
    /// # Examples
    /// ```
    /// use freeze_dsl::policy::Policy;
    ///
    /// assert!(Policy::parse("start: train fc lr 1e-3").is_ok());
    /// let findings = Policy::parse("start: train fc lr -1").unwrap_err();
    /// assert_eq!(findings.diagnostics()[0].message, "a learning rate cannot be negative");
    /// ```
    pub fn parse(text: &str) -> Result<Self, Findings> {
        Self::from_source(Source::new(text.to_owned()))
    }

    /// Reads and checks the policy in a file.
    ///
    /// # Errors
    /// If the file cannot be read, and all findings if one of them is an error.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_dsl::LoadError;
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::load("resnet.freeze")?;
    /// # Ok::<(), LoadError>(())
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let name = path.as_ref().display().to_string();
        match text_file::read(path) {
            Ok(text) => Ok(Self::from_source(Source::named(name, text))?),
            Err(error) => Err(LoadError::File(name, error)),
        }
    }

    /// Reads and checks a policy from a source that has a name or a first line of its own.
    ///
    /// # Errors
    /// All findings, if one of them is an error.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::policy::Policy;
    /// use freeze_dsl::source::Source;
    ///
    /// let policy = Policy::from_source(Source::named("head.freeze", "start: train fc"))?;
    /// assert_eq!(policy.source().name(), "head.freeze");
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    pub fn from_source(source: Source) -> Result<Self, Findings> {
        Draft::read(source).check().into_policy()
    }

    /// The same policy with another value for a number that a `let` defines.
    ///
    /// # Errors
    /// If no `let` defines the number, and all findings if one of them is an error then.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::OverrideError;
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("let base = 1e-3; start: train fc lr base")?.with("base", 1e-2)?;
    /// # Ok::<(), OverrideError>(())
    /// ```
    pub fn with(self, name: &str, value: f64) -> Result<Self, OverrideError> {
        Ok(self.into_draft().with(name, value)?.check().into_policy()?)
    }

    /// Its warnings and notes, which do not prevent training.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("start: train fc lr 0")?;
    /// assert_eq!(policy.diagnostics()[0].code.name(), "FRZ0505");
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.clone().into_draft().check().findings.diagnostics().to_vec()
    }

    /// A policy with the values of its Rust expressions, for `freeze_policy!`.
    #[doc(hidden)]
    pub fn with_rust(source: Source, tree: Tree, values: Vec<f64>) -> Result<Self, Findings> {
        Draft::of(source, tree, Overrides::of_rust(values.into())).check().into_policy()
    }

    fn into_draft(self) -> Draft {
        let (source, tree, overrides) = self.into_parts();
        Draft::of(source, tree, overrides)
    }
}

/// Reads a policy from JSON, and checks it like any text.
impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json: PolicyJson<'static> = json::read(from)?;
        read(json).map_err(D::Error::custom)
    }
}

/// Why a JSON object is not a policy.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the policy has errors\n\n{0}")]
    Policy(#[from] Findings),
    #[error(transparent)]
    Number(#[from] OverrideError),
    #[error("the policy has {0} Rust expressions, but values for {1}")]
    Rust(usize, usize),
}

fn read(json: PolicyJson<'static>) -> Result<Policy, ReadError> {
    let PolicyJson { format: Format, name, first_line, text, numbers, rust } = json;
    let first_line = usize::try_from(first_line.get()).unwrap_or(1);
    let source = Source::named(name, text).at_line(first_line);
    let mut draft = match rust {
        None => Draft::read(source),
        Some(values) => {
            let count = values.len();
            let values = values.into_iter().map(f64::from).collect();
            let draft = Draft::parse(source, Overrides::of_rust(values));
            let expressions = draft.tree().rust.len();
            if expressions != count {
                return Err(ReadError::Rust(expressions, count));
            }
            draft
        }
    };
    for (name, value) in numbers {
        draft = draft.with(&name, value.into())?;
    }
    Ok(draft.check().into_policy()?)
}
