//! The pieces of the example, on few samples.

use freeze_examples::{Weights, check_description, comparison, digits};
use tch::{Device, nn};

use crate::network::Network;
use crate::train::{Task, fine_tune};
use crate::{COLUMNS, Outcome, chart, strategies};

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    check_description("chain_thaw", &vs).unwrap();
}

#[test]
fn phases_follow_one_another_and_the_best_weights_stay() {
    tch::set_num_threads(1);
    let task = Task::draw(&digits::load().unwrap().classes(5..10), 4, 0);
    tch::manual_seed(0);
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    let body = Weights::of(&vs).except("output_layer");
    let outcomes = strategies().unwrap().map(|strategy| {
        let run = fine_tune(&strategy.policy, &body, &task, 1000).unwrap();
        assert!(run.phases.last().unwrap().change.stopped, "the policy ends the run");
        let lowest = run.losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(run.kept.to_bits(), lowest.to_bits(), "the best weights are kept");
        assert!(run.kept < run.losses[0]);
        Outcome { strategy, runs: vec![run] }
    });

    let [head_only, everything, chain_thaw] = &outcomes;
    assert_eq!(fired(head_only), ["head", "end"]);
    assert_eq!(fired(everything), ["whole", "end"]);
    let alone = ["alone[embed]", "alone[lstm_0]", "alone[lstm_1]", "alone[attention_layer]"];
    assert_eq!(fired(chain_thaw), [&["head"], &alone[..], &["whole", "end"]].concat());
    let trained: Vec<usize> = chain_thaw.runs[0].phases.iter().map(|phase| phase.trained).collect();
    assert_eq!(trained[..5].iter().sum::<usize>(), trained[5], "each module once, then all");

    let dots = chart::chart(&outcomes).to_string().matches("<circle").count();
    assert_eq!(dots, 7, "one for each rule of chain-thaw");
    assert_eq!(comparison::table(&outcomes, &COLUMNS).to_string().lines().count(), 2 + 3);
}

/// The names of the rules that fired, in order.
fn fired(outcome: &Outcome) -> Vec<&str> {
    let changes = outcome.runs[0].phases.iter().map(|phase| &phase.change);
    changes.flat_map(|change| &change.fired).map(String::as_str).collect()
}
