//! Paths that select nothing in a model, and what is offered in their place.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::architectures::Architecture;
use crate::support::{applied, findings_in, model, resnet18};
use freeze_dsl::diagnostic::Diagnostic;
use freeze_dsl::model::Model;

fn errors(text: &str, model: &Model) -> Vec<Diagnostic> {
    findings_in(text, model).into_iter().filter(Diagnostic::is_error).collect()
}

/// One edit is offered: with it, the targets are these and there is no error.
#[track_caller]
fn meant(model: &Model, written: &str, expected: &str) {
    let text = format!("start: train {written} lr 1");
    let found = errors(&text, model);
    let [finding] = found.as_slice() else { panic!("{written}: {found:#?}") };
    let [suggestion] = finding.suggestions.as_slice() else { panic!("{written}: {finding:#?}") };
    let edited = applied(&text, suggestion);
    assert_eq!(edited, format!("start: train {expected} lr 1"), "{}", suggestion.message);
    assert_eq!(errors(&edited, model), [], "{edited}");
}

/// Nothing is offered.
#[track_caller]
fn silent(model: &Model, written: &str) {
    let found = errors(&format!("start: train {written} lr 1"), model);
    assert!(!found.is_empty() && found[0].suggestions.is_empty(), "{written}: {found:#?}");
}

fn message(model: &Model, written: &str) -> String {
    errors(&format!("start: train {written} lr 1"), model)[0].suggestions[0].message.clone()
}

#[test]
fn a_prefix_is_added_where_the_rest_fits_in_one_place() {
    let bert = Architecture::of("hf.bert").model;
    meant(&bert, "encoder.layer[10]", "bert.encoder.layer[10]");
    meant(&bert, "encoder.layer.*.attention", "bert.encoder.layer.*.attention");
    meant(&bert, "layer[-2..].output", "bert.encoder.layer[-2..].output");
    meant(&bert, "encoder.**.bias", "bert.encoder.**.bias");
    meant(&bert, "encoder.layer.{0,1}", "bert.encoder.layer.{0,1}");
    meant(&bert, "\"encoder.layer.3\"", "\"bert.encoder.layer.3\"");
    meant(&bert, "embeddings.LayerNorm", "bert.embeddings.LayerNorm");
    let towers = model(&["a.layer.0.w", "b.layer.0.w"]);
    silent(&towers, "layer[0]");
    let notes = &errors("start: train layer[0] lr 1", &towers)[0].notes;
    assert_eq!(notes[1], "it could be `a.layer[0]` or `b.layer[0]`");
}

#[test]
fn a_prefix_that_another_program_adds_is_dropped() {
    let resnet = resnet18();
    meant(&resnet, "model.layer4", "layer4");
    meant(&resnet, "module.fc", "fc");
    meant(&resnet, "model.layer4.*.conv1", "layer4.*.conv1");
    meant(&resnet, "\"module.fc.weight\"", "\"fc.weight\"");
    let llama = Architecture::of("hf.llama").model;
    meant(&llama, "base_model.model.model.layers[0]", "model.layers[0]");
    meant(&llama, "base_model.model.layers[0..=3].mlp", "model.layers[0..=3].mlp");
    meant(&llama, "model.model.norm", "model.norm");
    let bert = Architecture::of("hf.bert").model;
    meant(&bert, "module.encoder.layer[10]", "bert.encoder.layer[10]");
    meant(&resnet, "backbone.layer4.conv2", "layer4.*.conv2");
    let vit = Architecture::of("hf.vit").model;
    meant(&vit, "vit.encoder.layer[11]", "layers[11]");
    meant(&vit, "vit.encoder.layers[11]", "layers[11]");
    // That the layer's number is wrong is likelier than that it is a prefix.
    silent(&resnet, "layer7.1.conv3.x.y");
}

#[test]
fn a_name_of_many_places_is_found_at_any_depth() {
    let bert = Architecture::of("hf.bert").model;
    meant(&bert, "query", "**.query");
    assert_eq!(message(&bert, "query"), "did you mean `**.query`? It selects 24 parameters");
    meant(&bert, "bias", "@biases");
    meant(&bert, "LayerNorm", "@norms");
    let llama = Architecture::of("hf.llama").model;
    meant(&llama, "q_proj", "**.q_proj");
    meant(&llama, "self_attn.q_proj", "**.self_attn.q_proj");
    meant(&llama, "model.q_proj", "model.**.q_proj");
    meant(&llama, "norms", "@norms");
    meant(&llama, "layernorm", "@norms");
    let lora = model(&["a.0.q.lora_A.weight", "a.1.q.lora_A.weight", "a.1.q.lora_B.weight"]);
    meant(&lora, "lora_A", "**.lora_A");
    meant(&resnet18(), "bn2", "**.bn2");
    // These are some of the norms.
    meant(&llama, "input_layernorm", "**.input_layernorm");
}

#[test]
fn what_lies_between_is_filled_in() {
    let resnet = resnet18();
    meant(&resnet, "layer4.conv1", "layer4.*.conv1");
    meant(&resnet, "layer4.weight", "layer4.**.weight");
    let bert = Architecture::of("hf.bert").model;
    meant(&bert, "bert.*.bias", "bert.**.bias");
    meant(&bert, "bert.layer[3]", "bert.encoder.layer[3]");
    meant(&bert, "bert.encoder[0..2]", "bert.encoder.layer[0..2]");
}

