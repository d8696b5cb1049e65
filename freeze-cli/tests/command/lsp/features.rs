//! Each feature that the server offers.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Client, applied, uri};

/// A policy beside the model of `ResNet-18`, open in an editor.
struct Opened {
    client: Client,
    uri: String,
    text: String,
    findings: Value,
    _folder: TempDir,
}

impl Opened {
    /// Opens a text that names the model in its first line.
    fn new(rest: &str) -> Self {
        Self::with_options(rest, Value::Null)
    }

    fn with_options(rest: &str, options: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../freeze-dsl/tests/models");
        let model = models.join("resnet18.model.json");
        std::fs::copy(model, folder.path().join("resnet18.model.json")).unwrap();
        let text = format!("model \"resnet18.model.json\";\n{rest}");
        let uri = uri(&folder.path().join("a.freeze"));
        let (mut client, _) = Client::initialized(json!({}), options);
        let findings = client.open(&uri, &text);
        Self { client, uri, text, findings, _folder: folder }
    }

    fn request(&mut self, method: &str, mut params: Value) -> Value {
        params["textDocument"] = json!({ "uri": self.uri });
        self.client.request(method, params).unwrap()
    }

    /// The place of a part of the text.
    fn place(&self, part: &str) -> (usize, usize) {
        let byte = self.text.find(part).unwrap();
        let before = &self.text[..byte];
        let line = before.matches('\n').count();
        (line, byte - before.rfind('\n').map_or(0, |at| at + 1))
    }

    fn at(&mut self, method: &str, part: &str) -> Value {
        let (line, character) = self.place(part);
        self.client.at(method, &self.uri.clone(), line, character)
    }

    fn everything(&self) -> Value {
        json!({
            "start": { "line": 0, "character": 0 },
            "end": { "line": self.text.lines().count(), "character": 0 },
        })
    }

    fn actions(&mut self, only: &str) -> Value {
        let range = self.everything();
        let context = json!({ "diagnostics": [], "only": [only] });
        self.request("textDocument/codeAction", json!({ "range": range, "context": context }))
    }

    fn edits(&self, of: &Value) -> Value {
        of["changes"][&self.uri].clone()
    }
}

#[test]
fn a_finding_has_a_code_a_message_places_and_tags() {
    let opened = Opened::with_options(
        "let base = 1e-3;\nlet base = 2e-3;\nlet idle = 1;\nstart: train layer5 lr base;\n",
        json!({ "pages": "freeze-page:{code}.md" }),
    );
    let find = |code: &str| {
        let all = opened.findings.as_array().unwrap();
        all.iter().find(|it| it["code"] == code).unwrap_or_else(|| panic!("{code}: {all:?}"))
    };
    let nothing = find("FRZ0201");
    assert_eq!(nothing["severity"], 1);
    assert_eq!(nothing["source"], "freeze");
    assert_eq!(nothing["codeDescription"]["href"], "freeze-page:FRZ0201.md");
    assert_eq!(nothing["range"]["start"], json!({ "line": 4, "character": 13 }));
    let message = nothing["message"].as_str().unwrap();
    assert!(message.starts_with("`layer5` selects no parameter\n"), "{message}");
    assert!(message.contains("\nhelp: did you mean `layer4`?"), "{message}");
    let twice = find("FRZ0203");
    let related = &twice["relatedInformation"][0];
    assert_eq!(related["message"], "first here");
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 1, "character": 4 }));
    opened.client.finish();
}

#[test]
fn what_can_be_left_out_is_marked() {
    let opened = Opened::new("let idle = 1;\nstart: train fc lr 1e-3;\n");
    let idle = opened.findings.as_array().unwrap().iter().find(|it| it["code"] == "FRZ0504");
    assert_eq!(idle.unwrap()["tags"], json!([1]));
    assert_eq!(idle.unwrap()["severity"], 2);
    opened.client.finish();
}

#[test]
fn an_edit_of_a_finding_is_a_quick_fix() {
    let mut opened = Opened::new("start: train layer5 lr 1e-3;\n");
    let actions = opened.actions("quickfix");
    let fix = &actions[0];
    assert_eq!(fix["kind"], "quickfix");
    assert_eq!(fix["title"], "did you mean `layer4`?");
    assert_eq!(fix["diagnostics"][0]["code"], "FRZ0201");
    let text = applied(&opened.text, &opened.edits(&fix["edit"]));
    assert_eq!(text.lines().nth(1), Some("start: train layer4 lr 1e-3;"));
    opened.client.finish();
}

#[test]
fn all_safe_edits_are_made_at_once_and_no_others() {
    let mut opened =
        Opened::new("let idle = 1;\nstart: train layer5 lr 1e-3\nepoch 1: set fc lr = 2e-3;;\n");
    let actions = opened.actions("source.fixAll");
    assert_eq!(actions.as_array().unwrap().len(), 1);
    let text = applied(&opened.text, &opened.edits(&actions[0]["edit"]));
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        lines,
        ["let idle = 1;", "start: train layer5 lr 1e-3;", "epoch 1: set fc lr 2e-3;"]
    );
    opened.client.finish();
    // What is found once the others are mended is mended as well.
    let mut opened = Opened::new("// freeze: allow FRZ0505\nstart: train layer4 lr = 1e-3;;\n");
    let actions = opened.actions("source.fixAll");
    let text = applied(&opened.text, &opened.edits(&actions[0]["edit"]));
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["start: train layer4 lr 1e-3;"]);
    opened.client.finish();
}

