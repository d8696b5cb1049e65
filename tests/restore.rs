//! `restore` brings back every bit of a best moment, though copies are kept only of what moved
//! since: whatever trains, freezes and is restored in between.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that panics fails")]

use std::collections::BTreeMap;

use freeze_runtime::{Policy, Transition, Tuner};
use freeze_tests::promise::{at_moments, moment};
use freeze_tests::{Bits, Net, devices, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tch::Device;

/// What a rule does; those that leave nothing to train are no policies.
fn actions() -> impl Strategy<Value = String> {
    let targets = || {
        select(vec![
            "layer1",
            "layer2",
            "layer2.conv",
            "layer1.bn",
            "fc",
            "fc.bias",
            "rows 1..3 of fc.weight",
            "rows 0..2 of fc.weight",
        ])
    };
    let best = select(vec!["lowest a", "highest a", "lowest b"]);
    prop_oneof![
        3 => targets().prop_map(|targets| format!("train {targets}")),
        3 => targets().prop_map(|targets| format!("unfreeze {targets}")),
        2 => targets().prop_map(|targets| format!("freeze {targets}")),
        1 => targets().prop_map(|targets| format!("freeze {targets} stats live")),
        1 => targets().prop_map(|targets| format!("set {targets} stats held")),
        4 => best.clone().prop_map(|best| format!("restore {best}")),
        2 => (best, targets()).prop_map(|(best, targets)| format!("restore {best}, train {targets}")),
    ]
}

fn policy() -> impl Strategy<Value = String> {
    vec((moment(), actions()), 3..12).prop_map(|rules| {
        format!("default lr 0.05 optimizer sgd(momentum 0.9);{}", at_moments(rules))
    })
}

/// What happens to a training: a step, an epoch's start, an observation.
#[derive(Debug, Clone)]
enum Event {
    Epoch,
    Step,
    Observe(&'static str, f64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let value = select(vec![1.0, 2.0, 3.0, 4.0, f64::NAN]);
    vec(
        prop_oneof![
            2 => Just(Event::Epoch),
            4 => Just(Event::Step),
            3 => (select(vec!["a", "b"]), value).prop_map(|(name, value)| Event::Observe(name, value)),
        ],
        10..40,
    )
}

/// Whole copies of a network at the best moments of its metrics.
#[derive(Default)]
struct Whole(BTreeMap<String, (f64, Option<Bits>)>);

impl Whole {
    fn observe(&mut self, metric: &str, value: f64, net: &Net) {
        for (best, value) in [("lowest", value), ("highest", -value)] {
            let kept = self.0.entry(format!("{best} {metric}")).or_insert((f64::INFINITY, None));
            if value < kept.0 {
                *kept = (value, Some(Bits::of(&net.vs)));
            }
        }
    }

    /// Fails unless the network is as the last restored moment was.
    fn check(&self, change: &Transition, net: &Net) {
        let mut restored = change.restored.iter().filter(|restore| restore.observed.is_some());
        if let Some(last) = restored.next_back() {
            let best = format!("{:?} {}", last.best, last.metric).to_lowercase();
            let expected = self.0[&best].1.as_ref().expect("it was observed");
            assert!(expected.moved(&Bits::of(&net.vs)).is_empty(), "{best}: {change}");
        }
    }
}

fn play(net: &Net, tuner: &mut Tuner, events: &[Event]) -> Result<usize, freeze_runtime::Error> {
    let mut whole = Whole::default();
    let mut restores = 0;
    let mut batch = 0;
    whole.check(&tuner.start_epoch()?, net);
    for event in events {
        match event {
            Event::Observe(metric, value) => {
                tuner.observe(metric, *value)?;
                whole.observe(metric, *value, net);
            }
            Event::Epoch => {
                // A forward pass that no step follows moves statistics all the same.
                let _ = net.activations(batch);
                let change = tuner.start_epoch()?;
                restores += change.restored.len();
                whole.check(&change, net);
            }
            Event::Step => {
                batch += 1;
                let change = tuner.backward_step(&net.loss(batch))?;
                restores += change.restored.len();
                whole.check(&change, net);
            }
        }
    }
    Ok(restores)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_restored_is_the_whole_model(text in policy(), events in events()) {
        let policy = Policy::parse(&text);
        prop_assume!(policy.is_ok());
        let net = Net::convolutions(Device::Cpu);
        let tuner = Tuner::builder(&policy.unwrap()).attach(&net.vs);
        prop_assume!(tuner.is_ok());
        play(&net, &mut tuner.unwrap(), &events).unwrap();
    }
}

/// The orders of events that are easy to get wrong, each once.
#[test]
fn moments_come_back_whatever_froze_and_was_restored_since() -> Result<(), freeze_runtime::Error> {
    let rules = [
        // Best while `fc` trains, then `layer2` trains instead.
        "start: train fc; epoch 2: train layer2; epoch 4: restore lowest a",
        // Another best in between, with both.
        "start: train fc; epoch 1: unfreeze layer2; epoch 2: freeze fc; epoch 4: restore lowest a",
        // Unfrozen by the rule that restores.
        "start: train fc; epoch 3: restore lowest a, train layer1; epoch 5: restore lowest a",
        // A second moment, restored over what was frozen at the first.
        "start: train fc; epoch 2: train layer2; epoch 3: restore highest a, train layer1;
         epoch 4: restore lowest a; epoch 5: restore highest a; epoch 5: restore lowest b",
        // Rows, and statistics that follow the data in a frozen module.
        "start: train rows 0..2 of fc.weight; epoch 2: freeze layer1 stats live;
         epoch 2: train rows 1..3 of fc.weight; epoch 4: restore lowest a;
         epoch 5: restore highest a",
    ];
    for (device, rules) in devices().into_iter().flat_map(|device| rules.map(|it| (device, it))) {
        println!("{device:?}: {rules}");
        let net = Net::convolutions(device);
        let policy = parse(&format!("default lr 0.05 optimizer sgd(momentum 0.9); {rules}"));
        let mut tuner = Tuner::builder(&policy).best_weights_device(Device::Cpu).attach(&net.vs)?;
        let mut events = Vec::new();
        for (a, b) in [(3.0, 1.0), (2.0, 2.0), (4.0, 0.5), (2.5, 3.0), (3.0, 1.0), (2.2, 1.0)] {
            events.extend([Event::Step, Event::Observe("a", a), Event::Observe("b", b)]);
            events.extend([Event::Step, Event::Epoch]);
        }
        assert!(play(&net, &mut tuner, &events)? > 0);
    }
    Ok(())
}
