//! What is measured.

use std::error::Error;

use freeze_runtime::{Policy, ProgramOptimizer, Tuner};
use tch::nn::{self, Module, OptimizerConfig};
use tch::{Device, Kind, Tensor};

use crate::compare::{Ratio, compare, timed, tried};
use crate::networks::{blocks, renew_gradients, size, transformer, with_gradients};

const LR: f64 = 1e-3;
const TCH: &str = "tch";
const TUNER: &str = "Tuner";

/// Where it is measured, and how large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Where everything lies.
    pub(crate) device: Device,
    /// How wide the large model is.
    pub(crate) width: i64,
    /// How often each way takes its turn.
    pub(crate) rounds: usize,
    /// How many parameters a transition is measured with.
    pub(crate) tensors: usize,
}

type Outcome = Result<Ratio, Box<dyn Error>>;

/// Measures everything, and reports each ratio as soon as it is measured.
///
/// # Errors
/// What the tuner or libtorch says.
pub(crate) fn all(scale: &Scale, mut report: impl FnMut(&Ratio)) -> Result<(), Box<dyn Error>> {
    report(&training_step(scale)?);
    report(&optimizer_step("adamw", nn::AdamW::default(), scale)?);
    report(&optimizer_step("adam", nn::Adam::default(), scale)?);
    let sgd = nn::Sgd { momentum: 0.9, ..nn::Sgd::default() };
    report(&optimizer_step("sgd with momentum", sgd, scale)?);
    report(&optimizer_step("rmsprop", nn::RmsProp::default(), scale)?);
    report(&clipping(scale)?);
    report(&transition(scale)?);
    report(&frozen_prefix(scale)?);
    Ok(())
}

/// Forward pass, backward pass and step of small layers: what counts is the overhead.
fn training_step(&Scale { device, rounds, .. }: &Scale) -> Outcome {
    let (vs, net) = blocks(12, 64, device);
    let mut optimizer = nn::AdamW::default().build(&vs, LR)?;
    let (tuned_vs, tuned_net) = blocks(12, 64, device);
    let mut tuner = attach("start: train @all", nn::AdamW::default(), &tuned_vs)?;
    let x = Tensor::randn([32, 64], (Kind::Float, device));
    let loss = |net: &nn::Sequential| net.forward(&x).square().mean(Kind::Float);
    Ok(compare(
        format!("training step, {}", size(&vs)),
        10 * rounds,
        (TCH, || Ok(timed(device, || optimizer.backward_step(&loss(&net))).1)),
        (TUNER, || tried(device, || tuner.backward_step(&loss(&tuned_net)))),
    )?)
}

/// The optimizer's step alone, of 194 tensors as large as those of a vision transformer.
fn optimizer_step<O>(name: &str, optimizer: O, scale: &Scale) -> Outcome
where
    O: OptimizerConfig + ProgramOptimizer + Copy,
{
    let &Scale { device, rounds, width, .. } = scale;
    let vs = with_gradients(&transformer(width), device);
    let mut by_hand = optimizer.build(&vs, LR)?;
    let tuned_vs = with_gradients(&transformer(width), device);
    let mut tuner = attach("start: train @all", optimizer, &tuned_vs)?;
    Ok(compare(
        format!("{name}'s step, {}", size(&vs)),
        rounds,
        (TCH, || Ok(timed(device, || by_hand.step()).1)),
        (TUNER, || tried(device, || tuner.step())),
    )?)
}

/// Scaling gradients to a norm.
fn clipping(&Scale { device, rounds, width, .. }: &Scale) -> Outcome {
    const NORM: f64 = 1e-3;
    let vs = with_gradients(&transformer(width), device);
    let by_hand = nn::AdamW::default().build(&vs, LR)?;
    let tuned_vs = with_gradients(&transformer(width), device);
    let mut tuner = attach("start: train @all", nn::AdamW::default(), &tuned_vs)?;
    Ok(compare(
        format!("clip_grad_norm, {}", size(&vs)),
        rounds,
        (TCH, || Ok(timed(device, || by_hand.clip_grad_norm(NORM)).1)),
        (TUNER, || tried(device, || tuner.clip_grad_norm(NORM))),
    )?)
}

/// Freezing or unfreezing half of many small parameters, against a step of all of them.
fn transition(&Scale { device, rounds, tensors, .. }: &Scale) -> Outcome {
    let shapes = vec![vec![8]; tensors];
    let policy = "start: train @all; for i in 0..10_000 {
        after 1 epoch: freeze lower; after 1 epoch: unfreeze lower; }";
    let vs = with_gradients(&shapes, device);
    let mut stepping = attach("start: train @all", nn::AdamW::default(), &vs)?;
    let changing_vs = with_gradients(&shapes, device);
    let mut changing = attach(policy, nn::AdamW::default(), &changing_vs)?;
    Ok(compare(
        format!("half of {} frozen or unfrozen", size(&vs)),
        rounds,
        ("a step", || tried(device, || stepping.step())),
        ("a transition", || {
            // So that what freezes has a gradient and optimizer state to lose.
            renew_gradients(&changing_vs);
            changing.step()?;
            tried(device, || changing.start_epoch())
        }),
    )?)
}

/// A training step of a model whose first half is frozen, against one of the whole model.
fn frozen_prefix(&Scale { device, rounds, .. }: &Scale) -> Outcome {
    let x = Tensor::randn([256, 128], (Kind::Float, device));
    let network = |policy: &str| -> Result<_, Box<dyn Error>> {
        let (vs, net) = blocks(12, 128, device);
        let tuner = attach(policy, nn::AdamW::default(), &vs)?;
        Ok((vs, net, tuner))
    };
    let (vs, whole, mut whole_tuner) = network("start: train @all")?;
    let (_vs, prefix, mut prefix_tuner) = network("start: train blocks[6..12]")?;
    let step = |net: &nn::Sequential, tuner: &mut Tuner| {
        tried(device, || tuner.backward_step(&net.forward(&x).square().mean(Kind::Float)))
    };
    Ok(compare(
        format!("training step, {}", size(&vs)),
        5 * rounds,
        ("whole", || step(&whole, &mut whole_tuner)),
        ("the first half frozen", || step(&prefix, &mut prefix_tuner)),
    )?)
}

fn attach(
    policy: &str,
    optimizer: impl ProgramOptimizer,
    vs: &nn::VarStore,
) -> Result<Tuner, Box<dyn Error>> {
    let policy = Policy::parse(policy)?;
    let mut tuner = Tuner::builder(&policy).optimizer(optimizer).lr(LR).attach(vs)?;
    tuner.start_epoch()?;
    Ok(tuner)
}
