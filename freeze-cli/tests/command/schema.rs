//! `freeze schema`: what it prints describes what is printed and written.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's own helpers"
)]

use std::path::Path;

use crate::support::{MODEL, folder_with, freeze};
use freeze_dsl::diagnostic::Code;
use freeze_dsl::model::Model;
use freeze_dsl::policy::Policy;
use jsonschema::Validator;
use serde_json::{Value, json};

/// Everything that the language has.
const WHOLE: &str = "
model \"m.model.json\";
let base = 2e-3 / (1 + 3) ^ 2 - -1e-9;
let @heads = fc, layer4.1 except @biases;
let @stages = [fc, layer4, layer3.*, (conv1, bn1),];
run 20 epochs;
default stats live lr linear 0 -> base over 10% then cosine base -> 0 over rest;
at 2%: train @heads lr min(base, 1e-3) times 0.5 every 2 epochs to 1e-6;
start or every 50 steps: train fc, sample 2 of reversed @stages seed 7;
when val_loss stops falling for 3 epochs by 1e-3 and \"val.acc\" >= 0.5 for 2 epochs or epoch 5 as top:
    restore lowest val_loss, reset @trainable,
    unfreeze layer4 lr exp 1e-4 -> 1e-6 over 0.5 epochs repeat stretching 2
        optimizer sgd(momentum 0.9, nesterov),
    for i, @stage in last 2 of @stages { set @stage weight_decay i / len(@stages) };
for i in 0..=1 { after (i + 1) epochs: freeze layer3[i].bn* keep state stats held; }
after rest or step 1_000: unfreeze ~\"layer[12]\\\\..*\", rows 0..10 of fc.weight,
    first 1 of [layer2.{0,1}.conv1.weight, @norms] lr linear 1e-3 -> 0 over 1 epochs then freeze;
";

fn schema(kind: &[&str]) -> Value {
    let (status, out, errors) = freeze(&[&["schema"], kind].concat(), Path::new("."), "");
    assert_eq!((status, errors.as_str()), (0, ""));
    serde_json::from_str(&out).unwrap()
}

