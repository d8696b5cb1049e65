//! Schedules of finetuning-scheduler: which phase is in force at which epoch.

use super::{epochs, import, lr, metrics, model, names, names_matching, names_where, notes};

/// Patterns of phases as the tool's own examples have them: names, prefixes, classes, alternatives,
/// and a count (`{0,11}` repeats the dot before it).
const SCHEDULE: &str = "
0:
  params:
  - model.classifier.bias
  - model.classifier.weight
  - model.pooler.dense.(bias|weight)
  - model.deberta.encoder.(LayerNorm|rel_embeddings).*
  - model.deberta.encoder.layer.{0,11}.(output|attention|intermediate).*
1:
  params:
  - model.deberta.embeddings.LayerNorm
  lr: 1.0e-06
2:
  params: [model.deberta.embeddings.word_embeddings.weight]
";

const PATTERNS: [&[&str]; 3] = [
    &[
        "model.classifier.bias",
        "model.classifier.weight",
        "model.pooler.dense.(bias|weight)",
        "model.deberta.encoder.(LayerNorm|rel_embeddings).*",
        "model.deberta.encoder.layer.{0,11}.(output|attention|intermediate).*",
    ],
    &["model.deberta.embeddings.LayerNorm"],
    &["model.deberta.embeddings.word_embeddings.weight"],
];

/// Asserts the phase of each epoch: everything of it and of the phases before it trains.
#[track_caller]
fn assert_phases(
    policy: &str,
    of: &str,
    patterns: &[&[&str]],
    metrics: &str,
    phases: &[Option<usize>],
) {
    let model = model(of);
    let thawed: Vec<Vec<String>> = (1..=patterns.len())
        .map(|count| names_matching(&model, &patterns[..count].concat()))
        .collect();
    let records = epochs(policy, &model, phases.len() as u64, metrics);
    for (record, phase) in records.iter().zip(phases) {
        let epoch = record.epoch;
        let Some(phase) = phase else {
            assert!(record.stopped, "epoch {epoch}\n{policy}");
            continue;
        };
        assert_eq!(record.trainable, thawed[*phase], "epoch {epoch}\n{policy}");
        assert!(!record.stopped, "epoch {epoch}");
    }
    assert_eq!(records.len(), phases.len());
}

/// Three epochs without an improvement end a phase; the last end ends the training.
#[test]
fn early_stopping_ends_phases() {
    let table = metrics(
        "val_loss",
        // phase 0: the best at epoch 1, then three worse; phase 1: the best at its first epoch;
        // phase 2: improves twice.
        &[1.0, 0.9, 0.95, 0.9, 0.96, 0.8, 0.9, 0.9, 0.85, 0.75, 0.7, 0.8, 0.8, 0.8, 0.1],
    );
    let mut phases = [vec![Some(0); 5], vec![Some(1); 4], vec![Some(2); 5], vec![None; 1]].concat();
    for model in [Some("deberta"), None] {
        let policy = import(SCHEDULE, model);
        assert_phases(&policy, "deberta", &PATTERNS, &table, &phases);
        assert!(notes(&policy).contains("Early stopping ends phases"), "{policy}");
        assert_eq!(policy.matches("restore lowest val_loss").count(), 2, "{policy}");
    }
    // Without metrics, the first phase lasts.
    phases.fill(Some(0));
    assert_phases(&import(SCHEDULE, None), "deberta", &PATTERNS, "", &phases);
}

#[test]
fn a_model_makes_paths_of_patterns() {
    let policy = import(SCHEDULE, Some("deberta"));
    let rule = "train model.{classifier,pooler}, model.deberta.encoder;";
    assert!(policy.contains(rule), "{policy}");
    assert!(policy.contains("unfreeze model.deberta.embeddings.LayerNorm lr 1e-6;"), "{policy}");
}

#[test]
fn phases_have_their_learning_rates() {
    let policy = import(SCHEDULE, Some("deberta"));
    let table = metrics("val_loss", &[1.0; 9]);
    let last = epochs(&policy, &model("deberta"), 9, &table).pop().unwrap();
    let rate = |name| lr(&last, name);
    assert_eq!(rate("model.classifier.bias"), None);
    assert_eq!(rate("model.deberta.embeddings.LayerNorm.bias"), Some(1e-6));
    // The default of `base_max_lr`.
    assert_eq!(rate("model.deberta.embeddings.word_embeddings.weight"), Some(1e-5));
}

