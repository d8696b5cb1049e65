//! Fine-tunes a transformer with two layers of six at a time, drawn anew every ten steps, and
//! compares that with all of it and with its head only.
//!
//! Run it with `cargo run --example lisa`.

mod network;
mod picture;
mod strategy;
mod table;
#[cfg(test)]
mod tests;
mod train;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use freeze_examples::{
    Dataset, Weights, bar, digits, exit_code, learn_first_half, output_folder, readable,
};
use tch::{Device, nn};

use network::Network;
use strategy::Strategy;
use train::{EPOCHS, PER_CLASS, Run, Task, fine_tune};

/// How many epochs the network learns digits 0 to 4.
const PRETRAINING: u64 = 30;
/// How often the samples are drawn anew.
const DRAWS: u32 = 4;

/// A strategy and its runs, one a draw.
struct Outcome {
    strategy: Strategy,
    runs: Vec<Run>,
}

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    // The same sums on any machine; and on a network this small, no slower.
    tch::set_num_threads(1);
    let strategies = strategy::all(DRAWS)?;
    let digits = digits::load()?;
    let body = pretrained(&digits)?;

    let new = digits.classes(5..10);
    let tasks: Vec<Task> =
        (0..DRAWS).map(|seed| Task::draw(&new, PER_CLASS, seed.into())).collect();
    println!(
        "\nDigits 5 to 9: {PER_CLASS} labelled samples of each to learn from, the other {} to be \
         tested on; {EPOCHS} epochs.\n{DRAWS} draws of the samples; numbers are mean ± standard \
         deviation over them.\n",
        tasks.first().map_or(0, |task| task.rest.len()),
    );
    let mut outcomes = Vec::new();
    for strategy in strategies {
        outcomes.push(try_out(strategy, &body, &tasks)?);
    }

    println!("\n{}", table::table(&outcomes));
    let picture = output_folder("lisa")?.join("layers.svg");
    if let Some(run) = outcomes.last().and_then(|outcome| outcome.runs.first()) {
        fs::write(&picture, picture::picture(run).to_string())?;
        println!("which layers trained when: {}", readable(&picture));
    }
    Ok(())
}

/// What a network has learnt of the first half of the digits, all but its head.
fn pretrained(digits: &Dataset) -> Result<Weights, Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    learn_first_half(&vs, &network, digits, PRETRAINING)?;
    Ok(Weights::of(&vs).except("head"))
}

/// Runs a strategy on every draw, and tells what its rules did first.
fn try_out(strategy: Strategy, body: &Weights, tasks: &[Task]) -> Result<Outcome, Box<dyn Error>> {
    let epochs = EPOCHS * u64::try_from(tasks.len())?;
    let progress = bar(epochs, strategy.name);
    let runs: Vec<Run> = strategy
        .policies
        .iter()
        .zip(tasks)
        .map(|(policy, task)| fine_tune(policy, body, task, &progress))
        .collect::<Result<_, _>>()?;
    progress.finish_and_clear();
    println!("{}", strategy.name);
    let changes = runs.first().map_or(&[][..], |run| &run.changes);
    for change in changes.iter().take(3) {
        println!("    {change}");
    }
    if changes.len() > 3 {
        println!("    … and so on, {} times in all", changes.len());
    }
    Ok(Outcome { strategy, runs })
}
