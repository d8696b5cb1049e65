//! Which rule can be the first to unfreeze something, and when; and selectors outside of a policy.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use crate::support::{clock_of, model, resnet18};
use freeze_dsl::clock::{Clock, Program, UnfreezingRule};
use freeze_dsl::model::{Model, NormalisationId};
use freeze_dsl::source::Source;

const PROGRAM: Program =
    Program { lr: Some(1.0), optimizer: None, weight_decay: None, steps_per_epoch: Some(10) };

fn select(model: &Model, selector: &str) -> Vec<String> {
    let selected = model.select(&Source::new(selector.to_owned()));
    let selected = selected.unwrap_or_else(|findings| panic!("{findings}"));
    selected.iter().map(|id| model.parameters()[id.index()].name.clone()).collect()
}

/// The rule that can unfreeze what a selector selects, or its statistics, as
/// `rule epoch step`, with `?` if a metric decides.
fn unfreezing(clock: &Clock, selector: &str) -> Option<String> {
    let model = clock.plan().model();
    let selected = model.select(&Source::new(selector.to_owned())).unwrap();
    let slices = clock.plan().slice_ids().zip(clock.plan().slices());
    let slices: Vec<_> =
        slices.filter(|(_, of)| selected.contains(&of.parameter)).map(|(id, _)| id).collect();
    assert!(slices.iter().all(|slice| !clock.trains(*slice)), "{selector} is frozen");
    let modules = model.normalisations().iter().enumerate();
    let modules = modules
        .filter(|(_, module)| module.parameters.iter().any(|it| selected.contains(it)))
        .map(|(index, _)| NormalisationId::new(index));
    let rule = clock.unfreezing_rule(slices, modules.collect::<Vec<_>>())?;
    let UnfreezingRule { rule, epoch, step, waits_for_metric } = rule;
    Some(format!("{rule} {epoch} {step}{}", if waits_for_metric { "?" } else { "" }))
}

/// A clock of a ResNet-18 after so many epoch starts, each with ten steps.
fn after(epochs: u64, text: &str) -> Clock {
    let mut clock = clock_of(text, &resnet18(), PROGRAM);
    for _ in 0..epochs {
        let _ = clock.start_epoch();
        for _ in 0..10 {
            let _ = clock.end_step();
        }
    }
    clock
}

#[test]
fn known_moments_are_known() {
    let text = "run 20 epochs; start: train fc; epoch 3 as third: unfreeze layer4;
                after 2 epochs as fifth: unfreeze layer3; step 70 as seventieth: unfreeze layer2;
                at 50% as half: unfreeze layer1";
    let clock = after(1, text);
    for (selector, expected) in [
        ("layer4", "third 3 10"),
        ("layer3", "fifth 5 10"),
        ("layer3, layer4", "third 3 10"),
        ("layer2", "seventieth 5 70"),
        ("layer1", "half 5 100"),
        ("layer4.0.conv1", "third 3 10"),
    ] {
        assert_eq!(unfreezing(&clock, selector).as_deref(), Some(expected), "{selector}");
    }
    assert_eq!(unfreezing(&clock, "conv1, bn1"), None);
}

#[test]
fn a_rule_that_waits_for_a_metric_may_fire_at_any_time() {
    let text =
        "start: train fc; epoch 2: set fc lr 0.5; when loss < 1 or epoch 9 as low: unfreeze layer4;
                after 3 epochs: unfreeze layer3";
    assert_eq!(unfreezing(&after(1, text), "layer4").as_deref(), Some("low 2 10?"));
    assert_eq!(unfreezing(&after(4, text), "layer4").as_deref(), Some("low 3 40?"));
    assert_eq!(unfreezing(&after(4, text), "layer3").as_deref(), Some("rule 4 6 40?"));
}

#[test]
fn rules_of_tracks_and_of_a_repeat_count() {
    let text = "start: train fc;
                track low in layer1 { start: freeze layer1; epoch 4 as up: unfreeze layer1 }
                track high in layer2 {
                    start: freeze layer2;
                    repeat { after 2 epochs: unfreeze layer2; after 1 epoch: freeze layer2 } }";
    assert_eq!(unfreezing(&after(1, text), "layer1, conv1").as_deref(), Some("low: up 4 10"));
    assert_eq!(unfreezing(&after(1, text), "layer1, layer2").as_deref(), Some("high: rule 2 2 10"));
    // The last rule of the round has fired.
    assert_eq!(unfreezing(&after(4, text), "layer2").as_deref(), Some("high: rule 2 5 40"));
}

