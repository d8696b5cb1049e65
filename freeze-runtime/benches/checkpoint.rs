//! Saving and resuming a run, against tch writing the same weights to one file.
//!
//! 88 million parameters under AdamW: three times the weights, in all. tch does not flush what it writes
//! to disk, and a checkpoint is on disk when `save` returns. Both are therefore measured, and as a
//! third the weights flushed to disk.

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use freeze_runtime::{Policy, Tuner};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const LAYERS: i64 = 12;
const WIDTH: i64 = 768;

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::parse("default lr 1e-3 optimizer adamw; start: train @all;")?;
    let vs = weights();
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    let sums: Vec<Tensor> = vs.trainable_variables().iter().map(|p| p.sum(None)).collect();
    tuner.backward_step(&Tensor::stack(&sums, 0).sum(None))?;

    let dir = tempfile::tempdir()?;
    let file = dir.path().join("weights.safetensors");
    let run = dir.path().join("run");
    let megabytes = |bytes: usize| bytes / 1_000_000;
    let numbers: usize = vs.variables().values().map(Tensor::numel).sum();
    println!(
        "{} MB of weights, {} MB of optimizer state",
        megabytes(numbers * 4),
        megabytes(tuner.optimizer_bytes())
    );
    for _ in 0..3 {
        let tch = seconds(|| Ok(vs.save(&file)?))?;
        let synced = tch + seconds(|| Ok(File::open(&file)?.sync_all()?))?;
        let save = seconds(|| Ok(tuner.save(&run)?))?;
        let resume = seconds(|| Ok(tuner.resume(&run)?))?;
        println!(
            "tch saves the weights in {tch:.2} s, on disk in {synced:.2} s; \
             a checkpoint is saved in {save:.2} s, and resumed from in {resume:.2} s"
        );
    }
    Ok(())
}

/// Matrices as those of a vision transformer.
fn weights() -> VarStore {
    let vs = VarStore::new(Device::Cpu);
    for layer in 0..LAYERS {
        let path = vs.root() / layer;
        for (name, rows) in
            [("qkv", 3 * WIDTH), ("out", WIDTH), ("up", 4 * WIDTH), ("down", 4 * WIDTH)]
        {
            let matrix = Tensor::randn([rows, WIDTH], (Kind::Float, Device::Cpu));
            let _ = path.add(name, matrix, true);
        }
    }
    vs
}

fn seconds(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}
