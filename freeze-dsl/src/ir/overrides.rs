//! Numbers that the program puts in place of the text's.

use std::collections::BTreeMap;

use crate::ast::{List, Text};

/// Numbers that the program puts in place of the text's.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overrides {
    /// Values of names that a `let` defines.
    pub(crate) names: BTreeMap<Text, f64>,
    /// Values of Rust expressions, in the order of the text.
    pub(crate) rust: List<f64>,
    /// Whether the text may contain Rust expressions, which are evaluated later.
    pub(crate) allows_rust: bool,
}

impl Overrides {
    /// No numbers, and no Rust expressions.
    pub(crate) const NONE: Self =
        Self { names: BTreeMap::new(), rust: List::Borrowed(&[]), allows_rust: false };

    /// The values of the Rust expressions, which are empty as long as they are unknown.
    pub(crate) const fn of_rust(rust: List<f64>) -> Self {
        Self { names: BTreeMap::new(), rust, allows_rust: true }
    }
}
