//! Fine-tunes a recurrent network by chain-thaw: its head, then each layer alone, then everything,
//! and compares that with everything at once and with the head only.
//!
//! Run it with `cargo run --example chain_thaw`.

mod chart;
mod network;
#[cfg(test)]
mod tests;
mod train;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use freeze_examples::comparison::{self, Column, Strategy, percent, spread};
use freeze_examples::{
    Dataset, Weights, digits, exit_code, learn_first_half, output_folder, readable,
};
use tch::{Device, nn};

use network::Network;
use train::{Run, Task, fine_tune};

/// How many epochs the network learns digits 0 to 4.
const PRETRAINING: u64 = 40;
/// Labelled samples of each new digit, and as many to stop by.
const PER_CLASS: i64 = 20;
/// How often the samples are drawn anew.
const DRAWS: u32 = 8;
/// What no run needs.
const MOST_EPOCHS: u64 = 1000;

type Outcome = comparison::Outcome<Run>;

const COLUMNS: [Column<Run>; 4] = [
    ("accuracy on the rest", |runs| percent(runs, |run| run.accuracy)),
    ("validation loss", |runs| spread(runs, 2, |run| run.kept)),
    ("epochs", |runs| {
        spread(runs, 0, |run| f64::from(u32::try_from(run.epochs()).unwrap_or(u32::MAX)))
    }),
    ("seconds", |runs| spread(runs, 2, |run| run.seconds)),
];

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    // The same sums on any machine; and on a network this small, no slower.
    tch::set_num_threads(1);
    let strategies = strategies()?;
    let digits = digits::load()?;
    let body = pretrained(&digits)?;

    let new = digits.classes(5..10);
    let tasks: Vec<Task> =
        (0..DRAWS).map(|seed| Task::draw(&new, PER_CLASS, seed.into())).collect();
    println!(
        "\nDigits 5 to 9: {PER_CLASS} labelled samples of each to learn from and as many to stop \
         by, the other {} to be tested on.\n{DRAWS} draws of the samples; numbers are mean ± \
         standard deviation over them.\n",
        tasks.first().map_or(0, |task| task.rest.len()),
    );
    let mut outcomes = Vec::new();
    for strategy in strategies {
        let outcome = Outcome::of(strategy, &tasks, 1, |strategy, task, progress| {
            let run = fine_tune(&strategy.policy, &body, task, MOST_EPOCHS);
            progress.inc(1);
            run
        })?;
        for phase in outcome.runs.iter().take(1).flat_map(|run| &run.phases) {
            println!("    {}", phase.change);
        }
        outcomes.push(outcome);
    }

    println!("\n{}", comparison::table(&outcomes, &COLUMNS));
    let picture = output_folder("chain_thaw")?.join("loss.svg");
    fs::write(&picture, chart::chart(&outcomes).to_string())?;
    println!("validation loss over epochs: {}", readable(&picture));
    Ok(())
}

/// What a network has learnt of the first half of the digits, all but its head.
fn pretrained(digits: &Dataset) -> Result<Weights, Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    learn_first_half(&vs, &network, digits, PRETRAINING)?;
    Ok(Weights::of(&vs).except("output_layer"))
}

/// The strategies. Each learning rate is the best, or as good as the best, of several from 1e-3 to
/// 1e-1, tried on other draws of the samples than those of this example.
fn strategies() -> Result<[Strategy; 3], Box<dyn Error>> {
    let load = |name, file| Strategy::load("chain_thaw", name, file);
    Ok([
        load("head only", "head_only.freeze")?,
        load("everything", "everything.freeze")?,
        load("chain-thaw", "chain_thaw.freeze")?,
    ])
}
