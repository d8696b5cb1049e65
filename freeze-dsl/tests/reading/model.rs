//! Reading and writing models' descriptions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use std::io::Write;

use crate::support::resnet18;
use freeze_dsl::model::{Model, ModelError, ParamId, Role};
use freeze_dsl::policy::Policy;

/// A safetensors file of this header, with zeros for its tensors.
fn safetensors(header: &str) -> tempfile::TempPath {
    let mut file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let ends = header.split("\"data_offsets\":[").skip(1);
    let ends =
        ends.filter_map(|rest| rest.split(']').next()?.split(',').nth(1)?.trim().parse().ok());
    file.write_all(&vec![0; ends.max().unwrap_or_default()]).unwrap();
    file.into_temp_path()
}

#[test]
fn json_comes_back_as_it_went() {
    let model = resnet18();
    assert_eq!(Model::from_json(&model.to_json().unwrap()).unwrap(), model);
    assert_eq!(model.parameters().len(), 62);
    assert_eq!(model.normalisations().len(), 20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.model.json");
    model.save(&path).unwrap();
    assert_eq!(Model::load(&path).unwrap(), model);
}

#[test]
fn names_that_a_file_says_are_of_one_tensor_are_tied() {
    // As `safetensors.torch.save_model` writes it.
    let path = safetensors(
        r#"{"__metadata__":{"format":"pt","lm_head.weight":"embed.weight",
                "a.weight":"missing","head..weight":"embed.weight","embed.weight":"head.bias"},
            "embed.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "head.bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}}"#,
    );
    let model = Model::load(&path).unwrap();
    let names: Vec<Vec<&str>> = model.parameters().iter().map(|it| it.names().collect()).collect();
    assert_eq!(names, [vec!["embed.weight", "lm_head.weight"], vec!["head.bias"]]);
}

#[test]
fn a_safetensors_header_lists_names_in_the_order_of_the_file() {
    let path = safetensors(
        r#"{"__metadata__":{"format":"pt"},
            "b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "a.running_mean":{"dtype":"F32","shape":[2],"data_offsets":[32,40]},
            "a.weight":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#,
    );
    let model = Model::load(&path).unwrap();
    let message: Vec<_> =
        model.tensors().iter().map(|t| (t.name.as_str(), t.dtype.as_str(), t.role)).collect();
    assert_eq!(
        message,
        [
            ("b.weight", "f32", Role::Parameter),
            ("a.weight", "bf16", Role::Parameter),
            ("a.running_mean", "f32", Role::Buffer)
        ]
    );
    assert_eq!(model.parameters()[0].elements(), 6);
    assert_eq!(model.normalisations()[0].parameters, [ParamId::new(1)]);
}

#[test]
fn a_tied_tensor_is_one_parameter_under_both_names() {
    let model = Model::from_json(
        r#"{"format":1,"tensors":[
            {"name":"embed.weight","shape":[9,4],"dtype":"f32","role":"parameter"},
            {"name":"body.weight","shape":[4,4],"dtype":"f32","role":"parameter"},
            {"name":"head.weight","shape":[9,4],"dtype":"f32","role":"parameter","same_as":"embed.weight"}]}"#,
    )
    .unwrap();
    assert_eq!(model.parameters().len(), 2);
    assert_eq!(model.parameters()[0].aliases, ["head.weight"]);
    let plan = Policy::parse("start: train head, embed").unwrap().plan(&model).unwrap();
    assert_eq!(plan.rows()[0].trainable, 1);
    assert_eq!(plan.rows()[0].trainable_elements, 36);
}

#[test]
fn errors_in_files_are_reported() {
    let message = |error: ModelError| error.to_string();
    assert!(
        message(Model::load("no/such.safetensors").unwrap_err())
            .starts_with("no/such.safetensors: ")
    );
    assert!(message(Model::load("model.txt").unwrap_err()).contains("expected a `.safetensors`"));
    let short = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
    assert!(message(Model::load(short.path()).unwrap_err()).contains("too short"));
    assert!(
        message(Model::load(safetensors("{\"a\": 3}")).unwrap_err())
            .contains("not a safetensors file")
    );
    let huge = {
        let mut file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
        file.write_all(&u64::MAX.to_le_bytes()).unwrap();
        file.into_temp_path()
    };
    assert!(message(Model::load(&huge).unwrap_err()).contains("header would have"));
    for (text, part) in [
        ("{}", "missing field `format`"),
        (r#"{"format":2,"layers":[]}"#, "format 2"),
        (
            r#"{"format":1,"tensors":[{"name":"a..b","shape":[],"dtype":"f32","role":"parameter"}]}"#,
            "a..b",
        ),
        (
            r#"{"format":1,"tensors":[{"name":"a","shape":[],"dtype":"f32","role":"parameter"},
                {"name":"a","shape":[],"dtype":"f32","role":"buffer"}]}"#,
            "two tensors have the name `a`",
        ),
        (
            r#"{"format":1,"tensors":[{"name":"a","shape":[],"dtype":"f32","role":"parameter","same_as":"b"}]}"#,
            "`b`, which is not before it",
        ),
        (
            r#"{"format":1,"tensors":[{"name":"a","shape":[],"dtype":"torch.bfloat16","role":"parameter"}]}"#,
            "the `dtype` of `a` is `torch.bfloat16`; write `bf16`",
        ),
        (
            r#"{"format":1,"tensors":[{"name":"a","shape":[],"dtype":"F32","role":"parameter"}]}"#,
            "the `dtype` of `a` is `F32`; write `f32`",
        ),
    ] {
        let error = message(Model::from_json(text).unwrap_err());
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_description() {
    let json = r#"{"format":1,"tensors":[]}"#;
    assert_eq!(
        Model::from_json(&format!("\u{FEFF}{json}")).unwrap(),
        Model::from_json(json).unwrap()
    );
}
