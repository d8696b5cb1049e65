//! Findings as the protocol has them.

use freeze_dsl::diagnostic::{Code as FindingCode, Diagnostic as Finding, Severity};
use freeze_dsl::source::Span;

use super::documents::Document;
use super::protocol::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity,
    DiagnosticTag, Location, MessageText, Uri,
};

/// The part of a link that is replaced by the code of a finding.
const CODE: &str = "{code}";

/// Everything that is wrong with a document. `pages` is the URI of a finding's page, with `{code}` for
/// its code.
pub(super) fn all(document: &Document, pages: Option<&str>) -> Vec<Diagnostic> {
    let unreadable = document.unreadable.iter().map(|(place, message)| Diagnostic {
        message: MessageText::String(message.clone()),
        ..plain(document, *place, DiagnosticSeverity::Error)
    });
    unreadable.chain(document.findings().map(|it| one(document, &it, pages))).collect()
}

/// A finding.
pub(super) fn one(document: &Document, finding: &Finding, pages: Option<&str>) -> Diagnostic {
    let link = pages.map(|pages| Uri(pages.replace(CODE, finding.code.name())));
    let related = finding.secondary.iter().map(|label| DiagnosticRelatedInformation {
        location: Location { uri: document.uri.clone(), range: document.range(label.span) },
        message: label.message.clone(),
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        code: Some(Code::String(finding.code.name().to_owned())),
        code_description: link.map(|href| CodeDescription { href }),
        message: MessageText::String(message(finding)),
        tags: is_unneeded(finding.code).then(|| vec![DiagnosticTag::Unnecessary]),
        related_information: (!related.is_empty()).then_some(related),
        ..plain(document, finding.span, severity(finding.severity()))
    }
}

fn plain(document: &Document, place: Span, severity: DiagnosticSeverity) -> Diagnostic {
    Diagnostic {
        range: document.range(place),
        severity: Some(severity),
        source: Some("freeze".to_owned()),
        ..Diagnostic::default()
    }
}

/// The message, what is said at the place, the notes, and what to do.
fn message(finding: &Finding) -> String {
    let label = (!finding.label.is_empty()).then(|| finding.label.clone());
    let notes = finding.notes.iter().map(|note| format!("note: {note}"));
    let help = finding.suggestions.iter().map(|it| format!("help: {}", it.message));
    let lines = std::iter::once(finding.message.clone()).chain(label).chain(notes).chain(help);
    lines.collect::<Vec<_>>().join("\n")
}

const fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::Error,
        Severity::Warning => DiagnosticSeverity::Warning,
        Severity::Note => DiagnosticSeverity::Information,
    }
}

/// Whether a finding is about text that could be left out, which editors show faded.
const fn is_unneeded(code: FindingCode) -> bool {
    matches!(code, FindingCode::UnusedLet | FindingCode::NoEffect | FindingCode::NeverFires)
}
