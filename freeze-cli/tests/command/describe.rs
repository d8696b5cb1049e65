//! `freeze describe`: a model's description from files of weights.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::path::Path;

use crate::support::{folder_with, freeze};
use freeze_dsl::model::Model;
use serde_json::{Map, Value, json};

/// Writes a file of f32 tensors with their numbers, and names that safetensors' metadata has.
fn write(path: &Path, tensors: &[(&str, &[usize], Vec<f32>)], metadata: Value) {
    let mut header = Map::from_iter([("__metadata__".to_owned(), metadata)]);
    let mut data: Vec<u8> = Vec::new();
    for (name, shape, numbers) in tensors {
        let start = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let info = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
        header.insert((*name).to_owned(), info);
    }
    let header = Value::Object(header).to_string();
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    std::fs::write(path, bytes).unwrap();
}

/// Numbers that no other tensor has by chance.
fn numbers(count: usize, seed: u16) -> Vec<f32> {
    (0..count)
        .map(|index| f32::from(seed) + f32::from(u16::try_from(index % 1000).unwrap()) / 1000.0)
        .collect()
}

#[track_caller]
fn describe(folder: &Path, checkpoint: &str) -> (Model, String) {
    let (status, out, errors) = freeze(&["describe", checkpoint], folder, "");
    assert_eq!(status, 0, "{errors}");
    (Model::from_json(&out).unwrap(), errors)
}

fn ties(model: &Model) -> Vec<(&str, &str)> {
    let tensors = model.tensors().iter();
    tensors.filter_map(|it| Some((it.name.as_str(), it.same_as.as_deref()?))).collect()
}

#[test]
fn a_policy_is_checked_against_a_description_before_the_program_runs() {
    let folder = folder_with(&[(
        "a.freeze",
        "model \"net.model.json\"; start: train fc lr 1e-3; epoch 3: unfreeze layer5;",
    )]);
    let file = folder.path().join("net.safetensors");
    let tensors: [(&str, &[usize], Vec<f32>); 3] = [
        ("layer4.weight", &[4, 4], numbers(16, 1)),
        ("bn.running_mean", &[4], numbers(4, 2)),
        ("fc.weight", &[2, 4], numbers(8, 3)),
    ];
    write(&file, &tensors, json!({}));
    let call = ["describe", "net.safetensors", "-o", "net.model.json"];
    let (status, out, errors) = freeze(&call, folder.path(), "");
    assert_eq!((status, out.as_str()), (0, ""), "{errors}");
    assert!(errors.contains("parameters: 2, buffers: 1, by their names and types"), "{errors}");
    assert!(errors.contains("no tied parameters are known"), "{errors}");
    assert!(errors.contains("the order of the network is not known"), "{errors}");
    let (quiet, _, errors) = freeze(&[&call[..], &["-q"]].concat(), folder.path(), "");
    assert_eq!((quiet, errors.as_str()), (0, ""));
    let (status, _, errors) = freeze(&["check", "a.freeze"], folder.path(), "");
    assert!(status == 1 && errors.contains("did you mean `layer4`?"), "{errors}");
}

#[test]
fn tied_parameters_are_found_by_metadata_and_by_their_numbers() {
    let folder = folder_with(&[]);
    let embed = || numbers(12, 1);
    let tensors: [(&str, &[usize], Vec<f32>); 4] = [
        ("embed_tokens.weight", &[6, 2], embed()),
        ("layer.weight", &[6, 2], numbers(12, 5)),
        ("lm_head.weight", &[6, 2], embed()),
        ("norm.weight", &[2], vec![1.0; 2]),
    ];
    write(&folder.path().join("twice.safetensors"), &tensors, json!({}));
    let (model, errors) = describe(folder.path(), "twice.safetensors");
    assert_eq!(ties(&model), [("lm_head.weight", "embed_tokens.weight")]);
    assert!(errors.contains("have the same numbers: they are described as one"), "{errors}");
    let metadata = json!({ "format": "pt", "lm_head.weight": "embed_tokens.weight" });
    write(&folder.path().join("once.safetensors"), &tensors[..2], metadata);
    let (model, errors) = describe(folder.path(), "once.safetensors");
    assert_eq!(ties(&model), [("lm_head.weight", "embed_tokens.weight")]);
    assert!(!errors.contains("no tied parameters are known"), "{errors}");
}

#[test]
fn copies_and_tensors_of_one_number_are_not_tied() {
    let folder = folder_with(&[]);
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("student.embed.weight", &[6, 2], numbers(12, 1)),
        ("student.mlp.weight", &[4, 2], numbers(8, 2)),
        ("teacher.embed.weight", &[6, 2], numbers(12, 1)),
        ("teacher.mlp.weight", &[4, 2], numbers(8, 2)),
        ("zero_embed.weight", &[3, 3], vec![0.0; 9]),
        ("zero_head.weight", &[3, 3], vec![0.0; 9]),
    ];
    write(&folder.path().join("a.safetensors"), &tensors, json!({}));
    let (model, errors) = describe(folder.path(), "a.safetensors");
    assert_eq!(ties(&model), []);
    assert!(errors.contains("2 pairs of tensors have the same numbers"), "{errors}");
}

#[test]
fn shards_are_described_as_one_model() {
    let folder = folder_with(&[(
        "model.safetensors.index.json",
        r#"{"weight_map":{"embed.weight":"1.safetensors","head.weight":"2.safetensors"}}"#,
    )]);
    let long = numbers(100_000, 1);
    let mut other = long.clone();
    write(&folder.path().join("1.safetensors"), &[("embed.weight", &[1000, 100], long)], json!({}));
    write(
        &folder.path().join("2.safetensors"),
        &[("head.weight", &[1000, 100], other.clone())],
        json!({}),
    );
    for checkpoint in [".", "model.safetensors.index.json"] {
        let (model, _) = describe(folder.path(), checkpoint);
        assert_eq!(ties(&model), [("head.weight", "embed.weight")]);
    }
    // A difference in the last number.
    other[99_999] = 0.5;
    write(&folder.path().join("2.safetensors"), &[("head.weight", &[1000, 100], other)], json!({}));
    assert_eq!(ties(&describe(folder.path(), ".").0), []);
}

#[test]
fn what_cannot_be_read_or_written_is_an_error() {
    let folder = folder_with(&[("a.bin", ""), ("m.model.json", r#"{"format":1,"tensors":[]}"#)]);
    let (status, out, errors) = freeze(&["describe", "a.bin"], folder.path(), "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(errors.contains("has to be converted"), "{errors}");
    let call = ["describe", "m.model.json", "-o", "no/such/folder.model.json"];
    let (status, _, errors) = freeze(&call, folder.path(), "");
    assert!(status == 2 && errors.contains("cannot write `no/such/folder.model.json`"), "{errors}");
}
