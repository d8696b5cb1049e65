//! Fine-tunes a transformer with two layers of six at a time, drawn anew every ten steps, and
//! compares that with all of it and with its head only.
//!
//! Run it with `cargo run --example lisa`.

mod network;
mod picture;
#[cfg(test)]
mod tests;
mod train;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use freeze_examples::comparison::{self, Column, Strategy, largest, percent, spread};
use freeze_examples::{
    Dataset, Weights, digits, exit_code, learn_first_half, output_folder, readable,
};
use freeze_runtime::Policy;
use tch::{Device, nn};

use network::Network;
use train::{EPOCHS, PER_CLASS, Run, Task, fine_tune};

/// How many epochs the network learns digits 0 to 4.
const PRETRAINING: u64 = 30;
/// How often the samples are drawn anew.
const DRAWS: u32 = 4;

/// The name of the strategy whose runs draw layers.
const LISA: &str = "LISA";

type Outcome = comparison::Outcome<Run>;

const COLUMNS: [Column<Run>; 3] = [
    ("accuracy on the rest", |runs| percent(runs, |run| run.accuracy)),
    ("seconds", |runs| spread(runs, 2, |run| run.seconds)),
    ("optimizer state, at most", |runs| {
        format!("{} bytes", largest(runs, |run| run.optimizer_bytes))
    }),
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
        "\nDigits 5 to 9: {PER_CLASS} labelled samples of each to learn from, the other {} to be \
         tested on; {EPOCHS} epochs.\n{DRAWS} draws of the samples; numbers are mean ± standard \
         deviation over them.\n",
        tasks.first().map_or(0, |task| task.rest.len()),
    );
    let mut outcomes = Vec::new();
    for strategy in strategies {
        let outcome = Outcome::of(strategy, &tasks, EPOCHS, |strategy, task, progress| {
            fine_tune(&policy(strategy, task)?, &body, task, progress)
        })?;
        let changes = outcome.runs.first().map_or(&[][..], |run| &run.changes);
        for change in changes.iter().take(3) {
            println!("    {change}");
        }
        if changes.len() > 3 {
            println!("    … and so on, {} times in all", changes.len());
        }
        outcomes.push(outcome);
    }

    println!("\n{}", comparison::table(&outcomes, &COLUMNS));
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

/// The strategies. Each peak of the learning rate is the best, or as good as the best, of several
/// from 1e-3 to 1, tried on other draws of the samples than those of this example.
fn strategies() -> Result<[Strategy; 3], Box<dyn Error>> {
    let load = |name, file| Strategy::load("lisa", name, file);
    Ok([
        load("everything", "everything.freeze")?,
        load("head only", "head_only.freeze")?,
        load(LISA, "lisa.freeze")?,
    ])
}

/// The policy of one run: with LISA, each run draws other layers.
fn policy(strategy: &Strategy, task: &Task) -> Result<Policy, Box<dyn Error>> {
    let policy = strategy.policy.clone();
    if strategy.name != LISA {
        return Ok(policy);
    }
    Ok(policy.with("draw", u32::try_from(task.seed)?.into())?)
}
