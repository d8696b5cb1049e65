//! The log: a line an epoch, that says what was.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]

use std::fs;
use std::path::Path;

use freeze_dsl::clock::Program;
use freeze_dsl::simulate::{Record, Setup, simulate};
use freeze_runtime::{Error, ParamGroup, Tuner};
use freeze_tests::{Net, parse, train, tune};
use serde_json::{Value, json};
use tch::Device;
use tempfile::TempDir;

type Outcome = Result<(), Error>;

/// Rules of every kind: they fire when epochs start and in their middle, by metrics, with curves.
const POLICY: &str = "default lr 0.05 weight_decay 0.01 optimizer adamw;
    start as head: train fc lr cosine 0.1 -> 0.01 over 5 epochs;
    step 4 as middle: unfreeze layer2.conv lr 1e-3 weight_decay 0;
    when loss < 1 as low: unfreeze layer2.bn, layer1 optimizer sgd(momentum 0.9);
    after 1 epoch: freeze layer2, stop";
const STEPS: usize = 3;

#[expect(clippy::unwrap_used, reason = "a test's own file")]
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let mut before = Value::Null;
    let lines = text.lines().map(|line| {
        before = whole(serde_json::from_str(line).unwrap(), &before);
        before.clone()
    });
    lines.collect()
}

/// A line with everything that was in force: what it does not have is as in the line before.
#[expect(clippy::unwrap_used, reason = "a line that the tuner wrote")]
fn whole(mut line: Value, before: &Value) -> Value {
    if let Some(changed) = line.as_object_mut().unwrap().remove("changed") {
        for field in ["trainable", "groups", "live_stats", "trained_share"] {
            line[field] = before[field].clone();
        }
        for mut change in changed.as_array().unwrap().clone() {
            let group = change["group"].take().as_u64().and_then(|it| usize::try_from(it).ok());
            let group = &mut line["groups"][group.unwrap()];
            for number in ["lr", "weight_decay"] {
                if let Some(value) = change.get(number) {
                    group[number] = value.clone();
                }
            }
        }
    }
    line
}

fn path(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("run.jsonl")
}

fn tuned(net: &Net) -> Result<Tuner, Error> {
    Tuner::builder(&parse(POLICY)).steps_per_epoch(STEPS).attach(&net.vs)
}

/// What the loss of the running epoch is, say.
fn loss(tuner: &Tuner) -> f64 {
    u32::try_from(tuner.epochs_started()).map_or(f64::NAN, |epoch| 3.0 - f64::from(epoch))
}

/// An epoch of steps, and the loss that is observed at its end.
fn epoch(net: &Net, tuner: &mut Tuner) -> Outcome {
    tuner.start_epoch()?;
    train(net, tuner, 0..3)?;
    let loss = loss(tuner);
    tuner.observe("loss", loss)
}

fn share(part: usize, whole: usize) -> f64 {
    let [part, whole] = [part, whole].map(|count| u32::try_from(count).map_or(f64::NAN, f64::from));
    part / whole
}

fn written(groups: &[ParamGroup]) -> Value {
    let groups = groups.iter().map(|group| {
        let numbers = group.optimizer_numbers().into_iter();
        let numbers: serde_json::Map<_, _> =
            numbers.map(|(name, number)| (name.to_owned(), json!(number))).collect();
        json!({"params": group.params, "lr": group.lr, "weight_decay": group.weight_decay,
            "optimizer": group.optimizer.name(), "optimizer_numbers": numbers})
    });
    groups.collect()
}

