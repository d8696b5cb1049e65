//! The grammar of the freeze language for [tree-sitter](https://tree-sitter.github.io), with its
//! queries.

use tree_sitter_language::LanguageFn;

#[allow(unsafe_code, reason = "the generated parser is C")]
mod parser {
    use tree_sitter_language::LanguageFn;

    unsafe extern "C" {
        fn tree_sitter_freeze() -> *const ();
    }

    // SAFETY: the function has no parameters and returns the language of the generated parser, which
    // is a constant.
    pub(crate) const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_freeze) };
}

/// The language.
pub const LANGUAGE: LanguageFn = parser::LANGUAGE;

/// What editors show in colour.
pub const HIGHLIGHTS_QUERY: &str = include_str!("../../queries/highlights.scm");

/// Where names are defined and used.
pub const LOCALS_QUERY: &str = include_str!("../../queries/locals.scm");

/// Parts in other languages: regular expressions and comments.
pub const INJECTIONS_QUERY: &str = include_str!("../../queries/injections.scm");

/// The types of the nodes of a tree, as JSON.
pub const NODE_TYPES: &str = include_str!("../../src/node-types.json");
