//! What trains after the rules of tracks does not depend on the order in which they fire.

#![expect(clippy::indexing_slicing, reason = "a test that panics fails")]

use std::collections::BTreeMap;

use freeze_dsl::Draft;
use freeze_dsl::clock::Clock;
use freeze_dsl::model::Model;
use freeze_dsl::source::Source;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{PROGRAM, fired, model, trainable};

const MODULES: [&str; 3] = ["a", "b", "c"];

fn modules() -> Model {
    model(&[
        "a.0.weight",
        "a.1.weight",
        "a.norm.weight[4]",
        "a.norm.bias[4]",
        "b.0.weight",
        "b.1.weight[8, 4]",
        "c.weight",
    ])
}

/// Actions of a sequence that owns this module, or of one that owns others too.
fn actions(module: &'static str) -> impl Strategy<Value = String> {
    let targets = match module {
        "a" => vec!["@all", "a", "a.0", "@norms in a", "@trainable", "@frozen", "@matrices in a"],
        "b" => vec!["@all", "b.0", "@frozen", "rows 0..3 of b.1.weight", "@trainable"],
        _ => vec!["@all", "c", "@trainable"],
    };
    let verb = select(vec!["train", "unfreeze", "freeze"]);
    (verb, select(targets)).prop_map(|(verb, targets)| format!("{verb} {targets}?"))
}

/// The rules of a sequence, each of which waits for a metric of its own.
fn rules(module: &'static str) -> impl Strategy<Value = String> {
    vec(actions(module), 1..4).prop_map(move |actions| {
        let rules = actions.iter().enumerate();
        let rules = rules.map(|(index, action)| format!("when {module}{index} > 0: {action}"));
        rules.collect::<Vec<_>>().join("; ")
    })
}

/// The numbers of rules that have fired and the trainable slices, as the rules of the sequences of
/// these modules fire in this order.
fn go(clock: &Clock, order: &[usize]) -> Vec<(Vec<usize>, Vec<String>)> {
    let mut clock = clock.clone();
    clock.start_epoch();
    let mut next = [0; MODULES.len()];
    let mut states = Vec::new();
    for sequence in order {
        clock.observe(&format!("{}{}", MODULES[*sequence], next[*sequence]), 1.0);
        next[*sequence] += 1;
        clock.end_step();
        states.push((clock.rules_fired(), trainable(&clock)));
    }
    states
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_trainable_set_is_that_of_the_rules_that_fired(
        first in rules("a"),
        second in rules("b"),
        main in rules("c"),
        orders in vec(vec(0..MODULES.len(), 12), 4),
    ) {
        let text = format!("{main}; track in a {{ {first} }} track in b {{ {second} }}");
        let model = modules();
        let checked = Draft::read(Source::new(text)).check_against(&model);
        let plan = checked.policy.and_then(|policy| policy.plan(&model).ok());
        let Some(plan) = plan else { return Err(TestCaseError::reject("has errors")) };
        let clock = Clock::new(plan, PROGRAM);
        let mut known: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
        for order in orders {
            for (rules, trains) in go(&clock, &order) {
                let before = known.entry(rules).or_insert_with(|| trains.clone());
                prop_assert_eq!(&*before, &trains);
            }
        }
    }
}

#[test]
fn the_same_rules_in_all_orders_of_two_tracks() {
    let text = "when c0 > 0: freeze @all;
        track in a { when a0 > 0: train a.0; when a1 > 0: train @frozen; when a2 > 0: freeze @norms }
        track in b { when b0 > 0: freeze b.0; when b1 > 0: train @frozen; when b2 > 0: unfreeze @all }";
    let policy = freeze_dsl::policy::Policy::parse(text).unwrap();
    let clock = Clock::new(policy.plan(&modules()).unwrap(), PROGRAM);
    let mut ends = Vec::new();
    for order in orders([3, 3, 1], Vec::new()) {
        ends.extend(go(&clock, &order).pop());
    }
    assert_eq!(ends.len(), 140);
    ends.dedup();
    assert_eq!(ends.len(), 1);
    let mut clock = clock;
    assert_eq!(fired(&clock.start_epoch()), "");
}

/// All orders of so many of each of three kinds.
fn orders(left: [usize; 3], before: Vec<usize>) -> Vec<Vec<usize>> {
    if left == [0; 3] {
        return vec![before];
    }
    let mut all = Vec::new();
    for kind in 0..3 {
        if left[kind] > 0 {
            let mut rest = left;
            rest[kind] -= 1;
            let mut longer = before.clone();
            longer.push(kind);
            all.extend(orders(rest, longer));
        }
    }
    all
}
