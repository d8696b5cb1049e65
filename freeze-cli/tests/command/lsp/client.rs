//! A client of the language server, over the pipes of a process of its own.

#![allow(clippy::needless_pass_by_value, reason = "calls with `json!` read better")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Client {
    process: Child,
    input: Option<ChildStdin>,
    messages: Receiver<(Instant, Value)>,
    /// When the last message that was waited for had arrived, unread.
    pub(crate) arrived: Instant,
    /// What has arrived and was not asked for yet.
    unread: Vec<(Instant, Value)>,
    next: i64,
}

impl Client {
    /// A server that is not initialized.
    pub(crate) fn spawn() -> Self {
        // Another build of it, for the bench.
        let server = std::env::var_os("FREEZE").unwrap_or(env!("CARGO_BIN_EXE_freeze").into());
        let mut process = Command::new(server)
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take();
        let output = process.stdout.take().unwrap();
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let arrived = Instant::now();
        Self { process, input, messages, arrived, unread: Vec::new(), next: 1 }
    }

    /// A server for a client with these capabilities and options.
    pub(crate) fn initialized(capabilities: Value, options: Value) -> (Self, Value) {
        let mut client = Self::spawn();
        let params = json!({
            "processId": null, "rootUri": null, "capabilities": capabilities,
            "initializationOptions": options,
        });
        let result = client.request("initialize", params).unwrap();
        client.notify("initialized", json!({}));
        (client, result)
    }

    pub(crate) fn new() -> Self {
        Self::initialized(json!({}), Value::Null).0
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "method": method, "params": params }));
    }

    /// Sends a request; returns its id.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        self.send(json!({ "id": id, "method": method, "params": params }));
        id
    }

    /// The result of a request, or its error.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    pub(crate) fn answer(&mut self, id: i64) -> Result<Value, Value> {
        let answer = self.wait(|message| message["id"] == id && message.get("method").is_none());
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// The next message that fits; others stay.
    pub(crate) fn wait(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let place = self.unread.iter().position(|(_, message)| fits(message));
        let mut next = place.map(|place| self.unread.remove(place));
        loop {
            let (arrived, message) = next
                .take()
                .unwrap_or_else(|| self.messages.recv_timeout(PATIENCE).expect("a message"));
            if fits(&message) {
                self.arrived = arrived;
                return message;
            }
            self.unread.push((arrived, message));
        }
    }

    /// Opens a text and waits for its findings.
    pub(crate) fn open(&mut self, uri: &str, text: &str) -> Value {
        let item = json!({ "uri": uri, "languageId": "freeze", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
        self.findings(uri, 1)
    }

    /// Makes changes and returns at once.
    pub(crate) fn change(&mut self, uri: &str, version: i64, changes: Value) {
        let document = json!({ "uri": uri, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
    }

    /// The findings of a version of a text.
    pub(crate) fn findings(&mut self, uri: &str, version: i64) -> Value {
        let message = self.wait(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
                && message["params"]["version"] == version
        });
        message["params"]["diagnostics"].clone()
    }

    /// A request about a place of a text.
    pub(crate) fn at(&mut self, method: &str, uri: &str, line: usize, character: usize) -> Value {
        let params = json!({
            "textDocument": { "uri": uri },
            "position": { "line": line, "character": character },
        });
        self.request(method, params).unwrap()
    }

    /// Ends the conversation as an editor does.
    pub(crate) fn finish(mut self) -> ExitStatus {
        self.request("shutdown", Value::Null).unwrap();
        self.notify("exit", Value::Null);
        self.process.wait().unwrap()
    }

    /// Ends the input; returns how the server ends.
    pub(crate) fn hang_up(mut self) -> ExitStatus {
        self.input = None;
        self.process.wait().unwrap()
    }

    /// Waits for the end of the server.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Option<(Instant, Value)> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    let arrived = Instant::now();
    Some((arrived, serde_json::from_slice(&body).ok()?))
}

/// The URI of a file.
pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A text after the edits of an answer, whose columns are all of ASCII text.
pub(crate) fn applied(text: &str, edits: &Value) -> String {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let byte = |position: &Value| {
        let number = |key: &str| usize::try_from(position[key].as_u64().unwrap()).unwrap();
        starts.get(number("line")).map_or(text.len(), |start| start + number("character"))
    };
    let mut edits: Vec<(usize, usize, &str)> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (byte(&range["start"]), byte(&range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    edits.sort_unstable();
    let mut text = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        text.replace_range(start..end, new);
    }
    text
}
