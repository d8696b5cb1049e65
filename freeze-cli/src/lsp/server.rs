//! The server: takes one message after another, and has findings computed when the editor is quiet.

use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::capabilities::Client;
use super::checks::{CheckedDocument, Checks};
use super::diagnostics;
use super::documents::Document;
use super::open_documents::OpenDocuments;
use super::outgoing::{Editor, RequestResult, json};
use super::protocol::{
    CancelParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, ErrorCode, Id, InitializeParams, Message, Notification,
    PublishDiagnosticsParams, Request, RequestError, RequestId, Uri,
};
use super::requests;
use super::transport::Incoming;
use crate::Outcome;

/// How long the editor is quiet before a text is checked: what it sends at once arrives one after
/// another.
const QUIET: Duration = Duration::from_millis(5);

/// How far the conversation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ServerPhase {
    /// Before the editor's `initialize`.
    Starting,
    Serving,
    /// After the editor's `shutdown`.
    ShutDown,
}

/// A language server that writes to `W`.
pub(super) struct Server<W> {
    editor: Editor<W>,
    phase: ServerPhase,
    client: Client,
    open: OpenDocuments,
    checks: Checks,
    /// Messages that have arrived, in their order.
    queue: VecDeque<Incoming>,
    /// The documents that are to be checked.
    unchecked: HashSet<Uri>,
    /// When the last of them changed.
    changed: Option<Instant>,
    /// Answers the requests about documents.
    answer: Answer,
}

type Answer = fn(&Request, &OpenDocuments, &Client) -> RequestResult;

impl<W: Write> Server<W> {
    /// A server to which what is checked is sent by `done`.
    pub(super) fn new(out: W, done: SyncSender<Incoming>) -> Self {
        Self {
            editor: Editor::new(out),
            phase: ServerPhase::Starting,
            client: Client::default(),
            open: OpenDocuments::default(),
            checks: Checks::start(done),
            queue: VecDeque::new(),
            unchecked: HashSet::new(),
            changed: None,
            answer: requests::answer,
        }
    }

