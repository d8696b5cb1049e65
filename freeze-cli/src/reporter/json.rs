//! A finding as a JSON object.

use freeze_dsl::diagnostic::{Applicability, Code, Diagnostic, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::line_index::{LineIndex, Region};

/// A finding about a policy.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Finding<'f> {
    code: Code,
    severity: Severity,
    /// What is wrong, in one sentence.
    message: &'f str,
    /// The file, as it was named to the command.
    file: &'f str,
    #[serde(flatten)]
    region: Region,
    /// Explanations of places in the text, the finding's own place first.
    labels: Vec<Label<'f>>,
    /// Further explanations.
    notes: &'f [String],
    /// Edits that fix it.
    suggestions: Vec<Suggestion<'f>>,
}

/// An explanation of a place in the text.
#[derive(Serialize, JsonSchema)]
struct Label<'f> {
    message: &'f str,
    #[serde(flatten)]
    region: Region,
}

/// Edits that fix a finding.
#[derive(Serialize, JsonSchema)]
struct Suggestion<'f> {
    /// What the edits do, as a question or an instruction.
    message: &'f str,
    applicability: Applicability,
    /// The edits, in the order of the text, not overlapping.
    edits: Vec<Edit<'f>>,
}

/// One replacement.
#[derive(Serialize, JsonSchema)]
struct Edit<'f> {
    /// The first byte that is replaced, from 0.
    start: usize,
    /// One past the last byte that is replaced.
    end: usize,
    /// The new text.
    text: &'f str,
}

/// The JSON object, in one line.
pub(super) fn line(finding: &Diagnostic, lines: &LineIndex<'_>) -> String {
    let own = (!finding.label.is_empty()).then_some((&finding.label, finding.span));
    let others = finding.secondary.iter().map(|label| (&label.message, label.span));
    let labels = own.into_iter().chain(others);
    let suggestions = finding.suggestions.iter().map(|suggestion| Suggestion {
        message: &suggestion.message,
        applicability: suggestion.applicability,
        edits: suggestion
            .edits
            .iter()
            .map(|edit| Edit { start: edit.span.start, end: edit.span.end, text: &edit.text })
            .collect(),
    });
    let finding = Finding {
        code: finding.code,
        severity: finding.severity(),
        message: &finding.message,
        file: lines.source().name(),
        region: lines.region(finding.span),
        labels: labels
            .map(|(message, span)| Label { message, region: lines.region(span) })
            .collect(),
        notes: &finding.notes,
        suggestions: suggestions.collect(),
    };
    // Serialization cannot fail: the object has neither maps nor non-finite numbers.
    serde_json::to_string(&finding).unwrap_or_default()
}
