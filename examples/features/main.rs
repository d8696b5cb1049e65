//! Fine-tunes a network whose lower layers are frozen at first, and computes their features once for
//! each image: the result has the bits of the run that computes them in each epoch.
//!
//! Run it with `cargo run --release --example features`.

mod network;
#[cfg(test)]
mod tests;
mod train;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use freeze_examples::table::{Table, thousands};
use freeze_examples::{
    Dataset, bar, digits, exit_code, learn_first_half, output_folder, policy, readable,
};
use tch::{Device, nn};

use network::Network;
use train::{BATCH, EPOCHS, Run, fine_tune};

/// The epochs of pretraining on digits 0 to 4.
const PRETRAINING: u64 = 20;
/// Labelled samples of each new digit: whole batches of them.
const PER_CLASS: i64 = 100;
/// The first epoch with `layer2` trainable, as in the policy.
const MIDDLE: usize = 24;

fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    // One thread computes the same sums on any machine, and is no slower on images of this size.
    tch::set_num_threads(1);
    let pretrained = output_folder("features")?.join("digits-0-to-4.safetensors");
    let digits = digits::load()?;
    pretrain(&digits, &pretrained, PRETRAINING)?;
    let [with, without] = fine_tune_twice(&digits, &pretrained)?;
    for change in &with.changes {
        println!("    {change}");
    }
    println!("    at the start, the lower layers are {}", with.prefix);
    println!("\n{}", table([("features computed in each epoch", &without), ("cached", &with)]));
    println!(
        "{} features of samples computed, {} taken from the cache of {} bytes",
        with.counts.computed,
        with.counts.reused,
        thousands(usize::try_from(with.bytes)?),
    );
    match with.weights.differing_bits(&without.weights) {
        Some(0) => {
            let bits = usize::try_from(with.weights.bits())?;
            println!("0 of {} bits of the two networks differ", thousands(bits));
            Ok(())
        }
        _ => Err("the two networks differ".into()),
    }
}

/// Trains a network on the first half of the digits and saves its weights.
fn pretrain(digits: &Dataset, file: &Path, epochs: u64) -> Result<(), Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    learn_first_half(&vs, &network, digits, epochs)?;
    vs.save(file)?;
    println!("    saved: {}", readable(file));
    Ok(())
}

/// The runs on the second half of the digits, with and without a cache.
fn fine_tune_twice(digits: &Dataset, pretrained: &Path) -> Result<[Run; 2], Box<dyn Error>> {
    let policy = policy("features", "features.freeze")?;
    tch::manual_seed(2);
    let (samples, others) = digits.classes(5..10).draw(PER_CLASS);
    println!("\nDigits 5 to 9: {} samples in batches of {BATCH}, {EPOCHS} epochs.", samples.len());
    let run = |name: &str, is_cached| {
        let progress = bar(EPOCHS, name);
        let run = fine_tune(&policy, pretrained, [&samples, &others], is_cached, &progress);
        progress.finish_and_clear();
        run
    };
    let without = run("without a cache", false)?;
    Ok([run("with a cache", true)?, without])
}

fn table(runs: [(&str, &Run); 2]) -> Table {
    let mut table = Table::new([
        "a run",
        "ms in epoch 0",
        "ms an epoch while frozen",
        "ms an epoch after that",
        "accuracy on others",
    ]);
    for (name, run) in runs {
        let mean = |epochs: &[f64]| {
            let count = u32::try_from(epochs.len()).unwrap_or(1);
            format!("{:.1}", 1000.0 * epochs.iter().sum::<f64>() / f64::from(count))
        };
        let part = |of: std::ops::Range<usize>| mean(run.seconds.get(of).unwrap_or_default());
        table.row([
            name.to_owned(),
            part(0..1),
            part(1..MIDDLE),
            part(MIDDLE..run.seconds.len()),
            format!("{:.1} %", 100.0 * run.accuracy),
        ]);
    }
    table
}
