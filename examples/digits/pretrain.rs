//! Learns digits 0 to 4, for what is of use to others.

use std::error::Error;
use std::path::Path;

use freeze_examples::Dataset;
use freeze_runtime::{Tuner, freeze_policy};
use indicatif::ProgressBar;
use tch::nn::{self, ModuleT};
use tch::{Device, Kind, Tensor};

use crate::network::Network;

/// How many epochs it takes.
pub(crate) const EPOCHS: u64 = 100;
const BATCH: i64 = 32;
/// How far an image is bent, on average: a share of its side.
const DISTORTION: f64 = 0.22;

/// Trains a network on these digits and saves it; gives the share of them that it gets right.
///
/// # Errors
/// If training fails or the file cannot be written.
pub(crate) fn pretrain(
    digits: &Dataset,
    file: &Path,
    progress: &ProgressBar,
) -> Result<f64, Box<dyn Error>> {
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root());
    let policy = freeze_policy! { start: train @all lr 3e-3; };
    let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    while tuner.epoch() < EPOCHS {
        tuner.start_epoch()?;
        for (images, labels) in digits.batches(BATCH) {
            let logits = network.forward_t(&distort(&images), true);
            tuner.backward_step(&logits.cross_entropy_for_logits(&labels))?;
        }
        progress.inc(1);
    }
    vs.save(file)?;
    Ok(network.accuracy(digits))
}

/// The same digits turned, sheared, stretched and moved a little, each in its own way, so that
/// the network learns strokes and not pixels.
fn distort(images: &Tensor) -> Tensor {
    let count = images.size().first().copied().unwrap_or(0);
    let straight = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 1.0, 0.0]).view([1, 2, 3]);
    let bent = straight + Tensor::randn([count, 2, 3], (Kind::Float, Device::Cpu)) * DISTORTION;
    let grid = Tensor::affine_grid_generator(&bent, images.size(), false);
    let (bilinear, zeros) = (0, 0);
    images.grid_sampler(&grid, bilinear, zeros, false)
}
