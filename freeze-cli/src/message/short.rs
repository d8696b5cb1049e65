//! A finding in a line, as `rustc --error-format short` writes it.

use freeze_dsl::diagnostic::Diagnostic;

use super::places::Places;

/// `resnet.freeze:3:19: error[FRZ0201]: …`
pub(super) fn line(finding: &Diagnostic, places: &Places<'_>) -> String {
    let (line, column) = places.line_column(finding.span.start);
    let Diagnostic { code, message, .. } = finding;
    let (file, severity) = (places.source().name(), finding.severity());
    format!("{file}:{line}:{column}: {severity}[{code}]: {message}")
}
