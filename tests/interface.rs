//! The interface of the runtime: its types can be named, shared between threads and printed.

use std::error::Error as _;
use std::path::PathBuf;

use freeze_runtime::diagnostic::Findings;
use freeze_runtime::{CheckpointError, Error, LoadError, Model, ModelError, Policy, Tuner};
use freeze_tests::{Net, train, tune};
use tch::TchError;

type Outcome = Result<(), Error>;

#[test]
fn a_tuner_can_be_sent_to_another_thread_and_printed() -> Outcome {
    fn is_send<T: Send>(_: &T) {}
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start as first: train c");
    is_send(&tuner);
    tuner.start_epoch()?;
    let shown = format!("{tuner:?}");
    assert!(shown.starts_with("Tuner { epochs_started: 1, global_step: 0,"), "{shown}");
    assert!(shown.contains("c.weight"), "{shown}");
    Ok(())
}

#[test]
fn a_transition_has_names_and_prints_as_a_line() -> Outcome {
    let net = Net::convolutions(tch::Device::Cpu);
    let mut tuner = tune(
        &net,
        "default lr 0.1 optimizer sgd; start as head: train fc; epoch 1: unfreeze layer2",
    );
    let first = tuner.start_epoch()?;
    assert_eq!(first.fired, ["head"]);
    assert!(first.unfrozen.is_empty());
    assert!(first.frozen.iter().any(|name| name == "layer1.conv.weight"), "{first:?}");
    assert_eq!(first.stats_frozen, ["layer1.bn", "layer2.bn"]);
    assert!(first.to_string().starts_with("epoch 0, step 0: head fired; froze "), "{first}");
    assert!(!first.to_string().contains('\n'));
    assert!(tuner.backward_step(&net.loss(0))?.is_empty());
    let second = tuner.start_epoch()?;
    assert_eq!(second.fired, ["rule 2"]);
    assert!(second.unfrozen.iter().all(|name| name.starts_with("layer2.")), "{second:?}");
    assert_eq!(second.stats_unfrozen, ["layer2.bn"]);
    assert!(second.frozen.is_empty() && second.stats_frozen.is_empty());
    Ok(())
}

#[test]
fn backward_accumulates_and_is_no_error_while_nothing_is_trained() -> Outcome {
    let (whole, halves) = (Net::linear(), Net::linear());
    let policy = "default lr 0.1 optimizer sgd; start: train @all; epoch 1: stop";
    let mut at_once = tune(&whole, policy);
    let mut in_two = tune(&halves, policy);
    at_once.start_epoch()?;
    in_two.start_epoch()?;
    at_once.backward(&(whole.loss(0) * 2.0))?;
    in_two.backward(&halves.loss(0))?;
    in_two.backward(&halves.loss(0))?;
    for (name, variable) in whole.vs.variables() {
        assert_eq!(variable.grad(), halves.variable(&name).grad(), "{name}");
    }
    at_once.zero_grad()?;
    train(&whole, &mut at_once, 0..1)?;

    let frozen = Net::linear();
    let mut tuner = tune(
        &frozen,
        "default optimizer sgd; start: train @all lr linear 0.1 -> 0 over 1 epoch then freeze",
    );
    tuner.start_epoch()?;
    tuner.start_epoch()?;
    assert!(tuner.trainable_variables().is_empty());
    tuner.backward(&frozen.loss(0))
}

#[test]
fn trainable_variables_are_the_tensors_of_the_trainable_names() -> Outcome {
    let net = Net::linear();
    let mut tuner =
        tune(&net, "default lr 0.1 optimizer sgd; start: train c.bias, rows 0..1 of b.weight");
    tuner.start_epoch()?;
    let expected = ["b.weight", "c.bias"].map(|name| net.variable(name).shallow_clone());
    assert_eq!(tuner.trainable_variables(), expected);
    assert_eq!(tuner.trainable_names()[1], "c.bias");
    Ok(())
}

/// An error and its sources, as `anyhow` prints one that `main` returns.
fn report(error: Error) -> String {
    let error = anyhow::Error::from(error);
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n\nCaused by:\n    ")
}

fn io(text: &str) -> std::io::Error {
    std::io::Error::other(text.to_owned())
}

#[test]
fn errors_say_everything_once_and_print_the_same_as_debug() {
    let findings = || -> Findings { Policy::parse("start: tran fc").unwrap_err() };
    let torch = "Internal Torch Error: sizes differ\nException raised from f at x.cpp:1";
    let errors: Vec<(Error, &str)> = vec![
        (findings().into(), "FRZ0102"),
        (Model::load("nowhere.safetensors").map(drop).unwrap_err().into(), "nowhere.safetensors"),
        (Error::NoOptimizer, ".optimizer("),
        (Error::Program("an epoch must have at least one step".into()), "at least one step"),
        (Error::NotStarted, "start_epoch"),
        (Error::NotKept("loss".into()), "`loss`"),
        (Error::Ownership("`a` is shared".into()), "`a` is shared"),
        (Error::Log { path: PathBuf::from("x.jsonl"), error: io("no space") }, "no space"),
        (TchError::Torch(torch.into()).into(), "sizes differ"),
        (
            CheckpointError::Io { path: PathBuf::from("run"), error: io("disk is full") }.into(),
            "disk is full",
        ),
        (CheckpointError::Missing(PathBuf::from("run")).into(), "`run` has no checkpoint"),
        (CheckpointError::Policy("- a\n+ b".into()).into(), "allow_policy_change"),
    ];
    for (error, part) in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
        let text = report(error);
        assert_eq!(text.matches(part).count(), 1, "{text}");
    }
}

#[test]
fn a_torch_error_keeps_the_backtrace_of_libtorch_inside() {
    let text = "Internal Torch Error: sizes differ\nException raised from f at x.cpp:1";
    let error = Error::from(TchError::Torch(text.into()));
    assert_eq!(error.to_string(), "sizes differ");
    assert!(error.source().is_none());
    assert!(matches!(error, Error::Torch(TchError::Torch(inner)) if inner.contains("x.cpp:1")));
}

/// Everything that a public signature names can be imported from the crate's root.
#[test]
fn everything_in_a_signature_can_be_named() {
    use freeze_runtime::nn::{BatchNorm, Dropout};
    use freeze_runtime::{
        Best, Diagnostic, MigrateError, Optimizer, OverrideError, ParamGroup, Plan,
        ProgramOptimizer, Restore, ResumeOptions, Severity, SnapshotError, Transition,
        TunerBuilder,
    };
    fn named<T>() {}
    fn optimizer<T: ProgramOptimizer>() {}
    optimizer::<tch::nn::AdamW>();
    named::<(
        BatchNorm,
        Dropout,
        Best,
        Diagnostic,
        MigrateError,
        Optimizer,
        OverrideError,
        ParamGroup,
        Plan,
    )>();
    named::<(Restore, ResumeOptions, Severity, SnapshotError, Transition)>();
    named::<(TunerBuilder<'_>, LoadError, ModelError, Findings, Policy, Model, Tuner)>();
}
