//! `freeze model`: trees of models, and what differs between two.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::path::Path;

use crate::support::{MODEL, folder_with, freeze};
use serde_json::{Value, json};

#[track_caller]
fn show(arguments: &[&str], folder: &Path) -> String {
    let call = [&["model", "show"], arguments].concat();
    let (status, out, errors) = freeze(&call, folder, "");
    assert_eq!((status, errors.as_str()), (0, ""));
    out
}

fn tensor(name: &str, shape: &[usize]) -> Value {
    json!({ "name": name, "shape": shape, "dtype": "f32", "role": "parameter" })
}

fn model(tensors: &[Value]) -> String {
    json!({ "format": 1, "tensors": tensors }).to_string()
}

/// An embedding, three layers of which the last is wider, and a tied head.
fn encoder() -> String {
    let mut tensors = vec![tensor("embed.weight", &[100, 8])];
    for layer in [0, 1, 10, 2, 3] {
        let width = if layer == 10 { 16 } else { 8 };
        tensors.push(tensor(&format!("encoder.layer.{layer}.mlp.weight"), &[8, width]));
        tensors.push(tensor(&format!("encoder.layer.{layer}.norm.weight"), &[8]));
    }
    tensors.push(tensor("scale", &[]));
    tensors.push(json!({ "name": "mask", "shape": [4], "dtype": "i64", "role": "buffer" }));
    let mut head = tensor("head.weight", &[100, 8]);
    head["same_as"] = json!("embed.weight");
    tensors.push(head);
    model(&tensors)
}

#[test]
fn modules_that_are_alike_are_one_row() {
    let folder = folder_with(&[("m.model.json", &encoder())]);
    let expected = "\
m.model.json      1,225           12 parameters, 1 buffer
├─ scale              1   0.08 %  []
├─ mask                           [4] i64 buffer
├─ embed            800   65.3 %  weight [100, 8]
├─ encoder.layer    424   34.6 %
│  ├─ 0 … 3         288   23.5 %  4 × 72
│  │  ├─ mlp        256   20.9 %  weight [8, 8]
│  │  └─ norm        32    2.6 %  weight [8]
│  └─ 10            136   11.1 %
│     ├─ mlp        128   10.4 %  weight [8, 16]
│     └─ norm         8   0.65 %  weight [8]
└─ head                           weight [100, 8] = embed.weight
";
    assert_eq!(show(&["m.model.json"], folder.path()), expected);
    let cut = show(&["m.model.json", "--depth", "2"], folder.path());
    assert!(cut.contains("│  ├─ 0 … 3") && !cut.contains("mlp"), "{cut}");
    assert!(cut.contains("4 × 72, … 8 tensors below"), "{cut}");
}

/// The numbers of a module, which are those of what is in it.
fn checked_numbers(node: &Value) -> u64 {
    let modules = node["modules"].as_array().unwrap();
    let numbers = node["numbers"].as_u64().unwrap();
    if !modules.is_empty() {
        let below: u64 = modules.iter().map(checked_numbers).sum();
        assert_eq!(numbers, below, "{node:#}");
    }
    numbers
}

#[test]
fn numbers_add_up() {
    let out = show(&[MODEL, "--format", "json"], Path::new("."));
    let tree: Value = serde_json::from_str(&out).unwrap();
    let elements = freeze_dsl::model::Model::load(MODEL).unwrap();
    let elements: usize =
        elements.parameters().iter().map(freeze_dsl::model::Parameter::elements).sum();
    assert_eq!(checked_numbers(&tree), elements as u64);
    assert_eq!((&tree["parameters"], &tree["buffers"]), (&json!(62), &json!(60)));
}

#[test]
fn models_that_differ_have_exit_status_1() {
    let before = model(&[tensor("a.weight", &[2]), tensor("b.weight", &[3]), tensor("c", &[1])]);
    let mut half = tensor("c", &[1]);
    half["dtype"] = json!("f16");
    let after =
        model(&[tensor("a.weight", &[2]), tensor("b.weight", &[4]), half, tensor("d", &[1])]);
    let other = model(&[tensor("a.weight", &[2]), tensor("c", &[1])]);
    let folder = folder_with(&[
        ("a.model.json", &before),
        ("b.model.json", &after),
        ("c.model.json", &other),
    ]);
    let diff =
        |arguments: &[&str]| freeze(&[&["model", "diff"], arguments].concat(), folder.path(), "");
    let (status, out, errors) = diff(&["a.model.json", "b.model.json"]);
    assert_eq!(status, 1);
    assert_eq!(out, "~ b.weight: f32 [3] -> f32 [4]\n~ c: f32 [1] -> f16 [1]\n+ d: f32 [1]\n");
    assert_eq!(errors, "tensors: 1 only in the second, 2 with other shapes, types or roles\n");
    assert_eq!(diff(&["a.model.json", "c.model.json"]).1, "- b.weight: f32 [3]\n");
    assert_eq!(diff(&["a.model.json", "a.model.json"]), (0, String::new(), String::new()));
    let (status, out, _) = diff(&["a.model.json", "b.model.json", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, json["differences"].as_array().unwrap().len()), (1, 3));
    assert_eq!(json["differences"][2]["difference"], "added");
    assert_eq!(diff(&["a.model.json", "missing.model.json"]).0, 2);
}

#[test]
fn a_prefix_is_named() {
    let folder = folder_with(&[
        ("a.model.json", &model(&[tensor("a.weight", &[2]), tensor("b.weight", &[3])])),
        ("b.model.json", &model(&[tensor("net.a.weight", &[2]), tensor("net.b.weight", &[3])])),
    ]);
    for (one, other, which) in [("a", "b", "second"), ("b", "a", "first")] {
        let names = [format!("{one}.model.json"), format!("{other}.model.json")];
        let (_, _, errors) = freeze(&["model", "diff", &names[0], &names[1]], folder.path(), "");
        let note = format!("equal but for `net.` before those of the {which} model");
        assert!(errors.contains(&note), "{errors}");
    }
}

#[test]
fn a_line_feed_in_a_name_begins_no_row() {
    let folder = folder_with(&[
        ("a.model.json", &model(&[tensor("a\nb", &[2])])),
        ("b.model.json", &model(&[tensor("a", &[2])])),
    ]);
    let rows = show(&["a.model.json"], folder.path());
    assert!(rows.lines().count() == 2 && rows.contains("└─ a␊b "), "{rows}");
    let (_, out, _) = freeze(&["model", "diff", "a.model.json", "b.model.json"], folder.path(), "");
    assert_eq!(out, "- a␊b: f32 [2]\n+ a: f32 [2]\n");
}
