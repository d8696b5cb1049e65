//! Learns digits, for what is of use to others.

use std::time::Instant;

use freeze_runtime::{Error, Tuner, freeze_policy};
use indicatif::ProgressBar;
use tch::nn::{self, ModuleT};

use crate::digits::distort;
use crate::{Dataset, bar};

const BATCH: i64 = 32;

/// Trains a network for so many epochs on digits 0 to 4, and says so.
///
/// # Errors
/// What the tuner says.
pub fn learn_first_half(
    store: &nn::VarStore,
    network: &impl ModuleT,
    digits: &Dataset,
    epochs: u64,
) -> Result<(), Error> {
    let first_half = digits.classes(0..5);
    println!("Digits 0 to 4: {} samples to learn from.", first_half.len());
    let begun = Instant::now();
    let progress = bar(epochs, "digits 0 to 4");
    pretrain(store, network, &first_half, epochs, &progress)?;
    progress.finish_and_clear();
    println!(
        "    {:.1} % of them told right after {epochs} epochs, {:.1} s",
        100.0 * first_half.accuracy(network),
        begun.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// Trains all of a network for so many epochs on these digits, each bent anew in every epoch, by
/// AdamW with a learning rate of 3e-3.
///
/// # Errors
/// What the tuner says.
fn pretrain(
    store: &nn::VarStore,
    network: &impl ModuleT,
    digits: &Dataset,
    epochs: u64,
    progress: &ProgressBar,
) -> Result<(), Error> {
    let policy = freeze_policy! { start: train @all lr 3e-3; };
    let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(store)?;
    while tuner.epochs_started() < epochs {
        tuner.start_epoch()?;
        for (images, labels) in digits.batches(BATCH) {
            let logits = network.forward_t(&distort(&images), true);
            tuner.backward_step(&logits.cross_entropy_for_logits(&labels))?;
        }
        progress.inc(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::digits;

    #[test]
    fn a_network_learns_to_tell_zeros_from_ones() {
        tch::set_num_threads(1);
        tch::manual_seed(0);
        let digits = digits::load().unwrap().classes(0..2);
        let vs = nn::VarStore::new(Device::Cpu);
        let linear =
            nn::linear(vs.root(), digits::SIDE * digits::SIDE, 2, nn::LinearConfig::default());
        let network = nn::seq_t().add_fn(|images| images.flatten(1, -1)).add(linear);
        pretrain(&vs, &network, &digits, 20, &bar(20, "test")).unwrap();
        assert!(digits.accuracy(&network) > 0.95);
    }
}
