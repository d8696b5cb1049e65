//! What is wrong is an error that says so, all of it at once, before anything trains.

use freeze_runtime::{Error, LoadError, Policy, Severity, Tuner, TunerBuilder};
use freeze_tests::{Bits, Net, assert_moved, parse, train, tune};
use tch::{Device, Kind, Tensor, nn};

type Outcome = Result<(), Error>;

/// What attaching says, the program giving what `program` says.
#[expect(clippy::panic, reason = "the test fails")]
fn refusal(policy: &str, program: impl Fn(TunerBuilder<'_>) -> TunerBuilder<'_>) -> Error {
    let net = Net::convolutions(Device::Cpu);
    let policy = parse(policy);
    let before = Bits::of(&net.vs);
    let Err(error) = program(Tuner::builder(&policy)).attach(&net.vs) else {
        panic!("`{}` was not refused", policy.source().text());
    };
    assert_moved(&before, &net, &[]);
    error
}

#[test]
fn every_finding_is_reported_when_a_policy_does_not_fit() {
    let policy = "default lr 0.1 optimizer sgd;
start: train layer5;
epoch 1: train layer2.conw;
epoch 2: train fc.weights";
    let error = refusal(policy, |builder| builder);
    let Error::Policy(findings) = &error else { panic!("{error}") };
    assert_eq!(
        findings.diagnostics().iter().filter(|found| found.is_error()).count(),
        3,
        "{error}"
    );
    let text = error.to_string();
    for expected in [
        "error[FRZ0201]: `layer5` selects no parameter",
        "error[FRZ0201]: `layer2.conw` selects no parameter",
        "error[FRZ0201]: `fc.weights` selects no parameter",
        "start: train layer5;",
        "epoch 1: train layer2.conw;",
        "did you mean `layer2`?",
        "did you mean `conv`?",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
}

#[test]
fn a_learning_rate_that_nothing_sets_is_reported_with_its_place() {
    let policy = "default optimizer sgd; start: train fc lr 0.1; epoch 3: unfreeze layer2, layer1";
    let error = refusal(policy, |builder| builder).to_string();
    assert!(error.contains("error[FRZ0405]"), "{error}");
    assert!(error.contains("`layer1.conv.weight` and 5 more"), "{error}");
    assert!(error.contains("epoch 3: unfreeze layer2, layer1"), "{error}");
    // Everything trains until the first rule fires.
    let policy = "default optimizer sgd; epoch 1: train fc lr 0.1";
    let error = refusal(policy, |builder| builder).to_string();
    assert!(error.contains("error[FRZ0405]"), "{error}");
    assert!(error.contains("`layer1.conv.weight` and 7 more"), "{error}");
}

#[test]
fn a_missing_optimizer_is_reported_with_both_ways_to_set_one() {
    for policy in [
        "default lr 0.1; start: train fc",
        "start: train fc lr 1 optimizer sgd; epoch 1: train layer1 lr 1",
    ] {
        let error = refusal(policy, |builder| builder);
        assert!(matches!(error, Error::NoOptimizer), "{error}");
        let text = error.to_string();
        assert!(text.contains("default optimizer") && text.contains(".optimizer("), "{text}");
    }
}

#[test]
fn numbers_of_the_program_that_make_no_sense_are_refused() {
    for lr in [-1e-3, f64::NAN, f64::INFINITY] {
        let error =
            refusal("start: train fc", |builder| builder.optimizer(nn::Sgd::default()).lr(lr));
        let Error::Program(reason) = error else { panic!("{error}") };
        assert!(reason.contains("learning rate") && reason.contains(&lr.to_string()), "{reason}");
    }
    let error = refusal("start: train fc", |builder| {
        builder.optimizer(nn::sgd(0.9, 0.0, -0.1, false)).lr(0.1)
    });
    assert!(matches!(error, Error::Program(_)), "{error}");
    let error =
        refusal("start: train fc", |builder| builder.optimizer(nn::adam(1.5, 0.999, 0.0)).lr(0.1));
    assert!(error.to_string().contains("`beta1` must lie in 0 to 1"), "{error}");
    let error = refusal("start: train fc", |builder| {
        builder.optimizer(nn::sgd(0.0, 0.0, 0.0, true)).lr(0.1)
    });
    assert!(error.to_string().contains("`nesterov` requires a momentum"), "{error}");
    let error = refusal("start: train fc", |builder| {
        builder.optimizer(nn::Sgd::default()).lr(0.1).steps_per_epoch(0)
    });
    assert!(error.to_string().contains("at least one step"), "{error}");
}

#[test]
fn a_step_before_the_first_epoch_is_refused_and_moves_nothing() -> Outcome {
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c");
    let before = Bits::of(&net.vs);
    assert!(matches!(tuner.backward_step(&net.loss(0)), Err(Error::NotStarted)));
    net.loss(0).backward();
    assert!(matches!(tuner.step(), Err(Error::NotStarted)));
    assert_moved(&before, &net, &[]);
    // Gradients of that time are gone with the first rule.
    tuner.start_epoch()?;
    assert!(!net.has_gradient("a.weight"));
    assert_eq!(tuner.global_step(), 0);
    Ok(())
}

#[test]
fn a_loss_without_a_graph_is_an_error_and_no_panic() -> Outcome {
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c");
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    let error = tuner.backward_step(&net.loss(0).detach()).unwrap_err();
    assert!(matches!(error, Error::Torch(_)));
    // Without the functions of libtorch in which it was thrown.
    let text = error.to_string();
    assert_eq!(text, "element 0 of tensors does not require grad and does not have a grad_fn");
    assert_eq!(tuner.global_step(), 0);
    assert_moved(&before, &net, &[]);
    train(&net, &mut tuner, 0..1)
}

#[test]
fn a_model_that_was_cast_is_not_saved() -> Outcome {
    let mut net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c");
    tuner.start_epoch()?;
    let dir = tempfile::tempdir().unwrap();
    tuner.save(dir.path())?;
    net.vs.double();
    let Err(Error::Ownership(what)) = tuner.save(dir.path()) else { panic!("saved") };
    assert!(what.contains("is f64 now and was f32"), "{what}");
    net.vs.float();
    tuner.resume(dir.path())
}

/// A linear network with a buffer of three numbers that are one in memory, or none.
fn with_a_buffer(numbers: i64) -> Net {
    let net = Net::linear();
    let buffer = Tensor::ones([1, 2], (Kind::Float, Device::Cpu)).narrow(0, 0, numbers.min(1));
    let _ = net.vs.root().add("mask", buffer.expand([numbers, 2], false), false);
    net
}

#[test]
fn a_run_that_cannot_be_written_to_a_variable_is_refused_before_anything_is_written() -> Outcome {
    for numbers in [3, 1, 0] {
        let folder = tempfile::tempdir().unwrap();
        let policy = "default lr 0.1 optimizer adamw; start: train c";
        let saved = with_a_buffer(numbers);
        let mut tuner = tune(&saved, policy);
        tuner.start_epoch()?;
        train(&saved, &mut tuner, 0..2)?;
        tuner.save(folder.path())?;
        let net = with_a_buffer(numbers);
        let mut tuner = tune(&net, policy);
        let before = Bits::of(&net.vs);
        let resumed = tuner.resume(folder.path());
        if numbers > 1 {
            let Err(Error::Ownership(message)) = resumed else { panic!("not refused") };
            assert!(message.starts_with("elements of `mask` share memory"), "{message}");
            assert_moved(&before, &net, &[]);
            assert_eq!((tuner.epochs_started(), tuner.optimizer_bytes()), (0, 0));
        } else {
            resumed?;
            assert_moved(&Bits::of(&saved.vs), &net, &[]);
        }
    }
    Ok(())
}

#[test]
fn findings_of_a_text_are_reported_before_any_model_is_there() {
    let findings = Policy::parse("start: trian fc; epoch 1: train fc lr -1").unwrap_err();
    assert!(findings.to_string().contains("FRZ0102"), "{findings}");
    assert!(findings.to_string().contains("FRZ0401"), "{findings}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.freeze");
    assert!(matches!(Policy::load(&path), Err(LoadError::File(..))));
    std::fs::write(&path, "start: trian fc").unwrap();
    let error = Policy::load(&path).unwrap_err();
    assert!(matches!(error, LoadError::Policy(_)), "{error}");
    assert!(error.to_string().contains("wrong.freeze:1:8"), "{error}");
}

#[test]
fn warnings_stop_nothing_and_can_be_read() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd;
                  start: train c lr 0; epoch 1: unfreeze c; epoch 2: train b";
    let mut tuner = tune(&net, policy);
    let codes: Vec<String> = tuner
        .diagnostics()
        .iter()
        .filter(|found| found.severity() == Severity::Warning)
        .map(|found| found.code.to_string())
        .collect();
    assert_eq!(codes, ["FRZ0505", "FRZ0501"]);
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..1)
}
