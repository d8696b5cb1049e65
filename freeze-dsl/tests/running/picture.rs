//! The picture of a plan: it is what the simulation says, for every choice of the moments that metrics
//! decide.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test's own helpers"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::{model, resnet18};
use freeze_dsl::clock::Program;
use freeze_dsl::model::Model;
use freeze_dsl::picture::{
    Drawing, Picture, PictureError, PictureSetup, RowCell, RowLimits, RowTree,
};
use freeze_dsl::plan::Plan;
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Per, Setup, Table, simulate};

const ALL: RowLimits = RowLimits { shown: 100_000, all: 100_000 };

fn plan_of(text: &str, model: &Model) -> Plan {
    let policy = Policy::parse(text).unwrap_or_else(|found| panic!("{found}"));
    policy.plan(model).unwrap_or_else(|found| panic!("{found}"))
}

fn picture_of(plan: &Plan, setup: PictureSetup) -> Picture {
    Picture::new(plan, setup).unwrap_or_else(|error| panic!("{error}"))
}

fn with_steps(steps_per_epoch: Option<u64>) -> PictureSetup {
    let program = Program { steps_per_epoch, ..Program::default() };
    PictureSetup { program, ..PictureSetup::default() }
}

/// The learning rates of the rows that are drawn, by their paths: none for what is frozen.
fn drawn(
    picture: &Picture,
    drawing: &Drawing,
    rows: &RowTree,
    column: usize,
) -> BTreeMap<String, Vec<u64>> {
    let mut around: Vec<&str> = Vec::new();
    let mut drawn = BTreeMap::new();
    for row in rows.shown() {
        around.truncate(row.depth);
        around.push(&row.name);
        if !row.is_open {
            let rates = match picture.cell(drawing, row, column) {
                RowCell::Trains(training) => training
                    .rates
                    .map_or(vec![u64::MAX], |(low, high)| vec![low.to_bits(), high.to_bits()]),
                RowCell::Frozen => Vec::new(),
                RowCell::Over => vec![0],
            };
            drawn.insert(around.join("."), rates);
        }
    }
    drawn
}

/// Checks that a drawing is what a simulation with some metrics does, column by column.
#[track_caller]
fn assert_simulated(
    plan: &Plan,
    picture: &Picture,
    steps: Option<u64>,
    metrics: Table,
    what: &str,
) {
    let drawing = picture.drawing();
    let rows = picture.rows(&drawing, ALL);
    let epochs = picture.axis.ticks.div_ceil(picture.axis.ticks_per_epoch);
    let program = Program { steps_per_epoch: steps, ..Program::default() };
    let per = if steps.is_some() { Per::Step } else { Per::Epoch };
    let setup = Setup { epochs: Some(epochs), program, metrics, per };
    let mut compared = 0;
    for (tick, record) in (0..).zip(simulate(plan.clone(), setup).unwrap()) {
        if tick % picture.axis.ticks_per_column != 0 || tick >= picture.axis.ticks {
            continue;
        }
        let column = picture.axis.column_of(tick);
        for (path, rates) in drawn(picture, &drawing, &rows, column) {
            // Names of rows that stand for many are of none.
            let is_in = |name: &String| *name == path || name.starts_with(&format!("{path}."));
            let own = record.groups.iter().filter(|group| group.params.iter().any(is_in));
            let mut expected: Vec<f64> = own.map(|it| it.lr.unwrap_or(f64::NAN)).collect();
            expected.sort_by(f64::total_cmp);
            let known = plan.model().parameters().iter().any(|it| is_in(&it.name));
            if !known {
                continue;
            }
            compared += 1;
            let is_over = record.stopped && rates == [0];
            let fits = match (rates.as_slice(), expected.as_slice()) {
                ([], []) => true,
                ([low, high], [first, .., last]) => {
                    (f64::from_bits(*low), f64::from_bits(*high)) == (*first, *last)
                }
                ([low, high], [only]) => {
                    low == high && f64::from_bits(*low).to_bits() == only.to_bits()
                }
                ([u64::MAX], all) => all.iter().any(|it| it.is_nan()),
                _ => false,
            };
            // A part of the column may train that does not at its first tick.
            let is_later = expected.is_empty() && !rates.is_empty();
            assert!(
                fits || is_over || is_later,
                "{what}: {path} at tick {tick}: {rates:?} {expected:?}"
            );
        }
    }
    assert!(compared > 0, "{what}: nothing was compared");
}

