//! What an editor asks of a policy that is being written: its findings, edits, and what is at a place
//! of its text.
//!
//! ```
//! use freeze_dsl::ide::OpenPolicy;
//! use freeze_dsl::source::Source;
//!
//! let policy = OpenPolicy::new(Source::new("start: train fc lr 1e-3;\nepok 3: stop;"));
//! assert_eq!(policy.findings().diagnostics()[0].code.name(), "FRZ0102");
//! assert_eq!(policy.safe_fixes(|_| true), []);
//! ```

mod completion;
#[cfg(test)]
mod edited_tests;
mod edits;
mod hints;
mod hover;
mod names;
mod outline;
mod paths;
mod selected;
mod statement;
mod walk;
mod words;

pub use completion::{Completion, CompletionKind};
pub use hints::Hint;
pub use hover::Hover;
pub use names::RenameError;
pub use outline::{Fold, Symbol, SymbolKind};

use std::sync::{Arc, OnceLock};

use crate::ast::{Text, Tree};
use crate::compile::{CheckedDraft, Draft};
use crate::diagnostic::Findings;
use crate::model::Model;
use crate::parse::{self, ParseMemo};
use crate::plan::BoundPolicy;
use crate::select::NameIndex;
use crate::source::{Source, Span, Spanned};
use names::Names;

/// A policy that is open in an editor: a text, and the model that it is for, if that is known.
///
/// The text is read at once; everything else is computed when it is asked for, and at most once.
#[derive(Debug)]
pub struct OpenPolicy {
    draft: Draft,
    memo: ParseMemo,
    model: Option<Arc<Model>>,
    names: OnceLock<Names>,
    blocks: OnceLock<Vec<Span>>,
    checked: OnceLock<CheckedDraft>,
}

impl OpenPolicy {
    /// A text without a model.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self::read(source, None)
    }

    /// The same policy after an edit, with the same name and model. Statements that the text had
    /// before are not read again.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::ide::OpenPolicy;
    /// # use freeze_dsl::source::Source;
    /// let policy = OpenPolicy::new(Source::new("start: train fc lr 1e-3;"));
    /// let policy = policy.edited("run 9 epochs; start: train fc lr 1e-3;".to_owned());
    /// assert_eq!(policy.symbols().len(), 2);
    /// ```
    #[must_use]
    pub fn edited(self, text: String) -> Self {
        let Self { draft, memo, model, .. } = self;
        let (source, tree) = draft.into_parts();
        let edited = Self::read(source.with_text(text), Some((memo, tree)));
        Self { model, ..edited }
    }

    /// The same text, checked against a model, or against none.
    #[must_use]
    pub fn with_model(self, model: Option<Arc<Model>>) -> Self {
        Self { model, checked: OnceLock::new(), ..self }
    }

    fn read(source: Source, before: Option<(ParseMemo, Tree)>) -> Self {
        let (tree, found, memo) = parse::parse_again(source.text(), before);
        Self {
            draft: Draft::parsed(source, tree, found),
            memo,
            model: None,
            names: OnceLock::new(),
            blocks: OnceLock::new(),
            checked: OnceLock::new(),
        }
    }

    /// The text.
    #[must_use]
    pub const fn source(&self) -> &Source {
        self.draft.source()
    }

    /// The model that it is checked against.
    #[must_use]
    pub const fn model(&self) -> Option<&Arc<Model>> {
        self.model.as_ref()
    }

    /// The path of the model that the policy names.
    #[must_use]
    pub fn model_path(&self) -> Option<&Spanned<Text>> {
        self.draft.model()
    }

    /// All findings, as `freeze check` reports them.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.checked().findings
    }

    fn checked(&self) -> &CheckedDraft {
        self.checked.get_or_init(|| {
            // How many steps an epoch has is known to the program alone.
            self.draft.findings(self.index().as_ref(), BoundPolicy::coarse_curves)
        })
    }

    fn index(&self) -> Option<NameIndex<'_>> {
        self.model.as_deref().map(NameIndex::new)
    }

    fn text(&self) -> &str {
        self.source().text()
    }

    fn tree(&self) -> &Tree {
        self.draft.tree()
    }

    /// The text with spaces in place of comments.
    fn readable(&self) -> &str {
        &self.memo.scanned.readable
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::new(self.tree()))
    }

    /// The pairs of braces, in the order of their starts; one that is not closed ends with the text.
    fn blocks(&self) -> &[Span] {
        self.blocks.get_or_init(|| outline::blocks(self.readable()))
    }
}

/// A copy of what was read; the rest is computed again when it is asked for.
impl Clone for OpenPolicy {
    fn clone(&self) -> Self {
        Self {
            draft: self.draft.clone(),
            memo: self.memo.clone(),
            model: self.model.clone(),
            names: OnceLock::new(),
            blocks: OnceLock::new(),
            checked: OnceLock::new(),
        }
    }
}
