//! Fine-tunes a network that knows digits 0 to 4 to tell 5 to 9 by ten samples of each: from
//! scratch, whole, its head only, and by gradual unfreezing.
//!
//! Run it with `cargo run --example digits`.

mod chart;
mod network;
mod train;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use freeze_examples::comparison::{self, Column, Strategy, percent};
use freeze_examples::table::thousands;
use freeze_examples::{
    Dataset, Spread, bar, digits, exit_code, learn_first_half, output_folder, readable,
};
use freeze_runtime::{Policy, freeze_policy};
use tch::{Device, nn};

use network::Network;
use train::{EPOCHS, Run, Task, fine_tune};

/// How many epochs the network learns digits 0 to 4.
const PRETRAINING: u64 = 100;
/// Labelled samples of each new digit.
const PER_CLASS: i64 = 10;
/// How often these samples are drawn anew; which ones they are matters much.
const DRAWS: i64 = 8;

type Outcome = comparison::Outcome<Run>;

const COLUMNS: [Column<Run>; 4] = [
    ("accuracy on the rest", |runs| percent(runs, Run::final_accuracy)),
    ("seconds", |runs| format!("{:.2}", Spread::of(runs.iter().map(|run| run.seconds)).mean)),
    ("parameters trained", |runs| {
        first_to_last(runs.iter().take(1).flat_map(|run| &run.fired).map(|fired| fired.trained))
    }),
    ("optimizer state", |runs| {
        let bytes = runs.iter().take(1).flat_map(|run| &run.optimizer_bytes).copied();
        format!("{} bytes", first_to_last(bytes))
    }),
];

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    // The same sums on any machine; and on images this small, no slower.
    tch::set_num_threads(1);
    let folder = output_folder("digits")?;
    let strategies = strategies()?;
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
    for (strategy, start) in strategies {
        let start = (start == Start::Pretrained).then_some(pretrained.as_path());
        let outcome = Outcome::of(strategy, &tasks, EPOCHS, |strategy, task, progress| {
            fine_tune(&strategy.policy, start, task, progress)
        })?;
        for change in outcome.runs.iter().take(1).flat_map(|run| &run.changes) {
            println!("    {change}");
        }
        outcomes.push(outcome);
    }
    repeat_from_rust(&outcomes, &pretrained, &tasks)?;

    println!("\n{}", comparison::table(&outcomes, &COLUMNS));
    let picture = folder.join("accuracy.svg");
    fs::write(&picture, chart::chart(&outcomes, DRAWS).to_string())?;
    println!("accuracy over epochs: {}", readable(&picture));
    Ok(())
}

/// The weights from which a strategy starts.
#[derive(PartialEq)]
enum Start {
    Random,
    Pretrained,
}

/// The strategies. Each learning rate is the best, or as good as the best, of several from 2e-3 to
/// 1e-1, tried on other draws of the samples than those of this example.
fn strategies() -> Result<[(Strategy, Start); 4], Box<dyn Error>> {
    let everything = freeze_policy! { start as everything: train @all lr 5e-3; };
    let whole = |name| Strategy { name, policy: everything.clone() };
    let load = |name, file| Strategy::load("digits", name, file);
    Ok([
        (whole("from scratch"), Start::Random),
        (whole("whole"), Start::Pretrained),
        (load("head only", "head_only.freeze")?, Start::Pretrained),
        (load("gradual", "gradual.freeze")?, Start::Pretrained),
    ])
}

/// The policy of `gradual.freeze` in Rust, which the compiler checks against the network.
fn gradual_in_rust() -> Policy {
    freeze_policy! {
        model "digits.model.json";

        start as head: train head lr 1e-2;
        epoch 2 as layer3: unfreeze layer3 lr 5e-3;
        after 2 epochs as layer2: unfreeze layer2 lr 5e-3;
        after 2 epochs as layer1: unfreeze layer1 lr 3e-3;
        after 2 epochs as stem: unfreeze stem lr 1e-3;
    }
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

/// The gradual policy once more, from the program's own text and not from the file: the same bits
/// must come of it.
fn repeat_from_rust(
    outcomes: &[Outcome],
    pretrained: &Path,
    tasks: &[Task],
) -> Result<(), Box<dyn Error>> {
    let policy = gradual_in_rust();
    let gradual = outcomes.iter().find(|outcome| outcome.strategy.policy == policy);
    let (Some(Outcome { runs, .. }), Some(task)) = (gradual, tasks.first()) else {
        return Err("`gradual.freeze` differs from the policy in `main.rs`".into());
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

/// The first and the last count, where they differ.
fn first_to_last(mut counts: impl Iterator<Item = usize>) -> String {
    let first = counts.next().unwrap_or(0);
    match counts.last().filter(|last| *last != first) {
        Some(last) => format!("{} to {}", thousands(first), thousands(last)),
        None => thousands(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macro_and_the_file_are_the_same_policy() {
        let mut strategies = strategies().unwrap().into_iter().map(|(strategy, _)| strategy);
        let gradual = strategies.find(|strategy| strategy.name == "gradual");
        assert_eq!(gradual.unwrap().policy, gradual_in_rust());
    }
}
