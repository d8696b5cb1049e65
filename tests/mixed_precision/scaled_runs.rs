//! Runs with a loss scale: what is saved, resumed, logged and observed.

use std::fs;

use freeze_runtime::{Error, LossScale, ResumeOptions, Tuner};
use freeze_tests::{Bits, Net, parse};
use serde_json::Value;

use crate::Outcome;

const WATCHES: &str = "default lr 0.01 optimizer adamw; start: train @all;
     when grad_norm(c) < 0: freeze a; step 8: freeze b; step 12: unfreeze b";

/// Batches of which some have infinities.
fn train(net: &Net, tuner: &mut Tuner, steps: std::ops::Range<i64>) -> Result<(), Error> {
    for step in steps {
        if step % 5 == 0 {
            tuner.start_epoch()?;
        }
        let factor = if step % 4 == 1 { f64::INFINITY } else { 1.0 };
        tuner.zero_grad()?;
        tuner.backward(&(net.loss(step) * factor))?;
        if step % 2 == 0 {
            let _norm = tuner.clip_grad_norm(0.1)?;
        }
        tuner.step()?;
    }
    Ok(())
}

fn scaled(net: &Net, policy: &str, scale: LossScale) -> Result<Tuner, Error> {
    Tuner::builder(&parse(policy)).loss_scale(scale).attach(&net.vs)
}

#[test]
fn a_run_that_is_resumed_has_the_same_scales_and_bits() -> Outcome {
    let settings = LossScale::dynamic().init_scale(3e4).growth_interval(2).growth_factor(1.7);
    let folder = tempfile::tempdir()?;
    let whole = Net::linear();
    let mut tuner = scaled(&whole, WATCHES, settings)?;
    tuner.log_to(folder.path().join("whole.jsonl"))?;
    train(&whole, &mut tuner, 0..20)?;
    tuner.finish_log()?;
    let log = fs::read_to_string(folder.path().join("whole.jsonl"))?;
    let last: Value = serde_json::from_str(log.lines().last().unwrap_or_default())?;
    assert_eq!(last["skipped_steps"], 5);
    assert_eq!(last["loss_scale"].as_f64(), tuner.loss_scale()?);
    for stop in 1..20 {
        let dir = folder.path().join("run");
        let stopped = Net::linear();
        let mut saver = scaled(&stopped, WATCHES, settings)?;
        train(&stopped, &mut saver, 0..stop)?;
        saver.save(&dir)?;
        let resumed = Net::linear();
        let mut other = scaled(&resumed, WATCHES, settings)?;
        other.log_to(folder.path().join("resumed.jsonl"))?;
        other.resume(&dir)?;
        assert_eq!(other.loss_scale()?, saver.loss_scale()?);
        assert_eq!(other.skipped_steps()?, saver.skipped_steps()?);
        train(&resumed, &mut other, stop..20)?;
        assert_eq!(Bits::of(&resumed.vs), Bits::of(&whole.vs), "at step {stop}");
        assert_eq!(other.loss_scale()?, tuner.loss_scale()?);
        assert_eq!(other.skipped_steps()?, 5);
        other.finish_log()?;
        let resumed = fs::read_to_string(folder.path().join("resumed.jsonl"))?;
        assert_eq!(resumed.lines().last(), log.lines().last());
    }
    Ok(())
}

#[test]
fn another_scale_is_refused_unless_the_program_means_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let net = Net::linear();
    let mut saver = scaled(&net, WATCHES, LossScale::dynamic())?;
    train(&net, &mut saver, 0..3)?;
    saver.save(folder.path())?;
    let mut fixed = scaled(&net, WATCHES, LossScale::fixed(8.0))?;
    let error = fixed.resume(folder.path()).unwrap_err().to_string();
    assert!(error.contains("allow_program_change") && error.contains("loss_scale: "), "{error}");
    fixed.resume_with(folder.path(), ResumeOptions::new().allow_program_change())?;
    assert_eq!((fixed.loss_scale()?, fixed.skipped_steps()?), (Some(8.0), 1));
    let mut without = Tuner::builder(&parse(WATCHES)).attach(&net.vs)?;
    let error = without.resume(folder.path()).unwrap_err().to_string();
    assert!(error.contains("-> none"), "{error}");
    without.resume_with(folder.path(), ResumeOptions::new().allow_program_change())?;
    assert_eq!((without.loss_scale()?, without.skipped_steps()?), (None, 0));
    Ok(())
}

/// The metric is the mean over the steps that were made, of gradients that are not scaled.
#[test]
fn norms_of_gradients_skip_what_is_not_finite() -> Outcome {
    let policy = "default lr 0 optimizer sgd; start: train @all; when grad_norm(c) < 0: freeze a";
    let metric = |scale: Option<LossScale>, batches: &[i64], bad: &[i64]| -> Result<f64, Error> {
        let folder = tempfile::tempdir().unwrap();
        let net = Net::linear();
        let builder_policy = parse(policy);
        let builder = Tuner::builder(&builder_policy);
        let builder = match scale {
            Some(scale) => builder.loss_scale(scale),
            None => builder,
        };
        let mut tuner = builder.attach(&net.vs)?;
        tuner.log_to(folder.path().join("run.jsonl"))?;
        tuner.start_epoch()?;
        for batch in batches {
            let factor = if bad.contains(batch) { f64::NAN } else { 1.0 };
            tuner.zero_grad()?;
            tuner.backward(&(net.loss(*batch) * factor))?;
            if batch % 2 == 0 {
                let _norm = tuner.clip_grad_norm(0.01)?;
            }
            tuner.step()?;
        }
        tuner.start_epoch()?;
        let log = fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
        let line: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        Ok(line["metrics"]["grad_norm(c)"].as_f64().unwrap_or(f64::NAN))
    };
    let expected = metric(None, &[0, 1, 4], &[])?;
    let scaled = metric(Some(LossScale::dynamic()), &[0, 1, 2, 3, 4], &[2, 3])?;
    assert!((scaled - expected).abs() < 1e-6 * expected, "{scaled} is not {expected}");
    // Where no step was made, there is nothing to observe.
    assert!(metric(Some(LossScale::dynamic()), &[0], &[0])?.is_nan());
    Ok(())
}

#[test]
fn settings_out_of_range_are_refused() {
    let net = Net::linear();
    let attached = scaled(&net, WATCHES, LossScale::dynamic().backoff_factor(2.0));
    let error = attached.unwrap_err().to_string();
    assert!(error.contains("the backoff factor of a loss scale must be"), "{error}");
}
