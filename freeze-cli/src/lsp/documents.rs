//! The texts that are open in the editor.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use freeze_dsl::diagnostic::{Diagnostic, Edit};
use freeze_dsl::ide::OpenPolicy;
use freeze_dsl::source::{Source, Span};

use super::models::Models;
use super::paths;
use super::positions::{Encoding, Lines};
use super::protocol::{Position, Range, TextDocumentContentChangeEvent, TextEdit, Uri};
use crate::config::{Configs, FileConfig};

/// A text that is open in the editor.
pub(super) struct Document {
    pub(super) uri: Uri,
    pub(super) version: i32,
    path: Option<PathBuf>,
    lines: Lines,
    encoding: Encoding,
    policy: Arc<OpenPolicy>,
    config: FileConfig,
    /// The model that it is checked against, whether or not that can be read.
    model: Option<PathBuf>,
    /// What cannot be read, each with the place that names it.
    pub(super) unreadable: Vec<(Span, String)>,
}

impl Document {
    pub(super) fn new(uri: Uri, version: i32, text: String, encoding: Encoding) -> Self {
        let path = paths::of_uri(&uri);
        let name = path.as_ref().map_or_else(|| uri.0.clone(), |path| path.display().to_string());
        let lines = Lines::new(&text, encoding);
        let policy = Arc::new(OpenPolicy::new(Source::named(name, text)));
        let (config, model, unreadable) = (FileConfig::default(), None, Vec::new());
        Self { uri, version, path, lines, encoding, policy, config, model, unreadable }
    }

    pub(super) const fn policy(&self) -> &Arc<OpenPolicy> {
        &self.policy
    }

    /// The path of the model that it is checked against.
    pub(super) fn model(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// The findings at the levels that `freeze.toml` sets.
    pub(super) fn findings(&self) -> impl Iterator<Item = Cow<'_, Diagnostic>> {
        let findings = self.policy.findings().diagnostics().iter();
        findings.filter_map(|finding| self.config.levels.apply(finding))
    }

    /// The edits of all safe suggestions of these findings.
    pub(super) fn safe_fixes(&self) -> Vec<Edit> {
        self.policy.safe_fixes(|finding| self.config.levels.apply(finding).is_some())
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
        (self.version, self.lines) = (version, lines);
        self.set_policy(|policy| policy.edited(text));
    }

    /// Looks for its `freeze.toml` and its model, and reads them if they have changed.
    pub(super) fn look_up(&mut self, configs: &mut Configs, models: &mut Models) {
        self.unreadable.clear();
        let start = Span::new(0, 0);
        let config =
            self.path.as_ref().map_or_else(|| Ok(FileConfig::default()), |it| configs.of(it));
        self.config = config.unwrap_or_else(|message| {
            self.unreadable.push((start, message));
            FileConfig::default()
        });
        let named = self.policy.model_path();
        let place = named.map_or(start, |named| named.span);
        self.model = self
            .path
            .as_ref()
            .and_then(|path| self.config.model_of(path, named.map(|named| &*named.value)));
        let model = match self.model.as_ref().map(|path| models.get(path)).transpose() {
            Ok(model) => model,
            Err(message) => {
                self.unreadable.push((place, message));
                None
            }
        };
        let is_same = match (self.policy.model(), &model) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if !is_same {
            self.set_policy(|policy| policy.with_model(model));
        }
    }

    /// Replaces the policy. If it is being checked, a copy of it is changed.
    fn set_policy(&mut self, change: impl FnOnce(OpenPolicy) -> OpenPolicy) {
        let unset = Arc::new(OpenPolicy::new(Source::new("")));
        let policy = std::mem::replace(&mut self.policy, unset);
        self.policy = Arc::new(change(Arc::unwrap_or_clone(policy)));
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
