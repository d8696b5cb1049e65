//! A finding in one line, as `rustc --error-format short` writes it.

use freeze_dsl::diagnostic::{Diagnostic, visible, visible_name};

use super::line_index::LineIndex;

/// `resnet.freeze:3:19: error[FRZ0201]: …`
pub(super) fn line(finding: &Diagnostic, lines: &LineIndex<'_>) -> String {
    let (line, column) = lines.line_column(finding.span.start);
    let Diagnostic { code, message, .. } = finding;
    let (file, severity) = (visible_name(lines.source().name()), finding.severity());
    visible(&format!("{file}:{line}:{column}: {severity}[{code}]: {message}")).into_owned()
}
