//! What only a training shows: a metric that no rule's name fits, epochs of other lengths, gradients
//! that no step used.

use std::fs;

use freeze_runtime::{Error, ResumeOptions, Transition, Tuner};
use freeze_tests::{Net, parse, train};
use serde_json::{Value, json};

type Outcome = Result<(), Error>;

const WAITS: &str = "default lr 0.1 optimizer sgd; start: train c; when val_loss < 0: unfreeze b";

fn tuner(net: &Net, policy: &str, steps_per_epoch: usize) -> Result<Tuner, Error> {
    Tuner::builder(&parse(policy)).steps_per_epoch(steps_per_epoch).attach(&net.vs)
}

/// The codes and messages of a transition, with the notes.
fn found(transition: &Transition) -> Vec<String> {
    let findings = transition.diagnostics.iter();
    findings.map(|it| format!("{} {} {}", it.code, it.message, it.notes.join(" "))).collect()
}

#[test]
fn a_metric_that_is_spelt_differently_is_named_with_the_nearest_that_was_observed() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::linear();
    let mut tuner = tuner(&net, WAITS, 2)?;
    tuner.log_to(folder.path().join("run.jsonl"))?;
    let first = tuner.start_epoch()?;
    assert!(found(&first).is_empty());
    train(&net, &mut tuner, 0..2)?;
    tuner.observe("accuracy", 0.5)?;
    tuner.observe("val_los", 1.0)?;
    let second = tuner.start_epoch()?;
    let expected = "FRZ0508 an epoch ended and `val_loss` was not observed `val_los` was observed: \
                    one of the two names may be misspelt";
    assert_eq!(found(&second), [expected]);
    assert!(second.is_empty());
    let line = "; FRZ0508: an epoch ended and `val_loss` was not observed; `val_los` was observed: \
                one of the two names may be misspelt";
    assert!(second.to_string().ends_with(line), "{second}");

    // Once, also in a run that goes on from a checkpoint.
    tuner.save(folder.path())?;
    drop(tuner);
    let net = Net::linear();
    let mut tuner = self::tuner(&net, WAITS, 2)?;
    tuner.resume(folder.path())?;
    train(&net, &mut tuner, 0..2)?;
    assert!(found(&tuner.start_epoch()?).is_empty());

    let text = fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["warnings"], json!([line.trim_start_matches("; ")]));
    assert_eq!(lines[1].get("warnings"), None);
    Ok(())
}

#[test]
fn a_metric_that_is_observed_or_that_no_rule_waits_for_is_no_finding() -> Outcome {
    let net = Net::linear();
    let mut tuner = tuner(&net, WAITS, 1)?;
    for value in [1.0, f64::NAN, -1.0] {
        assert!(found(&tuner.start_epoch()?).is_empty());
        train(&net, &mut tuner, 0..1)?;
        tuner.observe("val_loss", value)?;
    }
    // The rule fires, and nobody waits any more.
    assert_eq!(tuner.start_epoch()?.fired, ["rule 2"]);
    train(&net, &mut tuner, 0..1)?;
    assert!(found(&tuner.start_epoch()?).is_empty());
    Ok(())
}

#[test]
fn an_epoch_of_other_steps_than_the_program_said_is_reported_once() -> Outcome {
    for made in [3, 5] {
        let net = Net::linear();
        let mut tuner = tuner(&net, "default lr 0.1 optimizer sgd; start: train c", 4)?;
        for epoch in 0..4 {
            let transition = tuner.start_epoch()?;
            let expected = format!(
                "FRZ0509 epoch 1 had {made} optimizer steps, and `steps_per_epoch` is 4 if every \
                 epoch is like this one, write `steps_per_epoch({made})`"
            );
            let expected = if epoch == 2 { vec![expected] } else { Vec::new() };
            assert_eq!(found(&transition), expected);
            train(&net, &mut tuner, 0..if epoch == 0 { 4 } else { made })?;
        }
    }
    Ok(())
}

#[test]
fn gradients_that_no_step_used_are_reported() -> Outcome {
    type Act = fn(&Net, &mut Tuner) -> Outcome;
    let cases: [(Act, bool); 4] = [
        (|net, tuner| tuner.backward(&net.loss(0)), true),
        (
            |net, tuner| {
                tuner.backward(&net.loss(0))?;
                tuner.step().map(drop)
            },
            false,
        ),
        (
            |net, tuner| {
                tuner.backward(&net.loss(0))?;
                tuner.zero_grad()
            },
            false,
        ),
        (|net, tuner| tuner.backward_step(&net.loss(0)).map(drop), false),
    ];
    for (index, (act, is_left)) in cases.into_iter().enumerate() {
        let net = Net::linear();
        let mut tuner = freeze_tests::tune(&net, "default lr 0.1 optimizer sgd; start: train c");
        tuner.start_epoch()?;
        act(&net, &mut tuner)?;
        let found = found(&tuner.start_epoch()?);
        assert_eq!(!found.is_empty(), is_left, "{index}: {found:?}");
        if is_left {
            let expected = "FRZ0509 epoch 0 ended with gradients that no step used";
            assert!(found[0].starts_with(expected), "{found:?}");
        }
    }
    Ok(())
}

#[test]
fn an_epoch_in_which_the_number_of_steps_changed_is_not_judged() -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let policy = "default lr 0.1 optimizer sgd; start: train c";
    let net = Net::linear();
    let mut tuner = tuner(&net, policy, 4)?;
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..2)?;
    tuner.save(folder.path())?;
    let net = Net::linear();
    let mut tuner = self::tuner(&net, policy, 8)?;
    tuner.resume_with(folder.path(), ResumeOptions::new().allow_program_change())?;
    train(&net, &mut tuner, 0..4)?;
    assert!(found(&tuner.start_epoch()?).is_empty());
    train(&net, &mut tuner, 0..4)?;
    assert_eq!(found(&tuner.start_epoch()?).len(), 1);
    Ok(())
}

#[test]
fn a_curve_that_stays_at_0_for_an_epoch_is_reported_where_the_steps_are_unknown() -> Outcome {
    let policy = "default optimizer sgd; start: train c lr linear 0 -> 0.1 over 2 epochs";
    let codes = |tuner: &Tuner| -> Vec<String> {
        tuner.diagnostics().iter().map(|finding| finding.code.to_string()).collect()
    };
    let net = Net::linear();
    let unknown = Tuner::builder(&parse(policy)).attach(&net.vs)?;
    assert!(codes(&unknown).contains(&"FRZ0507".to_owned()), "{:?}", codes(&unknown));
    drop(unknown);
    let known = tuner(&net, policy, 2)?;
    assert!(!codes(&known).contains(&"FRZ0507".to_owned()), "{:?}", codes(&known));
    Ok(())
}