#[test]
fn a_text_is_formatted_and_one_that_does_not_parse_is_left() {
    let mut opened = Opened::new("start:train fc   lr 1e-3\n");
    let options = json!({ "options": { "tabSize": 4, "insertSpaces": true } });
    let edits = opened.request("textDocument/formatting", options.clone());
    let text = applied(&opened.text, &edits);
    assert_eq!(text, "model \"resnet18.model.json\";\nstart: train fc lr 1e-3;\n");
    opened.client.finish();
    let mut broken = Opened::new("start:trin fc");
    assert_eq!(broken.request("textDocument/formatting", options), Value::Null);
    broken.client.finish();
}

#[test]
fn a_path_is_completed_segment_by_segment() {
    let mut opened = Opened::new("start: train layer4.1.co lr 1e-3;\n");
    let (line, character) = opened.place(" lr");
    let uri = opened.uri.clone();
    let items = opened.client.at("textDocument/completion", &uri, line, character);
    let labels: Vec<&str> =
        items.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["conv1", "bn1", "conv2", "bn2"]);
    let first = &items[0];
    assert_eq!(first["detail"], "1 parameter");
    let text = applied(&opened.text, &json!([first["textEdit"]]));
    assert!(text.contains("train layer4.1.conv1 lr"), "{text}");
    opened.client.finish();
}

#[test]
fn a_hover_says_what_a_selector_selects() {
    let mut opened = Opened::new("start as probe: train fc lr 1e-3;\n");
    let hover = opened.at("textDocument/hover", "fc lr");
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("2 parameters, 513,000 numbers, 4.4 % of the model"), "{text}");
    let hover = opened.at("textDocument/hover", "start as");
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("**probe**: 2 parameters, 513,000 numbers (4.4 %) train"), "{text}");
    opened.client.finish();
}

#[test]
fn names_are_found_and_renamed() {
    let mut opened = Opened::new("let @head = fc;\nstart: train @head lr 1e-3;\n");
    let place = opened.at("textDocument/definition", "@head lr");
    assert_eq!(place["range"]["start"], json!({ "line": 1, "character": 5 }));
    let (line, character) = opened.place("head =");
    let position = json!({ "line": line, "character": character });
    let context = json!({ "includeDeclaration": false });
    let params = json!({ "position": position, "context": context });
    let places = opened.request("textDocument/references", params);
    assert_eq!(places.as_array().unwrap().len(), 1);
    assert_eq!(opened.at("textDocument/documentHighlight", "head =").as_array().unwrap().len(), 2);
    let range = opened.at("textDocument/prepareRename", "head =");
    assert_eq!(range["end"]["character"], 9);
    let params = json!({ "position": position, "newName": "@outlet" });
    let edit = opened.request("textDocument/rename", params);
    let text = applied(&opened.text, &opened.edits(&edit));
    assert!(text.ends_with("let @outlet = fc;\nstart: train @outlet lr 1e-3;\n"), "{text}");
    let uri = opened.uri.clone();
    let params = json!({
        "textDocument": { "uri": uri }, "position": position, "newName": "all",
    });
    let error = opened.client.request("textDocument/rename", params).unwrap_err();
    assert_eq!(error["message"], "`all` already means something here");
    opened.client.finish();
}

#[test]
fn statements_are_listed_and_folded() {
    let mut opened = Opened::new(
        "start: train fc lr 1e-3;\ntrack body in layer4 {\n    epoch 2 as thaw: stop;\n}\n",
    );
    let symbols = opened.request("textDocument/documentSymbol", json!({}));
    let names: Vec<&Value> = symbols.as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["model", "start", "track body in layer4"]);
    assert_eq!(symbols[2]["children"][0]["name"], "thaw");
    assert_eq!(symbols[2]["range"]["end"]["line"], 4);
    let folds = opened.request("textDocument/foldingRange", json!({}));
    assert_eq!(folds, json!([{ "startLine": 2, "endLine": 4 }]));
    opened.client.finish();
}

#[test]
fn hints_have_counts_and_values() {
    let mut opened = Opened::new("let base = 1e-3;\nstart: train layer4 lr base / 2;\n");
    let range = opened.everything();
    let hints = opened.request("textDocument/inlayHint", json!({ "range": range }));
    let texts: Vec<&Value> = hints.as_array().unwrap().iter().map(|it| &it["label"]).collect();
    assert_eq!(texts, ["15 parameters", "= 0.0005"]);
    assert_eq!(hints[1]["position"], json!({ "line": 2, "character": 31 }));
    opened.client.finish();
}