#[test]
fn a_line_says_what_the_tuner_said() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tuned(&net)?;
    tuner.log_to(path(&folder))?;
    let numbers: usize = net.vs.trainable_variables().iter().map(tch::Tensor::numel).sum();
    let mut expected = Vec::new();
    while !tuner.is_stopped() {
        let mut fired = Vec::new();
        let mut note = |change: freeze_runtime::Transition| {
            fired.extend(change.fired);
        };
        let step = tuner.global_step();
        note(tuner.start_epoch()?);
        let trained = net.vs.trainable_variables();
        let trained = trained.iter().filter(|it| it.requires_grad()).map(tch::Tensor::numel);
        let share = share(trained.sum(), numbers);
        let (trainable, groups) = (json!(tuner.trainable_names()), written(&tuner.param_groups()));
        for batch in 0..3 {
            note(tuner.backward_step(&net.loss(batch))?);
        }
        let loss = loss(&tuner);
        tuner.observe("loss", 100.0)?;
        tuner.observe("loss", loss)?;
        expected.push(json!({
            "format": 1, "epoch": tuner.epochs_started() - 1, "step": step, "fired": fired,
            "trainable": trainable, "groups": groups, "trained_share": share,
            "metrics": {"loss": loss}, "optimizer_bytes": tuner.optimizer_bytes(),
            "stopped": tuner.is_stopped(),
        }));
    }
    tuner.finish_log()?;
    let mut lines = lines(&path(&folder));
    let live: Vec<Value> = lines
        .iter_mut()
        .map(|line| line.as_object_mut().unwrap().remove("live_stats").unwrap())
        .collect();
    assert_eq!(lines, expected);
    // The last rule ends the training, and then all statistics are held.
    assert_eq!(json!(live), json!([[], [], [], ["layer1.bn", "layer2.bn"], []]));
    let fired: Vec<&Value> = lines.iter().map(|line| &line["fired"]).collect();
    assert_eq!(json!(fired), json!([["head"], ["middle"], [], ["low"], ["rule 4"]]));
    Ok(())
}

#[test]
fn a_line_says_what_the_simulation_says() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tuned(&net)?;
    tuner.log_to(path(&folder))?;
    for _ in 0..4 {
        epoch(&net, &mut tuner)?;
    }
    let program = Program { steps_per_epoch: Some(3), ..Program::default() };
    let metrics = freeze_dsl::simulate::Table::from_csv("epoch,loss\n0,2\n1,1\n2,0\n3,-1").unwrap();
    let setup = Setup { epochs: Some(4), program, metrics, ..Setup::default() };
    let records: Vec<Record> = simulate(tuner.plan().clone(), setup).unwrap().collect();
    drop(tuner);
    let lines = lines(&path(&folder));
    assert_eq!(lines.len(), 4);
    for (line, record) in
        lines.iter().zip(serde_json::to_value(records).unwrap().as_array().unwrap())
    {
        for field in ["epoch", "step", "trainable", "groups", "live_stats"] {
            assert_eq!(line[field], record[field], "{field} of epoch {}", line["epoch"]);
        }
    }
    Ok(())
}

#[test]
fn a_line_is_written_when_its_epoch_is_over_and_the_last_one_is_not_lost() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    for finish in [true, false] {
        let net = Net::convolutions(Device::Cpu);
        let mut tuner = tuned(&net)?;
        tuner.log_to(path(&folder))?;
        for done in 0..3 {
            epoch(&net, &mut tuner)?;
            if done > 0 {
                assert_eq!(lines(&path(&folder)).len(), done);
            }
        }
        if finish {
            tuner.finish_log()?;
            assert_eq!(lines(&path(&folder)).len(), 3);
            tuner.start_epoch()?;
        }
        drop(tuner);
        assert_eq!(lines(&path(&folder)).len(), 3);
    }
    Ok(())
}

#[test]
fn metrics_are_of_their_epoch_and_what_is_no_number_is_null() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c");
    // Before the first epoch starts, it is observed in it.
    tuner.observe("start", 1.0)?;
    tuner.log_to(path(&folder))?;
    for value in [0.1 + 0.2, f64::NAN, f64::NEG_INFINITY] {
        tuner.start_epoch()?;
        tuner.observe("loss", value)?;
    }
    tuner.start_epoch()?;
    drop(tuner);
    let metrics: Vec<Value> =
        lines(&path(&folder)).iter().map(|line| line["metrics"].clone()).collect();
    let null = json!({"loss": null});
    assert_eq!(metrics, [json!({"loss": 0.1 + 0.2, "start": 1.0}), null.clone(), null, json!({})]);
    Ok(())
}

