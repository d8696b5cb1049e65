//! The server: takes one message after another, and publishes findings when the editor is quiet.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::capabilities::Client;
use super::diagnostics;
use super::documents::Document;
use super::models::Models;
use super::protocol::{
    CancelParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, ErrorCode, Id, InitializeParams, Message, Notification,
    PublishDiagnosticsParams, Request, RequestError, RequestId, Response, Uri,
};
use super::requests::{self, Documents};
use super::transport::Incoming;
use crate::Outcome;

/// How long the editor is quiet before findings are computed: a key that is held down, or an undo
/// of many edits, is one change.
const QUIET: Duration = Duration::from_millis(15);

/// How long findings wait at most while the editor is never quiet.
const PATIENCE: Duration = Duration::from_millis(250);

/// How far the conversation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ServerPhase {
    /// Before the editor's `initialize`.
    Starting,
    Serving,
    /// After the editor's `shutdown`.
    ShutDown,
}

/// A language server that writes to `out`.
pub(super) struct Server<W> {
    out: W,
    phase: ServerPhase,
    client: Client,
    open: OpenDocuments,
    /// Messages that have arrived, in their order.
    queue: VecDeque<Incoming>,
    /// The documents whose findings are to be computed, by their URIs.
    changed: BTreeSet<String>,
    /// When the first of these changes was made, and the last.
    since: Option<(Instant, Instant)>,
}

/// The open documents and their models.
#[derive(Default)]
struct OpenDocuments {
    documents: HashMap<Uri, Document>,
    models: Models,
}

impl Documents for OpenDocuments {
    fn get(&mut self, uri: &Uri) -> Option<&Document> {
        let document = self.documents.get_mut(uri)?;
        document.find_model(&mut self.models);
        Some(document)
    }
}

