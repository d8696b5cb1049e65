//! Files that are refused, with the reason.

use super::{folder_with, freeze, path_of};

#[track_caller]
fn assert_refused(yaml: &str, model: Option<&str>, reason: &str) {
    let folder = folder_with(&[("input.yaml", yaml)]);
    let model = model.map(path_of);
    let mut arguments = vec!["import", "input.yaml"];
    arguments.extend(model.iter().flat_map(|path| ["--model", path.as_str()]));
    let (status, out, errors) = freeze(&arguments, folder.path(), "");
    assert_eq!((status, out.as_str()), (2, ""), "{errors}");
    assert!(errors.starts_with("error: input.yaml: ") && errors.contains(reason), "{errors}");
}

#[test]
fn files_of_no_tool() {
    assert_refused("a: 1\n", None, "neither a schedule of finetuning-scheduler");
    assert_refused("", None, "neither a schedule");
    assert_refused("- 1\n", None, "neither a schedule");
    assert_refused("a: [\n", None, "not YAML");
    assert_refused("0: {params: [a]}\n0: {params: [b]}\n", None, "not YAML");
}

/// The text is what a person reads: no position of a library, no excerpt of its own.
#[test]
fn a_text_that_is_not_yaml_has_a_place() {
    let folder = folder_with(&[("input.yaml", "a: [1, 2\nb: c\n")]);
    let (status, _, errors) = freeze(&["import", "input.yaml"], folder.path(), "");
    assert_eq!(status, 2);
    assert!(errors.starts_with("error: input.yaml: not YAML: line 2, column 2: "), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn files_that_are_not_of_the_tool_that_is_named() {
    for (tool, yaml, sign) in [
        ("llama-factory", "[1, 2]\n", "it has no `finetuning_type`"),
        ("llama-factory", "0: {params: [a.weight]}\n", "it has no `finetuning_type`"),
        ("axolotl", "finetuning_type: freeze\n", "it has no `base_model`"),
        ("axolotl", "", "it has no `base_model`"),
        ("finetuning-scheduler", "finetuning_type: freeze\n", "it has no phases `0:`"),
    ] {
        let folder = folder_with(&[("input.yaml", yaml)]);
        let call = ["import", "input.yaml", "--from", tool];
        let (status, out, errors) = freeze(&call, folder.path(), "");
        assert_eq!((status, out.as_str()), (2, ""), "{errors}");
        assert!(errors.starts_with(&format!("error: input.yaml: {sign}")), "{errors}");
    }
}

#[test]
fn schedules_that_the_tool_refuses() {
    assert_refused(
        "0: {params: fc}\n",
        None,
        "phase 0: `params` is not a list: write `params: [fc]`",
    );
    assert_refused("0: {params: []}\n", None, "phase 0: `params` is empty");
    assert_refused("0: {params: [{a: b}]}\n", None, "phase 0: an item of `params` is not a text");
    let second = "0: {params: [a.weight]}\n1: {lr: 1}\n";
    assert_refused(second, None, "phase 1: it has no `params`");
    assert_refused("0: {params: [a.weight]}\n2: {params: [b.weight]}\n", None, "without gaps");
    assert_refused(
        "0: {params: [a(]}\n",
        None,
        "`a(` cannot be read as a regular expression: Opening",
    );
    assert_refused("0: {params: [a.weight], lr: fast}\n", None, "phase 0: `lr` is not a number");
    let twice = "0: {params: [head.*]}\n1: {params: ['(head|norm).*']}\n";
    assert_refused(twice, Some("gpt"), "`head.weight` is in phase 1 and in an earlier one");
    assert_refused("0: {params: [nothing]}\n", Some("gpt"), "phase 0 has no parameter");
    assert_refused("0: {params: ['(?=a)b']}\n", None, "nothing of phase 0 can be said");
    let first = "0: {params: [a.weight], new_optimizer: {optimizer_init: {class_path: x}}}\n";
    assert_refused(first, None, "phase 0 has a `new_optimizer`");
    let callback =
        "callbacks:\n- class_path: finetuning_scheduler.FinetuningScheduler\n  init_args: ";
    let epochs = "{epoch_transitions_only: true, ft_schedule: {0: {params: [a.weight]}, 1: {params: [b.weight]}}}\n";
    assert_refused(&format!("{callback}{epochs}"), None, "phase 0 has no `max_transition_epoch`");
    assert_refused(&format!("{callback}{{}}\n"), None, "give the model with `--model`");
}

#[test]
fn options_that_the_tools_refuse() {
    let lora = "finetuning_type: lora\n";
    assert_refused(lora, None, "`finetuning_type: lora` trains parameters that it adds");
    let none = "model_name_or_path: x\nfreeze_trainable_layers: 2\n";
    assert_refused(none, None, "there is no `finetuning_type`, and LLaMA-Factory then trains");
    let module = "finetuning_type: freeze\nfreeze_trainable_modules: attn\n";
    assert_refused(
        module,
        Some("llama"),
        "the model has no module `attn`; it has input_layernorm, mlp",
    );
    let extra = "finetuning_type: freeze\nfreeze_extra_modules: head\n";
    assert_refused(
        extra,
        Some("llama"),
        "the model has no module `head`; it has embed_tokens, lm_head",
    );
    let pro = "finetuning_type: freeze\nuse_llama_pro: true\nfreeze_trainable_layers: 3\n";
    assert_refused(pro, Some("llama"), "16 layers cannot be divided");
    assert_refused(pro, None, "give the model");
    let rows = |rows: &str| {
        format!("learning_rate: 1\nunfrozen_parameters: ['model.embed_tokens{rows}']\n")
    };
    assert_refused(&rows("[:65]"), Some("llama"), "has 64 rows; Axolotl refuses rows");
    assert_refused(&rows("[5:5]"), None, "the end is not above the start");
    let nothing = "learning_rate: 1\nunfrozen_parameters: [embedding]\n";
    assert_refused(nothing, Some("llama"), "no parameter of the model is unfrozen");
}

/// Text of a file does not become policy.
#[test]
fn hostile_texts_stay_texts() {
    for pattern in [r#"a"; stop; "#, "a\\n; stop", "//", "/*", "~\"#\"#", "\u{7}", "a`b"] {
        let yaml = serde_json::json!({ "0": { "params": [pattern, "b.weight"] } }).to_string();
        let folder = folder_with(&[("input.yaml", &yaml)]);
        let (status, out, errors) = freeze(&["import", "input.yaml"], folder.path(), "");
        assert_eq!(status, 0, "{errors}");
        let (_, tree, _) = freeze(&["ast", "-"], folder.path(), &out);
        assert_eq!(tree.matches("\"Rule\"").count().max(2), 2, "{out}");
        assert!(!out.lines().any(|line| line.trim_start() == "stop;"), "{out}");
    }
}

#[test]
fn a_tool_can_be_named() {
    let yaml = "finetuning_type: freeze\nunfrozen_parameters: [a]\nlearning_rate: 1\n";
    let folder = folder_with(&[("input.yaml", yaml)]);
    let call = ["import", "input.yaml", "--from", "axolotl"];
    let (status, out, errors) = freeze(&call, folder.path(), "");
    assert!(status == 0 && out.contains("train ~r\"a.*\""), "{errors}{out}");
}
