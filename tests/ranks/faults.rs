//! Faults are errors with the same text on all ranks; no process is aborted and none waits for ever.

use std::fs;
use std::time::{Duration, Instant};

use freeze_runtime::{Error, Group, Tuner};
use freeze_tests::{Net, parse};
use tch::{Device, nn};

use crate::beside::assert_same;
use crate::processes::{Outcome, Scene, argument, at_once, error_of_others, join, scene};

pub(crate) const SCENES: &[Scene] = &[
    ("attached apart", attached_apart),
    ("calls apart", calls_apart),
    ("a rank fails", a_rank_fails),
    ("an alike fault", an_alike_fault),
];

const POLICY: &str = "default lr 0.1 optimizer sgd; start: train c; step 4: unfreeze b";

fn attach(group: &Group, net: &Net) -> Result<Tuner, Error> {
    Tuner::builder(&parse(POLICY)).group(group).attach(&net.vs)
}

/// One step of an epoch that has started.
fn step(tuner: &mut Tuner, net: &Net) -> Result<(), Error> {
    tuner.zero_grad()?;
    net.loss(0).backward();
    tuner.step().map(drop)
}

/// The last rank attaches something else.
fn attached_apart() -> Outcome {
    let group = join()?;
    let what = argument();
    let is_other = group.rank() + 1 == group.size();
    let what = if is_other { what.as_str() } else { "nothing" };
    let policy = match what {
        "policy" => "default lr 0.1 optimizer sgd;\nstart: train c;\nstep 5: unfreeze b",
        "unfit policy" => "default lr 0.1 optimizer sgd;\nstart: train d",
        _ => "default lr 0.1 optimizer sgd;\nstart: train c;\nstep 4: unfreeze b",
    };
    let mut vs = nn::VarStore::new(Device::Cpu);
    let root = vs.root();
    let outputs = if what == "model" { 4 } else { 3 };
    let _b = nn::linear(&root / "b", 5, 3, nn::LinearConfig::default());
    let _c = nn::linear(&root / "c", 3, outputs, nn::LinearConfig::default());
    if what == "dtype" {
        vs.bfloat16();
    }
    let lr = if what == "setting" { 0.2 } else { 0.1 };
    let policy = parse(policy);
    let builder = Tuner::builder(&policy).group(&group).lr(lr);
    let tuner = builder.attach(&vs).map(drop);
    let error = tuner.unwrap_err().to_string();
    // The group is over, with the same error.
    let later = group.barrier().unwrap_err().to_string();
    assert!(later == error || later == format!("rank 1 failed: {error}"), "{later}");
    Ok(error)
}

#[test]
fn ranks_that_attach_something_else_are_told_apart() {
    let cases = [
        (
            "policy",
            3,
            "the ranks differ in the policy:\n  ranks 0, 1: step 4: unfreeze b;\n  rank 2: step 5: \
             unfreeze b;",
        ),
        (
            "setting",
            2,
            "the ranks differ in the settings of the program:\n  rank 0: lr: 0.1\n  rank 1: lr: 0.2",
        ),
        (
            "model",
            2,
            "the ranks differ in the model:\n  rank 0:\n    c.bias: f32 [3], a parameter\n    \
             c.weight: f32 [3, 3], a parameter\n  rank 1:\n    c.bias: f32 [4], a parameter\n    \
             c.weight: f32 [4, 3], a parameter",
        ),
        (
            "dtype",
            2,
            "the ranks differ in the model:\n  rank 0:\n    b.bias: f32 [3], a parameter\n    b.weight: f32 [3, 5], a parameter\n    c.bias: f32 [3], a parameter\n    c.weight: f32 [3, 3], a parameter\n  rank 1:\n    b.bias: bf16 [3], a parameter\n    b.weight: bf16 [3, 5], a parameter\n    c.bias: bf16 [3], a parameter\n    c.weight: bf16 [3, 3], a parameter",
        ),
    ];
    at_once(&cases, |(what, ranks, expected)| {
        let ended = scene("attached apart", *ranks).with(*what).run();
        assert_same(&ended);
        assert_eq!(ended[0].text(), *expected);
    });
}

#[test]
fn a_policy_that_does_not_fit_on_one_rank_fails_on_all() {
    let ended = scene("attached apart", 2).with("unfit policy").run();
    let own = ended[1].text();
    assert!(own.starts_with("the policy does not fit:") && own.contains("`d`"), "{own}");
    assert_eq!(ended[0].text(), format!("rank 1 failed: {own}"));
}

/// The last rank makes other calls in the second epoch.
fn calls_apart() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let mut tuner = attach(&group, &net)?;
    let folder = tempfile::tempdir()?;
    let what = argument();
    let is_other = group.rank() + 1 == group.size();
    let is = |this: &str| is_other && what == this;
    let begun = Instant::now();
    let mut run = || {
        for epoch in 0..3 {
            tuner.start_epoch()?;
            let more = u64::from(is("one step more") && epoch == 1);
            let fewer = u64::from(is("one step fewer") && epoch == 1);
            for _ in 0..3 + more - fewer {
                if is("other averaging") && epoch == 1 {
                    tuner.backward_step(&net.loss(0))?;
                } else {
                    step(&mut tuner, &net)?;
                }
            }
            if is("one pass more") && epoch == 1 {
                tuner.backward_step(&net.loss(0))?;
            }
            if is("another metric") {
                tuner.observe("val_acc", 1.0)?;
            } else if !(is("no metric") && epoch == 1) {
                tuner.observe("val_loss", 1.0)?;
            }
            if what == "no save" && !(is_other && epoch == 1) {
                tuner.save(folder.path())?;
            }
            if is("a barrier") {
                group.barrier()?;
            }
        }
        Ok(())
    };
    let error: Result<(), Error> = run();
    let error = error.unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(20), "it has waited for the time to be over");
    // Each later call is the same error.
    assert_eq!(tuner.start_epoch().unwrap_err().to_string(), error);
    assert_eq!(tuner.observe("val_loss", 1.0).unwrap_err().to_string(), error);
    assert_eq!(group.any(true).unwrap_err().to_string(), error);
    Ok(error)
}

