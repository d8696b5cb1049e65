//! A checked policy: data alone.

mod difference;
mod json;

pub(crate) use json::PolicyJson;

use crate::ast::Tree;
use crate::ir::Overrides;
use crate::source::Source;

/// A policy that is checked as far as possible without a model.
///
/// Two policies are equal if the same is written in both, whatever their files and their spacing.
/// A policy that is written with `freeze_policy!` is plain data in the program.
///
/// As JSON, a policy is its text and the numbers that the program overrides. Reading it checks it
/// again, like any text.
#[derive(Debug, Clone)]
pub struct Policy {
    source: Source,
    tree: Tree,
    overrides: Overrides,
}

impl Policy {
    /// The text that it was read from.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("start: train fc")?;
    /// assert_eq!(policy.source().text(), "start: train fc");
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The syntax tree of its text.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("run 9 epochs; start: train fc")?;
    /// assert_eq!(policy.tree().items.len(), 2);
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) const fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// A policy from a tree without findings, for `freeze_policy!`, which checks at compile time.
    #[doc(hidden)]
    #[must_use]
    pub const fn from_checked(source: Source, tree: Tree) -> Self {
        Self::new(source, tree, Overrides::NONE)
    }

    /// A policy from a tree that has no error with these overrides.
    pub(crate) const fn new(source: Source, tree: Tree, overrides: Overrides) -> Self {
        Self { source, tree, overrides }
    }

    pub(crate) fn into_parts(self) -> (Source, Tree, Overrides) {
        (self.source, self.tree, self.overrides)
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree && self.overrides == other.overrides
    }
}
