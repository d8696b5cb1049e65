//! The pieces of the example, on few samples.

use freeze_examples::comparison::{self, Strategy};
use freeze_examples::{Weights, bar, check_description, digits};
use tch::{Device, nn};

use crate::network::Network;
use crate::train::{PARTS, Run, Task, fine_tune};
use crate::{COLUMNS, Outcome, picture, policy, strategies};

#[test]
fn the_description_is_of_this_network() {
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    check_description("lisa", &vs).unwrap();
}

/// A run on eight samples a class: 40 steps.
fn run(strategy: &Strategy, draw: i64) -> Run {
    tch::set_num_threads(1);
    let mut task = Task::draw(&digits::load().unwrap().classes(5..10), 8, 0);
    // Only the draw of the layers differs.
    task.seed = draw;
    let policy = policy(strategy, &task).unwrap();
    task.seed = 0;
    tch::manual_seed(0);
    let vs = nn::VarStore::new(Device::Cpu);
    let _network = Network::new(&vs.root());
    let body = Weights::of(&vs).except("head");
    fine_tune(&policy, &body, &task, &bar(0, "test")).unwrap()
}

/// The parts that moved in each window of steps.
fn moved(run: &Run) -> Vec<Vec<&'static str>> {
    let moved = |window: &[f64; PARTS.len()]| {
        PARTS
            .into_iter()
            .zip(window)
            .filter(|(_, moved)| **moved > 0.0)
            .map(|(part, _)| part)
            .collect()
    };
    run.moved.iter().map(moved).collect()
}

#[test]
fn two_layers_move_at_a_time_and_hold_all_the_state() {
    let outcomes = strategies().unwrap().map(|strategy| {
        let runs = [0, 1].map(|draw| run(&strategy, draw)).into();
        Outcome { strategy, runs }
    });
    let [everything, head_only, lisa] = outcomes.each_ref().map(|outcome| &outcome.runs[0]);

    assert_eq!(moved(everything), vec![PARTS.to_vec(); 4]);
    assert_eq!(moved(head_only), vec![vec!["head"]; 4]);
    for parts in moved(lisa) {
        let (layers, others): (Vec<&str>, Vec<&str>) =
            parts.into_iter().partition(|part| part.contains("layer"));
        assert_eq!(layers.len(), 2, "{layers:?}");
        assert_eq!(others, ["head", "encoder.norm", "embeddings"]);
    }
    assert_ne!(moved(lisa), moved(&outcomes[2].runs[1]), "each run draws others");
    assert!(lisa.optimizer_bytes * 5 < everything.optimizer_bytes * 2);

    let pale = picture::picture(lisa).to_string().matches("#f0f0f0").count();
    assert_eq!(pale, 4 * 4 + 1, "four layers are frozen in each of four windows; and the legend");
    assert_eq!(comparison::table(&outcomes, &COLUMNS).to_string().lines().count(), 2 + 3);
}
