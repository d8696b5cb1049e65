//! Fine-tunes a network that knows digits 0 to 4 to tell 5 to 9 by ten samples of each: from
//! scratch, whole, its head only, and by gradual unfreezing.
//!
//! Run it with `cargo run --example digits`.

mod chart;
mod network;
mod strategy;
mod table;
mod train;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use freeze_examples::table::thousands;
use freeze_examples::{Dataset, bar, digits, exit_code, learn_first_half, output_folder, readable};
use tch::{Device, nn};

use network::Network;
use strategy::Strategy;
use train::{EPOCHS, Run, Task, fine_tune};

/// How many epochs the network learns digits 0 to 4.
const PRETRAINING: u64 = 100;
/// Labelled samples of each new digit.
const PER_CLASS: i64 = 10;
/// How often these samples are drawn anew; which ones they are matters much.
const DRAWS: i64 = 8;

/// A strategy and its runs, one a draw.
struct Outcome {
    strategy: Strategy,
    runs: Vec<Run>,
}

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    // The same sums on any machine; and on images this small, no slower.
    tch::set_num_threads(1);
    let folder = output_folder("digits")?;
    let strategies = strategy::all()?;
    let digits = digits::load()?;

    let pretrained = folder.join("digits-0-to-4.safetensors");
    pretrain(&digits, &pretrained)?;

    let new = digits.classes(5..10);
    let tasks: Vec<Task> = (0..DRAWS).map(|seed| Task::draw(&new, PER_CLASS, seed)).collect();
    println!(
        "\nDigits 5 to 9: {PER_CLASS} labelled samples of each to learn from, the other {} to be \
         tested on; {EPOCHS} epochs.\n{DRAWS} draws of the samples; numbers are mean ± standard \
         deviation over them.\n",
        tasks.first().map_or(0, |task| task.rest.len()),
    );
    let mut outcomes = Vec::new();
    for strategy in strategies {
        outcomes.push(try_out(strategy, &pretrained, &tasks)?);
    }
    repeat_from_rust(&outcomes, &pretrained, &tasks)?;

    println!("\n{}", table::table(&outcomes));
    let picture = folder.join("accuracy.svg");
    fs::write(&picture, chart::chart(&outcomes, DRAWS).to_string())?;
    println!("accuracy over epochs: {}", readable(&picture));
    Ok(())
}

/// Trains a network on the first half of the digits, for what is of use to the others.
fn pretrain(digits: &Dataset, file: &Path) -> Result<(), Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    learn_first_half(&vs, &network, digits, PRETRAINING)?;
    vs.save(file)?;
    println!("    saved: {}", readable(file));
    Ok(())
}

/// Runs a strategy on every draw, and tells what its rules did in the first.
fn try_out(
    strategy: Strategy,
    pretrained: &Path,
    tasks: &[Task],
) -> Result<Outcome, Box<dyn Error>> {
    let epochs = EPOCHS * u64::try_from(tasks.len())?;
    let progress = bar(epochs, strategy.name);
    let start = strategy.pretrained.then_some(pretrained);
    let runs: Vec<Run> = tasks
        .iter()
        .map(|task| fine_tune(&strategy.policy, start, task, &progress))
        .collect::<Result<_, _>>()?;
    progress.finish_and_clear();
    println!("{}", strategy.name);
    for change in runs.iter().take(1).flat_map(|run| &run.changes) {
        println!("    {change}");
    }
    Ok(Outcome { strategy, runs })
}

/// The gradual policy once more, from the program's own text and not from the file: the same bits
/// must come of it.
fn repeat_from_rust(
    outcomes: &[Outcome],
    pretrained: &Path,
    tasks: &[Task],
) -> Result<(), Box<dyn Error>> {
    let policy = strategy::gradual_in_rust();
    let gradual = outcomes.iter().find(|outcome| outcome.strategy.policy == policy);
    let (Some(Outcome { runs, .. }), Some(task)) = (gradual, tasks.first()) else {
        return Err("`gradual.freeze` is not what `strategy.rs` says".into());
    };
    let progress = bar(EPOCHS, "gradual, from Rust");
    let run = fine_tune(&policy, Some(pretrained), task, &progress)?;
    progress.finish_and_clear();
    if runs.first().and_then(|it| it.weights.differing_bits(&run.weights)) != Some(0) {
        return Err("the macro's run gave other weights than the file's".into());
    }
    println!(
        "gradual, as freeze_policy! in Rust\n    the same policy, and a network that differs \
         in 0 of {} bits",
        thousands(usize::try_from(run.weights.bits())?),
    );
    Ok(())
}
