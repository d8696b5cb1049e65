//! A live model as a policy sees it: names, order, roles, and both files that describe it.

use freeze_dsl::model::{Role, Tensor as Described};
use freeze_runtime::{Error, Model, ModelError};
use freeze_tests::{Net, parse};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

fn names(model: &Model) -> Vec<&str> {
    model.parameters().iter().map(|parameter| parameter.name.as_str()).collect()
}

#[expect(clippy::unwrap_used, reason = "a test's own name")]
fn described<'m>(model: &'m Model, name: &str) -> &'m Described {
    model.tensors().iter().find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn parameters_are_in_the_order_in_which_they_were_made() -> Result<(), Error> {
    let vs = VarStore::new(Device::Cpu);
    let made = ["zebra", "10", "9", "apple", "middle"];
    for name in made {
        let _ = vs.root().sub(name).add("weight", Tensor::zeros([2], FLOAT), true);
    }
    let model = Model::of(&vs)?;
    assert_eq!(names(&model), made.map(|name| format!("{name}.weight")));
    Ok(())
}

#[test]
fn a_buffer_follows_the_parameters_of_its_module() -> Result<(), Error> {
    let model = Model::of(&Net::convolutions(Device::Cpu).vs)?;
    let all: Vec<(&str, Role)> =
        model.tensors().iter().map(|tensor| (tensor.name.as_str(), tensor.role)).collect();
    let (parameter, buffer) = (Role::Parameter, Role::Buffer);
    assert_eq!(
        all,
        [
            ("layer1.conv.weight", parameter),
            ("layer1.bn.weight", parameter),
            ("layer1.bn.bias", parameter),
            ("layer1.bn.running_mean", buffer),
            ("layer1.bn.running_var", buffer),
            ("layer2.conv.weight", parameter),
            ("layer2.bn.weight", parameter),
            ("layer2.bn.bias", parameter),
            ("layer2.bn.running_mean", buffer),
            ("layer2.bn.running_var", buffer),
            ("fc.bias", parameter),
            ("fc.weight", parameter),
        ]
    );
    Ok(())
}

#[test]
fn shapes_and_types_are_described() -> Result<(), Error> {
    let vs = VarStore::new(Device::Cpu);
    let add = |name, shape: &[i64], kind, trains| {
        let _ = vs.root().add(name, Tensor::zeros(shape, (kind, Device::Cpu)), trains);
    };
    add("matrix", &[2, 3], Kind::BFloat16, true);
    add("scalar", &[], Kind::Double, true);
    add("empty", &[0, 3], Kind::Float, true);
    add("count", &[], Kind::Int64, false);
    let model = Model::of(&vs)?;
    let facts = |name| {
        let tensor = described(&model, name);
        (tensor.shape.clone(), tensor.dtype.as_str(), tensor.role)
    };
    assert_eq!(facts("matrix"), (vec![2, 3], "bf16", Role::Parameter));
    assert_eq!(facts("scalar"), (vec![], "f64", Role::Parameter));
    assert_eq!(facts("empty"), (vec![0, 3], "f32", Role::Parameter));
    assert_eq!(facts("count"), (vec![], "i64", Role::Buffer));
    Ok(())
}

/// A model in which one tensor has two names.
fn tied() -> VarStore {
    let vs = VarStore::new(Device::Cpu);
    let weight = vs.root().sub("embed").add("weight", Tensor::ones([3, 4], FLOAT), true);
    let _ = vs.root().sub("bias").add("bias", Tensor::ones([4], FLOAT), true);
    let _ = vs.root().sub("head").add("weight", weight.shallow_clone(), true);
    vs
}

#[test]
fn a_tied_weight_is_one_parameter_with_two_names() -> Result<(), Error> {
    let model = Model::of(&tied())?;
    assert_eq!(names(&model), ["embed.weight", "bias.bias"]);
    assert_eq!(model.parameters()[0].aliases, ["head.weight"]);
    assert_eq!(described(&model, "head.weight").same_as.as_deref(), Some("embed.weight"));
    assert_eq!(model.tensors().len(), 3);
    Ok(())
}

#[test]
fn a_frozen_store_is_described_as_any_other() -> Result<(), Error> {
    let mut net = Net::linear();
    let model = Model::of(&net.vs)?;
    net.vs.freeze();
    assert_eq!(Model::of(&net.vs)?, model);
    Ok(())
}

#[test]
fn a_model_json_holds_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.model.json");
    for vs in [tied(), Net::convolutions(Device::Cpu).vs] {
        let model = Model::of(&vs).unwrap();
        model.save(&path).unwrap();
        assert_eq!(Model::load(&path).unwrap(), model);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(r#"{"format":1,"order":"network","tensors":[{"name":"layer1.conv.weight","shape":[4,3,3,3],"dtype":"f32","role":"parameter"}"#), "{text}");
}

#[test]
fn a_safetensors_file_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let net = Net::convolutions(Device::Cpu);
    net.vs.save(&path).unwrap();
    let (live, file) = (Model::of(&net.vs).unwrap(), Model::load(&path).unwrap());
    let sorted = |model: &Model| {
        let mut tensors = model.tensors().to_vec();
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
        tensors
    };
    assert_eq!(sorted(&live), sorted(&file));
    assert_eq!(live.normalisations().len(), file.normalisations().len());
    let policy = parse("default lr 1; start: train layer2, fc; epoch 1: freeze layer2.bn");
    for model in [&live, &file] {
        let plan = policy.plan(model).unwrap();
        let trainable: Vec<usize> = plan.rows().iter().map(|row| row.trainable).collect();
        assert_eq!(trainable, [5, 3]);
    }
}

/// Whether it is this error.
type Is = fn(&ModelError) -> bool;

#[test]
fn files_that_are_no_models_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Model::load(path).unwrap_err()
    };
    let errors: [(&str, &str, Is); 5] = [
        ("a.txt", "", |error| matches!(error, ModelError::UnknownKind)),
        ("a.model.json", "[]", |error| matches!(error, ModelError::Json(_))),
        ("b.model.json", r#"{"format":2,"tensors":[]}"#, |error| {
            matches!(error, ModelError::Format(2))
        }),
        ("a.safetensors", "", |error| matches!(error, ModelError::Header(_))),
        ("b.safetensors", "\u{8}\0\0\0\0\0\0\0{}", |error| matches!(error, ModelError::Header(_))),
    ];
    for (name, text, is_right) in errors {
        let error = write(name, text);
        let ModelError::InFile(file, inner) = &error else { panic!("{error}") };
        assert!(file.ends_with(name) && is_right(inner), "{name}: {error:?}");
    }
    let missing = Model::load(folder.path().join("none.safetensors")).unwrap_err();
    assert!(missing.to_string().contains("none.safetensors"), "{missing}");
}

#[test]
fn a_name_that_no_policy_could_speak_of_is_an_error() {
    let vs = VarStore::new(Device::Cpu);
    let _ = vs.root().add("", Tensor::zeros([2], FLOAT), true);
    let error = Model::of(&vs).unwrap_err();
    assert!(matches!(error, Error::Model(ModelError::EmptyName(_))), "{error}");
}
