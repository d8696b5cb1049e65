//! Findings as a log in the Static Analysis Results Interchange Format, SARIF 2.1.0
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use freeze_dsl::diagnostic::{Code, Diagnostic, Edit, Severity, Suggestion};
use freeze_dsl::source::Span;
use serde_json::{Map, Value, json};

use super::line_index::{LineIndex, Region};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A log of one run.
#[derive(Default)]
pub(super) struct Log {
    /// The codes that occur, in the order of their first occurrence.
    codes: Vec<Code>,
    results: Vec<Value>,
}

impl Log {
    pub(super) fn add(&mut self, finding: &Diagnostic, lines: &LineIndex<'_>) {
        let rule = self.rule(finding.code);
        let notes = finding.notes.iter().map(|note| format!("note: {note}"));
        let said: Vec<String> = std::iter::once(finding.message.clone()).chain(notes).collect();
        let related = finding.secondary.iter();
        let related = related.map(|label| location(label.span, &label.message, lines));
        self.results.push(json!({
            "ruleId": finding.code.name(),
            "ruleIndex": rule,
            "level": level(finding.severity()),
            "message": text(&said.join("\n")),
            "locations": [location(finding.span, &finding.label, lines)],
            "relatedLocations": related.collect::<Vec<_>>(),
            "fixes": finding.suggestions.iter().map(|it| fix(it, lines)).collect::<Vec<_>>(),
        }));
    }

    /// The index of a code among those that occur.
    fn rule(&mut self, code: Code) -> usize {
        self.codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        })
    }

    /// The whole log, with what could not be done.
    pub(super) fn text(&self, failures: &[String]) -> String {
        let failures: Vec<Value> = failures
            .iter()
            .map(|failure| json!({ "level": "error", "message": text(failure) }))
            .collect();
        let log = json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "freeze",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": self.codes.iter().copied().map(rule).collect::<Vec<_>>(),
                }},
                "invocations": [{
                    "executionSuccessful": failures.is_empty(),
                    "toolExecutionNotifications": failures,
                }],
                // Columns count characters, not bytes.
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        });
        log.to_string()
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": text(code.meaning()),
        "fullDescription": text(code.meaning()),
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn text(text: &str) -> Value {
    json!({ "text": text })
}

fn location(span: Span, label: &str, lines: &LineIndex<'_>) -> Value {
    let mut location = Map::new();
    if !label.is_empty() {
        location.insert("message".to_owned(), text(label));
    }
    let place = json!({
        "artifactLocation": { "uri": uri(lines.source().name()) },
        "region": region(span, lines),
    });
    location.insert("physicalLocation".to_owned(), place);
    location.into()
}

fn region(span: Span, lines: &LineIndex<'_>) -> Value {
    let Region { line, column, end_line, end_column } = lines.region(span);
    json!({
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    })
}

fn fix(suggestion: &Suggestion, lines: &LineIndex<'_>) -> Value {
    let replacement = |edit: &Edit| {
        json!({
            "deletedRegion": region(edit.span, lines),
            "insertedContent": text(&edit.text),
        })
    };
    json!({
        "description": text(&suggestion.message),
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(lines.source().name()) },
            "replacements": suggestion.edits.iter().map(replacement).collect::<Vec<_>>(),
        }],
    })
}

/// A path as a URI reference (RFC 3986, <https://www.rfc-editor.org/rfc/rfc3986>).
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.extend(['%', hex(byte >> 4), hex(byte & 0xF)]),
        }
    }
    uri
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase()
}
