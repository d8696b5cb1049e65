//! Models of several files: sharded checkpoints, and folders as model hubs make them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::fs;
use std::path::Path;

use freeze_dsl::model::{Model, Role};
use tempfile::TempDir;

/// A safetensors file with these tensors of two numbers.
fn write(folder: &TempDir, file: &str, names: &[&str]) {
    let tensors: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let (start, end) = (index * 8, index * 8 + 8);
            format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":[{start},{end}]}}"#)
        })
        .collect();
    let header = format!("{{{}}}", tensors.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + names.len() * 8, 0);
    fs::write(folder.path().join(file), bytes).unwrap();
}

fn index(folder: &TempDir, file: &str, map: &[(&str, &str)]) {
    let map: Vec<String> =
        map.iter().map(|(name, shard)| format!("\"{name}\":\"{shard}\"")).collect();
    let text = format!(r#"{{"metadata":{{"total_size":16}},"weight_map":{{{}}}}}"#, map.join(","));
    fs::write(folder.path().join(file), text).unwrap();
}

const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

/// A download of a sharded model.
fn sharded() -> TempDir {
    let folder = TempDir::new().unwrap();
    write(&folder, SHARDS[0], &["embed.weight", "bn.running_mean"]);
    write(&folder, SHARDS[1], &["head.weight"]);
    index(
        &folder,
        "model.safetensors.index.json",
        &[("bn.running_mean", SHARDS[0]), ("embed.weight", SHARDS[0]), ("head.weight", SHARDS[1])],
    );
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    folder
}

fn names(path: &Path) -> Vec<String> {
    let model = Model::load(path).unwrap();
    model.tensors().iter().map(|tensor| tensor.name.clone()).collect()
}

fn error(path: &Path) -> String {
    Model::load(path).unwrap_err().to_string()
}

#[test]
fn an_index_and_its_folder_are_the_model_of_all_shards() {
    let folder = sharded();
    let all = ["embed.weight", "bn.running_mean", "head.weight"];
    assert_eq!(names(&folder.path().join("model.safetensors.index.json")), all);
    assert_eq!(names(folder.path()), all);
    let model = Model::load(folder.path()).unwrap();
    assert_eq!(model.tensors().iter().filter(|it| it.role == Role::Buffer).count(), 1);
    let files = Model::files(folder.path()).unwrap();
    let files: Vec<_> = files.iter().map(|file| file.file_name().unwrap()).collect();
    assert_eq!(files, ["model.safetensors.index.json", SHARDS[0], SHARDS[1]]);
}

#[test]
fn a_folder_without_an_index_is_one_file_or_all_of_them() {
    let folder = TempDir::new().unwrap();
    write(&folder, "b.safetensors", &["b"]);
    write(&folder, "a.safetensors", &["a"]);
    assert_eq!(names(folder.path()), ["a", "b"]);
    write(&folder, "model.safetensors", &["m"]);
    assert_eq!(names(folder.path()), ["m"]);
    index(&folder, "other.safetensors.index.json", &[("a", "a.safetensors")]);
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn errors_name_the_file_that_they_are_in() {
    let folder = sharded();
    let shard = folder.path().join(SHARDS[1]);
    write(&folder, SHARDS[1], &["heed.weight"]);
    let expected = format!(
        "{}: the index has `head.weight` in this file, which does not have it",
        shard.display()
    );
    assert_eq!(error(folder.path()), expected);
    fs::remove_file(&shard).unwrap();
    assert!(error(folder.path()).starts_with(&format!("{}: ", shard.display())));
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, "{}").unwrap();
    let expected = format!("{}: not an index of shards: missing field", index.display());
    assert!(error(folder.path()).starts_with(&expected));
    let twice = TempDir::new().unwrap();
    write(&twice, "a.safetensors", &["x"]);
    write(&twice, "b.safetensors", &["x"]);
    assert!(error(twice.path()).contains("two tensors have the name `x`"));
}

#[test]
fn files_of_other_kinds_are_answered_with_how_to_convert_them() {
    for name in ["m.bin", "m.pt", "m.pth", "m.ckpt", "m.gguf", "m.h5", "m.onnx", "M.BIN"] {
        let error = error(Path::new(name));
        assert!(error.starts_with(&format!("{name}: a `.")), "{error}");
        assert!(error.contains("has to be converted to `.safetensors` first; in Python: "));
    }
    let folder = TempDir::new().unwrap();
    assert!(error(folder.path()).contains("this folder has no `.safetensors` file"));
    fs::write(folder.path().join("pytorch_model.bin"), "").unwrap();
    let of_folder = error(folder.path());
    assert!(of_folder.contains("a `.bin` file has to be converted"), "{of_folder}");
    assert!(error(Path::new("no/such/folder")).contains("there is no such file or folder"));
}

#[test]
fn the_order_of_the_network_is_read_and_written() {
    let text = r#"{"format":1,"order":"network","tensors":[]}"#;
    let model = Model::from_json(text).unwrap();
    assert_eq!(model.to_json().unwrap(), text);
    let sorted = Model::from_json(r#"{"format":1,"tensors":[]}"#).unwrap();
    assert_eq!(
        sorted.differences(&model)[0].to_string(),
        "~ the order: it is now known to be the network's"
    );
    assert!(Model::from_json(&text.replace("network", "name")).is_err());
}

#[test]
fn a_pointer_of_git_lfs_is_not_the_file() {
    let folder = sharded();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    fs::write(folder.path().join(SHARDS[1]), pointer).unwrap();
    let message = error(folder.path());
    assert!(message.contains(SHARDS[1]) && message.contains("`git lfs pull`"), "{message}");
}

#[test]
fn a_description_alone_is_the_model_of_its_folder() {
    let folder = TempDir::new().unwrap();
    let text =
        r#"{"format":1,"tensors":[{"name":"a","shape":[],"dtype":"f32","role":"parameter"}]}"#;
    fs::write(folder.path().join("a.model.json"), text).unwrap();
    assert_eq!(names(folder.path()), ["a"]);
    fs::write(folder.path().join("b.model.json"), text).unwrap();
    assert!(error(folder.path()).contains("several `.model.json` files"));
}

#[test]
fn a_file_that_is_cut_off_or_too_long_is_an_error() {
    let folder = TempDir::new().unwrap();
    write(&folder, "a.safetensors", &["a", "b"]);
    let path = folder.path().join("a.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 6]).unwrap();
    let (size, end) = (whole.len() - 6, whole.len());
    let cut = format!("the file ends after {size} bytes, but its header names {end} bytes");
    assert!(error(&path).contains(&cut), "{}", error(&path));
    fs::write(&path, [whole.as_slice(), &[0]].concat()).unwrap();
    assert!(error(&path).contains("but its header names only"), "{}", error(&path));
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, r#"{"weight_map":{}}"#).unwrap();
    assert!(error(&index).contains("its `weight_map` names no tensor"));
}

#[test]
fn faults_of_a_file_are_said_without_the_names_of_libraries() {
    let folder = TempDir::new().unwrap();
    let header = |tensor: &str| format!(r#"{{"a.weight":{{{tensor}}}}}"#);
    let headers = [
        ("[]".to_owned(), "expected its header to be an object of tensors, found a list"),
        (
            header(r#""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#),
            "the `shape` of `a.weight` has -2, which is not a whole number from 0",
        ),
        (
            header(r#""dtype":"F99","shape":[2],"data_offsets":[0,8]"#),
            "`F99`, the `dtype` of `a.weight`, is not known",
        ),
        (header(r#""dtype":"F32","shape":[2]"#), "`a.weight` has no `data_offsets`"),
        ("{nonsense".to_owned(), "this is not JSON, from line 1, column 2"),
    ];
    let path = folder.path().join("a.safetensors");
    for (header, expected) in headers {
        fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat())
            .unwrap();
        let expected = format!("not a safetensors file: {expected}");
        assert!(error(&path).ends_with(&expected), "{}", error(&path));
    }
    let of = |text: &str| Model::from_json(text).unwrap_err().to_string();
    let expected = "not a model description: ";
    for (text, fault) in [
        ("[]", "expected an object with `format` and `tensors`, found a list"),
        ("nonsense", "this is not JSON, from line 1, column 2"),
        (r#"{"format":1}"#, "missing field `tensors`"),
        (r#"{"format":1,"tensors":[{"name":"a","shape":[],"dtype":"f32"}]}"#, "`a` has no `role`"),
        (r#"{"format":1,"tensors":[3]}"#, "tensor 1 is a number, not an object"),
    ] {
        assert_eq!(of(text), format!("{expected}{fault}"));
    }
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, "[]").unwrap();
    assert!(error(&index).ends_with("expected an object with `weight_map`, found a list"));
}
