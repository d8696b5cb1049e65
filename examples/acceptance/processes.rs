//! What the processes of a group promise: all of them check the same rows.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_runtime::{Group, Policy, Tuner};
use freeze_tests::Bits;
use tch::nn::{self, Module};
use tch::{Cuda, Device, Kind, Tensor};

use crate::networks::{blocks, size};
use crate::promises::resumed;
use crate::report::Report;

type Outcome<T> = Result<T, Box<dyn Error>>;
type Cell = Outcome<[String; 1]>;

/// Blocks that thaw and freeze.
fn thawing(optimizer: &str) -> String {
    format!(
        "default {optimizer};
         start: train blocks[8..12];
         step 3: unfreeze blocks[4..8];
         step 6: freeze blocks[8..12];
         step 9: unfreeze blocks[0..4], blocks[8..12]"
    )
}

/// The steps of a run with that policy.
const STEPS: i64 = 12;

/// Checks them all, a row each.
pub(crate) fn check(report: &Report<'_>, group: &Group, small: bool) {
    report.table("## Processes", ["promise", "what was seen"]);
    report.row("copies of all ranks have the same bits after every step", || same_bits(group));
    report.row("the numbers of one process on the whole batch", || beside_one(group));
    report.row("dropout, stopped and resumed", || resumed(group, group.device()));
    report.table("## What processes cost, medians", ["what", "time"]);
    let width = if small { 32 } else { 1024 };
    for late in [false, true] {
        let way = if late { "averaged after it" } else { "averaged during the backward pass" };
        let what = format!("a step of 12 blocks of width {width}, {way}");
        report.row(&what, || step_time(group, width, small, late));
    }
    report.row("a transition of half of them, and the first step after it, less another", || {
        transition_time(group, width, small)
    });
}

/// A network of 12 blocks that trains, of the same weights on all ranks and runs.
struct Training {
    vs: nn::VarStore,
    net: nn::Sequential,
    tuner: Tuner,
}

impl Training {
    /// Without a group, it trains alone.
    fn new(policy: &str, width: i64, kind: Kind, group: &Group, is_alone: bool) -> Outcome<Self> {
        tch::manual_seed(0);
        let (mut vs, net) = blocks(12, width, group.device());
        vs.set_kind(kind);
        let policy = Policy::parse(policy)?;
        let builder = Tuner::builder(&policy);
        let builder = if is_alone { builder } else { builder.group(group) };
        let mut tuner = builder.attach(&vs)?;
        tuner.start_epoch()?;
        Ok(Self { vs, net, tuner })
    }

    fn loss(&self, x: &Tensor) -> Tensor {
        self.net.forward(x).square().mean(None)
    }

    /// A step in which gradients are averaged during or after the backward pass; returns its time.
    fn step(&mut self, x: &Tensor, late: bool) -> Outcome<Duration> {
        let start = Instant::now();
        self.tuner.zero_grad()?;
        let loss = self.loss(x);
        if late {
            loss.f_backward()?;
        } else {
            self.tuner.backward_last(&loss)?;
        }
        self.tuner.step()?;
        wait(x.device());
        Ok(start.elapsed())
    }
}

/// The batch of a rank in a step.
fn batch(step: i64, rank: usize, width: i64, device: Device) -> Outcome<Tensor> {
    tch::manual_seed(1000 * (step + 1) + i64::try_from(rank)?);
    Ok(Tensor::randn([16, width], (Kind::Float, Device::Cpu)).to_device(device))
}

