//! Quick fixes, and the fix of everything that is safe.

use std::collections::HashMap;

use freeze_dsl::diagnostic::{Applicability, Edit};

use super::diagnostics;
use super::documents::Document;
use super::protocol::{
    CodeAction, CodeActionKind, CodeActionParams, CodeActionResponse, WorkspaceEdit,
};

/// The actions for a range of a document: each edit of each finding there, and all safe edits.
pub(super) fn all(
    document: &Document,
    params: &CodeActionParams,
    pages: Option<&str>,
) -> Vec<CodeActionResponse> {
    let wants = |kind: &CodeActionKind| {
        params.context.only.as_ref().is_none_or(|only| only.iter().any(|it| includes(it, kind)))
    };
    let mut actions = Vec::new();
    if wants(&CodeActionKind::QuickFix) {
        actions.extend(quick_fixes(document, params, pages));
    }
    let wants_all = wants(&CodeActionKind::SourceFixAll);
    let safe = if wants_all { document.safe_fixes() } else { Vec::new() };
    if !safe.is_empty() {
        let title = "Fix all that can be fixed safely".to_owned();
        let kind = CodeActionKind::SourceFixAll;
        actions.push(CodeAction { title, ..of_edits(document, kind, &safe) });
    }
    actions.into_iter().map(CodeActionResponse::CodeAction).collect()
}

fn quick_fixes(
    document: &Document,
    params: &CodeActionParams,
    pages: Option<&str>,
) -> Vec<CodeAction> {
    let asked = document.span(params.range);
    let findings = document.findings();
    let here = findings.filter(|it| it.span.start <= asked.end && asked.start <= it.span.end);
    let mut actions = Vec::new();
    for finding in here {
        actions.extend(finding.suggestions.iter().map(|suggestion| CodeAction {
            title: title(&suggestion.message),
            diagnostics: Some(vec![diagnostics::one(document, &finding, pages)]),
            is_preferred: (suggestion.applicability == Applicability::Safe).then_some(true),
            ..of_edits(document, CodeActionKind::QuickFix, &suggestion.edits)
        }));
    }
    actions
}

/// What a suggestion says, in a line of a menu: `` did you mean `layer4`? `` without what else there is.
fn title(message: &str) -> String {
    let question = message.split_once("? ").map(|(question, _)| format!("{question}?"));
    question.unwrap_or_else(|| message.to_owned())
}

fn of_edits(document: &Document, kind: CodeActionKind, edits: &[Edit]) -> CodeAction {
    let edit = Some(workspace_edit(document, edits));
    CodeAction { kind: Some(kind), edit, ..CodeAction::default() }
}

/// Edits of one document.
pub(super) fn workspace_edit(document: &Document, edits: &[Edit]) -> WorkspaceEdit {
    let changes = HashMap::from([(document.uri.clone(), document.text_edits(edits))]);
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

/// Whether one kind is another, or a part of it: `source.fixAll` is one of `source`.
fn includes(whole: &CodeActionKind, part: &CodeActionKind) -> bool {
    let (whole, part) = (whole.to_string(), part.to_string());
    whole.is_empty()
        || part.strip_prefix(&whole).is_some_and(|it| it.is_empty() || it.starts_with('.'))
}
