//! A clock whose state was saved and read again answers as the one that went on.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::sync::LazyLock;

use crate::support::{clock_of, model};
use freeze_dsl::clock::{Clock, Program, Snapshot, Transition};
use freeze_dsl::model::{Model, NormalisationId};
use freeze_dsl::policy::Policy;
use freeze_generator::{sound, spaced};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// One with all that a generated policy may name.
static MODEL: LazyLock<Model> = LazyLock::new(|| {
    model(&[
        "conv1.weight",
        "conv1.0.weight[4]",
        "conv1.running_mean[4]",
        "layer4.0.q_proj.weight[2000, 2]",
        "layer4.0.weight[4]",
        "layer4.weight.0[4]",
        "fc.weight",
        "fc.bias[4]",
        "fc.0.lr[4]",
        "fc.tied = fc.weight",
    ])
});

/// All that a clock remembers.
const EVERYTHING: &str = "
    run 20 epochs;
    default lr exp 1 -> 0.1 over rest optimizer adamw weight_decay 0.01 stats live;
    let @parts = [conv1, layer4.0.q_proj, fc];
    start: train fc lr linear 1 -> 0 over 7 steps then cosine 1 -> 0.3 over 3 epochs then freeze;
    every 2 steps: train sample 2 of @parts seed 3 lr 1 times 0.1 every 3 steps to 1e-3;
    when a stops falling for 2 epochs by 0.1 and base > 0.5 or step 40:
        freeze fc keep state stats held, unfreeze rows 2..5 of layer4.0.q_proj.weight lr 0.25;
    after 10% or every 3 steps: restore lowest a, restore highest base, set @trainable lr
        linear 1 -> 0 over 5 steps repeat stretching 1.5;
    when i < 0.5 for 2 epochs: unfreeze fc optimizer sgd(momentum 0.9), reset conv1;
    after 4 epochs: stop";

