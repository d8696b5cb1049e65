//! A training with the first 9 of 12 blocks frozen, with and without a cache of their features: the time
//! of each epoch, in turns, and whether both end with the same bits.
//!
//! Where all blocks cost the same, computing 9 of them forward takes as long as computing the other 3
//! forward and backward, so that no cache can be more than twice as fast. In a convolutional network, the
//! first blocks cost more.

use std::error::Error;
use std::time::Instant;

use freeze_runtime::nn::batch_norm2d;
use freeze_runtime::{FeatureCache, Policy, Tuner};
use tch::nn::{self, Module, ModuleT};
use tch::{Device, Kind, Tensor};

const BLOCKS: i64 = 12;
const FROZEN: usize = 9;
const SAMPLES: i64 = 512;
const BATCH: i64 = 64;
const EPOCHS: u64 = 10;
const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

type Outcome<T> = Result<T, Box<dyn Error>>;
type Block = Box<dyn Fn(&Tensor) -> Tensor>;

fn main() -> Outcome<()> {
    println!(
        "{FROZEN} of {BLOCKS} blocks frozen, {SAMPLES} samples in batches of {BATCH}, {EPOCHS} epochs; \
         {} threads",
        tch::get_num_threads()
    );
    let mlp = |path: &nn::Path<'_>, _| multilayer_perceptron(path);
    compare("blocks of a transformer's shape, 256 wide", &[256], mlp)?;
    compare("convolutions, 16 channels of 32 × 32 to 128 of 4 × 4", &[16, 32, 32], convolution)
}

/// A residual branch of a normalisation and two linear layers.
fn multilayer_perceptron(path: &nn::Path<'_>) -> Block {
    let branch = nn::seq()
        .add(nn::layer_norm(path / "norm", vec![256], nn::LayerNormConfig::default()))
        .add(nn::linear(path / "up", 256, 1024, nn::LinearConfig::default()))
        .add_fn(|x| x.gelu("none"))
        .add(nn::linear(path / "down", 1024, 256, nn::LinearConfig::default()));
    Box::new(move |x| x + branch.forward(x))
}

/// A convolution and its norm. Every third one halves the image and doubles the channels.
fn convolution(path: &nn::Path<'_>, index: i64) -> Block {
    let channels = 16 << (index / 3);
    let is_first = index > 0 && index % 3 == 0;
    let config =
        nn::ConvConfig { padding: 1, stride: 1 + i64::from(is_first), ..Default::default() };
    let before = if is_first { channels / 2 } else { channels };
    let conv = nn::conv2d(path / "conv", before, channels, 3, config);
    let norm = batch_norm2d(path / "norm", channels, nn::BatchNormConfig::default());
    Box::new(move |x| norm.forward_t(&conv.forward(x), true).relu())
}

/// Trains with several caches and without one, epoch by epoch in turns.
fn compare(what: &str, sample: &[i64], block: impl Fn(&nn::Path<'_>, i64) -> Block) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let prefix = format!("blocks[0..{FROZEN}]");
    let new = || FeatureCache::new(&[&prefix], 1 << 30);
    let mut trainings = [
        ("no cache", Training::new(None, sample, &block)?),
        ("in memory", Training::new(Some(new()), sample, &block)?),
        ("in half precision", Training::new(Some(new().stored_as(Kind::Half)), sample, &block)?),
        ("on disk", Training::new(Some(new().on_disk(folder.path())), sample, &block)?),
    ];
    let mut times = vec![Vec::new(); trainings.len()];
    for epoch in 0..EPOCHS {
        for ((_, training), times) in trainings.iter_mut().zip(&mut times) {
            times.push(training.epoch(epoch)?);
        }
    }
    println!("\n{what}\nms of epoch 0, then least and median of the others; factors to no cache");
    let [base, all @ ..] = trainings.each_ref();
    let base_bits = base.1.bits()?;
    let figures: Vec<[f64; 3]> = times.iter().map(|times| figures(times)).collect();
    for ((place, training), own) in std::iter::once(base).chain(all).zip(&figures) {
        let bits = if training.bits()? == base_bits { "same bits" } else { "other bits" };
        print!("{place:>18}:");
        for (own, base) in own.iter().zip(figures.first().unwrap_or(own)) {
            print!(" {:8.1} ({:.2})", 1e3 * own, base / own);
        }
        println!("  {bits}");
    }
    Ok(())
}

/// The time of the first epoch, and the least and the median of all others.
fn figures(times: &[f64]) -> [f64; 3] {
    let (first, later) = times.split_at(1);
    let mut later = later.to_vec();
    later.sort_by(f64::total_cmp);
    let at = |times: &[f64], index: usize| times.get(index).copied().unwrap_or_default();
    [at(first, 0), at(&later, 0), at(&later, later.len() / 2)]
}

/// A training of a network of its own, which begins with the same weights as every other one.
struct Training {
    vs: nn::VarStore,
    blocks: Vec<Block>,
    tuner: Tuner,
    cache: Option<FeatureCache>,
    x: Tensor,
}

impl Training {
    fn new(
        cache: Option<FeatureCache>,
        sample: &[i64],
        block: impl Fn(&nn::Path<'_>, i64) -> Block,
    ) -> Outcome<Self> {
        tch::manual_seed(1);
        let vs = nn::VarStore::new(Device::Cpu);
        let blocks =
            (0..BLOCKS).map(|index| block(&(vs.root() / "blocks" / index), index)).collect();
        let policy = format!("default lr 1e-3 optimizer sgd; start: train blocks[{FROZEN}..]");
        let tuner = Tuner::builder(&Policy::parse(&policy)?).attach(&vs)?;
        let x = Tensor::randn([&[SAMPLES], sample].concat(), CPU);
        Ok(Self { vs, blocks, tuner, cache, x })
    }

    /// Trains for an epoch, and returns its duration in seconds.
    fn epoch(&mut self, epoch: u64) -> Outcome<f64> {
        tch::manual_seed(i64::try_from(epoch)?);
        let order = Tensor::randperm(SAMPLES, (Kind::Int64, Device::Cpu));
        let order: Vec<i64> = Vec::try_from(order)?;
        let (frozen, trained) = self.blocks.split_at(FROZEN);
        let apply = |blocks: &[Block], x: Tensor| blocks.iter().fold(x, |x, block| block(&x));
        let begun = Instant::now();
        self.tuner.start_epoch()?;
        for ids in order.chunks(usize::try_from(BATCH)?) {
            let compute = || apply(frozen, self.x.index_select(0, &Tensor::from_slice(ids)));
            let features = match &mut self.cache {
                Some(cache) => cache.get_or_compute(&self.tuner, ids, |_| compute())?,
                None => compute(),
            };
            let loss = (apply(trained, features) - 1.0).square().mean(Kind::Float);
            self.tuner.backward_step(&loss)?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    /// The bits of all weights, by their names.
    fn bits(&self) -> Outcome<Vec<(String, Vec<i32>)>> {
        let mut all = Vec::new();
        for (name, tensor) in self.vs.variables() {
            all.push((name, Vec::try_from(tensor.detach().flatten(0, -1).view_dtype(Kind::Int))?));
        }
        all.sort_unstable();
        Ok(all)
    }
}
