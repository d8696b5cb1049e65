//! Which parameters a selector selects.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use freeze_dsl::model::{Model, Role, Tensor};
use freeze_dsl::policy::Policy;

fn model() -> Model {
    let names = [
        "embed.weight",
        "layer.0.attention.q_proj.weight",
        "layer.0.attention.q_proj.bias",
        "layer.0.attention.v_proj.weight",
        "layer.1.attention.q_proj.weight",
        "layer.1.mlp.weight",
        "layer.2.mlp.weight",
        "layer.10.mlp.weight",
        "layer40.weight",
        "layer4.weight",
        "model.layer4.weight",
        "set.weight",
        "head.bias",
    ];
    let tensor = |name: &&str| Tensor {
        name: (*name).to_owned(),
        shape: if name.ends_with("bias") { vec![4] } else { vec![4, 4] },
        dtype: "f32".to_owned(),
        role: Role::Parameter,
        same_as: None,
    };
    Model::new(names.iter().map(tensor).collect()).unwrap()
}

fn selected(targets: &str) -> Vec<String> {
    let model = model();
    let policy =
        Policy::parse(&format!("start: train {targets}")).unwrap_or_else(|f| panic!("{f}"));
    let plan = policy.plan(&model).unwrap_or_else(|found| panic!("{found}"));
    let frozen: Vec<usize> =
        plan.effects()[0].iter().filter(|e| !e.trains).map(|e| e.slice.index()).collect();
    let all = model.parameters().iter().enumerate();
    all.filter(|(index, _)| !frozen.contains(index)).map(|(_, p)| p.name.clone()).collect()
}

#[track_caller]
fn selects(targets: &str, expected: &[&str]) {
    assert_eq!(selected(targets), expected, "{targets}");
}

#[test]
fn a_path_matches_whole_segments_from_the_root() {
    selects("layer4", &["layer4.weight"]);
    selects("layer40", &["layer40.weight"]);
    selects(
        "layer.0.attention.q_proj",
        &["layer.0.attention.q_proj.weight", "layer.0.attention.q_proj.bias"],
    );
    selects("\"layer4.weight\"", &["layer4.weight"]);
    selects("\"set\"", &["set.weight"]);
    selects("layer . 2 /* the third */ . mlp", &["layer.2.mlp.weight"]);
}

#[test]
fn stars_stay_within_a_segment_and_two_go_deeper() {
    selects("layer4*", &["layer40.weight", "layer4.weight"]);
    selects("*.bias", &["head.bias"]);
    selects("**.bias", &["layer.0.attention.q_proj.bias", "head.bias"]);
    selects(
        "layer.**.weight in layer.*.mlp",
        &["layer.1.mlp.weight", "layer.2.mlp.weight", "layer.10.mlp.weight"],
    );
    selects("**.layer4", &["layer4.weight", "model.layer4.weight"]);
    selects("layer.*.attention.*_proj.bias", &["layer.0.attention.q_proj.bias"]);
    assert_eq!(selected("**"), selected("@all"));
    assert_eq!(selected("**.**.**"), selected("@all"));
}

#[test]
fn indices_are_segments_of_their_own() {
    selects("layer[2]", &["layer.2.mlp.weight"]);
    selects("layer[1..3].mlp", &["layer.1.mlp.weight", "layer.2.mlp.weight"]);
    selects("layer[2..=10]", &["layer.2.mlp.weight", "layer.10.mlp.weight"]);
    selects("layer.[2]", &["layer.2.mlp.weight"]);
    selects(
        "layer[0].attention.{q_proj,v_proj}.weight except **.q_proj",
        &["layer.0.attention.v_proj.weight"],
    );
}

#[test]
fn unions_intersections_and_differences() {
    selects("head, embed", &["embed.weight", "head.bias"]);
    selects(
        "layer[0], head, embed except @biases, embed",
        &["layer.0.attention.q_proj.weight", "layer.0.attention.v_proj.weight"],
    );
    selects(
        "(layer[0], layer[1]) in (**.q_proj except @biases)",
        &["layer.0.attention.q_proj.weight", "layer.1.attention.q_proj.weight"],
    );
    selects("@biases", &["layer.0.attention.q_proj.bias", "head.bias"]);
    selects("@vectors", &["layer.0.attention.q_proj.bias", "head.bias"]);
}

#[test]
fn a_pattern_of_many_depths_is_matched_in_time() {
    let name = vec!["a"; 2_000].join(".");
    let tensor = Tensor {
        name: format!("{name}.weight"),
        shape: vec![1],
        dtype: "f32".to_owned(),
        role: Role::Parameter,
        same_as: None,
    };
    let model = Model::new(vec![tensor]).unwrap();
    let pattern = vec!["**.a"; 40].join(".");
    let plan = Policy::parse(&format!("start: train {pattern}.weight lr 1")).unwrap().plan(&model);
    assert_eq!(plan.unwrap().rows()[0].trainable, 1);
}

/// The modules of an `nn::Sequential` are numbers; the second is another name of the first.
fn numbered() -> Model {
    let tensor = |name: &str, same_as: Option<&str>| Tensor {
        name: name.to_owned(),
        shape: vec![4, 4],
        dtype: "f32".to_owned(),
        role: Role::Parameter,
        same_as: same_as.map(str::to_owned),
    };
    let first = tensor("0.encoder.weight", None);
    let tied = tensor("0.dropout.weight", Some("0.encoder.weight"));
    Model::new(vec![first, tied, tensor("1.weight", None), tensor("2.weight", None)]).unwrap()
}

#[test]
fn a_path_may_begin_with_an_index() {
    let text = "let @parts = [[0].{encoder,dropout}, [1]]; start: train @parts lr 1; \
                epoch 1: freeze [0], 1; epoch 1: train [0].encoder, [0].dropout, [1..=2]";
    let plan = Policy::parse(text).unwrap_or_else(|found| panic!("{found}")).plan(&numbered());
    let plan = plan.unwrap_or_else(|found| panic!("{found}"));
    let trainable: Vec<usize> = plan.rows().iter().map(|row| row.trainable).collect();
    assert_eq!(trainable, [2, 0, 3]);
}

#[test]
fn names_of_tied_parameters_are_reported_where_they_differ() {
    let text = "start: train 1 lr 1; epoch 1: unfreeze [0].encoder; epoch 2: unfreeze [2]";
    let found = Policy::parse(text).unwrap().plan(&numbered()).unwrap_err();
    let errors: Vec<&str> = found
        .diagnostics()
        .iter()
        .filter(|found| found.is_error())
        .map(|error| &text[error.span.range()])
        .collect();
    assert_eq!(errors, ["[0].encoder"]);
}
