//! A finding as a GitHub workflow command, which annotates a pull request
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use freeze_dsl::diagnostic::{Diagnostic, Severity, visible};

use super::line_index::{LineIndex, Region};

/// `::error file=resnet.freeze,line=3,col=19,endColumn=25,title=FRZ0201::…`
pub(super) fn line(finding: &Diagnostic, lines: &LineIndex<'_>) -> String {
    let command = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let Region { line, column, end_line, end_column } = lines.region(finding.span);
    // GitHub accepts columns only if start and end are in one line.
    let place = if line == end_line {
        format!("line={line},col={column},endColumn={end_column}")
    } else {
        format!("line={line},endLine={end_line}")
    };
    let notes = finding.notes.iter().map(|note| format!("note: {note}"));
    let helps = finding.suggestions.iter().map(|it| format!("help: {}", it.message));
    let said: Vec<String> =
        std::iter::once(finding.message.clone()).chain(notes).chain(helps).collect();
    let file = property(lines.source().name());
    let (code, said) = (finding.code, data(&said.join("\n")));
    format!("::{command} file={file},{place},title={code}::{said}")
}

/// Text after the last `::`, escaped.
fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\n', "%0A")
}

/// Text in a property, escaped.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