impl<W: Write> Server<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            phase: ServerPhase::Starting,
            client: Client::default(),
            open: OpenDocuments::default(),
            queue: VecDeque::new(),
            changed: BTreeSet::new(),
            since: None,
        }
    }

    /// Serves until the editor says that it exits, or is gone.
    pub(super) fn serve(mut self, incoming: &Receiver<Incoming>) -> Outcome {
        loop {
            self.publish_if_due();
            if !self.wait(incoming) {
                // The editor is gone without a word.
                return Outcome::Failed;
            }
            // Whatever else has arrived may cancel what is next.
            self.queue.extend(incoming.try_iter());
            self.drop_cancelled();
            match self.queue.pop_front() {
                Some(Incoming::Message(Message::Notification(it))) if it.method == "exit" => {
                    return match self.phase {
                        ServerPhase::ShutDown => Outcome::Clean,
                        ServerPhase::Starting | ServerPhase::Serving => Outcome::Problems,
                    };
                }
                Some(incoming) => self.take(incoming),
                None => {}
            }
        }
    }

    /// Waits for a message if there is none, but no longer than until findings are due. `false` if
    /// there will be none.
    fn wait(&mut self, incoming: &Receiver<Incoming>) -> bool {
        if !self.queue.is_empty() {
            return true;
        }
        let next = match self.due() {
            Some(due) => incoming.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(next) => self.queue.push_back(next),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// When findings are to be computed.
    fn due(&self) -> Option<Instant> {
        self.since.map(|(first, last)| (first + PATIENCE).min(last + QUIET))
    }

    /// Answers the waiting requests that a waiting notification cancels.
    fn drop_cancelled(&mut self) {
        let cancels = |incoming: &Incoming| match incoming {
            Incoming::Message(Message::Notification(it)) if it.method == "$/cancelRequest" => {
                requests::params::<CancelParams>(&it.params).ok().map(|params| id(params.id))
            }
            _ => None,
        };
        let cancelled: Vec<RequestId> = self.queue.iter().filter_map(cancels).collect();
        if cancelled.is_empty() {
            return;
        }
        let mut dropped = Vec::new();
        self.queue.retain(|incoming| match incoming {
            Incoming::Message(Message::Request(it)) if cancelled.contains(&it.id) => {
                dropped.push(it.id.clone());
                false
            }
            incoming => cancels(incoming).is_none(),
        });
        for id in dropped {
            let error = RequestError::new(ErrorCode::RequestCanceled, "cancelled by the editor");
            self.respond(id, Err(error));
        }
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(Message::Request(request)) => {
                let result = self.answer(&request);
                self.respond(request.id, result);
            }
            Incoming::Message(Message::Notification(it)) if self.phase == ServerPhase::Serving => {
                // A notification has no answer, so one that is wrong has no effect.
                let _ignored = self.note(&it);
            }
            // An answer to a registration needs no further step.
            Incoming::Message(Message::Notification(_) | Message::Response(_)) => {}
            Incoming::Malformed(reason) => {
                let error = serde_json::json!({
                    "jsonrpc": "2.0",
                    "id": null,
                    "error": { "code": ErrorCode::ParseError as i32, "message": reason },
                });
                self.write_json(&error);
            }
        }
    }

    fn answer(&mut self, request: &Request) -> Result<serde_json::Value, RequestError> {
        let refused = |code, message: &str| Err(RequestError::new(code, message));
        match (request.method.as_str(), self.phase) {
            ("initialize", ServerPhase::Starting) => {
                let params: InitializeParams = requests::params(&request.params)?;
                self.client = Client::new(&params);
                self.phase = ServerPhase::Serving;
                serde_json::to_value(self.client.answer())
                    .map_err(|error| RequestError::new(ErrorCode::InternalError, error.to_string()))
            }
            ("initialize", _) => refused(ErrorCode::InvalidRequest, "initialized already"),
            (_, ServerPhase::Starting) => {
                refused(ErrorCode::ServerNotInitialized, "not initialized")
            }
            (_, ServerPhase::ShutDown) => {
                refused(ErrorCode::InvalidRequest, "the server is shut down")
            }
            ("shutdown", ServerPhase::Serving) => {
                self.phase = ServerPhase::ShutDown;
                Ok(serde_json::Value::Null)
            }
            (_, ServerPhase::Serving) => requests::answer(request, &mut self.open, &self.client),
        }
    }

    /// Takes note of what the editor says.
    fn note(&mut self, notification: &Notification) -> Result<(), RequestError> {
        let params = &notification.params;
        match notification.method.as_str() {
            "initialized" if self.client.watches_files => self.watch_files(),
            "textDocument/didOpen" => {
                let opened: DidOpenTextDocumentParams = requests::params(params)?;
                let item = opened.text_document;
                let encoding = self.client.encoding;
                let document = Document::new(item.uri.clone(), item.version, item.text, encoding);
                self.changed.insert(item.uri.0.clone());
                self.open.documents.insert(item.uri, document);
                self.publish();
            }
            "textDocument/didChange" => {
                let changed: DidChangeTextDocumentParams = requests::params(params)?;
                let item = changed.text_document;
                let uri = &item.text_document_identifier.uri;
                if let Some(document) = self.open.documents.get_mut(uri) {
                    document.change(item.version, changed.content_changes);
                    self.changed.insert(uri.0.clone());
                    let now = Instant::now();
                    self.since = Some((self.since.map_or(now, |(first, _)| first), now));
                }
            }
            "textDocument/didClose" => {
                let closed: DidCloseTextDocumentParams = requests::params(params)?;
                let uri = closed.text_document.uri;
                self.changed.remove(&uri.0);
                if self.open.documents.remove(&uri).is_some() {
                    self.notify_findings(PublishDiagnosticsParams {
                        uri,
                        version: None,
                        diagnostics: Vec::new(),
                    });
                }
            }
            "workspace/didChangeWatchedFiles" => {
                self.changed.extend(self.open.documents.keys().map(|uri| uri.0.clone()));
                self.publish();
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks the editor to say when a model or the configuration changes.
    fn watch_files(&mut self) {
        let watchers = ["**/*.safetensors", "**/*.json", "**/freeze.toml"];
        let watchers = watchers.map(|glob| serde_json::json!({ "globPattern": glob }));
        let params = serde_json::json!({ "registrations": [{
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        }]});
        let id = RequestId::from("watch files".to_owned());
        let method = "client/registerCapability".to_owned();
        self.write(&Message::Request(Request { id, method, params }));
    }

    fn publish_if_due(&mut self) {
        if self.due().is_some_and(|due| due <= Instant::now()) {
            self.publish();
        }
    }

    /// Publishes the findings of all documents that have changed.
    fn publish(&mut self) {
        self.since = None;
        for uri in std::mem::take(&mut self.changed) {
            let uri = Uri(uri);
            let Some(document) = self.open.get(&uri) else { continue };
            let diagnostics = diagnostics::all(document, self.client.pages.as_deref());
            let version = Some(document.version);
            self.notify_findings(PublishDiagnosticsParams { uri, version, diagnostics });
        }
    }

    fn notify_findings(&mut self, params: PublishDiagnosticsParams) {
        if let Ok(params) = serde_json::to_value(params) {
            let method = "textDocument/publishDiagnostics".to_owned();
            self.write(&Message::Notification(Notification { method, params }));
        }
    }

    fn respond(&mut self, id: RequestId, result: Result<serde_json::Value, RequestError>) {
        let response_result = result.map_err(Into::into);
        self.write(&Message::Response(Response { id, response_result }));
    }

    fn write(&mut self, message: &Message) {
        // An editor that no longer reads closes its end, which ends the server.
        let _lost = message.write(&mut self.out);
    }

    fn write_json(&mut self, message: &serde_json::Value) {
        let text = message.to_string();
        let _lost = write!(self.out, "Content-Length: {}\r\n\r\n{text}", text.len());
        let _lost = self.out.flush();
    }
}

/// The id of a request, as it is in the request itself.
fn id(id: Id) -> RequestId {
    match id {
        Id::Int(number) => number.into(),
        Id::String(text) => text.into(),
    }
}
