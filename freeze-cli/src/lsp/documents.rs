//! The texts that are open in the editor.

use std::path::PathBuf;
use std::sync::Arc;

use freeze_dsl::diagnostic::Edit;
use freeze_dsl::ide::OpenPolicy;
use freeze_dsl::model::Model;
use freeze_dsl::source::{Source, Span};

use super::models::Models;
use super::paths;
use super::positions::{Encoding, Lines};
use super::protocol::{Position, Range, TextDocumentContentChangeEvent, TextEdit, Uri};

/// A text that is open in the editor.
pub(super) struct Document {
    pub(super) uri: Uri,
    pub(super) version: i32,
    path: Option<PathBuf>,
    lines: Lines,
    encoding: Encoding,
    policy: OpenPolicy,
    /// Why the model that the policy names cannot be read.
    pub(super) model_error: Option<String>,
}

impl Document {
    pub(super) fn new(uri: Uri, version: i32, text: String, encoding: Encoding) -> Self {
        let path = paths::of_uri(&uri);
        let name = path.as_ref().map_or_else(|| uri.0.clone(), |path| path.display().to_string());
        let lines = Lines::new(&text, encoding);
        let policy = OpenPolicy::new(Source::named(name, text));
        Self { uri, version, path, lines, encoding, policy, model_error: None }
    }

    pub(super) fn policy(&self) -> &OpenPolicy {
        &self.policy
    }

    fn text(&self) -> &str {
        self.policy.source().text()
    }

    /// Makes changes, one after another.
    pub(super) fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let mut text = self.text().to_owned();
        let mut lines = self.lines.clone();
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let span = lines.span(&text, part.range);
                    text.replace_range(span.range(), &part.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                    text = whole.text;
                }
            }
            lines = Lines::new(&text, self.encoding);
        }
        *self = Self::new(self.uri.clone(), version, text, self.encoding);
    }

    /// Looks for the model that the policy names, relative to its own file.
    pub(super) fn find_model(&mut self, models: &mut Models) {
        let path = self.policy.model_path().map(|named| &*named.value);
        let path = path.and_then(|named| Some(self.path.as_ref()?.parent()?.join(named)));
        let (model, error) = match path.map(|path| models.get(&path)) {
            Some(Ok(model)) => (Some(model), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let is_same = match (self.policy.model(), &model) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if !is_same {
            self.set_model(model);
        }
        self.model_error = error;
    }

    fn set_model(&mut self, model: Option<Arc<Model>>) {
        let unset = OpenPolicy::new(Source::new(""));
        self.policy = std::mem::replace(&mut self.policy, unset).with_model(model);
    }

    pub(super) fn byte(&self, position: Position) -> usize {
        self.lines.byte(self.text(), position)
    }

    pub(super) fn span(&self, range: Range) -> Span {
        self.lines.span(self.text(), range)
    }

    pub(super) fn range(&self, span: Span) -> Range {
        self.lines.range(self.text(), span)
    }

    pub(super) fn text_edit(&self, edit: &Edit) -> TextEdit {
        TextEdit { range: self.range(edit.span), new_text: edit.text.clone() }
    }

    pub(super) fn text_edits(&self, edits: &[Edit]) -> Vec<TextEdit> {
        edits.iter().map(|edit| self.text_edit(edit)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::TextDocumentContentChangeEvent as Change;
    use super::*;

    fn part(from: (u32, u32), to: (u32, u32), text: &str) -> Change {
        let at = |(line, character)| Position { line, character };
        let range = Range { start: at(from), end: at(to) };
        serde_json::from_value(serde_json::json!({ "range": range, "text": text })).unwrap()
    }

    #[test]
    fn changes_are_made_one_after_another() {
        let uri = Uri("untitled:1".to_owned());
        let mut document = Document::new(uri, 1, "aé🦀b\nc".to_owned(), Encoding::Utf16);
        document.change(2, vec![part((0, 2), (0, 4), "\n"), part((1, 0), (2, 0), "x")]);
        assert_eq!(document.text(), "aé\nxc");
        assert_eq!(document.version, 2);
        let whole = serde_json::from_value(serde_json::json!({ "text": "z" })).unwrap();
        document.change(3, vec![whole, part((0, 9), (9, 9), "y")]);
        assert_eq!(document.text(), "zy");
    }
}
