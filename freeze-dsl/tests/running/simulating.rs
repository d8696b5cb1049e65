//! The records of a simulation: their shape, when they come, and what they need.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own helpers")]

use freeze_dsl::Optimizer;
use freeze_dsl::clock::Program;
use freeze_dsl::model::Model;
use freeze_dsl::policy::Policy;
use freeze_dsl::simulate::{Per, Record, Setup, SimulateError, Simulation, Table, simulate};

const MODEL: &str = r#"{"format":1,"tensors":[
    {"name":"embed.weight","shape":[100,4],"dtype":"f32","role":"parameter"},
    {"name":"bn.weight","shape":[4],"dtype":"f32","role":"parameter"},
    {"name":"bn.running_mean","shape":[4],"dtype":"f32","role":"buffer"},
    {"name":"fc.weight","shape":[2,4],"dtype":"f32","role":"parameter"},
    {"name":"fc.bias","shape":[2],"dtype":"f32","role":"parameter"}]}"#;

fn try_run(text: &str, setup: Setup) -> Result<Simulation, SimulateError> {
    let policy = Policy::parse(text).unwrap_or_else(|found| panic!("{found}"));
    let plan = policy.plan(&Model::from_json(MODEL).unwrap());
    simulate(plan.unwrap_or_else(|found| panic!("{found}")), setup)
}

fn run(text: &str, setup: Setup) -> Simulation {
    try_run(text, setup).unwrap_or_else(|error| panic!("{error}"))
}

fn setup(epochs: u64, steps: u64) -> Setup {
    let program = Program { steps_per_epoch: Some(steps), ..Program::default() };
    Setup { epochs: Some(epochs), program, ..Setup::default() }
}

fn each_step(epochs: u64, steps: u64) -> Setup {
    Setup { per: Per::Step, ..setup(epochs, steps) }
}

/// Epoch, step, what fired, whether training is over.
fn moments(records: impl Iterator<Item = Record>) -> Vec<(u64, u64, String, bool)> {
    let moment =
        |it: Record| (it.epoch, it.step.unwrap_or(u64::MAX), it.fired.join(" "), it.stopped);
    records.map(moment).collect()
}

fn moment(epoch: u64, step: u64, fired: &str, stopped: bool) -> (u64, u64, String, bool) {
    (epoch, step, fired.to_owned(), stopped)
}