#[test]
fn a_log_that_begins_late_has_the_running_epoch_whole() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tuned(&net)?;
    epoch(&net, &mut tuner)?;
    epoch(&net, &mut tuner)?;
    tuner.log_to(path(&folder))?;
    tuner.start_epoch()?;
    drop(tuner);
    let lines = lines(&path(&folder));
    let epochs: Vec<&Value> = lines.iter().map(|line| &line["epoch"]).collect();
    assert_eq!(epochs, [1, 2]);
    assert_eq!(lines[0]["fired"], json!(["middle"]));
    assert_eq!(lines[0]["metrics"], json!({"loss": 1.0}));
    Ok(())
}

#[test]
fn a_run_that_begins_anew_begins_its_log_anew_once_it_has_something_to_say() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let run = |epochs| -> Outcome {
        let net = Net::convolutions(Device::Cpu);
        let mut tuner = tuned(&net)?;
        tuner.log_to(path(&folder))?;
        (0..epochs).try_for_each(|_| epoch(&net, &mut tuner))
    };
    run(3)?;
    let before = lines(&path(&folder));
    run(0)?;
    assert_eq!(lines(&path(&folder)), before);
    run(2)?;
    assert_eq!(lines(&path(&folder)), before[..2]);
    Ok(())
}

#[test]
fn a_piece_of_a_line_that_a_crash_left_is_removed() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tuned(&net)?;
    (0..3).try_for_each(|_| epoch(&net, &mut tuner))?;
    for piece in ["{\"for", "{\"format\":1,\"epoch\":1,\"step\":3,\"fired\":[\"mid", "\0\0\0"] {
        let first = "{\"format\":1,\"epoch\":0}\n";
        fs::write(path(&folder), format!("{first}{piece}")).unwrap();
        tuner.log_to(path(&folder))?;
        assert!(fs::read_to_string(path(&folder)).unwrap().ends_with(piece));
        tuner.finish_log()?;
        let epochs: Vec<Value> =
            lines(&path(&folder)).iter().map(|line| line["epoch"].clone()).collect();
        assert_eq!(epochs, [0, 2]);
    }
    Ok(())
}

#[test]
fn what_is_no_log_is_refused_and_stays_as_it_is() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c");
    tuner.start_epoch()?;
    let line = |epoch| format!("{{\"format\":1,\"epoch\":{epoch}}}\n");
    for (text, problem) in [
        ("some notes".to_owned(), "line 1 is not a line of a log"),
        ("{\"weights\":[1,2]}\n".to_owned(), "line 1 is not a line of a log"),
        (format!("{}\n", line(0)), "line 2 is not a line of a log"),
        (
            format!("{}{{\"format\":2,\"epoch\":1}}\n", line(0)),
            "line 2 has format 2, and this version writes format 1",
        ),
        (
            format!("{}{}", line(1), line(1)),
            "line 2 has epoch 1, and the line before it has epoch 1",
        ),
    ] {
        fs::write(path(&folder), &text).unwrap();
        let error = tuner.log_to(path(&folder)).unwrap_err();
        assert!(matches!(error, Error::Log { .. }));
        assert!(error.to_string().contains("run.jsonl"), "{error}");
        assert!(error.to_string().ends_with(problem), "{error}");
        tuner.finish_log()?;
        assert_eq!(fs::read_to_string(path(&folder)).unwrap(), text);
    }
    for place in [folder.path().join("no/such/folder/run.jsonl"), folder.path().to_owned()] {
        assert!(matches!(tuner.log_to(place), Err(Error::Log { .. })));
    }
    Ok(())
}

/// What a program does with a tuner.
#[derive(Debug, Clone, Copy)]
enum Act {
    StartEpoch,
    Step(i64),
    Observe,
}

