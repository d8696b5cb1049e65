//! The open documents, with the files beside them that they depend on.

use std::collections::HashMap;

use super::documents::Document;
use super::models::Models;
use super::protocol::{TextDocumentContentChangeEvent, Uri};
use crate::config::Configs;

/// The open documents, their models and their `freeze.toml` files.
#[derive(Default)]
pub(super) struct OpenDocuments {
    documents: HashMap<Uri, Document>,
    models: Models,
    configs: Configs,
}

impl OpenDocuments {
    pub(super) fn get(&self, uri: &Uri) -> Option<&Document> {
        self.documents.get(uri)
    }

    pub(super) fn uris(&self) -> impl Iterator<Item = &Uri> {
        self.documents.keys()
    }

    pub(super) fn open(&mut self, document: Document) {
        let uri = document.uri.clone();
        self.documents.insert(uri.clone(), document);
        self.look_up(&uri);
    }

    /// Changes a document. Returns whether it is open.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> bool {
        let document = self.documents.get_mut(uri);
        let is_open = document.map(|it| it.change(version, changes)).is_some();
        self.look_up(uri);
        is_open
    }

    /// Closes a document. Returns whether it was open.
    pub(super) fn close(&mut self, uri: &Uri) -> bool {
        let was_open = self.documents.remove(uri).is_some();
        let documents = &self.documents;
        self.models.keep(|path| documents.values().any(|it| it.model() == Some(path)));
        was_open
    }

    /// Looks for the files that a document depends on, and reads those that have changed. Editors that
    /// do not watch files need it after each edit.
    pub(super) fn look_up(&mut self, uri: &Uri) {
        self.configs.forget_changed();
        if let Some(document) = self.documents.get_mut(uri) {
            document.look_up(&mut self.configs, &mut self.models);
        }
    }
}