/// An event that a training passes to its clock.
#[derive(Debug, Clone)]
enum Event {
    Epoch,
    Steps(u8),
    Observe(&'static str, f64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let metric = select(vec!["a", "base", "i", "n_1", "stage", "a.b"]);
    let value = prop_oneof![
        4 => select(vec![0.0, -0.0, 0.1, 0.3, 1.0, 1.0 / 3.0, 5e-324, f64::MAX]),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ];
    let event = prop_oneof![
        2 => Just(Event::Epoch),
        3 => (0..9_u8).prop_map(Event::Steps),
        3 => (metric, value).prop_map(|(metric, value)| Event::Observe(metric, value)),
    ];
    vec(event, 0..40)
}

fn play(clock: &mut Clock, event: &Event) -> Vec<Transition> {
    match event {
        Event::Epoch => vec![clock.start_epoch()],
        Event::Steps(count) => (0..*count).map(|_| clock.end_step()).collect(),
        Event::Observe(metric, value) => {
            clock.observe(metric, *value);
            Vec::new()
        }
    }
}

/// What a clock's state is after it was written and read again.
fn through_json(clock: &Clock) -> Snapshot {
    let json = serde_json::to_string(&clock.snapshot()).unwrap();
    let read: Snapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(read, clock.snapshot());
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    read
}

fn resumed(clock: &Clock) -> Clock {
    Clock::resume(clock.plan().clone(), *clock.program(), &through_json(clock)).unwrap()
}

/// Saves and resumes before each event; the resumed clock must never differ.
fn goes_on(mut clock: Clock, events: &[Event]) {
    for event in events {
        let mut resumed = resumed(&clock);
        assert_eq!(play(&mut resumed, event), play(&mut clock, event), "{event:?}");
        assert_eq!(resumed.groups(), clock.groups());
        assert!(resumed.trainable().eq(clock.trainable()));
        let first = NormalisationId::new(0);
        assert_eq!(resumed.is_live(first), clock.is_live(first));
        assert_eq!(resumed.epochs_started(), clock.epochs_started());
        assert_eq!(resumed.snapshot(), clock.snapshot());
    }
}

fn program(steps_per_epoch: Option<u64>) -> Program {
    Program { steps_per_epoch, ..crate::support::PROGRAM }
}

fn is_sound(text: &str) -> bool {
    Policy::parse(text).is_ok_and(|policy| policy.plan(&MODEL).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn generated_policies_go_on(
        words in sound(is_sound),
        events in events(),
        steps in proptest::option::of(1..9_u64),
    ) {
        goes_on(clock_of(&spaced(&words), &MODEL, program(steps)), &events);
    }

    #[test]
    fn everything_goes_on(events in events(), steps in proptest::option::of(1..9_u64)) {
        goes_on(clock_of(EVERYTHING, &MODEL, program(steps)), &events);
    }

    /// Whatever a file contains: an error, or a clock that runs.
    #[test]
    fn hostile_states_make_no_panic(
        events in events(),
        changes in vec((any::<Index>(), hostile()), 1..4),
        later in events(),
    ) {
        let mut clock = clock_of(EVERYTHING, &MODEL, program(Some(4)));
        for event in &events {
            play(&mut clock, event);
        }
        let mut json = serde_json::to_value(clock.snapshot()).unwrap();
        for (index, value) in changes {
            let mut leaves = Vec::new();
            leaves_of(&json, "", &mut leaves);
            *json.pointer_mut(&leaves[index.index(leaves.len())]).unwrap() = value;
        }
        let Ok(snapshot) = serde_json::from_value::<Snapshot>(json) else { return Ok(()) };
        let resumed = Clock::resume(clock.plan().clone(), *clock.program(), &snapshot);
        if let Ok(mut clock) = resumed {
            for event in &later {
                play(&mut clock, event);
            }
        }
    }
}

fn hostile() -> impl Strategy<Value = Value> {
    let most = 1_u64 << 53;
    let values = [
        json!(0),
        json!(1),
        json!(2),
        json!(3),
        json!(7),
        json!(-1),
        json!(most),
        json!(most + 1),
        json!(u64::MAX),
        json!(1e300),
        json!(0.5),
        json!("inf"),
        json!("nan"),
        json!(""),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!("default"),
        json!({ "action": { "rule": 3, "action": 0 } }),
        json!({ "epochs": most, "steps": most }),
    ];
    select(values.to_vec())
}

/// The place of every value that holds no other.
fn leaves_of(value: &Value, place: &str, leaves: &mut Vec<String>) {
    match value {
        Value::Array(values) if !values.is_empty() => {
            for (index, value) in values.iter().enumerate() {
                leaves_of(value, &format!("{place}/{index}"), leaves);
            }
        }
        Value::Object(values) if !values.is_empty() => {
            for (name, value) in values {
                leaves_of(value, &format!("{place}/{name}"), leaves);
            }
        }
        _ => leaves.push(place.to_owned()),
    }
}

#[test]
fn bests_come_back_to_the_bit() {
    let mut clock = clock_of(
        "start: train fc; step 1: restore lowest a, restore highest a",
        &MODEL,
        program(None),
    );
    clock.observe("a", f64::NAN);
    clock.observe("a", f64::NEG_INFINITY);
    clock.observe("a", f64::MAX);
    clock.start_epoch();
    let change = resumed(&clock).end_step();
    let best = |index: usize| change.restored[index].observed.map(|best| best.value.to_bits());
    assert_eq!(best(0), Some(f64::NEG_INFINITY.to_bits()));
    assert_eq!(best(1), Some(f64::MAX.to_bits()));
}

#[test]
fn what_is_to_be_reported_is_reported_after_resuming() {
    let mut clock = clock_of("start: train fc", &MODEL, program(None));
    clock.observe("a", f64::NAN);
    assert_eq!(resumed(&clock).start_epoch().notes.len(), 1);
}

/// Why a state does not go with a policy of which it is not one.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut clock = clock_of(EVERYTHING, &MODEL, program(Some(4)));
    clock.start_epoch();
    clock.end_step();
    let mut json = serde_json::to_value(clock.snapshot()).unwrap();
    change(&mut json);
    match serde_json::from_value::<Snapshot>(json) {
        Err(error) => error.to_string(),
        Ok(snapshot) => {
            let resumed = Clock::resume(clock.plan().clone(), *clock.program(), &snapshot);
            resumed.unwrap_err().to_string()
        }
    }
}

#[test]
fn states_of_another_plan_are_refused() {
    let later = json!({ "epochs": 0, "steps": 2 });
    let late = json!({ "value": 1, "at": later });
    let cases: [(&str, Value, &str); 29] = [
        ("/epoch_began", json!(2), "its epoch began later than now"),
        ("/time", json!({"epochs": 0, "steps": 1, "shift": i64::MAX}), "more than can be counted"),
        ("/format", json!(2), "format 2 is not supported"),
        ("/sequences/0/next", json!(7), "did not fire in order"),
        ("/sequences/0/rounds", json!(1), "did not fire in order"),
        ("/sequences", json!([]), "0 sequences of rules, and there are 1"),
        ("/metrics/armed", json!([]), "its metrics are not those"),
        ("/firings/0", json!(0), "did not fire in order"),
        ("/firings", json!([1]), "firings of 1 rules, and there are 6"),
        ("/stopped", json!(true), "whether training is over"),
        ("/sequences/0/previous/steps", json!(2), "later than now"),
        ("/time/steps", json!(u64::MAX), "more than can be counted"),
        ("/started", json!(false), "none has started"),
        ("/trains", json!([99]), "a parameter trains that there is not"),
        ("/kept", json!([0]), "is frozen and has kept its state"),
        ("/options/0/lr", json!(9), "options that no policy can set"),
        ("/options/0/weight_decay", json!(0), "options that no policy can set"),
        ("/options/0/lr_factor", json!(-1), "options that no policy can set"),
        ("/options/0/anchor", json!(-1), "options that no policy can set"),
        ("/options/0/arguments", json!([0, null, null, null, null]), "options that no policy can"),
        ("/curves/0/origin/of", json!("weight_decay"), "options that no policy can set"),
        ("/curves/0/origin/giver", json!({ "action": { "rule": 5, "action": 0 } }), "has begun"),
        ("/stats", json!([]), "statistics of 0 modules, and there are 1"),
        ("/metrics/conditions", json!([]), "its metrics are not those"),
        ("/metrics/conditions/0/best", late.clone(), "its metrics are not those"),
        ("/metrics/conditions/0/since", later.clone(), "its metrics are not those"),
        ("/metrics/conditions/0/epoch", json!(1), "its metrics are not those"),
        ("/metrics/conditions/0/epochs", json!(2), "its metrics are not those"),
        ("/metrics/bests", json!({ "a": [null, late] }), "its metrics are not those"),
    ];
    for (place, value, problem) in cases {
        let error = refused(|json| {
            if place == "/started" {
                *json.pointer_mut("/time/epochs").unwrap() = json!(1);
            }
            if place == "/kept" {
                *json.pointer_mut("/trains").unwrap() = json!([0]);
            }
            // What has its default is left out.
            let (parent, key) = place.rsplit_once('/').unwrap();
            let parent = json.pointer_mut(parent).unwrap();
            match parent.as_array_mut() {
                Some(all) => all[key.parse::<usize>().unwrap()] = value,
                None => parent[key] = value,
            }
        });
        assert!(error.contains(problem), "{place}: {error}");
    }
}

#[test]
fn a_state_is_of_a_round_that_a_repeat_can_be_in() {
    let text = "start: train fc; epoch 1: reset fc; repeat { after 1 epoch: train conv1; after 1 epoch: train fc; }";
    let mut clock = clock_of(text, &MODEL, program(None));
    let mut states = Vec::new();
    for _ in 0..7 {
        clock.start_epoch();
        clock = resumed(&clock);
        states.push(serde_json::to_value(clock.snapshot()).unwrap());
    }
    assert_eq!(clock.rules_fired(), [7]);
    let fits = |state: &Value, next: u64| {
        let mut state = state.clone();
        state["sequences"][0]["next"] = json!(next);
        let snapshot: Snapshot = serde_json::from_value(state).unwrap();
        Clock::resume(clock.plan().clone(), *clock.program(), &snapshot).map(|_| ())
    };
    // In its second round, one of the two rules of the `repeat` waits.
    let last = states.last().unwrap();
    assert!(fits(last, 2).is_ok() && fits(last, 3).is_ok());
    for next in [0, 1, 4] {
        let error = fits(last, next).unwrap_err().to_string();
        assert!(error.contains("did not fire in order"), "{next}: {error}");
    }
    // In its first, the rule after the last one is that of another round.
    let first = &states[3];
    assert!(fits(first, 4).unwrap_err().to_string().contains("did not fire in order"));
}
