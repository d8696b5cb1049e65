//! Any bytes as a model's description, in both formats: an error, or a model that equals the one
//! read from its own description, and against which policies are checked.

#![no_main]

use std::io::Write;

use freeze_dsl::Draft;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;
use libfuzzer_sys::fuzz_target;

const POLICIES: [&str; 3] = [
    "start: train @norms, first 1 of [**.*] lr 1e-3; after 1 epoch: unfreeze @biases in @frozen",
    "start: train * except @vectors; for i, @a in [*] { after 1 epoch: unfreeze @a lr 1 / (1 + i) }",
    "start: train rows 0..1 of w, ~\"(w|b).*\"; epoch 1: unfreeze w[0..=9].{a,b}, layre1",
];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::from_json(&String::from_utf8_lossy(bytes)) {
        hold(&model);
    }
    if let Ok(model) = safetensors(bytes) {
        hold(&model);
    }
});

/// The header of a safetensors file: its length, and it.
fn safetensors(header: &[u8]) -> std::io::Result<Model> {
    let mut file = tempfile::Builder::new().suffix(".safetensors").tempfile()?;
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header)?;
    Model::load(file.path()).map_err(std::io::Error::other)
}

fn hold(model: &Model) {
    let described = model.to_json().expect("a model can be described");
    assert_eq!(Model::from_json(&described).as_ref().ok(), Some(model));
    for policy in POLICIES {
        let checked = Draft::read(Source::new(policy)).check_against(model);
        let _rendered = checked.findings.to_string();
        if let Some(policy) = checked.policy {
            let plan = policy.plan(model).expect("nothing was found");
            assert_eq!(plan.rows().len(), plan.effects().len());
            let _table = plan.to_string();
        }
    }
}
