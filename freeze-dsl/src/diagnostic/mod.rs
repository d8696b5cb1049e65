//! What a check finds: a code, a message, places, and where there is one a fix.

mod code;
mod findings;
mod nearest;
pub(crate) mod removal;
mod render;
mod sink;

pub use code::{Code, Severity};
pub use findings::Findings;

pub(crate) use findings::sort;
pub(crate) use nearest::{nearest, one_of, readable};
pub use render::{Style, render};
pub(crate) use sink::DiagnosticSink;

use crate::source::Span;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// One lower-case sentence without a period; the user's own text in backticks.
    pub message: String,
    /// The place that the finding is about.
    pub span: Span,
    /// What is said beside that place; may be empty.
    pub label: String,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Sentences that stand below the excerpt.
    pub notes: Vec<String>,
    /// Edits that mend it.
    pub suggestions: Vec<Suggestion>,
}

/// A place and what is said beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said beside it.
    pub message: String,
}

/// How sure it is that a suggestion gives what its writer meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// The text means the same or what was certainly meant; a tool may apply it unasked.
    Safe,
    /// A guess; a person looks at it first.
    Maybe,
}

/// Edits that mend a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What the edits do, as a question or an instruction.
    pub message: String,
    /// How sure it is.
    pub applicability: Applicability,
    /// The edits, in the order of their places, not overlapping.
    pub edits: Vec<Edit>,
}

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty where text is inserted.
    pub span: Span,
    /// What it is replaced with; empty where text is deleted.
    pub text: String,
}

impl Diagnostic {
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            label: String::new(),
            secondary: Vec::new(),
            notes: Vec::new(),
            suggestions: Vec::new(),
        }
    }

    /// How serious it is; the code decides.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn also(mut self, span: Span, message: impl Into<String>) -> Self {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn suggest(
        mut self,
        applicability: Applicability,
        message: impl Into<String>,
        span: Span,
        text: impl Into<String>,
    ) -> Self {
        self.suggestions.push(Suggestion {
            message: message.into(),
            applicability,
            edits: vec![Edit { span, text: text.into() }],
        });
        self
    }

    /// Suggests a guess, where there is one.
    pub(crate) fn guess(
        self,
        message: impl Into<String>,
        edit: Option<(Span, impl Into<String>)>,
    ) -> Self {
        match edit {
            Some((span, text)) => self.suggest(Applicability::Maybe, message, span, text),
            None => self,
        }
    }

    /// Suggests to take something out, where it can be.
    pub(crate) fn guess_without(self, message: impl Into<String>, place: Option<Span>) -> Self {
        self.guess(message, place.map(|place| (place, "")))
    }
}