fn validator(kind: &[&str]) -> Validator {
    let schema = schema(kind);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
    jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn fits(validator: &Validator, json: &Value) {
    if let Err(error) = validator.validate(json) {
        panic!("{error} at {}: {json:#}", error.instance_path());
    }
}

/// The fields that may be missing.
const OPTIONAL: [(&str, &str); 1] = [("model", "order")];

/// What is printed and written fulfils the schema of its kind and the one of all kinds, and no
/// longer does with any of its fields left out, unless it may be missing, or of another type.
#[track_caller]
fn describes(kind: &str, all: &[Value]) {
    let (own, any) = (validator(&[kind]), validator(&[]));
    assert!(!all.is_empty());
    for json in all {
        fits(&own, json);
        fits(&any, json);
        for name in json.as_object().unwrap().keys() {
            let mut wrong = json.clone();
            wrong[name] = json!({ "no": "such thing" });
            assert!(!own.is_valid(&wrong), "{kind}: {name} may be anything");
            if OPTIONAL.contains(&(kind, name)) {
                continue;
            }
            wrong.as_object_mut().unwrap().remove(name);
            assert!(!own.is_valid(&wrong), "{kind}: {name} may be missing");
        }
    }
}

fn folder() -> tempfile::TempDir {
    let model = std::fs::read_to_string(MODEL).unwrap();
    folder_with(&[("a.freeze", WHOLE), ("m.model.json", &model)])
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn of_findings() {
    let folder = folder();
    let json = ["--message-format", "json"];
    let (mut all, mut of_programs) = (Vec::new(), 0);
    for code in Code::ALL {
        // The examples of what only a program can do wrong are Rust.
        let Some(bad) = code.page().split("```freeze,bad\n").nth(1) else {
            of_programs += 1;
            continue;
        };
        let bad = bad.split("```").next().unwrap();
        for model in [&["--model", MODEL][..], &[]] {
            let arguments = [&["check", "-"], model, &json].concat();
            all.extend(lines(&freeze(&arguments, folder.path(), bad).1));
        }
    }
    // Two of the others require a program, one a model with tied parameters.
    let codes: std::collections::BTreeSet<&str> =
        all.iter().filter_map(|finding| finding["code"].as_str()).collect();
    assert!(codes.len() >= Code::ALL.len() - of_programs - 3, "{codes:?}");
    describes("finding", &all);
}

#[test]
fn of_records() {
    let folder = folder();
    let arguments = ["simulate", "a.freeze", "--steps-per-epoch", "50"];
    let (status, out, errors) = freeze(&arguments, folder.path(), "");
    assert_eq!((status, lines(&out).len()), (0, 20), "{errors}");
    let bare = ["simulate", "-", "--model", MODEL, "--epochs", "3"];
    let (_, more, _) = freeze(&bare, folder.path(), "start: train fc; epoch 1: stop");
    describes("record", &[lines(&out), lines(&more)].concat());
    let (_, changes, _) = freeze(&[&arguments[..], &["--changes"]].concat(), folder.path(), "");
    let changes: Vec<Value> =
        lines(&changes).into_iter().filter(|line| line.get("changed").is_some()).collect();
    describes("changes", &changes);
}

#[test]
fn of_models() {
    let read: Value = serde_json::from_str(&std::fs::read_to_string(MODEL).unwrap()).unwrap();
    let tied = json!({ "format": 1, "tensors": [
        { "name": "a", "shape": [], "dtype": "f32", "role": "parameter" },
        { "name": "b", "shape": [], "dtype": "f32", "role": "parameter", "same_as": "a" },
    ]});
    let written = Model::from_json(&tied.to_string()).unwrap().to_json().unwrap();
    describes("model", &[read, serde_json::from_str(&written).unwrap()]);
    let other = json!({ "format": 2, "tensors": [] });
    assert!(!validator(&["model"]).is_valid(&other));
}

#[test]
fn of_policies() {
    let policy = Policy::parse(WHOLE).unwrap();
    let given = policy.clone().with("base", 1.0).unwrap();
    let infinite = Policy::parse("let a = 1; start: train fc").unwrap();
    let infinite = infinite.with("a", f64::INFINITY).unwrap();
    let all = [policy, given, infinite].map(|policy| serde_json::to_value(policy).unwrap());
    describes("policy", &all);
    let mut unknown = all[0].clone();
    unknown["more"] = json!(1);
    assert!(!validator(&["policy"]).is_valid(&unknown));
}

#[test]
fn of_trees() {
    let folder = folder();
    let (_, whole, _) = freeze(&["ast", "a.freeze"], folder.path(), "");
    let rust = "let a = -1e999; start: train fc lr { base }, set @all stats held, stop";
    let (_, other, _) = freeze(&["ast", "-"], folder.path(), rust);
    describes("ast", &[whole, other].map(|text| serde_json::from_str(&text).unwrap()));
}

#[test]
fn of_plans() {
    let model = Model::load(MODEL).unwrap();
    let plan = |text: &str| {
        let policy = Policy::parse(text).unwrap();
        serde_json::to_value(policy.plan(&model).unwrap_or_else(|found| panic!("{found}"))).unwrap()
    };
    describes("plan", &[plan(WHOLE), plan("start: train fc"), plan("run 9 steps; start: stop")]);
}

#[test]
fn of_trees_and_differences_of_models() {
    let json = |arguments: &[&str]| {
        let call = [&["model"], arguments, &["--format", "json"]].concat();
        serde_json::from_str::<Value>(&freeze(&call, Path::new("."), "").1).unwrap()
    };
    describes("tree", &[json(&["show", MODEL]), json(&["show", MODEL, "--depth", "1"])]);
    let folder = folder_with(&[("a.model.json", r#"{"format":1,"tensors":[]}"#)]);
    let empty = folder.path().join("a.model.json");
    let empty = empty.to_str().unwrap();
    describes("diff", &[json(&["diff", MODEL, empty]), json(&["diff", empty, MODEL])]);
}

#[test]
fn of_anything_else_there_is_none() {
    let (status, out, errors) = freeze(&["schema", "poem"], Path::new("."), "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        errors.contains("finding, record, changes, model, policy, ast, plan, tree, diff"),
        "{errors}"
    );
    let all = schema(&[]);
    for name in [
        "Finding",
        "Record",
        "RecordChanges",
        "Model",
        "Policy",
        "Ast",
        "Plan",
        "ModelTree",
        "ModelDiff",
    ] {
        assert!(all["$defs"][name]["description"].is_string(), "{name}");
    }
}