fn policies() -> Vec<(String, String, Model)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policies"));
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "freeze") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let named = text.split("model \"").nth(1).unwrap().split('"').next().unwrap();
        let model = Model::load(folder.join(named)).unwrap();
        all.push((path.file_name().unwrap().to_str().unwrap().to_owned(), text, model));
    }
    assert!(all.len() > 20);
    all
}

#[test]
fn the_schedules_of_papers_are_drawn_as_they_are_simulated() {
    for (name, text, model) in policies() {
        let plan = plan_of(&text, &model);
        let observed = || {
            let metrics = plan.metrics();
            let ones = vec!["1"; metrics.len()].join(",");
            let rows: String = (0..12).map(|epoch| format!("{epoch},{ones}\n")).collect();
            let text = format!("epoch,{}\n{rows}", metrics.join(","));
            (!metrics.is_empty()).then(|| Table::from_csv(&text).unwrap())
        };
        let metrics = observed();
        let setup = PictureSetup {
            epochs: Some(12),
            metrics: Some(metrics.clone().unwrap_or_default()),
            ..with_steps(Some(25))
        };
        let picture = picture_of(&plan, setup);
        assert_simulated(&plan, &picture, Some(25), metrics.unwrap_or_default(), &name);
    }
}

/// A table in which the metric of a rule, which has its name, is 1 before it is to fire, else 0.
fn table(firings: &[(&str, u64)]) -> Table {
    let mut names: Vec<&str> = firings.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let mut text = format!("epoch,{}\n", names.join(","));
    for epoch in 0..24 {
        let is_due = |name: &&str| u8::from(firings.contains(&(*name, epoch + 1))).to_string();
        let values: Vec<String> = names.iter().map(is_due).collect();
        text.push_str(&format!("{epoch},{}\n", values.join(",")));
    }
    Table::from_csv(&text).unwrap()
}

#[test]
fn assumed_moments_are_as_if_a_metric_had_decided_them() {
    let one = "run 18 epochs; default lr exp 1e-3 -> 1e-5 over rest; start: train fc; \
               when one > 0.5 as one: train layer4, fc lr linear 1e-3 -> 1e-4 over 6 epochs; \
               after 1 epoch: set layer4 lr * 0.5; \
               when two > 0.5 as two: unfreeze layer3 lr cosine 1e-4 -> 0 over 3 epochs then freeze; \
               after 4 epochs: stop;";
    let again = "run 20 epochs; start: train fc lr 1e-3; repeat { \
                 when next > 0.5 as next: train layer4 lr linear 1e-3 -> 1e-4 over 3 epochs; \
                 after 2 epochs: train fc lr 1e-3; }";
    let drops = "run 20 epochs; default lr 1e-3; start: train fc, layer4; \
                 track plateau { whenever drop > 0.5 as drop: set @all lr * 0.1 to 1e-6; }";
    for (text, firings) in [
        (one, &[("one", 2), ("two", 5)][..]),
        (one, &[("one", 9), ("two", 17)]),
        (one, &[("one", 3), ("two", 5)]),
        (again, &[("next", 2), ("next", 6), ("next", 19)]),
        (drops, &[("drop", 3), ("drop", 7), ("drop", 19)]),
    ] {
        let plan = plan_of(text, &resnet18());
        for steps in [None, Some(10)] {
            for has_choices in [false, true] {
                // Rules of a track have its name.
                let full = |name: &str| match name {
                    "drop" => "plateau: drop".to_owned(),
                    name => name.to_owned(),
                };
                let assumed = firings.iter().map(|(name, epoch)| (full(name), *epoch)).collect();
                let setup = PictureSetup { assumed, has_choices, ..with_steps(steps) };
                let picture = picture_of(&plan, setup);
                assert_simulated(&plan, &picture, steps, table(firings), text);
            }
        }
    }
}

#[test]
fn tracks_with_scopes_are_chosen_apart() {
    let text = "run 30 epochs; default lr 1e-4; start: train fc; \
                when a > 0.5 as a: unfreeze layer4; when b > 0.5 as b: unfreeze layer3; \
                track one in layer1 { start: freeze @all; when c > 0.5 as c: train @all; } \
                track two in layer2 { start: freeze @all; when d > 0.5 as d: train @all; }";
    let plan = plan_of(text, &resnet18());
    let picture = picture_of(&plan, PictureSetup { has_choices: true, ..PictureSetup::default() });
    let counts: Vec<usize> = picture.groups.iter().map(|group| group.scenarios.len()).collect();
    // Nothing in a scenario of the main sequence depends on when its first rule fired.
    assert_eq!(counts, [1 + 29 + 28, 30, 30, 1]);
    assert!(picture.groups.iter().take(3).all(|group| group.has_all_choices));
}

