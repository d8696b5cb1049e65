//! How long the language server takes for a policy of 5,000 lines, over its pipes, until the last byte
//! of an answer has arrived (what an editor does with it is not counted):
//! `cargo bench -p freeze-cli --bench lsp`. With `FREEZE=…`, that of another build.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench")]
#![allow(clippy::indexing_slicing, dead_code, reason = "a bench with the client of the tests")]

#[path = "../tests/command/lsp/client.rs"]
mod client;

use std::path::Path;
use std::time::{Duration, Instant};

use client::{Client, uri};
use serde_json::{Value, json};

const LINES: usize = 5_000;

/// How often each request is made.
const ROUNDS: usize = 15;

/// A rule a line, over all layers of the network.
fn policy() -> String {
    let mut lines = vec![
        "model \"resnet18.model.json\";".to_owned(),
        format!("run {} epochs;", 2 * LINES),
        "default lr 1e-3 weight_decay 0.05 optimizer adamw(beta2 0.99);".to_owned(),
        "let base = 1e-3;".to_owned(),
        "let @stages = [fc, layer4, layer3, layer2, layer1, (conv1, bn1)];".to_owned(),
        "start: train @all lr cosine base -> 1e-6 over rest;".to_owned(),
    ];
    while lines.len() < LINES {
        let line = lines.len();
        lines.push(match line % 4 {
            0 => format!("epoch {line}: set layer{} lr base * 0.5 ^ 2;", line / 4 % 4 + 1),
            1 => format!("epoch {line} as rule{line}: set @norms weight_decay 0.0{line};"),
            2 => format!("epoch {line}: reset last {} of @stages;", line / 4 % 5 + 1),
            _ => format!("epoch {line}: set fc, layer4.*.conv1 lr base / {line};"),
        });
    }
    lines.join("\n") + "\n"
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../freeze-dsl/tests/models");
    let model = "resnet18.model.json";
    std::fs::copy(models.join(model), folder.path().join(model)).unwrap();
    let uri = uri(&folder.path().join("large.freeze"));
    let mut client = Client::new();
    let opened = Instant::now();
    let findings = client.open(&uri, &policy());
    let errors = findings.as_array().unwrap().iter().filter(|it| it["severity"] == 1).count();
    assert_eq!(errors, 0, "{findings}");
    println!("{LINES} lines, {} findings", findings.as_array().unwrap().len());
    println!("{:<28} {:>9.1} ms", "open → findings", milliseconds(client.arrived - opened));

    let mut version = 1;
    let last = LINES - 1;
    let mut edit = |client: &mut Client| {
        version += 1;
        let at = json!({ "line": last, "character": 0 });
        let text = if version % 2 == 0 { " " } else { "\n" };
        let change = json!([{ "range": { "start": at, "end": at }, "text": text }]);
        client.change(&uri, version, change);
        version
    };
    report("edit → findings", || {
        let start = Instant::now();
        let version = edit(&mut client);
        client.findings(&uri, version);
        client.arrived - start
    });
    println!("each request, first with the text as it is, then directly after an edit");
    for (name, method, params) in requests(&uri) {
        report(name, || {
            let start = Instant::now();
            client.request(method, params.clone()).unwrap();
            client.arrived - start
        });
        report("  after an edit", || {
            let version = edit(&mut client);
            let start = Instant::now();
            client.request(method, params.clone()).unwrap();
            let elapsed = client.arrived - start;
            client.findings(&uri, version);
            elapsed
        });
    }
    client.finish();
}

/// The requests: their names, methods and parameters.
fn requests(uri: &str) -> [(&'static str, &'static str, Value); 12] {
    let document = json!({ "uri": uri });
    let everything = json!({
        "start": { "line": 0, "character": 0 }, "end": { "line": LINES + 99, "character": 0 },
    });
    let screen = json!({
        "start": { "line": LINES / 2, "character": 0 },
        "end": { "line": LINES / 2 + 60, "character": 0 },
    });
    let middle = json!({ "line": LINES / 2, "character": 26 });
    let place = json!({ "textDocument": document, "position": middle });
    let name = json!({ "line": 3, "character": 4 });
    [
        ("completion", "textDocument/completion", place.clone()),
        ("hover", "textDocument/hover", place.clone()),
        ("definition", "textDocument/definition", place.clone()),
        (
            "references",
            "textDocument/references",
            json!({
                "textDocument": document, "position": name, "context": { "includeDeclaration": true },
            }),
        ),
        (
            "prepare rename",
            "textDocument/prepareRename",
            json!({
                "textDocument": document, "position": name,
            }),
        ),
        (
            "rename",
            "textDocument/rename",
            json!({
                "textDocument": document, "position": name, "newName": "rate",
            }),
        ),
        (
            "quick fixes",
            "textDocument/codeAction",
            json!({
                "textDocument": document, "range": screen, "context": { "diagnostics": [] },
            }),
        ),
        (
            "formatting",
            "textDocument/formatting",
            json!({
                "textDocument": document, "options": { "tabSize": 4, "insertSpaces": true },
            }),
        ),
        ("symbols", "textDocument/documentSymbol", json!({ "textDocument": document })),
        ("folding", "textDocument/foldingRange", json!({ "textDocument": document })),
        (
            "hints of a screen",
            "textDocument/inlayHint",
            json!({
                "textDocument": document, "range": screen,
            }),
        ),
        (
            "hints of everything",
            "textDocument/inlayHint",
            json!({
                "textDocument": document, "range": everything,
            }),
        ),
    ]
}

/// Prints the median and the longest of some times.
fn report(name: &str, mut run: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| run()).collect();
    times.sort_unstable();
    let (median, longest) = (times[ROUNDS / 2], times[ROUNDS - 1]);
    println!(
        "{name:<28} {:>9.1} ms  (at most {:.1} ms)",
        milliseconds(median),
        milliseconds(longest)
    );
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
