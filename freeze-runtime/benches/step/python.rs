//! The steps of the tuner and of Python's PyTorch, in turns.

use std::error::Error;
use std::time::Duration;

use freeze_runtime::{Policy, Tuner, autocast};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::beside::Beside;
use crate::networks::{blocks, transformer, with_gradients};
use crate::pace::{Pace, Patience, in_turns, repeated};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// PyTorch's two ways to step many tensors at once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kernels {
    Fused,
    Foreach,
}

impl Kernels {
    /// Its name in PyTorch.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::Foreach => "foreach",
        }
    }

    fn options(self) -> String {
        format!("{{\"lr\":1e-3,\"{}\":true}}", self.name())
    }
}

/// Bytes in a time, in GB/s.
#[expect(clippy::cast_precision_loss, reason = "a rate with three digits")]
pub(crate) fn gigabytes(bytes: i64, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64() / 1e9
}

/// Bytes read and written by a copy, in GB/s.
///
/// # Errors
/// What libtorch says.
pub(crate) fn copy_bandwidth(device: Device, small: bool, patience: &Patience) -> Outcome<f64> {
    let bytes: i64 = if small { 1 << 22 } else { 1 << 30 };
    let from = Tensor::zeros([bytes], (Kind::Uint8, device));
    let mut to = from.zeros_like();
    let [pace] =
        in_turns(patience, [&mut |count| repeated(device, count, || Ok(to.f_copy_(&from)?))])?;
    Ok(gigabytes(2 * bytes, pace.median))
}

/// A tuner with AdamW, whose first epoch has started.
///
/// # Errors
/// What the tuner says.
pub(crate) fn tuner(policy: &str, vs: &nn::VarStore) -> Outcome<Tuner> {
    let policy = Policy::parse(policy)?;
    let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).lr(1e-3).attach(vs)?;
    tuner.start_epoch()?;
    Ok(tuner)
}

fn json(clip: Option<f64>) -> String {
    clip.map_or_else(|| "null".to_owned(), |clip| clip.to_string())
}

/// PyTorch's pace and the tuner's, of AdamW's step.
///
/// # Errors
/// What Python or libtorch says.
pub(crate) fn optimizer_step(
    device: Device,
    width: i64,
    kernels: Kernels,
    clip: Option<f64>,
    patience: &Patience,
    beside: &mut Beside,
) -> Outcome<[Pace; 2]> {
    let request = [
        ("shapes", format!("{:?}", transformer(width))),
        ("optimizer", "\"AdamW\"".to_owned()),
        ("options", kernels.options()),
        ("clip", json(clip)),
    ];
    beside.ask("make_step", &request)?;
    let vs = with_gradients(&transformer(width), device);
    let mut tuner = tuner("start: train @all", &vs)?;
    let mut step = || -> Outcome<()> {
        if let Some(max) = clip {
            tuner.clip_grad_norm(max)?;
        }
        tuner.step()?;
        Ok(())
    };
    beside_each_other(beside, device, patience, &mut step)
}

/// A network that fills the device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    /// How wide its 12 blocks are.
    pub(crate) width: i64,
    /// The rows of a batch.
    pub(crate) rows: i64,
}

/// PyTorch's pace and the tuner's, of a whole training step.
///
/// # Errors
/// What Python or libtorch says.
pub(crate) fn training_step(
    device: Device,
    Network { width, rows }: Network,
    kernels: Kernels,
    half: bool,
    clip: Option<f64>,
    patience: &Patience,
    beside: &mut Beside,
) -> Outcome<[Pace; 2]> {
    let request = [
        ("width", width.to_string()),
        ("rows", rows.to_string()),
        ("optimizer", "\"AdamW\"".to_owned()),
        ("options", kernels.options()),
        ("clip", json(clip)),
        ("autocast", half.to_string()),
    ];
    beside.ask("make_training", &request)?;
    let (vs, net) = blocks(12, width, device);
    let mut tuner = tuner("start: train @all", &vs)?;
    let x = Tensor::randn([rows, width], (Kind::Float, device));
    let mut step = || -> Outcome<()> {
        tuner.zero_grad()?;
        let kind = if half { Kind::BFloat16 } else { Kind::Float };
        let y = autocast(kind, || net.forward(&x));
        y.to_kind(Kind::Float).square().mean(Kind::Float).f_backward()?;
        if let Some(max) = clip {
            tuner.clip_grad_norm(max)?;
        }
        tuner.step()?;
        Ok(())
    };
    beside_each_other(beside, device, patience, &mut step)
}

/// The paces of what Python has made, which it drops then, and of a step here.
fn beside_each_other(
    beside: &mut Beside,
    device: Device,
    patience: &Patience,
    step: &mut dyn FnMut() -> Outcome<()>,
) -> Outcome<[Pace; 2]> {
    let paces = in_turns(
        patience,
        [&mut |count| beside.run(count), &mut |count| repeated(device, count, &mut *step)],
    );
    beside.ask("drop", &[])?;
    paces
}