#[test]
fn choices_are_coarser_where_there_would_be_too_many() {
    // Each curve goes on until the end, so every scenario depends on all moments before it.
    let rules: String = ["layer4", "layer3", "layer2", "layer1", "bn1", "conv1"]
        .iter()
        .map(|module| format!("when {module} > 1: unfreeze {module} lr linear 1 -> 2 over rest;"))
        .collect();
    let plan = plan_of(&format!("run 40 epochs; start: train fc lr 1; {rules}"), &resnet18());
    let picture = picture_of(&plan, PictureSetup { has_choices: true, ..PictureSetup::default() });
    let group = &picture.groups[0];
    assert!(!group.has_all_choices && group.scenarios.len() <= 1_000, "{}", group.scenarios.len());
    // What is drawn does not depend on them.
    let without = picture_of(&plan, PictureSetup::default());
    let last = |picture: &Picture| {
        let drawing = picture.drawing();
        drawn(picture, &drawing, &picture.rows(&drawing, ALL), 39)
    };
    assert_eq!(last(&picture), last(&without));
    assert_eq!(picture.drawing().firings, without.drawing().firings);
}

/// The epochs at which the one rule that waits for a metric fires, if it always does as soon as it can.
fn earliest(text: &str) -> Vec<u64> {
    let plan = plan_of(text, &resnet18());
    let picture = picture_of(&plan, PictureSetup { has_choices: true, ..PictureSetup::default() });
    let group = &picture.groups[0];
    let (mut at, mut epochs) = (0, Vec::new());
    loop {
        let scenario = &group.scenarios[at];
        let Some(moment) = scenario.moments.first() else { return epochs };
        let Some(epoch) = moment.choices.first() else { return epochs };
        epochs.push(*epoch);
        at = scenario.next[&(*epoch, vec![moment.rule])];
    }
}

#[test]
fn a_moment_can_be_chosen_from_when_a_clock_can_come_to_it() {
    // Metrics with which the condition holds as early and as often as it can.
    let flat = "epoch,m\n0,1\n1,1\n2,1\n3,1\n4,1\n5,1\n6,1\n7,1\n8,1\n";
    let waves = "epoch,m\n0,1\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n8,1\n";
    for (rule, metrics) in [
        ("when m stops falling for 3 epochs", flat),
        ("when m > 0", flat),
        ("when m > 0 for 2 epochs", flat),
        ("whenever m stops rising for 2 epochs", flat),
        ("whenever m > 0.5", waves),
        ("whenever m > 0 for 2 epochs", flat),
        ("when m > 0 for 3 epochs or epoch 7", flat),
    ] {
        let text = format!("run 9 epochs; start: train fc lr 1; {rule}: set fc lr * 0.5");
        let setup = Setup { metrics: Table::from_csv(metrics).unwrap(), ..Setup::default() };
        let records = simulate(plan_of(&text, &resnet18()), setup).unwrap();
        let fires = |record: &freeze_dsl::simulate::Record| {
            record.fired.iter().any(|fired| fired == "rule 2")
        };
        let fired: Vec<u64> = records.filter(fires).map(|record| record.epoch).collect();
        assert!(!fired.is_empty());
        assert_eq!(earliest(&text), fired, "{rule}");
    }
}

#[test]
fn parts_of_modules_and_of_columns_are_parts() {
    let embedding = model(&["e.weight[8, 2]", "e.bias[8]", "f[4]"]);
    let text = "run 4 epochs; start: train rows 0..2 of e.weight, f lr 1; step 5: freeze f";
    let picture =
        picture_of(&plan_of(text, &embedding), PictureSetup { columns: 4, ..with_steps(Some(4)) });
    let drawing = picture.drawing();
    let tree = picture.rows(&drawing, RowLimits { shown: 2, all: 2 });
    let rows = tree.shown();
    let of = |row: usize, column: usize| match picture.cell(&drawing, rows[row], column) {
        RowCell::Trains(training) => (training.elements, training.is_part),
        RowCell::Frozen => (0, false),
        RowCell::Over => panic!("nothing ends"),
    };
    assert_eq!((of(0, 0), of(1, 0)), ((4, true), (4, false)));
    assert_eq!((of(1, 1), of(1, 2)), ((4, true), (0, false)));
}

