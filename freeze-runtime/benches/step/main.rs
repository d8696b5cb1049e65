//! What a step, a transition and clipping cost through `Tuner`, and the same by hand on tch.
//!
//! Two ways take turns in one run and are reported as a ratio, so that the machine's other load
//! affects both.

mod compare;
mod measures;
mod networks;

use std::error::Error;

use tch::Device;

use measures::Scale;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{} threads; medians of many rounds", tch::get_num_threads());
    let scale = Scale { device: Device::Cpu, width: 768, rounds: 20, tensors: 10_000 };
    measures::all(&scale, |ratio| println!("{ratio}"))
}
