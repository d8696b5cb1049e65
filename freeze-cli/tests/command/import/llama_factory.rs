//! LLaMA-Factory's options: it looks for parts of names.

use freeze_dsl::clock::Program;
use freeze_dsl::simulate::{Per, Setup, Table};

use super::{
    assert_close, epochs, folder_with, freeze, import, lr, model, names_where, notes, path_of,
    records,
};

/// Asserts that the first epoch trains the parameters whose names have one of these parts.
#[track_caller]
fn assert_trains(options: &str, of: &str, parts: &[String]) {
    let yaml = format!("model_name_or_path: x\nstage: sft\nfinetuning_type: freeze\n{options}");
    let policy = import(&yaml, Some(of));
    let model = model(of);
    let trainable = &epochs(&policy, &model, 1, "")[0].trainable;
    let expected =
        names_where(&model, |name| parts.iter().any(|part| name.contains(part.as_str())));
    assert_eq!(*trainable, expected, "{policy}");
}

fn layers(numbers: impl IntoIterator<Item = usize>, module: &str) -> Vec<String> {
    numbers.into_iter().map(|number| format!(".{number}.{module}")).collect()
}

/// Llama has 16 layers here.
#[test]
fn layers_are_counted_from_either_end() {
    assert_trains("", "llama", &layers([14, 15], ""));
    assert_trains("freeze_trainable_layers: 5", "llama", &layers(11..16, ""));
    assert_trains("freeze_trainable_layers: -3", "llama", &layers(0..3, ""));
    assert_trains("freeze_trainable_layers: 99", "llama", &layers(0..16, ""));
    assert_trains("freeze_trainable_layers: 2", "bert", &layers([10, 11], ""));
}

#[test]
fn modules_and_extra_modules_are_parts_of_names() {
    let attention = [layers([14, 15], "self_attn"), layers([14, 15], "mlp")].concat();
    assert_trains("freeze_trainable_modules: self_attn,mlp", "llama", &attention);
    assert_trains("freeze_trainable_modules: [self_attn, mlp]", "llama", &attention);
    let extra = [layers([15], ""), vec!["embed_tokens".to_owned(), "lm_head".to_owned()]].concat();
    let options = "freeze_trainable_layers: 1\nfreeze_extra_modules: embed_tokens,lm_head";
    assert_trains(options, "llama", &extra);
    // `norm` is a part of `input_layernorm` too, in all layers.
    let norm = [layers([15], ""), vec!["norm".to_owned()]].concat();
    assert_trains("freeze_trainable_layers: 1\nfreeze_extra_modules: norm", "llama", &norm);
    let yaml = "finetuning_type: freeze\nfreeze_trainable_layers: 1\nfreeze_extra_modules: norm";
    let policy = import(yaml, Some("llama"));
    assert!(notes(&policy).contains("trains `model.layers.0.input_layernorm.weight` as well"));
    assert_trains(
        "freeze_trainable_layers: 0\nfreeze_extra_modules: lm_head",
        "llama",
        &["lm_head".to_owned()],
    );
}

#[test]
fn llama_pro_trains_the_last_layer_of_each_block() {
    let options = "use_llama_pro: true\nfreeze_trainable_layers: 4";
    assert_trains(options, "llama", &layers([3, 7, 11, 15], ""));
}

#[test]
fn without_a_model_the_names_are_those_of_llama() {
    for options in [
        "freeze_trainable_layers: 3",
        "freeze_trainable_layers: -2\nfreeze_trainable_modules: mlp,self_attn",
        "freeze_trainable_layers: 1\nfreeze_extra_modules: norm,lm_head",
    ] {
        let yaml = format!("finetuning_type: freeze\n{options}\n");
        let llama = model("llama");
        let trainable = |policy: &str| epochs(policy, &llama, 1, "").remove(0).trainable;
        let (with, without) = (import(&yaml, Some("llama")), import(&yaml, None));
        assert_eq!(trainable(&with), trainable(&without), "{without}");
        assert!(notes(&without).contains("`model.layers`, as in Llama"), "{without}");
    }
}

