//! Only the gradients of trainable parameters are sent.

use std::fs;

use freeze_runtime::{Policy, Tuner};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::processes::{Outcome, Scene, join, scene};

pub(crate) const SCENES: &[Scene] = &[("traffic", traffic)];

/// Of 12 layers, so many are frozen in each run.
const FROZEN: [usize; 4] = [0, 6, 9, 11];
const WIDTH: i64 = 128;
const STEPS: u64 = 10;

/// The bytes that a step sends, in each run.
fn traffic() -> Outcome {
    let group = join()?;
    let mut sent = Vec::new();
    for frozen in FROZEN {
        let vs = nn::VarStore::new(Device::Cpu);
        let layer =
            |i| nn::linear(vs.root() / "layers" / i, WIDTH, WIDTH, nn::LinearConfig::default());
        let net = (0..12).fold(nn::seq(), |net, i| net.add(layer(i)));
        let policy = format!("default lr 1e-3 optimizer sgd; start: train layers[{frozen}..12]");
        let policy = Policy::parse(&policy)?;
        let mut tuner = Tuner::builder(&policy).group(&group).attach(&vs)?;
        tuner.start_epoch()?;
        let x = Tensor::ones([4, WIDTH], (Kind::Float, Device::Cpu));
        let mut before = 0;
        // The first steps also agree on what is sent, and in which order.
        for step in 0..STEPS + 2 {
            if step == 2 {
                before = written()?;
            }
            tuner.backward_step(&net.forward(&x).square().mean(Kind::Float))?;
        }
        sent.push((written()? - before).div_ceil(STEPS).to_string());
    }
    Ok(sent.join(" "))
}

/// The bytes that this process has written, those of gloo's connections among them.
fn written() -> Result<u64, Box<dyn std::error::Error>> {
    let counts = fs::read_to_string("/proc/self/io")?;
    let count = counts.lines().find_map(|line| line.strip_prefix("wchar: "));
    Ok(count.ok_or("nothing is counted")?.parse()?)
}

#[cfg(target_os = "linux")]
#[test]
fn a_step_sends_what_trains_and_no_more() {
    let layer = u64::try_from(4 * (WIDTH * WIDTH + WIDTH)).unwrap();
    for rank in scene("traffic", 2).run() {
        let sent = rank.text().split(' ').map(|bytes| bytes.parse::<u64>().unwrap());
        for (frozen, sent) in FROZEN.into_iter().zip(sent) {
            // Each of two ranks sends as many bytes as the gradients have.
            let least = u64::try_from(12 - frozen).unwrap() * layer;
            // Beside them: the heads of messages, and which parameters were used.
            assert!((least..least + 4096).contains(&sent), "{frozen} frozen: {sent} of {least}");
        }
    }
}
