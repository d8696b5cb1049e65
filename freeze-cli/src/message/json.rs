//! A finding as a JSON object.

use freeze_dsl::diagnostic::{Applicability, Code, Diagnostic, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::places::{Place, Places};

/// Something that is wrong with a policy, or worth knowing.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Finding<'f> {
    code: Code,
    severity: Severity,
    /// What is wrong, in a sentence.
    message: &'f str,
    /// The file, as it was named to the command.
    file: &'f str,
    #[serde(flatten)]
    place: Place,
    /// What is said beside places of the text, the finding's own place first.
    labels: Vec<Label<'f>>,
    /// What else there is to say.
    notes: &'f [String],
    /// Edits that mend it.
    suggestions: Vec<Suggestion<'f>>,
}

/// What is said beside a place of the text.
#[derive(Serialize, JsonSchema)]
struct Label<'f> {
    message: &'f str,
    #[serde(flatten)]
    place: Place,
}

/// Edits that mend a finding.
#[derive(Serialize, JsonSchema)]
struct Suggestion<'f> {
    /// What the edits do, as a question or an instruction.
    message: &'f str,
    applicability: Applicability,
    /// The edits, in the order of their places, not overlapping.
    edits: Vec<Edit<'f>>,
}

/// One replacement.
#[derive(Serialize, JsonSchema)]
struct Edit<'f> {
    /// The first byte that is replaced, from 0.
    start: usize,
    /// The byte behind the last one.
    end: usize,
    /// What takes its place.
    text: &'f str,
}

/// The object, in a line.
pub(super) fn line(finding: &Diagnostic, places: &Places<'_>) -> String {
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
        file: places.source().name(),
        place: places.place(finding.span),
        labels: labels
            .map(|(message, span)| Label { message, place: places.place(span) })
            .collect(),
        notes: &finding.notes,
        suggestions: suggestions.collect(),
    };
    // Such an object has no map and no number that JSON lacks, so it can be written.
    serde_json::to_string(&finding).unwrap_or_default()
}
