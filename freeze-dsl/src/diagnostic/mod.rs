//! Findings: a code, a message, places in the text, and suggestions.

mod code;
mod edits;
mod findings;
mod nearest;
pub(crate) mod removal;
mod render;
mod reported;
mod sink;
mod visible;

pub use code::{Code, Severity};
pub use edits::{applied, disjoint};
pub use findings::Findings;

#[doc(hidden)]
pub use nearest::{nearest, short_number};
pub(crate) use nearest::{one_of, quoted, readable, shown_number};
pub use render::{Style, render};
pub(crate) use reported::Reported;
pub(crate) use sink::DiagnosticSink;
pub use visible::{visible, visible_name};

use crate::source::Span;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// One lower-case sentence without a period; the user's own text in backticks.
    pub message: String,
    /// The place in the text that the finding is about.
    pub span: Span,
    /// The explanation at that place; may be empty.
    pub label: String,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Sentences below the excerpt.
    pub notes: Vec<String>,
    /// Edits that fix it.
    pub suggestions: Vec<Suggestion>,
    /// How serious it is.
    pub(crate) severity: Severity,
}

/// A place in the text, with an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The explanation.
    pub message: String,
}

/// How likely it is that a suggestion is what the author meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// The meaning stays, or becomes what was certainly meant; a tool may apply it without asking.
    Safe,
    /// A guess, to be confirmed by a person.
    Maybe,
}

/// Edits that fix a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What the edits do, as a question or an instruction.
    pub message: String,
    /// How likely it is what the author meant.
    pub applicability: Applicability,
    /// The edits, in the order of the text, not overlapping.
    pub edits: Vec<Edit>,
}

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The text to replace; empty for an insertion.
    pub span: Span,
    /// The new text; empty for a deletion.
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
            severity: code.severity(),
        }
    }

    /// How serious it is: as serious as its code, unless it was changed.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The same finding, more or less serious.
    ///
    /// # Examples
    /// ```
    /// # use freeze_dsl::diagnostic::Severity;
    /// # use freeze_dsl::policy::Policy;
    /// let policy = Policy::parse("start: train fc lr 0")?;
    /// let warning = policy.diagnostics().remove(0);
    /// assert!(warning.with_severity(Severity::Error).is_error());
    /// # Ok::<(), freeze_dsl::diagnostic::Findings>(())
    /// ```
    #[must_use]
    pub const fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
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

    pub(crate) fn with(mut self, suggestion: Suggestion) -> Self {
        self.suggestions.push(suggestion);
        self
    }

    /// Suggests a guess, if there is one.
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

    /// Suggests to remove a span, if there is one.
    pub(crate) fn guess_without(self, message: impl Into<String>, place: Option<Span>) -> Self {
        self.guess(message, place.map(|place| (place, "")))
    }
}