/// A configuration of Lightning with a schedule in it.
fn config(callback: &str, more: &str, schedule: &str) -> String {
    let indent = |text: &str, by: usize| {
        let lines = text.trim_matches('\n').lines();
        lines.map(|line| " ".repeat(by) + line + "\n").collect::<String>()
    };
    format!(
        "trainer:\n  callbacks:\n  - class_path: finetuning_scheduler.FinetuningScheduler\n    \
         init_args:\n{}      ft_schedule:\n{}{more}",
        indent(callback, 6),
        indent(schedule, 8)
    )
}

const BLOCKS: &str = "
0:
  params: [head.*, norm.weight]
  max_transition_epoch: 2
1:
  params: ['blocks.[2-3]\\..*']
  max_transition_epoch: 4
2:
  params: ['blocks.[01]\\..*', embed]
";

const BLOCK_PATTERNS: [&[&str]; 3] =
    [&["head.*", "norm.weight"], &["blocks.[2-3]\\..*"], &["blocks.[01]\\..*", "embed"]];

#[test]
fn epochs_alone_end_phases() {
    let schedule = BLOCKS.replace("embed]", "embed]\n  max_transition_epoch: 9");
    let yaml = config("epoch_transitions_only: true\nrestore_best: false\n", "", &schedule);
    let phases = [0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2].map(Some);
    for of in [Some("gpt"), None] {
        let policy = import(&yaml, of);
        assert_phases(&policy, "gpt", &BLOCK_PATTERNS, "", &phases);
        assert!(!policy.contains("restore") && !policy.contains("when"), "{policy}");
        assert!(notes(&policy).contains("`max_transition_epoch: 9` of the last phase"), "{policy}");
    }
}

#[test]
fn a_phase_lasts_at_least_an_epoch() {
    let schedule = BLOCKS.replace("epoch: 2", "epoch: 3").replace("epoch: 4", "epoch: 1");
    let schedule = schedule.replace("embed]", "embed]\n  max_transition_epoch: 1");
    let yaml = config("epoch_transitions_only: true", "", &schedule);
    let policy = import(&yaml, Some("gpt"));
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, "", &[0, 0, 0, 1, 2, 2].map(Some));
    assert!(notes(&policy).contains("phase 2 begins at epoch 4"), "{policy}");
}

#[test]
fn early_stopping_or_an_epoch_ends_phases() {
    let policy = import(BLOCKS, Some("gpt"));
    // Nothing stops falling: the epochs end the phases.
    let falling: Vec<f64> = (0..8).map(|epoch| 1.0 - 0.1 * f64::from(epoch)).collect();
    let phases = [0, 0, 1, 1, 2, 2, 2, 2].map(Some);
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, &metrics("val_loss", &falling), &phases);
    // A later limit: early stopping is first.
    let policy =
        import(&BLOCKS.replace("epoch: 2", "epoch: 20").replace("epoch: 4", "epoch: 30"), None);
    let table = metrics("val_loss", &[1.0, 1.0, 1.0, 1.0, 0.5, 0.6, 0.6, 0.6, 0.4]);
    let phases = [0, 0, 0, 0, 1, 1, 1, 1, 2].map(Some);
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, &table, &phases);
}

#[test]
fn early_stopping_is_that_of_the_configuration() {
    let stopping = "  - class_path: finetuning_scheduler.FTSEarlyStopping
    init_args: {monitor: val/acc, mode: max, patience: 2, min_delta: 0.01, stopping_threshold: 0.9}
  - class_path: finetuning_scheduler.FTSCheckpoint
    init_args: {monitor: val/acc, mode: max}
  max_epochs: 40
";
    let schedule = BLOCKS.replace("  max_transition_epoch: 2\n", "");
    let schedule = schedule.replace("  max_transition_epoch: 4\n", "");
    let policy = import(&config("max_depth: 1", stopping, &schedule), Some("gpt"));
    assert!(policy.contains("run 40 epochs;"), "{policy}");
    assert!(policy.contains("restore highest \"val/acc\""), "{policy}");
    // 0.505 is no improvement of 0.01; the phase after phase 1 is beyond `max_depth`.
    let table = metrics("val/acc", &[0.4, 0.5, 0.505, 0.505, 0.6, 0.65, 0.7, 0.91, 0.0]);
    let phases = [0, 0, 0, 0, 1, 1, 1, 1].map(Some);
    let phases = [&phases[..], &[None]].concat();
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, &table, &phases);
    let table = metrics("val/acc", &[0.4, 0.3, 0.3, 0.3, 0.2, 0.2]);
    let phases = [Some(0), Some(0), Some(0), Some(1), Some(1), Some(1), None];
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, &table, &phases);
}