    /// Serves until the editor says that it exits, or is gone.
    pub(super) fn serve(mut self, incoming: &Receiver<Incoming>) -> Outcome {
        loop {
            self.wait(incoming);
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
                // The editor is gone without a word.
                Some(Incoming::End) => return Outcome::Failed,
                Some(incoming) => self.take(incoming),
                None => self.check_next(),
            }
        }
    }

    /// Waits for a message if there is none, but no longer than until a check is due.
    fn wait(&mut self, incoming: &Receiver<Incoming>) {
        if !self.queue.is_empty() {
            return;
        }
        let next = match self.changed.filter(|_| !self.checks.is_busy()) {
            Some(changed) => {
                let due = changed + QUIET;
                incoming.recv_timeout(due.saturating_duration_since(Instant::now()))
            }
            None => incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(next) => self.queue.push_back(next),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.queue.push_back(Incoming::End),
        }
    }

    /// Has a document checked that has changed.
    fn check_next(&mut self) {
        let next = self.unchecked.iter().next().cloned();
        if let Some(uri) = next.and_then(|uri| self.unchecked.take(&uri))
            && let Some(document) = self.open.get(&uri)
        {
            self.checks.check(uri, document.policy().clone());
        }
        if self.unchecked.is_empty() {
            self.changed = None;
        }
    }

    /// Publishes the findings of a document, unless it has changed since it was checked.
    fn publish(&mut self, checked: CheckedDocument) {
        self.checks.finish();
        let CheckedDocument { uri, policy } = checked;
        let current = self.open.get(&uri).filter(|it| std::sync::Arc::ptr_eq(it.policy(), &policy));
        if let Some(document) = current {
            let diagnostics = diagnostics::all(document, self.client.pages.as_deref());
            let version = Some(document.version);
            self.notify_findings(PublishDiagnosticsParams { uri, version, diagnostics });
        }
    }

    /// Takes note that a document is to be checked.
    fn has_changed(&mut self, uri: Uri) {
        self.unchecked.insert(uri);
        self.changed = Some(Instant::now());
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
            self.editor.respond(Some(&id), Err(error));
        }
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(Message::Request(request)) => {
                let result = guarded(&request.method, || self.answer(&request));
                self.editor.respond(Some(&request.id), result);
            }
            Incoming::Message(Message::Notification(it)) if self.phase == ServerPhase::Serving => {
                // A notification has no answer, so one that is wrong has no effect.
                let _ignored = guarded(&it.method, || self.note(&it));
            }
            Incoming::Malformed(reason) => {
                self.editor.respond(None, Err(RequestError::new(ErrorCode::ParseError, reason)));
            }
            Incoming::Checked(document) => {
                // The editor keeps the findings that it has.
                let _ignored = guarded("findings", || {
                    self.publish(document);
                    Ok(())
                });
            }
            Incoming::CheckFailed => self.checks.finish(),
            // An answer to a registration needs no further step.
            Incoming::Message(Message::Notification(_) | Message::Response(_)) | Incoming::End => {}
        }
    }

    fn answer(&mut self, request: &Request) -> RequestResult {
        let refused = |code, message: &str| Err(RequestError::new(code, message));
        match (request.method.as_str(), self.phase) {
            ("initialize", ServerPhase::Starting) => {
                let params: InitializeParams = requests::params(&request.params)?;
                self.client = Client::new(&params);
                self.phase = ServerPhase::Serving;
                json(&self.client.answer())
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
                json(&serde_json::Value::Null)
            }
            (_, ServerPhase::Serving) => (self.answer)(request, &self.open, &self.client),
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
                self.open.open(document);
                self.has_changed(item.uri);
            }
            "textDocument/didChange" => {
                let changed: DidChangeTextDocumentParams = requests::params(params)?;
                let item = changed.text_document;
                let uri = item.text_document_identifier.uri;
                if self.open.change(&uri, item.version, changed.content_changes) {
                    self.has_changed(uri);
                }
            }
            "textDocument/didClose" => {
                let closed: DidCloseTextDocumentParams = requests::params(params)?;
                let uri = closed.text_document.uri;
                self.unchecked.remove(&uri);
                if self.open.close(&uri) {
                    self.notify_findings(PublishDiagnosticsParams {
                        uri,
                        version: None,
                        diagnostics: Vec::new(),
                    });
                }
            }
            "workspace/didChangeWatchedFiles" => {
                let all: Vec<Uri> = self.open.uris().cloned().collect();
                for uri in all {
                    self.open.look_up(&uri);
                    self.has_changed(uri);
                }
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
        self.editor.ask("watch files", "client/registerCapability", params);
    }

    fn notify_findings(&mut self, params: PublishDiagnosticsParams) {
        self.editor.notify("textDocument/publishDiagnostics", params);
    }
}

/// What `run` returns; an error if it panics, which must not end the server: the editor would lose every
/// document. Standard error has the message of the panic.
fn guarded<T>(
    what: &str,
    run: impl FnOnce() -> Result<T, RequestError>,
) -> Result<T, RequestError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let message = format!("`{what}` failed because of a bug in freeze; please report it");
        Err(RequestError::new(ErrorCode::InternalError, message))
    })
}

/// The id of a request, as it is in the request itself.
fn id(id: Id) -> RequestId {
    match id {
        Id::Int(number) => number.into(),
        Id::String(text) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lsp::transport;

    #[test]
    fn a_request_that_panics_has_an_error_and_the_next_one_an_answer() {
        let mut out = Vec::new();
        let (sender, incoming) = transport::channel();
        let mut server = Server::new(&mut out, sender.clone());
        server.phase = ServerPhase::Serving;
        server.answer = |request, documents, client| {
            assert_ne!(request.method, "wrong", "this request panics on purpose");
            requests::answer(request, documents, client)
        };
        let request = |id: i32, method: &str| {
            Message::Request(Request::new(id.into(), method.to_owned(), json!({})))
        };
        for message in [request(1, "wrong"), request(2, "unheardOf"), request(3, "shutdown")] {
            sender.send(Incoming::Message(message)).unwrap();
        }
        let exit = Notification::new("exit".to_owned(), json!({}));
        sender.send(Incoming::Message(Message::Notification(exit))).unwrap();
        assert_eq!(server.serve(&incoming), Outcome::Clean);
        let out = String::from_utf8(out).unwrap();
        let answers: Vec<&str> = out.split("Content-Length: ").skip(1).collect();
        assert_eq!(answers.len(), 3, "{out}");
        assert!(answers[0].contains(r#""id":1,"error":{"code":-32603"#), "{out}");
        assert!(answers[1].contains(r#""id":2,"error":{"code":-32601"#), "{out}");
        assert!(answers[2].contains(r#""id":3,"result":null"#), "{out}");
    }
}