#[test]
fn a_rule_that_recurs_may_draw_any_of_its_elements() {
    let text = "start: train fc; every 10 steps as draw: train fc, unfreeze sample 1 of [layer1.*]";
    let mut clock = after(1, text);
    let _ = clock.end_step();
    let trains = |module: &str| {
        let selected = clock.plan().model().select(&Source::new(module.to_owned())).unwrap();
        let mut slices = clock.plan().slice_ids().zip(clock.plan().slices());
        slices.any(|(id, of)| selected.contains(&of.parameter) && clock.trains(id))
    };
    let frozen: Vec<&str> = ["layer1.0", "layer1.1"].into_iter().filter(|it| !trains(it)).collect();
    assert_eq!(frozen.len(), 1);
    assert_eq!(unfreezing(&clock, frozen[0]).as_deref(), Some("draw 0 20"));
    assert_eq!(unfreezing(&clock, "layer2"), None);
}

#[test]
fn statistics_that_a_rule_sets_live_are_unfrozen() {
    let text = "start: train fc; epoch 2 as live: set bn1 stats live; epoch 3: unfreeze bn1";
    assert_eq!(unfreezing(&after(1, text), "bn1").as_deref(), Some("live 2 10"));
    // The statistics of a norm are unfrozen with any of its parameters.
    let text = "start: train fc; epoch 2 as bias: unfreeze bn1.bias";
    assert_eq!(unfreezing(&after(1, text), "bn1.weight").as_deref(), Some("bias 2 10"));
    assert_eq!(unfreezing(&after(1, text), "conv1"), None);
}

#[test]
fn nothing_is_unfrozen_after_a_stop() {
    let text = "start: train fc; epoch 2: stop";
    assert_eq!(unfreezing(&after(1, text), "layer1"), None);
    assert_eq!(unfreezing(&after(4, text), "layer1"), None);
}

#[test]
fn a_selector_selects_as_in_a_policy() {
    let model = model(&[
        "embed.weight[8, 4]",
        "body.bn.weight[4]",
        "body.bn.running_mean[4]",
        "head.weight[8, 4] = embed.weight",
        "head.bias[8]",
    ]);
    assert_eq!(select(&model, "head"), ["embed.weight", "head.bias"]);
    assert_eq!(select(&model, "@norms"), ["body.bn.weight"]);
    assert_eq!(select(&model, "@all except head.weight, embed"), ["body.bn.weight", "head.bias"]);
    assert_eq!(select(&model, "rows 0..2 of embed.weight"), ["embed.weight"]);
    assert_eq!(select(&model, "sample 1 of [body, head.bias]"), ["body.bn.weight", "head.bias"]);
}

#[test]
fn a_mistake_in_a_selector_is_shown_in_the_selector() {
    let model = model(&["layer1.weight", "layer2.weight"]);
    let refused = |selector: &str| {
        let named = Source::named("frozen_prefix", selector.to_owned());
        model.select(&named).unwrap_err()
    };
    let findings = refused("layer1, layr2");
    let [finding] = findings.diagnostics() else { panic!("{findings}") };
    assert_eq!(finding.code.name(), "FRZ0201");
    assert_eq!(findings.source().slice(finding.span), "layr2");
    assert_eq!(finding.suggestions[0].edits[0].text, "layer2");
    for (selector, code) in [
        ("", "FRZ0101"),
        ("layer1 layer2", "FRZ0101"),
        ("layer1; epoch 3: train layer2", "FRZ0101"),
        ("layer1, freeze layer2", "FRZ0101"),
        ("layer1 lr 0.5, layer2", "FRZ0101"),
    ] {
        let findings = refused(selector);
        assert_eq!(findings.diagnostics()[0].code.name(), code, "{findings}");
        assert!(findings.diagnostics()[0].span.end <= selector.len());
    }
}
