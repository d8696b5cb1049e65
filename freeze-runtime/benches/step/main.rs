//! What a step, a transition and clipping cost through `Tuner`, and the same by hand on tch and, where
//! `python3` has it, with Python's `PyTorch`.
//!
//! Two ways take turns in one run and are reported as a ratio, so that the machine's other load
//! affects both.

mod beside;
mod compare;
mod measures;
mod networks;
mod pace;
mod python;

use std::error::Error;
use std::time::Duration;

use tch::Device;

use beside::Beside;
use measures::Scale;
use networks::{numbers, transformer};
use pace::{Pace, Patience};
use python::{Kernels, Network, copy_bandwidth, gigabytes, optimizer_step, training_step};

fn main() -> Result<(), Box<dyn Error>> {
    println!("{} threads; medians of many rounds", tch::get_num_threads());
    let scale = Scale { device: Device::Cpu, width: 768, rounds: 20, tensors: 10_000 };
    measures::all(&scale, |ratio| println!("{ratio}"))?;
    let started = Beside::start(scale.device).and_then(|mut beside| {
        let facts = beside.ask("facts", &[])?;
        Ok((beside, facts))
    });
    match started {
        Ok((mut beside, facts)) => beside_python(&scale, &mut beside, &facts),
        Err(reason) => {
            println!("not beside PyTorch: {reason}");
            Ok(())
        }
    }
}

fn beside_python(scale: &Scale, beside: &mut Beside, facts: &str) -> Result<(), Box<dyn Error>> {
    let Scale { device, width, .. } = *scale;
    let patience =
        Patience { warm_up: Duration::from_secs(1), turn: Duration::from_millis(500), turns: 20 };
    println!("beside {facts}; least, median and most of each");
    let copy = copy_bandwidth(device, false, &patience)?;
    for (kernels, clip) in
        [(Kernels::Fused, None), (Kernels::Foreach, None), (Kernels::Fused, Some(1e-3))]
    {
        let [theirs, ours] = optimizer_step(device, width, kernels, clip, &patience, beside)?;
        let clipped = clip.map_or("", |_| ", gradients clipped");
        print_paces(&format!("AdamW's step{clipped}"), kernels, theirs, ours);
        if clip.is_none() {
            // Read: parameter, gradient and two averages; written: all but the gradient.
            let rate = gigabytes(28 * numbers(&transformer(width)), ours.median);
            println!("  {rate:.1} GB/s at 28 bytes a number; a copy has {copy:.1}");
        }
    }
    let net = Network { width: 256, rows: 256 };
    for (half, clip) in [(false, None), (false, Some(1.0)), (true, None)] {
        let [theirs, ours] =
            training_step(device, net, Kernels::Fused, half, clip, &patience, beside)?;
        let kind = if half { " with bf16 autocast" } else { "" };
        let clipped = clip.map_or("", |_| ", gradients clipped");
        let what = format!("a training step of 12 blocks{kind}{clipped}");
        print_paces(&what, Kernels::Fused, theirs, ours);
    }
    Ok(())
}

fn print_paces(what: &str, kernels: Kernels, theirs: Pace, ours: Pace) {
    let factor = theirs.median.as_secs_f64() / ours.median.as_secs_f64();
    let shown = |Pace { min, median, max }| format!("{min:.2?} {median:.2?} {max:.2?}");
    println!(
        "{what}: PyTorch ({}) {}, Tuner {}: {factor:.2} times as fast",
        kernels.name(),
        shown(theirs),
        shown(ours)
    );
}
