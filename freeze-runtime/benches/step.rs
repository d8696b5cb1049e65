//! A step through [`Tuner`] against the same loop written by hand on tch's `nn::AdamW`.
//!
//! Two sizes: a network of small layers, where what counts is the overhead of a step, and 88
//! million parameters, where it is the optimizer's arithmetic. The two ways take turns in one run
//! and are told as a ratio, so that the machine's other load weighs on both.

use std::error::Error;
use std::time::{Duration, Instant};

use freeze_runtime::{Policy, Tuner};
use tch::nn::{self, Module, OptimizerConfig};
use tch::{Device, Kind, Tensor};

const LR: f64 = 1e-3;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{} threads; medians of a step, by hand and through Tuner", tch::get_num_threads());
    let policy = Policy::parse("epoch 0: train @all;")?;
    training_step(&policy)?;
    optimizer_step(&policy)
}

/// Forward pass, backward pass and step of twelve blocks of width 64.
fn training_step(policy: &Policy) -> Result<(), Box<dyn Error>> {
    let (vs, net) = blocks(12, 64);
    let mut optimizer = nn::AdamW::default().build(&vs, LR)?;
    let (tuned_vs, tuned_net) = blocks(12, 64);
    let mut tuner = attach(policy, &tuned_vs)?;
    let x = Tensor::randn([32, 64], (Kind::Float, Device::Cpu));
    let loss = |net: &nn::Sequential| net.forward(&x).square().mean(Kind::Float);
    compare(
        &format!("training step, {}", size(&vs)),
        300,
        || optimizer.backward_step(&loss(&net)),
        || tuner.backward_step(&loss(&tuned_net)).map(drop),
    )?;
    Ok(())
}

/// The step alone, of 194 tensors as large as those of a vision transformer.
fn optimizer_step(policy: &Policy) -> Result<(), Box<dyn Error>> {
    let vs = with_gradients(&transformer());
    let mut optimizer = nn::AdamW::default().build(&vs, LR)?;
    let tuned_vs = with_gradients(&transformer());
    let mut tuner = attach(policy, &tuned_vs)?;
    compare(
        &format!("optimizer step, {}", size(&vs)),
        20,
        || optimizer.step(),
        || tuner.step().map(drop),
    )?;
    Ok(())
}

fn attach(policy: &Policy, vs: &nn::VarStore) -> Result<Tuner, freeze_runtime::Error> {
    let mut tuner = Tuner::builder(policy).optimizer(nn::AdamW::default()).lr(LR).attach(vs)?;
    tuner.start_epoch()?;
    Ok(tuner)
}

/// Blocks of two residual parts, each a normalisation and two linear layers.
fn blocks(count: usize, width: i64) -> (nn::VarStore, nn::Sequential) {
    let vs = nn::VarStore::new(Device::Cpu);
    let mut net = nn::seq();
    for i in 0..count {
        let path = vs.root() / "blocks" / i;
        for (name, inner) in [("mix", width), ("mlp", 4 * width)] {
            let path = &path / name;
            let part = nn::seq()
                .add(nn::layer_norm(&path / "norm", vec![width], nn::LayerNormConfig::default()))
                .add(nn::linear(&path / "up", width, inner, nn::LinearConfig::default()))
                .add_fn(|x| x.gelu("none"))
                .add(nn::linear(&path / "down", inner, width, nn::LinearConfig::default()));
            net = net.add_fn(move |x| x + part.forward(x));
        }
    }
    (vs, net)
}

fn transformer() -> Vec<Vec<i64>> {
    const WIDTH: i64 = 768;
    let mut shapes = vec![vec![3000, WIDTH], vec![197, WIDTH]];
    for _ in 0..12 {
        shapes.extend([(); 4].map(|()| vec![WIDTH, WIDTH]));
        shapes.extend([(); 9].map(|()| vec![WIDTH]));
        shapes.extend([vec![4 * WIDTH, WIDTH], vec![4 * WIDTH], vec![WIDTH, 4 * WIDTH]]);
    }
    shapes
}

/// Parameters of these shapes, each with a gradient.
fn with_gradients(shapes: &[Vec<i64>]) -> nn::VarStore {
    let vs = nn::VarStore::new(Device::Cpu);
    for (i, shape) in shapes.iter().enumerate() {
        let parameter = vs.root().randn(&format!("parameter{i}"), shape, 0.0, 0.02);
        (&parameter * &parameter).sum(None).backward();
    }
    vs
}

fn size(vs: &nn::VarStore) -> String {
    let parameters = vs.trainable_variables();
    let elements: usize = parameters.iter().map(Tensor::numel).sum();
    format!("{} tensors, {elements} parameters", parameters.len())
}

/// Lets two ways take turns and reports the median time of each.
fn compare(
    what: &str,
    rounds: usize,
    mut by_hand: impl FnMut(),
    mut tuned: impl FnMut() -> Result<(), freeze_runtime::Error>,
) -> Result<(), freeze_runtime::Error> {
    // The first rounds make optimizer state and warm up.
    let warm_up = rounds / 10;
    let mut times = [Vec::with_capacity(rounds), Vec::with_capacity(rounds)];
    for round in 0..warm_up + rounds {
        let start = Instant::now();
        by_hand();
        let middle = Instant::now();
        tuned()?;
        let pair = [middle - start, middle.elapsed()];
        if round >= warm_up {
            for (times, time) in times.iter_mut().zip(pair) {
                times.push(time);
            }
        }
    }
    let [by_hand, tuned] = times.map(median);
    let ratio = by_hand.as_secs_f64() / tuned.as_secs_f64();
    println!("{what}: {by_hand:.2?} and {tuned:.2?}, {ratio:.2} times as fast");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
