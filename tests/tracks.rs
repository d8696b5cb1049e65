//! Tracks, `whenever`, `repeat` and `grad_norm` on real networks: what is frozen keeps every bit, and a
//! run that is stopped and resumed gives the bits of the run that was not.

#![expect(clippy::expect_used, reason = "a test that panics fails")]

use freeze_runtime::{Policy, Tuner};
use freeze_tests::{Bits, Net, parse};
use proptest::prelude::*;
use proptest::sample::select;
use tch::{Device, Kind};

/// A policy whose sequences fire at moments of their own.
fn policy() -> impl Strategy<Value = String> {
    let moment = || {
        select(vec![
            "after 1 epoch",
            "after 3 steps",
            "whenever a < 0.5",
            "whenever a stops falling for 2 epochs by 5%",
            "every 5 steps",
            "when grad_norm(layer2) stops rising for 2 epochs or after 2 epochs",
        ])
    };
    let action = || {
        select(vec![
            "freeze @all",
            "unfreeze @all",
            "freeze @biases",
            "train @norms?, @vectors",
            "reset @all",
            "freeze @all keep state",
        ])
    };
    let rules = move || {
        proptest::collection::vec((moment(), action()), 2..4).prop_map(|rules| {
            let rules = rules.iter().map(|(moment, action)| format!("{moment}: {action}"));
            rules.collect::<Vec<_>>().join("; ")
        })
    };
    (
        rules(),
        rules(),
        select(vec!["set @trainable weight_decay 0.1", "reset @trainable", "restore lowest a"]),
    )
        .prop_map(|(first, second, all)| {
            format!(
                "default lr 0.05 optimizer sgd(momentum 0.9); start: train @all;
                 track in layer1 {{ repeat {{ {first} }} }}
                 track two in layer2 {{ {second} }}
                 track {{ whenever a stops falling for 1 epoch: {all} }}"
            )
        })
}

/// The bits after a run of 20 epochs of 3 steps, stopped and resumed at these steps.
fn run(policy: &Policy, stops: &[i64]) -> Option<Bits> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut net = Net::convolutions(Device::Cpu);
    let mut tuner = Tuner::builder(policy).attach(&net.vs).ok()?;
    let mut step = 0;
    for epoch in 0..20_u32 {
        tuner.start_epoch().expect("it starts");
        for _ in 0..3 {
            let frozen: Vec<String> = net
                .vs
                .variables()
                .into_iter()
                .filter(|(name, tensor)| !name.contains("running") && !tensor.requires_grad())
                .map(|(name, _)| name)
                .collect();
            let before = Bits::of(&net.vs);
            let loss = net.loss(step);
            let transition = tuner.backward_step(&loss).expect("it steps");
            let now = Bits::of(&net.vs);
            let moved = before.moved(&now);
            let restored = !transition.restored.is_empty();
            let still = frozen.iter().filter(|name| moved.contains(&name.as_str()));
            assert!(restored || still.count() == 0, "something frozen moved at step {step}");
            step += 1;
            if stops.contains(&step) {
                tuner.save(dir.path()).expect("it saves");
                net = Net::convolutions(Device::Cpu);
                tuner = Tuner::builder(policy).attach(&net.vs).expect("it attaches");
                tuner.resume(dir.path()).expect("it resumes");
            }
        }
        let value = f64::from((epoch * 7919) % 13) / 13.0;
        tuner.observe("a", value).expect("it observes");
    }
    Some(Bits::of(&net.vs))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_run_stopped_at_twenty_places_has_the_bits_of_one_that_was_not(text in policy()) {
        let Ok(policy) = Policy::parse(&text) else { return Err(TestCaseError::reject("an error")) };
        let Some(whole) = run(&policy, &[]) else { return Err(TestCaseError::reject("an error")) };
        let stops: Vec<i64> = (1..=20).map(|stop| stop * 3 - stop % 3).collect();
        prop_assert!(run(&policy, &stops) == Some(whole), "{}", text);
    }
}

#[test]
fn a_track_restores_what_it_owns_and_nothing_else() {
    let policy = parse(
        "default lr 0.1 optimizer sgd; start: train @all;
         track in layer1 { when a > 5: restore lowest a }",
    );
    let net = Net::convolutions(Device::Cpu);
    let mut tuner = Tuner::builder(&policy).attach(&net.vs).expect("it attaches");
    tuner.start_epoch().expect("it starts");
    tuner.observe("a", 1.0).expect("it observes");
    let best = Bits::of(&net.vs);
    let loss = net.loss(0);
    tuner.backward_step(&loss).expect("it steps");
    let moved = Bits::of(&net.vs);
    tuner.observe("a", 9.0).expect("it observes");
    let transition = tuner.start_epoch().expect("it starts");
    assert_eq!(transition.fired, ["layer1: rule 1"]);
    let now = Bits::of(&net.vs);
    let of_track = |names: Vec<&str>| names.iter().all(|name| name.starts_with("layer1."));
    assert!(of_track(moved.moved(&now)) && !moved.moved(&now).is_empty());
    assert!(!best.moved(&now).iter().any(|name| name.starts_with("layer1.")));
}

#[test]
fn grad_norm_is_the_mean_over_an_epoch_before_clipping() {
    let policy = parse(
        "default lr 0.01 optimizer sgd; start: train @all;
         when grad_norm(fc) < 0: stop",
    );
    let net = Net::convolutions(Device::Cpu);
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log.jsonl");
    let mut tuner = Tuner::builder(&policy).attach(&net.vs).expect("it attaches");
    tuner.log_to(&path).expect("a log");
    let mut means = Vec::new();
    for _ in 0..3 {
        tuner.start_epoch().expect("it starts");
        let mut sum = 0.0;
        for step in 0..4 {
            tuner.zero_grad().expect("it clears");
            let loss = net.loss(step);
            tuner.backward(&loss).expect("it runs back");
            let squares: f64 = net
                .vs
                .variables()
                .iter()
                .filter(|(name, _)| name.starts_with("fc."))
                .map(|(_, tensor)| {
                    tensor.grad().to_kind(Kind::Double).square().sum(Kind::Double).double_value(&[])
                })
                .sum();
            sum += squares.sqrt();
            tuner.clip_grad_norm(1e-3).expect("it clips");
            tuner.step().expect("it steps");
        }
        means.push(sum / 4.0);
    }
    tuner.finish_log().expect("it is written");
    let text = std::fs::read_to_string(&path).expect("a log");
    let logged: Vec<f64> = text
        .lines()
        .filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["metrics"]["grad_norm(fc)"].as_f64()
        })
        .collect();
    // The rule begins to wait as the first epoch starts; that of the last is observed by the next.
    assert_eq!(logged.len(), 2);
    for (logged, mean) in logged.iter().zip(&means) {
        assert!((logged - mean).abs() <= 1e-6 * mean, "{logged} is not {mean}");
    }
}