/// Two parameters a phase, from the last one on.
#[test]
fn a_schedule_is_made_where_there_is_none() {
    let yaml = "trainer:\n  callbacks:\n  - class_path: finetuning_scheduler.FinetuningScheduler\n";
    let policy = import(yaml, Some("gpt"));
    let gpt = model("gpt");
    let names = names(&gpt);
    assert_eq!(policy.matches(" as phase_").count(), names.len().div_ceil(2), "{policy}");
    let table = metrics("val_loss", &[1.0; 13]);
    for record in epochs(&policy, &gpt, 13, &table) {
        // The first phase ends after four equal values, and so does each later one.
        let phase = usize::try_from(record.epoch / 4).unwrap();
        let first = names.len() - 2 * (phase + 1);
        assert_eq!(record.trainable, names[first..], "epoch {}", record.epoch);
    }
}

#[test]
fn a_schedule_lies_beside_its_configuration() {
    let yaml = "trainer:
  callbacks:
    class_path: finetuning_scheduler.FinetuningScheduler
    init_args: {ft_schedule: ./elsewhere/blocks.yaml, max_depth: 0}
";
    let folder = super::folder_with(&[("config.yaml", yaml), ("blocks.yaml", BLOCKS)]);
    let gpt = super::path_of("gpt");
    let call = ["import", "config.yaml", "--model", &gpt, "-o", "out.freeze"];
    let (status, out, errors) = super::freeze(&call, folder.path(), "");
    assert_eq!((status, out.as_str()), (0, ""), "{errors}");
    let policy = std::fs::read_to_string(folder.path().join("out.freeze")).unwrap();
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, "", &[Some(0); 3]);
    assert!(policy.starts_with("// Imported from config.yaml by `freeze import`."), "{policy}");
    std::fs::remove_file(folder.path().join("blocks.yaml")).unwrap();
    let (status, _, errors) = super::freeze(&call, folder.path(), "");
    assert!(status == 2 && errors.contains("`./elsewhere/blocks.yaml` is neither"), "{errors}");
}

#[test]
fn names_may_lack_the_prefix_of_the_file() {
    let schedule = BLOCKS.replace("[head", "[model.head").replace("norm.w", "model.norm.w");
    let schedule = schedule.replace("'blocks", "'model.blocks").replace(" embed", " model.embed");
    let policy = import(&schedule, Some("gpt"));
    assert_phases(&policy, "gpt", &BLOCK_PATTERNS, "", &[0, 0, 1, 1, 2].map(Some));
    assert!(
        notes(&policy).contains("begin with `model.`, and those of the model do not"),
        "{policy}"
    );
}

#[test]
fn running_statistics_follow_the_data() {
    let yaml = "0: {params: [fc.*]}\n1: {params: [layer4.*]}\n";
    let resnet = model("resnet18");
    let record = epochs(&import(yaml, Some("resnet18")), &resnet, 1, "").pop().unwrap();
    assert_eq!(record.live_stats.len(), resnet.normalisations().len());
    let held = config("frozen_bn_track_running_stats: false", "", yaml);
    let record = epochs(&import(&held, Some("resnet18")), &resnet, 1, "").pop().unwrap();
    assert!(record.live_stats.is_empty());
}

#[test]
fn what_looks_around_is_resolved_with_a_model() {
    let yaml = "0: {params: ['(?!blocks)(?!embed).*']}\n1: {params: ['(?=blocks).*', embed]}\n";
    let policy = import(yaml, Some("gpt"));
    let gpt = model("gpt");
    let records = epochs(&policy, &gpt, 1, "");
    let expected =
        names_where(&gpt, |name| !name.starts_with("blocks") && !name.starts_with("embed"));
    assert_eq!(records[0].trainable, expected);
}
