//! Fine-tunes a ResNet-18 on new classes; a program to copy. `cargo run --example quickstart`

use std::{error::Error, path::Path};

use freeze_examples::{Dataset, digits, output_folder};
use freeze_runtime::{Tuner, Weights, freeze_policy};
use tch::nn::{self, ModuleT};
use tch::vision::resnet::resnet18;
use tch::{Device, Tensor};

const BATCH: i64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    println!("accuracy on the new digits: {:.3}", run()?);
    Ok(())
}

fn run() -> Result<f64, Box<dyn Error>> {
    tch::manual_seed(1);
    let folder = output_folder("quickstart")?;
    let pretrained = folder.join("resnet18.safetensors");
    let digits = images(Device::cuda_if_available())?;
    pretrain(&digits.classes(0..5).draw(60).0, &pretrained)?;

    let (train, validation) = digits.classes(5..10).draw(40);
    let vs = nn::VarStore::new(Device::cuda_if_available());
    let net = resnet18(&vs.root(), 5);
    println!("{}", Weights::open(&pretrained)?.allow_missing("fc").load(&vs)?); // the head is new
    let policy = freeze_policy! {
        epoch 0: train layer4, fc lr 1e-3;
        epoch 1: unfreeze layer3 lr 3e-4;
    };
    let mut tuner = Tuner::builder(&policy)
        .optimizer(nn::AdamW::default())
        .steps_per_epoch(usize::try_from(train.len() / BATCH)?)
        .attach(&vs)?;
    let mut accuracy = 0.0;
    while tuner.epochs_started() < 3 && !tuner.is_stopped() {
        println!("{}", tuner.start_epoch()?);
        for (x, y) in train.batches(BATCH) {
            let loss = net.forward_t(&x, true).cross_entropy_for_logits(&y);
            tuner.backward_step(&loss)?;
        }
        tuner.restore_frozen_stats()?; // frozen norms are validated with the statistics that they keep
        accuracy = validation.accuracy(&net);
        tuner.observe("val_acc", accuracy)?; // for rules like `when val_acc > 0.9`
        tuner.save(folder.join("checkpoint"))?;
    }
    Ok(accuracy)
}

/// Trains a network on other digits and saves all of it but its head.
fn pretrain(digits: &Dataset, file: &Path) -> Result<(), Box<dyn Error>> {
    let vs = nn::VarStore::new(digits.inputs.device());
    let net = resnet18(&vs.root(), 5);
    let policy = freeze_policy! { start: train @all lr 1e-3; };
    let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
    tuner.start_epoch()?;
    for (x, y) in digits.batches(BATCH) {
        tuner.backward_step(&net.forward_t(&x, true).cross_entropy_for_logits(&y))?;
    }
    let mut body: Vec<_> = vs.variables().into_iter().collect();
    body.retain(|(name, _)| !name.starts_with("fc."));
    Ok(Tensor::write_safetensors(&body, file)?)
}

/// The digits as color images of 16 × 16 pixels.
fn images(device: Device) -> Result<Dataset, Box<dyn Error>> {
    let Dataset { inputs, labels } = digits::load()?;
    let inputs = inputs.upsample_nearest2d([16, 16], None, None).repeat([1, 3, 1, 1]);
    Ok(Dataset { inputs: inputs.to_device(device), labels: labels.to_device(device) })
}

#[cfg(test)]
#[test]
fn the_new_digits_are_learnt() {
    tch::set_num_threads(1);
    assert!(run().unwrap() > 0.5);
}
