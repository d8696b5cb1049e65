//! What steps cost, beside PyTorch and beside tch.

use std::error::Error;

use freeze_runtime::Tuner;
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::beside::Beside;
use crate::compare::Ratio;
use crate::measures::{self, Scale};
use crate::networks::{blocks, numbers, transformer};
use crate::options::Options;
use crate::pace::{Pace, Patience, in_turns, repeated};
use crate::python::{
    Kernels, Network, copy_bandwidth, gigabytes, optimizer_step, training_step, tuner,
};
use crate::report::Report;

type Outcome<T> = Result<T, Box<dyn Error>>;

const CLIP: f64 = 1e-3;

/// Measures everything.
pub(crate) fn measure(report: &Report<'_>, options: &Options, beside: Option<&mut Beside>) {
    let Options { device, .. } = *options;
    let patience = options.patience();
    if let Some(beside) = beside {
        report.table(
            "## Beside PyTorch, in turns",
            [
                "what",
                "PyTorch: min, median, max",
                "Tuner: min, median, max",
                "times as fast",
                "rate",
            ],
        );
        let width = options.scale().width;
        let copy = copy_bandwidth(device, options.small, &patience);
        let numbers = numbers(&transformer(width));
        for (name, kernels, clip) in [
            ("AdamW's step", Kernels::Fused, None),
            ("AdamW's step, PyTorch's by foreach", Kernels::Foreach, None),
            ("AdamW's step, gradients clipped", Kernels::Fused, Some(CLIP)),
        ] {
            report.row(&format!("{name}, {numbers} numbers in 194 tensors"), || {
                let [theirs, ours] =
                    optimizer_step(device, width, kernels, clip, &patience, beside)?;
                // Read: parameter, gradient and two averages; written: all but the gradient.
                let rate = match (clip, &copy) {
                    (None, Ok(copy)) => {
                        let rate = gigabytes(28 * numbers, ours.median);
                        format!("{rate:.0} GB/s at 28 bytes a number; a copy has {copy:.0}")
                    }
                    _ => String::new(),
                };
                Ok(row(theirs, ours, rate))
            });
        }
        let net = options.network();
        let shape = format!("12 blocks of width {}, {} rows", net.width, net.rows);
        for (name, half, clip) in [
            ("training step", false, None),
            ("training step, gradients clipped", false, Some(1.0)),
            ("training step with bf16 autocast", true, None),
            ("training step with bf16 autocast, clipped", true, Some(1.0)),
        ] {
            report.row(&format!("{name}, {shape}"), || {
                let [theirs, ours] =
                    training_step(device, net, Kernels::Fused, half, clip, &patience, beside)?;
                Ok(row(theirs, ours, String::new()))
            });
        }
    }
    report.table(
        "## A frozen prefix",
        [
            "what",
            "all train: min, median, max",
            "first 6 frozen: min, median, max",
            "times as fast",
            "",
        ],
    );
    let net = options.network();
    report.row(
        &format!("training step, 12 blocks of width {}, {} rows", net.width, net.rows),
        || {
            let [whole, frozen] = frozen_prefix(device, net, &patience)?;
            Ok(row(whole, frozen, String::new()))
        },
    );
    beside_tch(report, &options.scale());
}

/// The benches of `freeze-runtime`, where tch does the same.
fn beside_tch(report: &Report<'_>, scale: &Scale) {
    report.table("## Beside tch, medians", ["what", "base", "its time", "Tuner", "times as fast"]);
    let mut add = |ratio: &Ratio| {
        report.row(&ratio.what, || {
            let [base, ours] = [ratio.base.1, ratio.ours.1].map(|time| format!("{time:.2?}"));
            Ok([ratio.base.0.to_owned(), base, ours, format!("{:.2}", ratio.factor())])
        });
    };
    if let Err(error) = measures::all(scale, &mut add) {
        report.row("the rest", || Err::<[String; 4], _>(error));
    }
}

fn row(base: Pace, ours: Pace, rate: String) -> [String; 4] {
    let factor = base.median.as_secs_f64() / ours.median.as_secs_f64();
    let shown = |Pace { min, median, max }| format!("{min:.2?}, {median:.2?}, {max:.2?}");
    [shown(base), shown(ours), format!("{factor:.2}"), rate]
}

/// The pace of the whole network, and with its first half frozen.
fn frozen_prefix(
    device: Device,
    Network { width, rows }: Network,
    patience: &Patience,
) -> Outcome<[Pace; 2]> {
    let x = Tensor::randn([rows, width], (Kind::Float, device));
    let make = |policy| -> Outcome<_> {
        let (vs, net) = blocks(12, width, device);
        Ok((tuner(policy, &vs)?, net))
    };
    let (mut whole, mut frozen) = (make("start: train @all")?, make("start: train blocks[6..12]")?);
    let step = |(tuner, net): &mut (Tuner, nn::Sequential), count| {
        repeated(device, count, || {
            tuner.backward_step(&net.forward(&x).square().mean(Kind::Float))?;
            Ok(())
        })
    };
    in_turns(
        patience,
        [&mut |count| step(&mut whole, count), &mut |count| step(&mut frozen, count)],
    )
}
