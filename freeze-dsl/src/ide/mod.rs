//! What an editor asks of a policy that is being written: its findings, edits, and what is at a place
//! of its text.
//!
//! ```
//! use freeze_dsl::ide::OpenPolicy;
//! use freeze_dsl::source::Source;
//!
//! let policy = OpenPolicy::new(Source::new("start: train fc lr 1e-3;\nepok 3: stop;"));
//! assert_eq!(policy.findings().diagnostics()[0].code.name(), "FRZ0102");
//! assert_eq!(policy.safe_fixes(), []);
//! ```

mod completion;
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

use std::cell::OnceCell;
use std::sync::Arc;

use crate::ast::Text;
use crate::compile::Draft;
use crate::diagnostic::Findings;
use crate::model::Model;
use crate::plan::Plan;
use crate::source::{Source, Spanned};

/// A policy that is open in an editor: a text, and the model that it is for, if that is known.
///
/// Everything is computed when it is asked for, and the text is parsed and checked at most once.
#[derive(Debug)]
pub struct OpenPolicy {
    source: Source,
    model: Option<Arc<Model>>,
    draft: OnceCell<Draft>,
    checked: OnceCell<(Findings, Option<Plan>)>,
}

impl OpenPolicy {
    /// A text without a model.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, model: None, draft: OnceCell::new(), checked: OnceCell::new() }
    }

    /// The same text, checked against a model, or against none.
    #[must_use]
    pub fn with_model(self, model: Option<Arc<Model>>) -> Self {
        Self { model, checked: OnceCell::new(), ..self }
    }

    /// The text.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The model that it is checked against.
    #[must_use]
    pub const fn model(&self) -> Option<&Arc<Model>> {
        self.model.as_ref()
    }

    /// The path of the model that the policy names.
    #[must_use]
    pub fn model_path(&self) -> Option<&Spanned<Text>> {
        self.draft().model()
    }

    /// All findings, as `freeze check` reports them.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.checked().0
    }

    /// The effect of each rule on the model, if there is one and no finding is an error.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.checked().1.as_ref()
    }

    fn draft(&self) -> &Draft {
        self.draft.get_or_init(|| Draft::read(self.source.clone()))
    }

    fn checked(&self) -> &(Findings, Option<Plan>) {
        self.checked.get_or_init(|| {
            let (findings, plan) = self.draft().plan_against(self.model.as_ref());
            let coarse = plan.as_ref().map_or_else(Vec::new, |plan| plan.coarse_curves(None));
            let all = findings.diagnostics().iter().cloned().chain(coarse).collect();
            (Findings::new(self.source.clone(), all), plan)
        })
    }
}