#[test]
fn the_number_of_layers_is_that_of_the_configuration() {
    let llama = std::fs::read_to_string(path_of("llama")).unwrap();
    let config = r#"{"model_type":"x","text_config":{"num_hidden_layers":8}}"#;
    let yaml = "finetuning_type: freeze\nfreeze_trainable_layers: 1";
    let folder =
        folder_with(&[("m.model.json", &llama), ("config.json", config), ("a.yaml", yaml)]);
    let (status, policy, errors) =
        freeze(&["import", "a.yaml", "--model", "m.model.json"], folder.path(), "");
    assert_eq!(status, 0, "{errors}");
    assert!(policy.contains("train model.layers.7;"), "{policy}");
}

#[test]
fn a_model_that_sees_trains_as_a_whole_without_its_eyes() {
    let policy = import("finetuning_type: full\n", Some("clip"));
    let clip = model("clip");
    let trainable = &epochs(&policy, &clip, 1, "")[0].trainable;
    assert_eq!(*trainable, names_where(&clip, |name| !name.starts_with("vision_model.")));
    let all = import("finetuning_type: full\nfreeze_vision_tower: false\n", Some("clip"));
    assert!(all.contains("train @all"), "{all}");
}

/// transformers' schedules, step by step, for a run of 2 epochs of 10 steps.
#[test]
fn schedules_have_the_values_of_transformers() {
    type Form = fn(f64) -> f64;
    let cases: [(&str, Form); 6] = [
        ("", |step| 5e-5 * (1.0 - step / 20.0)),
        ("learning_rate: 1e-4\nwarmup_steps: 4", |step| {
            if step < 4.0 { 1e-4 * step / 4.0 } else { 1e-4 * (20.0 - step) / 16.0 }
        }),
        ("learning_rate: 1.0e-4\nlr_scheduler_type: cosine\nwarmup_ratio: 0.1", |step| {
            let progress = (step - 2.0) / 18.0;
            let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
            1e-4 * if step < 2.0 { step / 2.0 } else { cosine }
        }),
        ("lr_scheduler_type: constant\nwarmup_steps: 4", |_| 5e-5),
        ("lr_scheduler_type: constant_with_warmup\nwarmup_steps: 4", |step| {
            5e-5 * (step / 4.0).min(1.0)
        }),
        ("lr_scheduler_type: inverse_sqrt\nwarmup_steps: 4", |step| {
            5e-5 * if step < 4.0 { step / 4.0 } else { (4.0 / step).sqrt() }
        }),
    ];
    for (options, form) in cases {
        let yaml = format!("finetuning_type: freeze\nnum_train_epochs: 2\n{options}\n");
        let policy = import(&yaml, Some("llama"));
        let setup = Setup {
            epochs: None,
            program: Program { steps_per_epoch: Some(10), ..Program::default() },
            metrics: Table::default(),
            per: Per::Step,
        };
        let all = records(&policy, &model("llama"), setup);
        assert_eq!(all.len(), 20);
        for (step, record) in all.iter().enumerate() {
            let expected = form(f64::from(u32::try_from(step).unwrap()));
            assert_close(lr(record, "model.layers.15.mlp.up_proj.weight"), expected, options);
        }
    }
}

#[test]
fn weight_decay_spares_biases_and_norms() {
    let yaml = "finetuning_type: freeze\nweight_decay: 0.1\noptim: paged_adamw_8bit\nadam_beta2: 0.95\nmax_steps: 50\n";
    let policy = import(yaml, Some("bert"));
    assert!(policy.contains("run 50 steps;"), "{policy}");
    assert!(policy.contains("weight_decay 0.1 optimizer adamw(beta2 0.95);"), "{policy}");
    let record = epochs(&policy, &model("bert"), 1, "").remove(0);
    let decay = |name: &str| {
        let mut groups = record.groups.iter();
        groups.find(|group| group.params.iter().any(|it| it == name)).unwrap().weight_decay
    };
    assert_eq!(decay("bert.encoder.layer.11.output.dense.weight"), Some(0.1));
    assert_eq!(decay("bert.encoder.layer.11.output.dense.bias"), Some(0.0));
    assert_eq!(decay("bert.encoder.layer.11.output.LayerNorm.weight"), Some(0.0));
    // Without a weight decay, that of AdamW in PyTorch is none of transformers'.
    let policy = import("finetuning_type: freeze\n", Some("bert"));
    assert!(policy.contains("weight_decay 0 optimizer adamw;"), "{policy}");
}
