//! Adds words to a language model: their rows of the embedding train, and the words that were there
//! before keep every bit. Compares that with training the whole embedding, and everything.
//!
//! Run it with `cargo run --example rows`.

mod language;
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

use freeze_examples::{Weights, bar, exit_code, output_folder, readable};

use language::{About, Language, NEW_ANIMALS, OLD_ANIMALS, read};
use strategy::Strategy;
use train::{EPOCHS, NEW_TEXT, OLD_TEXT, Run, learn, learn_new_words};

/// How often the new text is drawn anew.
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
    let strategies = strategy::all()?;
    tch::manual_seed(1);
    let language = Language::draw();
    println!("{OLD_ANIMALS} animals: {OLD_TEXT} sentences to learn from, such as");
    show(&language, About::Old);
    let progress = bar(OLD_TEXT, "the language");
    let (learnt, accuracy) = learn(&language, OLD_TEXT, &progress)?;
    progress.finish_and_clear();
    println!("    {:.1} % of what is true of them told right", 100.0 * accuracy);

    println!(
        "\n{NEW_ANIMALS} animals are added: {NEW_TEXT} sentences about them to learn from, \
         {EPOCHS} epochs, such as"
    );
    show(&language, About::New);
    println!("{DRAWS} draws of these; numbers are mean ± standard deviation over them.\n");
    let mut outcomes = Vec::new();
    for strategy in strategies {
        outcomes.push(try_out(strategy, &language, &learnt)?);
    }

    println!("\n{}", table::table(&outcomes));
    let picture = output_folder("rows")?.join("words.svg");
    fs::write(&picture, picture::picture(&outcomes).to_string())?;
    println!("which words moved: {}", readable(&picture));
    Ok(())
}

fn show(language: &Language, about: About) {
    for sentence in language.sentences(2, about).unbind(0) {
        println!("    {}", read(&sentence));
    }
}

/// Runs a strategy on every draw, and tells what its rule did in the first.
fn try_out(
    strategy: Strategy,
    language: &Language,
    learnt: &Weights,
) -> Result<Outcome, Box<dyn Error>> {
    let progress = bar(EPOCHS * u64::from(DRAWS), strategy.name);
    let runs: Vec<Run> = (0..DRAWS)
        .map(|seed| learn_new_words(&strategy.policy, language, learnt, seed.into(), &progress))
        .collect::<Result<_, _>>()?;
    progress.finish_and_clear();
    println!("{}", strategy.name);
    for run in runs.iter().take(1) {
        println!("    {}", run.change);
    }
    Ok(Outcome { strategy, runs })
}
