//! A training with the first 9 of 12 blocks frozen, with and without a cache of their features: the time
//! of each epoch, in turns, and whether both end with the same bits.

use std::error::Error;
use std::time::Instant;

use freeze_runtime::{FeatureCache, Policy, Tuner};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

const BLOCKS: usize = 12;
const FROZEN: usize = 9;
const WIDTH: i64 = 256;
const SAMPLES: i64 = 2048;
const BATCH: i64 = 128;
const EPOCHS: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{BLOCKS} blocks of width {WIDTH}, {FROZEN} of them frozen; {SAMPLES} samples in batches of \
         {BATCH}; {} threads",
        tch::get_num_threads()
    );
    let folder = tempfile::tempdir()?;
    let prefix = format!("blocks[0..{FROZEN}]");
    let new = || FeatureCache::new(&[&prefix], 1 << 30);
    let mut without = Training::new(None)?;
    let mut cached = [
        ("on the device", Training::new(Some(new()))?),
        ("in half precision", Training::new(Some(new().stored_as(Kind::Half)))?),
        ("on disk", Training::new(Some(new().on_disk(folder.path())))?),
    ];
    let mut baseline = Vec::new();
    let mut times = vec![Vec::new(); cached.len()];
    for epoch in 0..EPOCHS {
        baseline.push(without.epoch(epoch)?);
        for ((_, training), times) in cached.iter_mut().zip(&mut times) {
            times.push(training.epoch(epoch)?);
        }
    }
    let first = |times: &[f64]| times.first().copied().unwrap_or_default();
    let later = |times: &[f64]| median(times.get(1..).unwrap_or_default());
    println!("without a cache: {:.0} ms an epoch", 1e3 * later(&baseline));
    for ((place, training), times) in cached.iter().zip(&times) {
        let same = training.bits()? == without.bits()?;
        let bytes = training.cache.as_ref().map_or(0, FeatureCache::bytes);
        println!(
            "{place}: the first epoch {:.2} times as fast, later ones {:.2} times as fast ({:.0} ms); \
             {bytes} bytes; bits {}",
            first(&baseline) / first(times),
            later(&baseline) / later(times),
            1e3 * later(times),
            if same { "equal" } else { "differ" },
        );
    }
    Ok(())
}

/// A training of a network of its own, which begins with the same weights as every other one.
struct Training {
    vs: nn::VarStore,
    blocks: Vec<nn::Sequential>,
    tuner: Tuner,
    cache: Option<FeatureCache>,
    x: Tensor,
    y: Tensor,
}

impl Training {
    fn new(cache: Option<FeatureCache>) -> Result<Self, Box<dyn Error>> {
        tch::manual_seed(1);
        let vs = nn::VarStore::new(Device::Cpu);
        let block = |index: usize| {
            let path = vs.root() / "blocks" / index;
            nn::seq()
                .add(nn::layer_norm(&path / "norm", vec![WIDTH], nn::LayerNormConfig::default()))
                .add(nn::linear(&path / "up", WIDTH, 4 * WIDTH, nn::LinearConfig::default()))
                .add_fn(|x| x.gelu("none"))
                .add(nn::linear(&path / "down", 4 * WIDTH, WIDTH, nn::LinearConfig::default()))
        };
        let blocks = (0..BLOCKS).map(block).collect();
        let policy = format!("default lr 1e-3 optimizer sgd; start: train blocks[{FROZEN}..]");
        let tuner = Tuner::builder(&Policy::parse(&policy)?).attach(&vs)?;
        let [x, y] = [(); 2].map(|()| Tensor::randn([SAMPLES, WIDTH], (Kind::Float, Device::Cpu)));
        Ok(Self { vs, blocks, tuner, cache, x, y })
    }

    /// Trains for an epoch, and returns its duration in seconds.
    fn epoch(&mut self, epoch: u64) -> Result<f64, Box<dyn Error>> {
        tch::manual_seed(i64::try_from(epoch)?);
        let order: Vec<i64> = Vec::try_from(Tensor::randperm(SAMPLES, (Kind::Int64, Device::Cpu)))?;
        let (frozen, trained) = self.blocks.split_at(FROZEN);
        let apply = |blocks: &[nn::Sequential], x: Tensor| {
            blocks.iter().fold(x, |x, block| &x + block.forward(&x))
        };
        let begun = Instant::now();
        self.tuner.start_epoch()?;
        for ids in order.chunks(usize::try_from(BATCH)?) {
            let rows = Tensor::from_slice(ids);
            let compute = || apply(frozen, self.x.index_select(0, &rows));
            let features = match &mut self.cache {
                Some(cache) => cache.get_or_compute(&self.tuner, ids, |_| compute())?,
                None => compute(),
            };
            let difference = apply(trained, features) - self.y.index_select(0, &rows);
            self.tuner.backward_step(&difference.square().mean(Kind::Float))?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    /// The bits of all weights.
    fn bits(&self) -> Result<Vec<(String, Vec<i32>)>, Box<dyn Error>> {
        let bits = |(name, tensor): (String, Tensor)| {
            let bits = Vec::try_from(tensor.detach().flatten(0, -1).view_dtype(Kind::Int))?;
            Ok((name, bits))
        };
        let mut all: Vec<_> =
            self.vs.variables().into_iter().map(bits).collect::<Result<_, Box<dyn Error>>>()?;
        all.sort_unstable();
        Ok(all)
    }
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
