//! Steps in every floating type against those of Python's `torch.optim`: `steps/generate.py` wrote
//! down what came of 200 steps each.

use std::collections::BTreeMap;
use std::error::Error;

use freeze_runtime::Tuner;
use freeze_tests::parse;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const STEPS: i64 = 200;

/// The types, and how far the norm of the difference may be, as a part of the norm. In half precision
/// a rounding of one element in the last step is less than this; a factor that is rounded to the
/// type is far more.
const KINDS: [(&str, f64); 4] = [("f64", 1e-14), ("f32", 1e-6), ("bf16", 2e-3), ("f16", 2e-4)];

fn steps(optimizer: &str, start: &Tensor, gradients: &Tensor) -> Result<Tensor, Box<dyn Error>> {
    let vs = VarStore::new(Device::Cpu);
    let parameter = vs.root().add("p", start.copy(), true);
    let policy = format!("default lr 1e-2 weight_decay 0.1 optimizer {optimizer}; start: train p");
    let mut tuner = Tuner::builder(&parse(&policy)).attach(&vs)?;
    tuner.start_epoch()?;
    for step in 0..STEPS {
        tuner.zero_grad()?;
        (&parameter * gradients.get(step)).sum(parameter.kind()).backward();
        tuner.step()?;
    }
    Ok(parameter.detach())
}

#[test]
fn steps_have_the_numbers_of_python_in_every_type() -> Result<(), Box<dyn Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/steps");
    let file = format!("{folder}/steps.safetensors");
    let tensors: BTreeMap<String, Tensor> = Tensor::read_safetensors(file)?.into_iter().collect();
    let lines = include_str!("steps/optimizers.txt").lines();
    let mut farthest = Vec::new();
    for (number, line) in lines.enumerate() {
        let (optimizer, _) = line.split_once(" | ").ok_or("a line without an optimizer")?;
        for (kind, tolerance) in KINDS {
            let of = |name: String| tensors.get(&name).ok_or(format!("no tensor {name}"));
            let (start, gradients) =
                (of(format!("{kind}.start"))?, of(format!("{kind}.gradients"))?);
            let expected = of(format!("{kind}.{number}"))?.to_kind(Kind::Double);
            let ours = steps(optimizer, start, gradients)?.to_kind(Kind::Double);
            let off = ((&ours - &expected).norm() / expected.norm()).double_value(&[]);
            println!("{optimizer} in {kind}: off by {off:.1e}");
            if off.is_nan() || off > tolerance {
                farthest.push(format!("{optimizer} in {kind}: off by {off:.1e}"));
            }
        }
    }
    assert!(farthest.is_empty(), "{farthest:#?}");
    Ok(())
}