/// Exactly the trainable gradients are averaged, and all ranks have the same bits after each step.
fn same_bits(group: &Group) -> Cell {
    let width = 32;
    let mut training =
        Training::new(&thawing("lr 1e-3 optimizer adamw"), width, Kind::Float, group, false)?;
    let mut sizes = Vec::new();
    for step in 0..STEPS {
        let x = batch(step, group.rank(), width, group.device())?;
        let trainable = training.tuner.trainable_variables();
        let bytes = trainable.iter().map(|it| it.numel() * it.kind().elt_size_in_bytes());
        let bytes = u64::try_from(bytes.sum::<usize>())?;
        training.tuner.zero_grad()?;
        training.tuner.backward_last(&training.loss(&x))?;
        let averaged = training.tuner.averaged_bytes()?.unwrap_or_default();
        if averaged != bytes {
            return Err(format!("{averaged} bytes were averaged, and {bytes} are trainable").into());
        }
        training.tuner.step()?;
        sizes.push(bytes);
        // The mean of small integers is exact: it is that of each rank where all are equal.
        let own = f64::from(u32::try_from(Bits::of(&training.vs).fingerprint() >> 32)?);
        let mean = training.tuner.observe_weighted("print", own, 1)?;
        if group.any(mean.to_bits() != own.to_bits())? {
            return Err(format!("other bits on another rank after step {step}").into());
        }
    }
    sizes.dedup();
    Ok([format!("{STEPS} steps; {sizes:?} bytes averaged: those that are trainable")])
}

/// The run of one process on the batches of all ranks.
fn beside_one(group: &Group) -> Cell {
    let (width, device, kind) = (32, group.device(), Kind::Double);
    let policy = thawing("lr 1e-3 optimizer adamw");
    let mut own = Training::new(&policy, width, kind, group, false)?;
    let mut alone = Training::new(&policy, width, kind, group, true)?;
    for step in 0..STEPS {
        let of = |rank| Ok(batch(step, rank, width, device)?.to_kind(kind));
        let batches = (0..group.size()).map(of).collect::<Outcome<Vec<_>>>()?;
        let x = batches.get(group.rank()).ok_or("no batch")?;
        own.tuner.backward_step(&own.loss(x))?;
        alone.tuner.backward_step(&alone.loss(&Tensor::cat(&batches, 0)))?;
    }
    let others = alone.vs.variables();
    let mut off = 0.0_f64;
    for (name, one) in own.vs.variables() {
        let other = others.get(&name).ok_or("no such variable")?;
        off = off.max(((one - other).norm() / (other.norm() + 1e-30)).double_value(&[]));
    }
    if off > 1e-12 {
        return Err(format!("off by {off:.1e}").into());
    }
    Ok([format!("{STEPS} steps in double precision; off by {off:.1e} at most")])
}

/// The median time of a step in which all parameters train.
fn step_time(group: &Group, width: i64, small: bool, late: bool) -> Cell {
    let policy = "default lr 1e-3 optimizer adamw; start: train @all";
    let mut training = Training::new(policy, width, Kind::Float, group, false)?;
    let x = batch(0, group.rank(), width, group.device())?;
    // The first steps make optimizer state and buckets.
    let steps = if small { 5 } else { 50 };
    let times = (0..steps).map(|_| training.step(&x, late)).collect::<Outcome<Vec<_>>>()?;
    let time = median(times.get(3..).unwrap_or_default());
    Ok([format!("{time:.2?}, {}", size(&training.vs))])
}

/// What freezing and unfreezing cost: the time until the first step after it has ended, less another step.
fn transition_time(group: &Group, width: i64, small: bool) -> Cell {
    let policy = "default lr 1e-3 optimizer adamw; start: train @all; for i in 0..100 {
        after 1 epoch: freeze blocks[0..6]; after 1 epoch: unfreeze blocks[0..6]; }";
    let mut training = Training::new(policy, width, Kind::Float, group, false)?;
    let x = batch(0, group.rank(), width, group.device())?;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..if small { 2 } else { 10 } {
        for times in &mut times {
            let start = Instant::now();
            training.tuner.start_epoch()?;
            training.step(&x, false)?;
            let first = start.elapsed();
            let others = (0..5).map(|_| training.step(&x, false)).collect::<Outcome<Vec<_>>>()?;
            times.push(first.saturating_sub(median(&others)));
        }
    }
    let [freezes, unfreezes] = times.map(|times| median(&times));
    Ok([format!("{freezes:.2?} to freeze, {unfreezes:.2?} to unfreeze")])
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn wait(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(i64::try_from(index).unwrap_or(0));
    }
}
