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

/// Muon iterates in bfloat16, in which processors multiply matrices in different orders.
const OF_MUON: f64 = 1e-3;

/// A matrix, its gradients, and an optimizer of which a policy makes steps.
struct Steps<'a> {
    optimizer: &'a str,
    start: &'a Tensor,
    gradients: &'a Tensor,
}

impl Steps<'_> {
    /// The parameter after the steps of a policy's epochs, each of so many steps.
    fn of(&self, rules: &str, epochs: &[i64]) -> Result<Tensor, Box<dyn Error>> {
        let vs = VarStore::new(Device::Cpu);
        let parameter = vs.root().add("p", self.start.copy(), true);
        let other = vs.root().add("other", self.start.copy(), true);
        let policy =
            format!("default lr 1e-2 weight_decay 0.1 optimizer {}; {rules}", self.optimizer);
        let mut tuner = Tuner::builder(&parse(&policy)).attach(&vs)?;
        let mut step = 0;
        for steps in epochs {
            tuner.start_epoch()?;
            for _ in 0..*steps {
                tuner.zero_grad()?;
                let loss = (&parameter * self.gradients.get(step)).sum(parameter.kind());
                (loss + other.sum(other.kind())).backward();
                tuner.step()?;
                step += 1;
            }
        }
        Ok(parameter.detach().to_kind(Kind::Double))
    }
}

#[test]
fn steps_have_the_numbers_of_python_in_every_type() -> Result<(), Box<dyn Error>> {
    tch::set_num_threads(1);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/steps");
    let file = format!("{folder}/steps.safetensors");
    let tensors: BTreeMap<String, Tensor> = Tensor::read_safetensors(file)?.into_iter().collect();
    let lines = include_str!("steps/optimizers.txt").lines();
    let mut farthest = Vec::new();
    for (number, line) in lines.enumerate() {
        let (optimizer, _) = line.split_once(" | ").ok_or("a line without an optimizer")?;
        for (kind, tolerance) in KINDS {
            let is_muon = optimizer.starts_with("muon");
            let tolerance = if is_muon { tolerance.max(OF_MUON) } else { tolerance };
            let of = |name: &str| {
                let name = format!("{kind}.{name}");
                tensors.get(&name).ok_or(format!("no tensor {name}"))
            };
            let (start, gradients) = (of("start")?, of("gradients")?);
            let steps = Steps { optimizer, start, gradients };
            let mut compare = |what: &str, ours: &Tensor, expected: &Tensor| {
                let expected = expected.to_kind(Kind::Double);
                let off = ((ours - &expected).norm() / expected.norm()).double_value(&[]);
                println!("{optimizer} in {kind}, {what}: off by {off:.1e}");
                if off.is_nan() || off > tolerance {
                    farthest.push(format!("{optimizer} in {kind}, {what}: off by {off:.1e}"));
                }
            };
            let all = steps.of("start: train p", &[STEPS])?;
            compare("all", &all, of(&number.to_string())?);
            let rules = "start: train rows 1..3 of p, other; epoch 1: freeze p;
                         epoch 2: unfreeze rows 1..5 of p";
            let rows = steps.of(rules, &[30, 10, 30])?;
            compare("rows", &rows, of(&format!("{number}.rows"))?);
            let falling = "start: train p weight_decay linear 0.1 -> 0 over 200 steps";
            compare("decay", &steps.of(falling, &[STEPS])?, of(&format!("{number}.decay"))?);
            let pulled = steps.of("start: train p anchor 2", &[STEPS])?;
            compare("anchor", &pulled, of(&format!("{number}.anchor"))?);
            // What never trains has the same bits.
            assert_eq!(rows.get(0), start.get(0).to_kind(Kind::Double));
            if is_muon {
                let start = start.to_kind(Kind::Double);
                let gradients = gradients.to_kind(Kind::Double);
                let exact = Steps { optimizer, start: &start, gradients: &gradients };
                let moved = exact.of("start: train p", &[1])?;
                let (rows, columns) = start.size2()?;
                let ratio = if optimizer.contains("match_rms") {
                    0.2 * f64::from(i32::try_from(rows.max(columns))?).sqrt()
                } else {
                    (f64::from(i32::try_from(rows)?) / f64::from(i32::try_from(columns)?))
                        .max(1.0)
                        .sqrt()
                };
                let update = (start * (1.0 - 1e-3) - moved) / (1e-2 * ratio);
                compare("first update", &update, of(&format!("{number}.first"))?);
            }
        }
    }
    assert!(farthest.is_empty(), "{farthest:#?}");
    Ok(())
}
