//! Axolotl's `unfrozen_parameters`: patterns in which a dot is a dot, and ranges of rows.

use super::{epochs, import, model, names_matching, names_where, notes};

const TRAINING: &str = "learning_rate: 2e-5\nnum_epochs: 3\nwarmup_steps: 10\n";

fn yaml(patterns: &[&str]) -> String {
    let items = patterns.iter().map(|pattern| format!("  - {pattern}\n"));
    format!("base_model: x\n{TRAINING}unfrozen_parameters:\n{}", items.collect::<String>())
}

/// Python's patterns, with the dots that Axolotl makes literal escaped by hand.
#[test]
fn patterns_match_from_the_start_and_dots_are_dots() {
    for (of, patterns, python) in [
        (
            "llama",
            &["^lm_head.weight$", "model.layers.1[0-9]+.mlp"][..],
            r"(lm_head\.weight$|model\.layers\.1[0-9]+\.mlp)",
        ),
        (
            "llama",
            &["model.layers.[0-3].self_attn.(q|k)_proj"],
            r"model\.layers\.[0-3]\.self_attn\.(q|k)_proj",
        ),
        // A dot before a plus is any sign.
        ("llama", &["model.layers.+norm"], r"model\.layers.+norm"),
        // Nothing but the start is required.
        ("bert", &["bert.encoder.layer.1"], r"bert\.encoder\.layer\.1"),
        ("bert", &["classifier", "bert.pooler"], r"(classifier|bert\.pooler)"),
        ("gpt", &["(?!blocks)"], r"[ehn]"),
    ] {
        let (policy, model) = (import(&yaml(patterns), Some(of)), model(of));
        let trainable = &epochs(&policy, &model, 1, "")[0].trainable;
        let expected = names_matching(&model, &[python]);
        assert!(!expected.is_empty());
        assert_eq!(*trainable, expected, "{policy}");
    }
}

#[test]
fn without_a_model_the_same_is_selected() {
    for (of, patterns) in [
        ("llama", &["^lm_head.weight$", "model.layers.1[0-9]+.mlp"][..]),
        ("llama", &["model.layers.+norm"]),
        ("bert", &["bert.encoder.layer.1", "classifier"]),
        ("llama", &["^model.embed_tokens.weight$[:32]"]),
    ] {
        let (yaml, model) = (yaml(patterns), model(of));
        let trainable = |policy: &str| epochs(policy, &model, 1, "").remove(0).trainable;
        let without = import(&yaml, None);
        assert_eq!(trainable(&import(&yaml, Some(of))), trainable(&without), "{without}");
    }
}

#[test]
fn ranges_are_rows() {
    for (patterns, rows) in [
        (&["^model.embed_tokens.weight$[:32]"][..], &["model.embed_tokens.weight[0..32]"][..]),
        (&["^model.embed_tokens.weight$[60:]"], &["model.embed_tokens.weight[60..64]"]),
        (&["^model.embed_tokens.weight$[5]"], &["model.embed_tokens.weight[5..6]"]),
        (
            &["model.embed_tokens[2:5]", "model.embed_tokens[4:8]", "model.embed_tokens[10:12]"],
            &["model.embed_tokens.weight[2..8]", "model.embed_tokens.weight[10..12]"],
        ),
        // A range counts, even if another pattern matches without one.
        (&["model.embed_tokens", "model.embed[:8]"], &["model.embed_tokens.weight[0..8]"]),
        (
            &["(lm_head|model.embed_tokens).weight[:8]"],
            &["model.embed_tokens.weight[0..8]", "lm_head.weight[0..8]"],
        ),
    ] {
        let policy = import(&yaml(patterns), Some("llama"));
        let trainable = &epochs(&policy, &model("llama"), 1, "")[0].trainable;
        assert_eq!(*trainable, rows, "{policy}");
        assert!(notes(&policy).contains("still move by weight decay and momentum"), "{policy}");
    }
}

/// `[0-9]` at the end of a pattern is no range of rows.
#[test]
fn a_class_is_no_range() {
    let policy = import(&yaml(&["model.layers.[0-9]"]), Some("llama"));
    let llama = model("llama");
    let trainable = &epochs(&policy, &llama, 1, "")[0].trainable;
    assert_eq!(*trainable, names_matching(&llama, &[r"model\.layers\.[0-9]"]));
}

#[test]
fn parts_that_see_are_frozen() {
    let clip = model("clip");
    let expected = names_where(&clip, |name| !name.starts_with("vision_model."));
    let yaml = format!("{TRAINING}freeze_mm_modules: true\n");
    for policy in [import(&yaml, Some("clip")), import(&yaml, None)] {
        assert_eq!(epochs(&policy, &clip, 1, "")[0].trainable, expected, "{policy}");
    }
    let yaml = format!("{yaml}unfrozen_parameters: ['[a-z]+_model.encoder.layers.0']\n");
    let policy = import(&yaml, Some("clip"));
    let expected = names_where(&clip, |name| name.starts_with("text_model.encoder.layers.0."));
    assert_eq!(epochs(&policy, &clip, 1, "")[0].trainable, expected, "{policy}");
}

#[test]
fn the_training_is_that_of_the_file() {
    let policy = import(&yaml(&["lm_head"]), Some("llama"));
    assert!(policy.contains("run 3 epochs;"), "{policy}");
    let curve = "linear 0 -> 2e-5 over 10 steps then cosine 2e-5 -> 0 over rest";
    assert!(policy.contains(curve), "{policy}");
    let more = "base_model: x\nlearning_rate: 0.01\nnum_epochs: 1.5\noptimizer: sgd\nadapter: lora\nlr_scheduler: rex\n\
                embedding_lr: 1e-6\nunfrozen_parameters: [lm_head]\n";
    let policy = import(more, Some("llama"));
    let notes = notes(&policy);
    for note in [
        "1.5 epochs is no whole number",
        "`rex` is not carried over",
        "`adapter: lora` adds parameters",
        "Learning rates of parts of the model",
        "has no warm-up",
    ] {
        assert!(notes.contains(note), "{note}: {policy}");
    }
    assert!(policy.contains("default lr 0.01 weight_decay 0 optimizer sgd;"), "{policy}");
}

#[test]
fn a_pattern_that_matches_nothing_is_noted() {
    // Axolotl escapes the dots of a pattern that are escaped already, which then match nothing.
    let policy = import(&yaml(&[r"model\.norm\.weight", "lm_head"]), Some("llama"));
    assert!(notes(&policy).contains("matches no parameter of the model"), "{policy}");
    assert_eq!(epochs(&policy, &model("llama"), 1, "")[0].trainable, ["lm_head.weight"]);
}