fn acts() -> Vec<Act> {
    let epoch = [Act::StartEpoch, Act::Step(0), Act::Step(1), Act::Step(2), Act::Observe];
    epoch.repeat(5)
}

fn act(acts: &[Act], net: &Net, tuner: &mut Tuner) -> Outcome {
    for act in acts {
        match act {
            Act::StartEpoch => drop(tuner.start_epoch()?),
            Act::Step(batch) => train(net, tuner, *batch..batch + 1)?,
            Act::Observe => tuner.observe("loss", loss(tuner))?,
        }
    }
    Ok(())
}

#[test]
fn a_run_that_is_resumed_goes_on_with_its_log_as_if_it_had_never_stopped() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let acts = acts();
    let whole = folder.path().join("whole.jsonl");
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tuned(&net)?;
    tuner.log_to(&whole)?;
    act(&acts, &net, &mut tuner)?;
    drop(tuner);
    assert_eq!(lines(&whole).len(), 5);

    for stop in 0..acts.len() {
        let (before, after) = acts.split_at(stop);
        let net = Net::convolutions(Device::Cpu);
        let mut tuner = tuned(&net)?;
        tuner.log_to(path(&folder))?;
        act(before, &net, &mut tuner)?;
        tuner.save(folder.path())?;
        // It goes on for a while, and all of that is done again.
        act(&after[..after.len() / 2], &net, &mut tuner)?;
        drop(tuner);

        let net = Net::convolutions(Device::Cpu);
        let mut tuner = tuned(&net)?;
        // The log may be begun before the run is resumed, or after that.
        if stop % 2 == 0 {
            tuner.log_to(path(&folder))?;
        }
        tuner.resume(folder.path())?;
        if stop % 2 == 1 {
            tuner.log_to(path(&folder))?;
        }
        act(after, &net, &mut tuner)?;
        tuner.finish_log()?;
        assert_eq!(
            fs::read_to_string(path(&folder)).unwrap(),
            fs::read_to_string(&whole).unwrap(),
            "{stop}"
        );
    }
    Ok(())
}

#[test]
fn a_line_has_what_changed_and_the_whole_after_a_transition() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = tuned(&net)?;
    tuner.log_to(path(&folder))?;
    while !tuner.is_stopped() {
        epoch(&net, &mut tuner)?;
    }
    tuner.finish_log()?;
    let text = fs::read_to_string(path(&folder)).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_whole: Vec<bool> = lines.iter().map(|line| line.get("trainable").is_some()).collect();
    // `head` fires in epoch 0, `middle` in epoch 1, `low` at the start of epoch 3, the last in 4.
    assert_eq!(is_whole, [true, false, true, true, true]);
    let lr = 0.01 + 0.09 * (1.0 + (std::f64::consts::PI / 5.0).cos()) / 2.0;
    let changed = lines[1]["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["group"], 0);
    assert!((changed[0]["lr"].as_f64().unwrap() - lr).abs() < 1e-12, "{changed:?}");
    assert_eq!(changed[0].get("weight_decay"), None);
    Ok(())
}

#[test]
fn a_line_without_a_change_is_as_short_for_any_model() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let vs = tch::nn::VarStore::new(Device::Cpu);
    for index in 0..2000 {
        let _ = (vs.root() / "expert" / index).ones("weight", &[1]);
    }
    let policy = "default optimizer sgd; start: train @all lr linear 1 -> 0 over 9 epochs";
    let mut tuner = Tuner::builder(&parse(policy)).attach(&vs)?;
    tuner.log_to(path(&folder))?;
    for _ in 0..5 {
        tuner.start_epoch()?;
    }
    tuner.finish_log()?;
    let text = fs::read_to_string(path(&folder)).unwrap();
    let lengths: Vec<usize> = text.lines().map(str::len).collect();
    assert!(lengths[0] > 40_000, "{lengths:?}");
    assert!(lengths[1..].iter().all(|length| *length < 250), "{lengths:?}");
    Ok(())
}