#[test]
fn ranks_in_different_calls_are_told_apart() {
    let cases = [
        (
            "one step more",
            ["`observe(\"val_loss\", …)`, epoch 1, step 6", "`step`, epoch 1, step 6"],
        ),
        (
            "one pass more",
            ["`observe(\"val_loss\", …)`, epoch 1, step 6", "`backward_last`, epoch 1, step 6"],
        ),
        ("other averaging", ["`step`, epoch 1, step 3", "`backward_last`, epoch 1, step 3"]),
        (
            "one step fewer",
            ["`step`, epoch 1, step 5", "`observe(\"val_loss\", …)`, epoch 1, step 5"],
        ),
        (
            "no metric",
            ["`observe(\"val_loss\", …)`, epoch 1, step 6", "`start_epoch`, epoch 1, step 6"],
        ),
        (
            "another metric",
            [
                "`observe(\"val_loss\", …)`, epoch 0, step 3",
                "`observe(\"val_acc\", …)`, epoch 0, step 3",
            ],
        ),
        ("no save", ["`save`, epoch 1, step 6", "`start_epoch`, epoch 1, step 6"]),
        ("a barrier", ["`start_epoch`, epoch 0, step 3", "`barrier`, epoch 0, step 3"]),
    ];
    at_once(&cases, |(what, [first, last])| {
        let ended = scene("calls apart", 2).with(*what).run();
        assert_same(&ended);
        let expected = format!(
            "the ranks differ in the calls that they make:\n  rank 0: in {first}\n  rank 1: in {last}"
        );
        assert_eq!(ended[0].text(), expected, "{what}");
    });
}

/// The last rank fails in the middle of an epoch, in a way that its process can report.
fn a_rank_fails() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let what = argument();
    fail_in_the_middle(&group, &net, &what)?;
    Ok("nothing has failed".to_owned())
}

fn fail_in_the_middle(
    group: &Group,
    net: &Net,
    what: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let is_last = group.rank() + 1 == group.size();
    let mut tuner = attach(group, net)?;
    tuner.start_epoch()?;
    for number in 0..6 {
        if is_last && number == 3 {
            match what {
                "panics" => panic!("no data"),
                "returns" => return Err("no data".into()),
                "reports" => {
                    let error = std::io::Error::other("no data");
                    group.report(&error);
                    return Err(error.into());
                }
                _ => tuner.backward(&net.activations(0)[0])?,
            }
        }
        step(&mut tuner, net)?;
    }
    tuner.start_epoch()?;
    Ok(())
}

#[test]
fn a_rank_that_reports_its_error_fails_all() {
    let ended = scene("a rank fails", 3).with("reports").run();
    assert_eq!(ended[2].error(), "no data");
    assert_eq!(error_of_others(&ended), "rank 2 failed: no data");
}

#[test]
fn an_error_of_the_tuner_on_one_rank_fails_all() {
    let ended = scene("a rank fails", 3).with("fails in libtorch").run();
    assert_eq!(
        ended[2].error(),
        "element 0 of tensors does not require grad and does not have a grad_fn"
    );
    assert_eq!(error_of_others(&ended), format!("rank 2 failed: {}", ended[2].error()));
}

#[test]
fn a_rank_that_returns_is_named() {
    let ended = scene("a rank fails", 3).with("returns").run();
    assert_eq!(ended[2].error(), "no data");
    assert_eq!(
        error_of_others(&ended),
        "the group of processes: rank 2 has left the group at epoch 0, step 3, before `step`"
    );
}

#[test]
fn a_rank_that_panics_is_named() {
    let ended = scene("a rank fails", 2).with("panics").run();
    assert!(!ended[1].status.success());
    assert_eq!(error_of_others(&ended), "rank 1 failed: the program has panicked");
}

/// What goes wrong on all ranks alike.
fn an_alike_fault() -> Outcome {
    let group = join()?;
    let net = Net::linear();
    let mut tuner = attach(&group, &net)?;
    Ok(tuner.step().unwrap_err().to_string())
}

#[test]
fn a_fault_of_all_ranks_is_that_of_one_process() {
    let ended = scene("an alike fault", 2).run();
    assert_same(&ended);
    assert_eq!(
        ended[0].text(),
        "call `start_epoch` before the first step: rules fire when an epoch starts"
    );
}

#[test]
fn the_report_for_torchrun_has_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let file = |rank: usize| folder.path().join(format!("{rank}.json"));
    let ended = scene("a rank fails", 2).with("reports").run_changed(|rank, command| {
        command.env("TORCHELASTIC_ERROR_FILE", file(rank));
    });
    for (rank, expected) in ["rank 1 failed: no data", "rank 1 failed: no data"].iter().enumerate()
    {
        let report: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file(rank)).unwrap()).unwrap();
        let message = &report["message"];
        assert_eq!(message["message"], *expected);
        assert_eq!(message["extraInfo"]["py_callstack"], *expected);
        assert!(message["extraInfo"]["timestamp"].as_str().unwrap().parse::<u64>().is_ok());
    }
    assert_eq!(ended[0].error(), "rank 1 failed: no data");
}
