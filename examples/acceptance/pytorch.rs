//! Python's PyTorch on the same machine, where it is there.

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use freeze_runtime::{Policy, Tuner};
use tch::{Device, nn};

use crate::compare::{Ratio, compare};
use crate::measures::Scale;
use crate::networks::{size, transformer, with_gradients};

const SCRIPT: &str = include_str!("fused_adamw.py");

/// A step of the tuner's `AdamW` against one of PyTorch's, which is fused as well.
///
/// # Errors
/// If there is no Python with PyTorch that sees the device, or a step fails.
pub(crate) fn fused_adamw(scale: &Scale) -> Result<Ratio, Box<dyn Error>> {
    let &Scale { device, width, rounds, .. } = scale;
    let by_python = python(device, width, rounds)?;
    let vs = with_gradients(&transformer(width), device);
    let policy = Policy::parse("start: train @all lr 1e-3")?;
    let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    tuner.start_epoch()?;
    Ok(compare(
        format!("adamw's step, {}", size(&vs)),
        rounds,
        ("PyTorch, fused", || Ok(by_python)),
        ("Tuner", || crate::compare::tried(device, || tuner.step())),
    )?)
}

/// The median time of a step there.
fn python(device: Device, width: i64, rounds: usize) -> Result<Duration, Box<dyn Error>> {
    let device = if device.is_cuda() { "cuda" } else { "cpu" };
    let shapes = format!("{:?}", transformer(width));
    let threads = tch::get_num_threads().to_string();
    let output = Command::new("python3")
        .args(["-c", SCRIPT, device, &shapes, &rounds.to_string(), &threads])
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.lines().last().unwrap_or("python3 failed").to_owned().into());
    }
    let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}
