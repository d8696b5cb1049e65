//! The conversation itself: its beginning and end, mistakes in it, changes, and stale requests.

use serde_json::{Value, json};

use super::client::{Client, uri};
use crate::support::freeze;

const URI: &str = "file:///policy.freeze";

fn codes(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap_or("none")).collect()
}

#[test]
fn it_begins_and_ends_as_the_protocol_says() {
    let mut client = Client::spawn();
    let error = client.request("textDocument/hover", json!({})).unwrap_err();
    assert_eq!(error["code"], -32002);
    let result =
        client.request("initialize", json!({ "processId": 1, "capabilities": {} })).unwrap();
    assert_eq!(result["serverInfo"]["name"], "freeze");
    assert_eq!(result["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(result["capabilities"]["textDocumentSync"]["change"], 2);
    let error = client.request("initialize", json!({ "capabilities": {} })).unwrap_err();
    assert_eq!(error["code"], -32600);
    client.request("shutdown", Value::Null).unwrap();
    let error = client.request("textDocument/hover", json!({})).unwrap_err();
    assert_eq!(error["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(0));
}

#[test]
fn an_exit_without_a_shutdown_is_a_failure() {
    let mut client = Client::new();
    client.notify("exit", Value::Null);
    assert_eq!(client.ended().code(), Some(1));
    assert_eq!(Client::new().hang_up().code(), Some(2));
}

#[test]
fn mistakes_of_the_editor_end_nothing() {
    let mut client = Client::new();
    let code = |error: Result<Value, Value>| error.unwrap_err()["code"].clone();
    assert_eq!(code(client.request("textDocument/unheardOf", json!({}))), -32601);
    assert_eq!(code(client.request("textDocument/hover", json!({ "position": 1 }))), -32602);
    assert_eq!(code(client.request("textDocument/hover", json!([]))), -32602);
    let nowhere = json!({
        "textDocument": { "uri": "file:///nowhere" }, "position": { "line": 0, "character": 0 },
    });
    assert_eq!(code(client.request("textDocument/hover", nowhere)), -32602);
    client.notify("textDocument/didChange", json!({ "textDocument": 1 }));
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": "x" } }));
    client.notify("$/unheardOf", json!({}));
    client.notify("$/cancelRequest", json!({ "id": 999 }));
    client.write(b"Content-Length: 5\r\n\r\n{\"a\":");
    let answer = client.wait(|message| message["id"].is_null() && message["error"].is_object());
    assert_eq!(answer["error"]["code"], -32700);
    assert_eq!(codes(&client.open(URI, "start: train fc;")), Vec::<&str>::new());
    let far = client.at("textDocument/hover", URI, 4_000_000_000, 4_000_000_000);
    assert_eq!(far, Value::Null);
    assert_eq!(client.finish().code(), Some(0));
}

#[test]
fn changes_are_made_and_findings_follow() {
    let mut client = Client::new();
    let findings = client.open(URI, "start: trin fc;\nepoch 1: stop;\n");
    assert_eq!(codes(&findings), ["FRZ0102"]);
    let range = json!({
        "start": { "line": 0, "character": 7 }, "end": { "line": 0, "character": 11 },
    });
    client.change(URI, 2, json!([{ "range": range, "text": "train" }]));
    assert_eq!(codes(&client.findings(URI, 2)), Vec::<&str>::new());
    client.change(URI, 3, json!([{ "text": "start: train fc lr -1" }]));
    assert_eq!(codes(&client.findings(URI, 3)), ["FRZ0401"]);
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    let closed = client.wait(|message| message["params"]["diagnostics"] == json!([]));
    assert_eq!(closed["params"]["uri"], URI);
    client.finish();
}

#[test]
fn changes_in_a_row_are_checked_once() {
    let mut client = Client::new();
    client.open(URI, "");
    let text = "start: train fc;";
    let mut burst = Vec::new();
    for (place, character) in text.char_indices() {
        let at = json!({ "line": 0, "character": place });
        let change = json!({ "range": { "start": at, "end": at }, "text": character.to_string() });
        let params = json!({
            "textDocument": { "uri": URI, "version": place + 2 }, "contentChanges": [change],
        });
        let message = json!({
            "jsonrpc": "2.0", "method": "textDocument/didChange", "params": params,
        });
        let message = message.to_string();
        burst.extend(format!("Content-Length: {}\r\n\r\n{message}", message.len()).bytes());
    }
    client.write(&burst);
    let last = i64::try_from(text.len()).unwrap() + 1;
    let published = client.wait(|it| it["method"] == "textDocument/publishDiagnostics");
    assert_eq!(published["params"]["version"], last);
    client.finish();
}

#[test]
fn positions_are_utf_16_or_utf_8() {
    let text = "// é🦀\nstart: train fc /* é🦀 */ lr -1;";
    let character = |capabilities: Value| {
        let (mut client, _) = Client::initialized(capabilities, Value::Null);
        let findings = client.open(URI, text);
        let character = findings[0]["range"]["start"]["character"].as_u64().unwrap();
        client.finish();
        character
    };
    let prefix = "start: train fc /* é🦀 */ lr ";
    assert_eq!(character(json!({})), prefix.encode_utf16().count() as u64);
    let offered = json!({ "general": { "positionEncodings": ["utf-8", "utf-16"] } });
    assert_eq!(character(offered), prefix.len() as u64);
}

#[test]
fn a_request_that_is_cancelled_while_it_waits_is_not_answered() {
    let mut client = Client::new();
    client.open(URI, "start: train fc;");
    // All in one write, so that the request waits when its end is read.
    let message = |value: Value| {
        let text = value.to_string();
        format!("Content-Length: {}\r\n\r\n{text}", text.len())
    };
    let params = json!({
        "textDocument": { "uri": URI }, "position": { "line": 0, "character": 8 },
    });
    let request = |id: i64| {
        message(json!({
            "jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": params,
        }))
    };
    let cancel = message(json!({
        "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 101 },
    }));
    // The first keeps the server busy while the others arrive.
    let many: String = (102..140).map(request).collect();
    client.write(format!("{}{many}{}{cancel}", request(100), request(101)).as_bytes());
    assert!(client.answer(100).is_ok());
    assert_eq!(client.answer(101).unwrap_err()["code"], -32800);
    assert!(client.answer(139).is_ok());
    client.finish();
}

#[test]
fn the_model_is_read_beside_the_policy_and_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let model = |name: &str| {
        let tensor = json!({ "name": name, "shape": [2], "dtype": "f32", "role": "parameter" });
        json!({ "format": 1, "tensors": [tensor] }).to_string()
    };
    let uri = uri(&folder.path().join("net work.freeze")).replace(' ', "%20");
    let capabilities = json!({
        "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
    });
    let (mut client, _) = Client::initialized(capabilities, Value::Null);
    let asked = client.wait(|message| message["method"] == "client/registerCapability");
    client.send(json!({ "id": asked["id"], "result": null }));

    let text = "model \"net.model.json\";\nstart: train fc lr 1e-3;";
    let findings = client.open(&uri, text);
    assert_eq!(codes(&findings), ["none"]);
    assert!(findings[0]["message"].as_str().unwrap().starts_with("cannot read the model"));
    assert_eq!(findings[0]["range"]["start"], json!({ "line": 0, "character": 6 }));

    std::fs::write(folder.path().join("net.model.json"), model("head")).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    assert_eq!(codes(&client.findings(&uri, 1)), ["FRZ0201"]);
    std::fs::write(folder.path().join("net.model.json"), model("fc.weight")).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    assert_eq!(codes(&client.findings(&uri, 1)), Vec::<&str>::new());
    client.finish();
}

#[test]
fn input_that_cannot_be_read_any_further_is_reported() {
    for (input, problem) in [
        ("Content-Type: x\r\n\r\n{}", "a message without a `Content-Length`"),
        ("Content-Length: 9\r\n\r\n{}", "it ends within a message"),
    ] {
        let (status, out, errors) = freeze(&["lsp"], std::path::Path::new("."), input);
        let said = format!("error: the input cannot be read any further: {problem}\n");
        assert_eq!((status, out.as_str(), errors), (2, "", said));
    }
}
