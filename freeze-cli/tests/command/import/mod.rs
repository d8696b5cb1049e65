//! `freeze import`: what each policy trains, epoch by epoch, against what the tool itself would train.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

mod axolotl;
mod finetuning_scheduler;
mod llama_factory;
mod rates;
mod refused;

use crate::support::{folder_with, freeze};
use freeze_dsl::clock::Program;
use freeze_dsl::model::Model;
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Per, Record, Setup, Table, simulate};

/// The path of a model beside the examples' policies.
fn path_of(model: &str) -> String {
    format!("{}/../examples/policies/{model}.model.json", env!("CARGO_MANIFEST_DIR"))
}

fn model(name: &str) -> Model {
    Model::load(path_of(name)).unwrap()
}

/// The names of a model's parameters, in its order.
fn names(model: &Model) -> Vec<String> {
    model.parameters().iter().map(|parameter| parameter.name.clone()).collect()
}

/// The names that a condition takes.
fn names_where(model: &Model, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    names(model).into_iter().filter(|name| is_wanted(name)).collect()
}

/// The names in which Python's `re.match` finds one of the patterns: from their start on.
fn names_matching(model: &Model, patterns: &[&str]) -> Vec<String> {
    let of = |pattern: &&str| regex::Regex::new(&format!("^(?:{pattern})")).unwrap();
    let patterns: Vec<regex::Regex> = patterns.iter().map(of).collect();
    names_where(model, |name| patterns.iter().any(|pattern| pattern.is_match(name)))
}

/// The policy of a YAML text, with a model of the examples if one is named.
#[track_caller]
fn import(yaml: &str, model: Option<&str>) -> String {
    let folder = folder_with(&[("input.yaml", yaml)]);
    let model = model.map(path_of);
    let mut arguments = vec!["import", "input.yaml"];
    arguments.extend(model.iter().flat_map(|path| ["--model", path.as_str()]));
    let (status, out, errors) = freeze(&arguments, folder.path(), "");
    assert_eq!(status, 0, "{errors}\n{out}");
    // What is written is formatted, and is the same when it is formatted again.
    let (formatted, again, _) = freeze(&["fmt", "-"], folder.path(), &out);
    assert_eq!((formatted, &again), (0, &out));
    out
}

/// The notes in a policy's head as one line.
fn notes(policy: &str) -> String {
    let comments = policy.lines().filter_map(|line| line.strip_prefix("// "));
    comments.map(str::trim_start).collect::<Vec<_>>().join(" ")
}

/// The records of a policy, one an epoch.
#[track_caller]
fn epochs(policy: &str, model: &Model, count: u64, metrics: &str) -> Vec<Record> {
    let setup = Setup {
        epochs: Some(count),
        program: Program { steps_per_epoch: Some(10), ..Program::default() },
        metrics: if metrics.is_empty() {
            Table::default()
        } else {
            Table::from_csv(metrics).unwrap()
        },
        per: Per::Epoch,
    };
    records(policy, model, setup)
}

#[track_caller]
fn records(policy: &str, model: &Model, setup: Setup) -> Vec<Record> {
    let parsed = Policy::parse(policy).unwrap_or_else(|found| panic!("{found}\n{policy}"));
    let plan = parsed.plan(model).unwrap_or_else(|found| panic!("{found}\n{policy}"));
    simulate(plan, setup).unwrap().collect()
}

/// The learning rate of a parameter at a record; `None` if it is frozen or has none.
fn lr(record: &Record, name: &str) -> Option<f64> {
    record.groups.iter().find(|group| group.params.iter().any(|it| it == name))?.lr
}

#[track_caller]
fn assert_close(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: no learning rate"));
    assert!(
        (found - expected).abs() <= 1e-9 * expected.abs(),
        "{what}: {found} and not {expected}"
    );
}

/// A table of one metric, its values from epoch 0 on.
fn metrics(name: &str, values: &[f64]) -> String {
    let rows = values.iter().enumerate().map(|(epoch, value)| format!("{epoch},{value}\n"));
    format!("epoch,{name}\n{}", rows.collect::<String>())
}

#[test]
fn standard_input_is_imported() {
    let yaml = "0:\n  params: [fc.bias]\n1:\n  params: [fc.weight]\n";
    let folder = folder_with(&[("input.yaml", yaml)]);
    let (status, out, errors) = freeze(&["import", "-"], folder.path(), yaml);
    assert_eq!(status, 0, "{errors}");
    let (_, of_file, _) = freeze(&["import", "input.yaml"], folder.path(), "");
    assert_eq!(out.replace("<stdin>", "input.yaml"), of_file);
    assert!(out.starts_with("// Imported from <stdin> by `freeze import`."), "{out}");
}
