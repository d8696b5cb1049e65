//! `freeze.toml`, models and comments that allow findings, as the command heeds them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, uri};

const POLICY: &str = "let idle = 1;\nstart: train fc lr 0;\n";

/// A description of a model with one parameter.
fn model(name: &str) -> String {
    let tensor = json!({ "name": name, "shape": [2], "dtype": "f32", "role": "parameter" });
    json!({ "format": 1, "tensors": [tensor] }).to_string()
}

/// The codes of findings with their severities; 1 is an error, 2 a warning.
fn levels(findings: &Value) -> Vec<(String, u64)> {
    let level = |finding: &Value| {
        let code = finding["code"].as_str().unwrap_or("none").to_owned();
        (code, finding["severity"].as_u64().unwrap())
    };
    findings.as_array().unwrap().iter().map(level).collect()
}

#[track_caller]
fn assert_levels(findings: &Value, expected: &[(&str, u64)]) {
    let expected: Vec<_> =
        expected.iter().map(|(code, level)| ((*code).to_owned(), *level)).collect();
    assert_eq!(levels(findings), expected, "{findings:#}");
}

/// Inserts a space at the end of the text, so that it is checked again.
fn touched(client: &mut Client, uri: &str, version: i64) -> Value {
    let end = json!({ "line": 99, "character": 0 });
    let change = json!([{ "range": { "start": end, "end": end }, "text": " " }]);
    client.change(uri, version, change);
    client.findings(uri, version)
}

#[test]
fn levels_are_those_of_the_nearest_freeze_toml() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let config = "[levels]\nFRZ0504 = \"allow\"\nFRZ0505 = \"deny\"\n";
    fs::write(folder.path().join("freeze.toml"), config).unwrap();
    let mut client = Client::new();
    let uri = uri(&inner.join("a.freeze"));
    let findings = client.open(&uri, POLICY);
    assert_levels(&findings, &[("FRZ0505", 1)]);
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.contains("note: `freeze.toml` makes this an error"), "{message}");
    // What is allowed is not fixed either.
    let range = json!({
        "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 },
    });
    let params = json!({
        "textDocument": { "uri": uri }, "range": range,
        "context": { "diagnostics": [], "only": ["source.fixAll"] },
    });
    assert_eq!(client.request("textDocument/codeAction", params).unwrap(), json!([]));
    client.finish();
}

#[test]
fn a_change_of_freeze_toml_is_seen_at_the_next_edit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("freeze.toml");
    let mut client = Client::new();
    let uri = uri(&folder.path().join("a.freeze"));
    assert_levels(&client.open(&uri, POLICY), &[("FRZ0504", 2), ("FRZ0505", 2)]);
    fs::write(&path, "[levels]\nFRZ0504 = \"deny\"\n").unwrap();
    assert_levels(&touched(&mut client, &uri, 2), &[("FRZ0504", 1), ("FRZ0505", 2)]);
    fs::write(&path, "[levels]\nwarnings = \"allow\"\n").unwrap();
    assert_levels(&touched(&mut client, &uri, 3), &[]);
    fs::write(&path, "[levels]\nFRZ0504 = \"sometimes\"\n").unwrap();
    let findings = touched(&mut client, &uri, 4);
    assert_levels(&findings, &[("none", 1), ("FRZ0504", 2), ("FRZ0505", 2)]);
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.contains("line 2, column 11: unknown level `sometimes`"), "{message}");
    fs::remove_file(&path).unwrap();
    assert_levels(&touched(&mut client, &uri, 5), &[("FRZ0504", 2), ("FRZ0505", 2)]);
    client.finish();
}

#[test]
fn a_change_of_freeze_toml_is_seen_at_once_where_the_editor_watches_files() {
    let folder = tempfile::tempdir().unwrap();
    let capabilities = json!({
        "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
    });
    let (mut client, _) = Client::initialized(capabilities, Value::Null);
    let asked = client.wait(|message| message["method"] == "client/registerCapability");
    let watchers = asked["params"]["registrations"][0]["registerOptions"]["watchers"].to_string();
    assert!(watchers.contains("freeze.toml") && watchers.contains("json"), "{watchers}");
    let uri = uri(&folder.path().join("a.freeze"));
    assert_levels(&client.open(&uri, POLICY), &[("FRZ0504", 2), ("FRZ0505", 2)]);
    fs::write(folder.path().join("freeze.toml"), "[levels]\nwarnings = \"deny\"\n").unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    assert_levels(&client.findings(&uri, 1), &[("FRZ0504", 1), ("FRZ0505", 1)]);
    client.finish();
}

#[test]
fn freeze_toml_says_which_model_goes_with_which_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let file = |name: &str| uri(Path::new(&folder.path().join(name)));
    write("freeze.toml", "[models]\n\"a*.freeze\" = \"a.model.json\"\n\"**\" = \"none.json\"\n");
    write("a.model.json", &model("fc.weight"));
    write("own.model.json", &model("head.weight"));
    let mut client = Client::new();
    assert_levels(&client.open(&file("a1.freeze"), "start: train head lr 1"), &[("FRZ0201", 1)]);
    assert_levels(&client.open(&file("a2.freeze"), "start: train fc lr 1"), &[]);
    // The model that a policy names comes first.
    let own = "model \"own.model.json\";\nstart: train head lr 1";
    assert_levels(&client.open(&file("a3.freeze"), own), &[]);
    let findings = client.open(&file("b.freeze"), "start: train fc lr 1");
    assert_levels(&findings, &[("none", 1)]);
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.starts_with("cannot read the model"), "{message}");
    write("none.json", &model("head.weight"));
    let findings = touched(&mut client, &file("b.freeze"), 2);
    assert_levels(&findings, &[("FRZ0201", 1)]);
    client.finish();
}

#[test]
fn comments_allow_findings() {
    let mut client = Client::new();
    let text = format!("// freeze: allow FRZ0504\n{POLICY}");
    let findings = client.open("file:///nowhere/a.freeze", &text);
    assert_levels(&findings, &[("FRZ0505", 2)]);
    let text = "start: train fc lr 1;\n// freeze: allow FRZ0504\nlet idle = 1;\nlet other = 1;\n";
    let findings = client.open("file:///nowhere/b.freeze", text);
    assert_levels(&findings, &[("FRZ0504", 2)]);
    assert_eq!(findings[0]["range"]["start"]["line"], 3);
    let text = "// freeze: allow FRZ0505\nstart: train fc lr 1;\n";
    let findings = client.open("file:///nowhere/c.freeze", text);
    assert_levels(&findings, &[("FRZ0512", 2)]);
    client.finish();
}

#[test]
fn an_untitled_text_has_no_freeze_toml() {
    let mut client = Client::new();
    assert_levels(&client.open("untitled:1", POLICY), &[("FRZ0504", 2), ("FRZ0505", 2)]);
    client.finish();
}
