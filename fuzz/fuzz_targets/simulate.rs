//! A policy, a table of metrics and a model, separated by lines of `---`: at each moment of a
//! training, the groups contain every trainable parameter once, with finite learning rates.

#![no_main]

use std::sync::LazyLock;

use freeze_dsl::model::Model;
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Per, Record, Setup, Table, simulate};
use libfuzzer_sys::fuzz_target;

static SMALL: LazyLock<Model> =
    LazyLock::new(|| Model::from_json(include_str!("small.model.json")).expect("it is a model"));

const EPOCHS: u64 = 12;
const STEPS: u64 = 5;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split("\n---\n");
    let (policy, table, model) = (parts.next(), parts.next(), parts.next());
    let model = model.and_then(|model| Model::from_json(model).ok());
    let model = model.as_ref().unwrap_or(&SMALL);
    let metrics = table.and_then(|table| Table::from_csv(table).ok()).unwrap_or_default();
    let Some(Ok(policy)) = policy.map(Policy::parse) else { return };
    let Ok(plan) = policy.plan(model) else { return };
    for per in [Per::Epoch, Per::Step] {
        let mut setup =
            Setup { epochs: Some(EPOCHS), metrics: metrics.clone(), per, ..Setup::default() };
        setup.program.lr = Some(1.0);
        setup.program.steps_per_epoch = Some(STEPS);
        let run = || simulate(plan.clone(), setup.clone()).expect("all is given").collect();
        let records: Vec<Record> = run();
        assert!(records.len() as u64 <= EPOCHS * STEPS + 1);
        records.iter().for_each(hold);
        assert_eq!(records, run(), "the same events, the same records");
    }
});

fn hold(record: &Record) {
    let mut grouped: Vec<&String> = record.groups.iter().flat_map(|group| &group.params).collect();
    let mut trainable: Vec<&String> = record.trainable.iter().collect();
    grouped.sort();
    trainable.sort();
    assert_eq!(grouped, trainable);
    for group in &record.groups {
        let lr = group.lr.expect("the program sets one");
        assert!(lr.is_finite() && lr >= 0.0, "{record:?}");
    }
}
