//! A large model, such as a mixture of many experts, at 1,000 to 50,000 tensors: the time to attach a
//! policy with one action for each tensor, the time of an epoch's start, and the bytes of the log.

use std::error::Error;
use std::fs;
use std::time::Instant;

use freeze_runtime::{Policy, Tuner};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const EPOCHS: u64 = 12;
/// The epoch with a transition.
const LATE: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::parse(
        "default optimizer adamw; start: train @all lr linear 1e-3 -> 0 over 12 epochs;
         epoch 6: freeze expert.0",
    )?;
    let actions = Policy::parse(
        "default optimizer adamw; start: for i, @e in [expert.*] { train @e lr 1e-3 / (1 + i) }",
    )?;
    println!(
        "tensors      attach   an epoch's start   first line   line after a transition   other lines"
    );
    for tensors in [1_000, 5_000, 10_000, 50_000] {
        let vs = weights(tensors);
        let begun = Instant::now();
        drop(Tuner::builder(&actions).attach(&vs)?);
        let attached = begun.elapsed().as_secs_f64();
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("run.jsonl");
        tuner.log_to(&path)?;
        let mut quickest = f64::INFINITY;
        for _ in 0..EPOCHS {
            let begun = Instant::now();
            tuner.start_epoch()?;
            quickest = quickest.min(begun.elapsed().as_secs_f64());
        }
        tuner.finish_log()?;
        let lines: Vec<usize> = fs::read_to_string(&path)?.lines().map(str::len).collect();
        let line = |index: usize| lines.get(index).copied().unwrap_or_default();
        let others = lines.iter().enumerate().filter(|(index, _)| ![0, LATE].contains(index));
        let longest = others.map(|(_, length)| *length).max().unwrap_or_default();
        println!(
            "{tensors:>7}{:>9.0} ms{:>16.1} ms{:>11} B{:>24} B{longest:>12} B",
            attached * 1e3,
            quickest * 1e3,
            line(0),
            line(LATE),
        );
    }
    Ok(())
}

fn weights(tensors: i64) -> VarStore {
    let vs = VarStore::new(Device::Cpu);
    for index in 0..tensors {
        let weight = Tensor::zeros([4], (Kind::Float, Device::Cpu));
        let _ = (vs.root() / "expert" / index).add("weight", weight, true);
    }
    vs
}