#[test]
fn numbers_that_are_part_of_a_name_are_written_out() {
    let resnet = resnet18();
    meant(&resnet, "layer[1..3]", "{layer1,layer2}");
    meant(&resnet, "layer[4]", "layer4");
    meant(&resnet, "layer[1..=2].*.conv1", "{layer1,layer2}.*.conv1");
}

#[test]
fn a_list_of_one_module_is_meant_as_its_parts() {
    let bert = Architecture::of("hf.bert").model;
    meant(&bert, "last 2 of [bert.encoder.layer]", "last 2 of [bert.encoder.layer.*]");
    meant(
        &bert,
        "sample 3 of [bert.encoder.layer] seed 1",
        "sample 3 of [bert.encoder.layer.*] seed 1",
    );
    meant(&resnet18(), "last 2 of [fc.bias]", "last 1 of [fc.bias]");
    meant(&bert, "last 2 of bert.encoder.layer", "last 2 of [bert.encoder.layer.*]");
    meant(&bert, "first 30% of bert.encoder.layer.*", "first 30% of [bert.encoder.layer.*]");
    meant(
        &bert,
        "sample 2 of bert.encoder.layer seed 1",
        "sample 2 of [bert.encoder.layer.*] seed 1",
    );
    meant(&bert, "bert.encoder.layer[*].output", "bert.encoder.layer.*.output");
    let gpt2 = Architecture::of("hf.gpt2").model;
    meant(&gpt2, "transformer.h.12", "transformer.h.11");
}

#[test]
fn names_of_norms_are_found_under_old_names() {
    let old = model(&["e.LayerNorm.gamma[4]", "e.LayerNorm.beta[4]", "e.w"]);
    assert_eq!(errors("start: train @norms lr 1; epoch 1: train @biases", &old), []);
}

#[test]
fn wildcards_in_a_string_are_literal() {
    let resnet = resnet18();
    meant(&resnet, "\"layer4.*\"", "layer4.*");
    meant(&resnet, "\"**.bn1\"", "**.bn1");
    meant(&resnet, "fc, r\"layer4.*.conv*.weight\"", "fc, layer4.*.conv*.weight");
    silent(&resnet, "\"layer9.*\"");
}

#[test]
fn an_index_of_a_loop_is_not_written_out() {
    let resnet = resnet18();
    let text = "start: for i in 1..=4 { train layer[i] lr 1e-3 }";
    let found = errors(text, &resnet);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert!(finding.suggestions.is_empty(), "{finding:#?}");
    let notes = finding.notes.join("\n");
    assert!(notes.contains("`for @x in [layer1, layer2] { … }`"), "{notes}");
}

#[test]
fn a_let_without_its_sign_is_reported_once() {
    let found = errors("let head = fc; start: train head lr 1", &resnet18());
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(finding.suggestions[0].edits.len(), 2, "{finding:#?}");
}

#[test]
fn rows_as_an_index_of_their_parameter() {
    let resnet = resnet18();
    meant(&resnet, "fc.weight[0..5]", "rows 0..5 of fc.weight");
    meant(&resnet, "fc.weight[3]", "rows 3 of fc.weight");
    meant(&resnet, "fc.weight[-2..]", "rows -2.. of fc.weight");
    silent(&resnet, "fc[0..5]");
    let finding = &errors("start: train rows 0..5 of fc lr 1", &resnet)[0];
    assert_eq!(finding.notes, ["name one of them, as in `rows … of fc.weight`"]);
}

#[test]
fn a_range_of_indices_is_not_answered_with_one_index() {
    silent(&resnet18(), "layer4[2..]");
    silent(&resnet18(), "layer4[2..5]");
    meant(&resnet18(), "layer4[5]", "layer4[1]");
}

#[test]
fn a_name_of_two_letters_may_differ_in_case() {
    meant(&resnet18(), "Fc", "fc");
}

#[test]
fn an_element_that_selects_nothing_is_the_only_finding_of_its_list() {
    assert_eq!(errors("start: train last 2 of [layer] lr 1", &resnet18()).len(), 1);
    let optional = "let @x = [layer5, fc]?; start: train first 1 of @x lr 1";
    let finding = &errors(optional, &resnet18())[0];
    assert_eq!(finding.suggestions, []);
    assert_eq!(finding.notes.len(), 1);
}

#[test]
fn a_path_of_which_only_wildcards_fit_is_not_made_the_whole_model() {
    let resnet = resnet18();
    for written in [
        "encoder.*",
        "backbone.*",
        "features.*",
        "transformer.h.*",
        "vit.encoder.layer.*",
        "[model.layers.*]",
        "model.**",
        "encoder.**.bias",
        "encoder.*.weight",
    ] {
        silent(&resnet, written);
        let notes = errors(&format!("start: train {written} lr 1"), &resnet)[0].notes.join("\n");
        assert!(notes.contains("the model has conv1, bn1, layer1"), "{written}: {notes}");
    }
}
