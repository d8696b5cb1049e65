//! The ready-made names on real architectures, and on the names of tch.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::architectures::architectures;
use crate::support::{PROGRAM, clock_of, model, trainable};
use freeze_dsl::model::{Model, Role};
use freeze_dsl::policy::Policy;

#[test]
fn norms_are_the_parameters_of_normalisation_classes() {
    let all = architectures();
    assert_eq!(all.len(), 77);
    for architecture in all {
        let (mut missed, added) = architecture.norms_missed_and_added();
        if architecture.name == "hf.zaya" {
            // A temperature in a module without a weight; no name says that it is a norm's.
            missed.retain(|name| !name.ends_with("qk_norm.temp"));
        }
        assert_eq!((missed, added), (vec![], vec![]), "{}", architecture.name);
    }
}

/// The header of a `.safetensors` file of a model, and the length of the data after it.
fn header(model: &Model) -> (Vec<u8>, usize) {
    let (mut tensors, mut start) = (serde_json::Map::new(), 0);
    for tensor in model.tensors().iter().filter(|tensor| tensor.same_as.is_none()) {
        let bytes = match tensor.dtype.as_str() {
            "f32" => 4,
            "i64" => 8,
            other => panic!("{other}"),
        };
        let end = start + bytes * tensor.shape.iter().product::<usize>();
        let info = serde_json::json!({
            "dtype": tensor.dtype.to_uppercase(), "shape": tensor.shape, "data_offsets": [start, end],
        });
        tensors.insert(tensor.name.clone(), info);
        start = end;
    }
    let text = serde_json::Value::Object(tensors).to_string();
    ([&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat(), start)
}

#[test]
fn roles_in_a_file_of_weights_are_those_of_the_framework() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut missed = Vec::new();
    for architecture in architectures() {
        let (header, data) = header(&architecture.model);
        std::fs::write(&path, &header).unwrap();
        // The data are a hole in the file.
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len((header.len() + data) as u64).unwrap();
        let loaded = Model::load(&path).unwrap();
        for tensor in loaded.tensors() {
            let mut all = architecture.model.tensors().iter();
            let real = all.find(|real| real.name == tensor.name).unwrap();
            match (real.role, tensor.role) {
                (Role::Buffer, Role::Parameter) => missed.push(tensor.name.clone()),
                (real, found) => {
                    assert_eq!(real, found, "{}: {}", architecture.name, tensor.name);
                }
            }
        }
    }
    // Numbers of an activation and a codebook; their names are those of parameters elsewhere.
    missed.retain(|name| !["act_fn.beta", "act_fn.eps"].iter().any(|end| name.ends_with(end)));
    assert_eq!(missed, ["audio_tokenizer.quantizer.codebook.embed"]);
}

#[test]
fn modules_with_running_statistics_are_found() {
    for architecture in architectures() {
        let found = architecture.model.normalisations().iter();
        let mut found: Vec<&str> = found.map(|module| module.module.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, architecture.stats, "{}", architecture.name);
    }
}

/// The parameters that a selector selects.
fn selected(model: &Model, selector: &str) -> Vec<String> {
    let mut clock = clock_of(&format!("start: train {selector}"), model, PROGRAM);
    clock.start_epoch();
    trainable(&clock)
}

#[test]
fn where_a_convolution_shares_the_path_of_a_norm_the_norm_is_found_alone() {
    // `nn::conv2d` and `nn::batch_norm2d` with one path, as in tch's CIFAR example.
    let shared = model(&[
        "c.weight[8, 3, 3, 3]",
        "c.bias[8]",
        "c.running_mean[8]",
        "c.running_var[8]",
        "c.weight__4[8]",
        "c.bias__5[8]",
    ]);
    assert_eq!(selected(&shared, "@norms"), ["c.weight__4", "c.bias__5"]);
    let reversed = model(&[
        "c.running_mean[8]",
        "c.weight[8]",
        "c.bias[8]",
        "c.weight__4[8, 3, 3, 3]",
        "c.bias__5[8]",
    ]);
    assert_eq!(selected(&reversed, "@norms"), ["c.weight", "c.bias"]);
}

#[test]
fn a_number_that_tch_appends_changes_no_role() {
    let shared = model(&[
        "bn.weight[8]",
        "bn.bias[8]",
        "bn.running_mean[8]",
        "bn.running_mean__8[8]",
        "bn.running_var__9[8]",
        "p.bias__3[8]",
        "p.other__3[8]",
        "old.gamma[8]",
        "old.beta__4[8]",
        "act.beta[8]",
    ]);
    let modules = shared.normalisations();
    assert_eq!((modules.len(), modules[0].buffers.len()), (1, 3));
    assert_eq!(selected(&shared, "@biases"), ["bn.bias", "p.bias__3", "old.beta__4"]);
    assert_eq!(selected(&shared, "@norms"), ["bn.weight", "bn.bias", "old.gamma", "old.beta__4"]);
    // A selector selects by the whole name.
    assert_eq!(selected(&shared, "**.bias"), ["bn.bias"]);
}

#[test]
fn matrices_have_two_dimensions() {
    let shapes = model(&["a[8]", "b[8, 8]", "c[8, 8, 1]", "d[]"]);
    assert_eq!(selected(&shapes, "@matrices"), ["b"]);
    assert_eq!(selected(&shapes, "@vectors"), ["a", "d"]);
}

#[test]
fn what_cannot_train_is_a_buffer_whatever_a_file_calls_it() {
    let tensor = |name: &str, dtype: &str| {
        format!(r#"{{"name":"{name}","shape":[8,8],"dtype":"{dtype}","role":"parameter"}}"#)
    };
    let dtypes = ["i8", "u8", "i32", "i64", "bool", "f8_e4m3", "f8_e5m2", "f4", "other"];
    let mut tensors: Vec<String> =
        dtypes.iter().map(|dtype| tensor(&format!("packed.{dtype}.weight"), dtype)).collect();
    tensors.extend(["f16", "bf16", "f32", "f64", "c64"].map(|dtype| tensor(dtype, dtype)));
    let text = format!(r#"{{"format":1,"tensors":[{}]}}"#, tensors.join(","));
    let model = Model::from_json(&text).unwrap();
    let names: Vec<&str> = model.parameters().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["f16", "bf16", "f32", "f64", "c64"]);
    for selector in ["packed.i8", "~\"packed.*i8.*\""] {
        let policy = Policy::parse(&format!("start: train {selector}")).unwrap();
        let found = policy.plan(&model).unwrap_err();
        assert_eq!(found.diagnostics()[0].label, "of type `i8`, which cannot train");
    }
    let found = Policy::parse("start: train packed.{i64,f8_e4m3}").unwrap().plan(&model);
    let found = found.unwrap_err();
    assert_eq!(found.diagnostics()[0].label, "of type `f8_e4m3` or `i64`, which cannot train");
}