#[test]
fn a_record_is_a_line_of_json() {
    let text = "default lr 1e-4 weight_decay 0.05 optimizer adamw(beta2 0.99); \
                start as probe: train fc lr 1e-3; epoch 1: unfreeze bn";
    let lines: Vec<String> =
        run(text, setup(2, 7)).map(|record| serde_json::to_string(&record).unwrap()).collect();
    let expected = [
        r#"{"epoch":0,"step":0,"fired":["probe"],"trainable":["fc.weight","fc.bias"],"groups":[{"params":["fc.weight","fc.bias"],"lr":0.001,"weight_decay":0.05,"optimizer":"adamw","optimizer_numbers":{"beta1":0.9,"beta2":0.99,"eps":1e-8,"amsgrad":false}}],"live_stats":[],"stopped":false}"#,
        r#"{"epoch":1,"step":7,"fired":["rule 2"],"trainable":["bn.weight","fc.weight","fc.bias"],"groups":[{"params":["bn.weight"],"lr":0.0001,"weight_decay":0.05,"optimizer":"adamw","optimizer_numbers":{"beta1":0.9,"beta2":0.99,"eps":1e-8,"amsgrad":false}},{"params":["fc.weight","fc.bias"],"lr":0.001,"weight_decay":0.05,"optimizer":"adamw","optimizer_numbers":{"beta1":0.9,"beta2":0.99,"eps":1e-8,"amsgrad":false}}],"live_stats":["bn"],"stopped":false}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_nothing_sets_is_null_and_the_program_sets_the_rest() {
    let line = |setup| {
        let record = run("run 1 epochs; start: train fc.bias", setup).next().unwrap();
        serde_json::to_string(&record.groups).unwrap()
    };
    let bare = r#"[{"params":["fc.bias"],"lr":null,"weight_decay":null,"optimizer":null}]"#;
    assert_eq!(line(Setup::default()), bare);
    let program = Program { lr: Some(0.5), optimizer: Some(Optimizer::SGD), ..Program::default() };
    let given = r#"[{"params":["fc.bias"],"lr":0.5,"weight_decay":0.0,"optimizer":"sgd","optimizer_numbers":{"momentum":0.0,"dampening":0.0,"nesterov":false}}]"#;
    assert_eq!(line(Setup { program, ..Setup::default() }), given);
}

#[test]
fn rows_are_stretches_and_all_rows_are_the_parameter() {
    let text = "start: train rows 10..20 of embed.weight, rows 20..40 of embed.weight, \
                rows 60..70 of embed.weight lr 1; \
                epoch 1: set rows 20..40 of embed.weight lr 2; \
                epoch 2: train embed lr 3; \
                epoch 3: set rows 0..10 of embed.weight lr 4";
    let records: Vec<Record> = run(text, setup(4, 1)).collect();
    let trainable: Vec<Vec<String>> =
        records.iter().map(|record| record.trainable.clone()).collect();
    let some = vec!["embed.weight[10..40]".to_owned(), "embed.weight[60..70]".to_owned()];
    let whole = vec!["embed.weight".to_owned()];
    assert_eq!(trainable, [some.clone(), some.clone(), whole.clone(), whole.clone()]);
    let groups: Vec<Vec<String>> = records
        .iter()
        .map(|record| record.groups.iter().map(|group| group.params.join(" ")).collect())
        .collect();
    assert_eq!(groups[0], ["embed.weight[10..40] embed.weight[60..70]"]);
    assert_eq!(groups[1], ["embed.weight[10..20] embed.weight[60..70]", "embed.weight[20..40]"]);
    assert_eq!(groups[2], ["embed.weight"]);
    assert_eq!(groups[3], ["embed.weight[0..10]", "embed.weight[10..100]"]);
}

#[test]
fn an_epochs_record_lists_what_fired_since_the_one_before() {
    let text = "start as a: train fc; step 2 as b: unfreeze bn; step 3 as c: freeze bn; \
                after 3 steps as d: unfreeze bn; epoch 2 as e: unfreeze embed";
    let records: Vec<Record> = run(text, setup(3, 3)).collect();
    // `c` fires after the last step of epoch 0, and `d` after the last of epoch 1.
    let expected = [moment(0, 0, "a", false), moment(1, 3, "b c", false)];
    assert_eq!(moments(records.iter().take(2).cloned()), expected);
    assert_eq!(records[2].fired, ["d", "e"]);
    assert_eq!(records[1].live_stats, Vec::<String>::new());
    assert_eq!(records[2].live_stats, ["bn"]);

    let each = moments(run(text, each_step(3, 3)));
    let fired: Vec<&str> = each.iter().map(|(_, _, fired, _)| fired.as_str()).collect();
    assert_eq!(fired, ["a", "", "b", "c", "", "", "d e", "", ""]);
    let at: Vec<(u64, u64)> = each.iter().map(|(epoch, step, ..)| (*epoch, *step)).collect();
    assert_eq!(at[..4], [(0, 0), (0, 1), (0, 2), (1, 3)]);
}

#[test]
fn the_last_record_shows_that_training_is_over() {
    let text = "start as a: train fc; step 4 as end: stop";
    let expected = [moment(0, 0, "a", false), moment(1, 3, "", false), moment(1, 4, "end", true)];
    assert_eq!(moments(run(text, setup(9, 3))), expected);
    let steps = moments(run(text, each_step(9, 3)));
    assert_eq!(steps.len(), 5);
    assert_eq!(steps[4], moment(1, 4, "end", true));
    // At the very end of an epoch, the next one does not begin.
    let expected = [moment(0, 0, "a", false), moment(0, 4, "end", true)];
    assert_eq!(moments(run(text, setup(9, 4))), expected);

    let mut ended = run(text, setup(9, 4));
    assert_eq!(ended.by_ref().count(), 2);
    assert!(ended.next().is_none());
}

#[test]
fn metrics_are_observed_at_the_end_of_their_epoch() {
    let metrics = Table::from_csv("epoch,acc,loss\n2,0.9,\n0,0.95,0.5\n1,0.1,0.4\n").unwrap();
    let text = "start as a: train fc; when acc > 0.8 and loss < 0.45 as b: unfreeze bn";
    // `acc` holds in epochs 0 and 2; `loss` was last seen in epoch 1, where it held.
    let fired = moments(run(text, Setup { metrics: metrics.clone(), ..setup(4, 2) }));
    assert_eq!(fired[3], moment(3, 6, "b", false));
    assert!(fired[1..3].iter().all(|(_, _, fired, _)| fired.is_empty()));
    // A step rule does not see them before.
    let text = "start as a: train fc; when acc > 0.8 as b: unfreeze bn";
    let fired = moments(run(text, Setup { metrics, ..each_step(2, 2) }));
    let fired: Vec<&str> = fired.iter().map(|(_, _, fired, _)| fired.as_str()).collect();
    assert_eq!(fired, ["a", "", "b", ""]);
}

#[test]
fn the_run_says_how_long_it_is() {
    let text = "run 3 epochs; start: train fc";
    assert_eq!(run(text, Setup::default()).count(), 3);
    assert_eq!(run(text, Setup { epochs: Some(5), ..Setup::default() }).count(), 5);
    assert_eq!(run(text, Setup { epochs: Some(0), ..Setup::default() }).count(), 0);
    // 10 steps are two epochs and a half.
    let text = "run 10 steps; start: train fc";
    let setup = |per| Setup { epochs: None, per, ..setup(0, 4) };
    assert_eq!(run(text, setup(Per::Epoch)).count(), 3);
    assert_eq!(run(text, setup(Per::Step)).count(), 10);
    // Where nothing counts steps, nothing needs their number.
    let first = run("run 1 epochs; start: train fc", Setup::default()).next().unwrap();
    assert_eq!(first.step, None);
}

#[test]
fn what_is_missing_is_reported() {
    let error = |text, setup| try_run(text, setup).map(|_| ()).unwrap_err();
    let unknown = || Setup { epochs: Some(2), ..Setup::default() };
    assert_eq!(error("start: train fc", Setup::default()), SimulateError::NoLength);
    assert_eq!(error("start: train fc", setup(2, 0)), SimulateError::EmptyEpoch);
    assert!(SimulateError::NoLength.to_string().contains("set `epochs`"));
    assert!(SimulateError::NoSteps("it is").to_string().ends_with("set `steps_per_epoch`"));
    let per_step = Setup { per: Per::Step, ..unknown() };
    assert!(matches!(error("start: train fc", per_step), SimulateError::NoSteps(_)));
    for text in [
        "run 10 steps; start: train fc",
        "start: train fc; step 5: unfreeze bn",
        "start: train fc; after 5 steps: unfreeze bn",
        "start or every 5 steps: train fc",
        "start: train fc; when loss stops falling for 5 steps: unfreeze bn",
        "start: train fc; when loss < 1 for 5 steps: unfreeze bn",
        "start: train fc lr linear 1 -> 2 over 5 steps",
        "default lr 1 times 2 every 5 steps; start: train fc",
    ] {
        assert!(matches!(error(text, unknown()), SimulateError::NoSteps(_)), "{text}");
    }
}

#[test]
fn records_come_one_at_a_time() {
    // Nobody could wait for all of these.
    let text = "start or every 20 steps: train fc, sample 1 of [bn, embed] seed 3";
    let records: Vec<Record> = run(text, setup(u64::MAX, 20)).take(3).collect();
    assert_eq!(records.last().map(|record| record.step), Some(Some(40)));
}

#[test]
fn a_malformed_table_is_reported_with_its_line() {
    let error = |text: &str| Table::from_csv(text).unwrap_err().to_string();
    for (text, message) in [
        ("", "line 1: expected the names of the columns, such as `epoch,val_loss`"),
        ("\nval_loss\n0.5", "line 2: the column `epoch` is missing"),
        ("Epoch,m\n0,1", "line 1: the column `epoch` is missing; write `epoch` for `Epoch`"),
        (
            "epoch;m\n0;1",
            "line 1: the column `epoch` is missing: columns are separated by `,`, not by `;`",
        ),
        ("epoch,a,a", "line 1: two columns are called `a`"),
        ("epoch,", "line 1: a column has no name"),
        ("epoch,a\n0,1\n1", "line 3: 1 cell where 2 columns are named"),
        ("epoch\n0,1", "line 2: 2 cells where 1 column is named"),
        ("epoch,a\n0,1\n\n1,x\n", "line 4: `x` is not a number"),
        ("epoch,a\n-1,1", "line 2: `-1` is not an epoch: write a whole number from 0"),
        ("epoch,a\n0,1\n0,2", "line 3: epoch 0 is given twice"),
        ("epoch,\"a\n0,1", "line 1: a quote is never closed"),
        ("epoch,\"a\"b\n0,1", "line 1: expected `,` after the closing quote"),
    ] {
        assert_eq!(error(text), message, "{text:?}");
    }
}

#[test]
fn a_table_is_read_as_spreadsheets_write_it() {
    let text = "\u{FEFF}epoch, val_loss ,\"a, \"\"b\"\"\"\r\n 1 ,1e-3,nan\r\n\r\n0,,-inf\r\n";
    let table = Table::from_csv(text).unwrap();
    let observed: Vec<(&str, f64)> = table.observed(0).collect();
    assert_eq!(observed, [("a, \"b\"", f64::NEG_INFINITY)]);
    let observed: Vec<(&str, f64)> = table.observed(1).collect();
    assert_eq!(observed[0], ("val_loss", 1e-3));
    assert!(observed[1].1.is_nan());
    assert_eq!(table.observed(2).count(), 0);
}

#[test]
fn a_quoted_name_may_contain_a_line_end() {
    let table = Table::from_csv("epoch,\"loss,\nof validation\"\n0,0.5\n").unwrap();
    assert_eq!(table.observed(0).collect::<Vec<_>>(), [("loss,\nof validation", 0.5)]);
    let error = Table::from_csv("epoch,\"a\nb\"\n0,x").unwrap_err();
    assert_eq!(error.to_string(), "line 3: `x` is not a number");
}
