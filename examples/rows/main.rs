//! Adds words to a language model: their rows of the embedding train, and the words that were there
//! before keep every bit. Compares that with training the whole embedding, and everything.
//!
//! Run it with `cargo run --example rows`.

mod language;
mod network;
mod picture;
#[cfg(test)]
mod tests;
mod train;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use freeze_examples::comparison::{self, Column, Strategy, largest, percent, spread};
use freeze_examples::table::thousands;
use freeze_examples::{bar, exit_code, output_folder, readable};

use language::{About, Language, NEW_ANIMALS, OLD_ANIMALS, OLD_WORDS, read};
use network::WIDTH;
use train::{EPOCHS, NEW_TEXT, OLD_TEXT, Run, learn, learn_new_words};

/// How often the new text is drawn anew.
const DRAWS: u32 = 4;

type Outcome = comparison::Outcome<Run>;

const COLUMNS: [Column<Run>; 5] = [
    ("right on new words", |runs| percent(runs, |run| run.new_accuracy)),
    ("right on old words", |runs| percent(runs, |run| run.old_accuracy)),
    ("differing bits of old words", |runs| {
        let bits = |run: &Run| usize::try_from(run.differing_bits).unwrap_or(usize::MAX);
        format!("{} of {}", largest(runs, bits), thousands(old_bits()))
    }),
    ("optimizer state", |runs| format!("{} bytes", largest(runs, |run| run.optimizer_bytes))),
    ("seconds", |runs| spread(runs, 2, |run| run.seconds)),
];

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    // The same sums on any machine; and on a network this small, no slower.
    tch::set_num_threads(1);
    let strategies = strategies()?;
    let seeds: Vec<i64> = (0..DRAWS.into()).collect();
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
        let outcome = Outcome::of(strategy, &seeds, EPOCHS, |strategy, seed, progress| {
            learn_new_words(&strategy.policy, &language, &learnt, *seed, progress)
        })?;
        for run in outcome.runs.iter().take(1) {
            println!("    {}", run.change);
        }
        outcomes.push(outcome);
    }

    println!("\n{}", comparison::table(&outcomes, &COLUMNS));
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

/// The strategies. Each learning rate is the smallest of 3e-4, 1e-3, 3e-3 and so on with which all
/// new words are learnt, tried on other draws than those of this example: a larger rate forgets more
/// of the old words.
fn strategies() -> Result<[Strategy; 3], Box<dyn Error>> {
    let load = |name, file| Strategy::load("rows", name, file);
    Ok([
        load("everything", "everything.freeze")?,
        load("embedding", "embedding.freeze")?,
        load("new rows", "new_rows.freeze")?,
    ])
}

/// The number of bits in the rows of the old words.
fn old_bits() -> usize {
    usize::try_from(OLD_WORDS * WIDTH).unwrap_or(0) * size_of::<f32>() * 8
}