#[test]
fn what_a_sample_draws_is_a_part() {
    let layers = model(&["head[2]", "l.0[2]", "l.1[2]", "l.2[2]"]);
    let text = "run 3 epochs; start or every 1 epoch: train head, sample 1 of [l.*] seed 1 lr 1";
    let plan = plan_of(text, &layers);
    let picture = picture_of(&plan, PictureSetup::default());
    let drawing = picture.drawing();
    let tree = picture.rows(&drawing, ALL);
    let (mut drawn, mut plain) = (0, 0);
    for row in tree.shown().into_iter().filter(|row| !row.is_open) {
        for column in 0..3 {
            if let RowCell::Trains(training) = picture.cell(&drawing, row, column) {
                assert_eq!(training.is_part, row.name != "head");
                *(if training.is_part { &mut drawn } else { &mut plain }) += 1;
            }
        }
    }
    assert_eq!((drawn, plain), (3, 3));
}

#[test]
fn alike_neighbours_are_one_row_that_unfolds() {
    let names: Vec<String> =
        (0..6).flat_map(|at| [format!("l.{at}.a[2]"), format!("l.{at}.b[2]")]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let layers = model(&names);
    let shown = |text: &str| {
        let picture = picture_of(&plan_of(text, &layers), PictureSetup::default());
        let tree = picture.rows(&picture.drawing(), ALL);
        let rows = tree.shown();
        rows.iter().map(|row| format!("{}{}", "-".repeat(row.depth), row.name)).collect::<Vec<_>>()
    };
    assert_eq!(shown("run 2 epochs; start: train @all lr 1"), ["l"]);
    assert_eq!(shown("run 2 epochs; start: train l[..4] lr 1"), ["l", "-0 … 3", "-4", "-5"]);
    let each = shown("run 2 epochs; start: train l.*.a lr 1");
    assert_eq!(each, ["l", "-0 … 5", "--a", "--b"]);
}

#[test]
fn what_cannot_be_assumed_is_an_error() {
    let plan = plan_of("run 9 epochs; start: train fc lr 1; when m > 1 as x: stop", &resnet18());
    let with = |rule: &str, epoch| {
        let assumed = vec![(rule.to_owned(), epoch)];
        Picture::new(&plan, PictureSetup { assumed, ..PictureSetup::default() }).unwrap_err()
    };
    assert_eq!(with("y", 3).to_string(), "no rule is called `y`; choose `x`");
    assert_eq!(with("rule 1", 3), PictureError::NoMetric("rule 1".to_owned()));
    let other = |epoch, first| PictureError::OtherMoment { rule: "x".to_owned(), epoch, first };
    assert_eq!(with("x", 0), other(0, Some(1)));
    assert_eq!(with("x", 9), other(9, None));
}

/// Only what happens takes time: a run may have more steps than any program could count.
#[test]
fn a_run_of_any_length_is_drawn() {
    let text = "default optimizer adamw; run 1000000000000 epochs;
        start: train fc lr linear 0 -> 1e-3 over 1% then cosine 1e-3 -> 1e-6 over 40% then freeze;
        at 50%: train layer4 lr 1e-4 times 0.9 every 1% to 1e-6;
        when val_loss stops falling for 3 epochs: unfreeze layer3";
    let plan = plan_of(text, &resnet18());
    for steps in [None, Some(10_000)] {
        let setup = PictureSetup { columns: 100, ..with_steps(steps) };
        let picture = picture_of(&plan, setup);
        let drawing = picture.drawing();
        assert_eq!(picture.axis.columns(), 100);
        let ticks = picture.axis.ticks;
        let fired: Vec<u64> =
            drawing.firings.iter().map(|it| (it.tick * 100 + ticks / 2) / ticks).collect();
        assert_eq!(fired, [0, 50, 75]);
        let rows = picture.rows(&drawing, ALL);
        let shown = rows.shown();
        let fc = shown.iter().find(|row| row.name == "fc").unwrap();
        let trains = |column| !matches!(picture.cell(&drawing, fc, column), RowCell::Frozen);
        assert_eq!((0..100).position(|column| !trains(column)), Some(41));
    }
}
