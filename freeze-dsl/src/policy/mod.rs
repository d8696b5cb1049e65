//! A checked policy.

mod difference;
mod json;

use std::collections::BTreeMap;
use std::path::Path;

use crate::analysis::{self, Analysis};
use crate::ast::{Item, List, Tree};
use crate::diagnostic::{Diagnostic, Findings};
use crate::model::Model;
use crate::plan::Plan;
use crate::source::Source;
use crate::unroll::Given;

/// A policy that was checked as far as can be without a model.
///
/// Two policies are equal when the same was written, wherever their texts stand and however they
/// are spaced. One written with `freeze_policy!` is plain data in the program.
///
/// As JSON, a policy is its text and the numbers that the program gave; reading it checks it
/// again, as reading any text does.
#[derive(Debug, Clone)]
pub struct Policy {
    source: Source,
    tree: Tree,
    given: Given,
}

/// A whole length of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// So many epochs.
    Epochs(u64),
    /// So many optimizer steps.
    Steps(u64),
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

/// Why a number of a policy cannot be overridden.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// No `let` of the policy defines it.
    #[error("the policy defines no number `{0}`{1}")]
    Unknown(String, String),
    /// With this value the policy is wrong; prints every finding with its place.
    #[error(transparent)]
    Policy(#[from] Findings),
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
        analysis::analyze(source).into_policy()
    }

    /// The same policy with another value for a number that a `let` defines.
    ///
    /// # Errors
    /// If no `let` defines the number, or all that is wrong with the policy then.
    pub fn with(mut self, name: &str, value: f64) -> Result<Self, OverrideError> {
        self.give(name, value)?;
        Ok(Analysis::of(self).into_policy()?)
    }

    /// Takes another value for a number that a `let` defines, without checking what comes of it.
    pub(crate) fn give(&mut self, name: &str, value: f64) -> Result<(), OverrideError> {
        let numbers = self.tree.items.iter().filter_map(|item| match &item.value {
            Item::LetNumber { name, .. } => Some(name.value.as_ref()),
            _ => None,
        });
        if !numbers.clone().any(|number| number == name) {
            let near = crate::diagnostic::nearest(name, numbers);
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(OverrideError::Unknown(name.to_owned(), near));
        }
        self.given.names.insert(name.to_owned().into(), value);
        Ok(())
    }

    /// What every rule does to each parameter of a model.
    ///
    /// # Errors
    /// All that does not fit the model.
    pub fn plan(&self, model: &Model) -> Result<Plan, Findings> {
        Plan::new(self, model)
    }

    /// What stops nothing and is worth knowing.
    #[must_use]
    pub fn warnings(&self) -> Vec<Diagnostic> {
        Analysis::of(self.clone()).findings.diagnostics().to_vec()
    }

    /// The text that it was read from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// What was written.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) const fn given(&self) -> &Given {
        &self.given
    }

    /// A policy from a tree that was checked: for `freeze_policy!`, which checks at compile
    /// time, and for the checker itself.
    #[doc(hidden)]
    #[must_use]
    pub const fn from_checked(source: Source, tree: Tree) -> Self {
        let given = Given { names: BTreeMap::new(), rust: List::Borrowed(&[]), allows_rust: false };
        Self { source, tree, given }
    }

    /// A policy with the values of its Rust expressions, for `freeze_policy!`.
    #[doc(hidden)]
    pub fn with_rust(source: Source, tree: Tree, values: Vec<f64>) -> Result<Self, Findings> {
        Analysis::of(Self::evaluated(source, tree, values.into())).into_policy()
    }

    /// A policy whose Rust expressions have these values, or none yet.
    pub(crate) const fn evaluated(source: Source, tree: Tree, rust: List<f64>) -> Self {
        Self { source, tree, given: Given { names: BTreeMap::new(), rust, allows_rust: true } }
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree && self.given == other.given
    }
}
