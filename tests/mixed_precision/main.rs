//! Loss scaling, master weights and autocast, against Python's PyTorch: `generate.py` wrote down what came
//! of its own.

mod autocast;
mod loss_scale;
mod masters;
mod read_backs;
mod scaled_runs;

use std::collections::BTreeMap;
use std::error::Error;

use tch::Tensor;

type Outcome = Result<(), Box<dyn Error>>;

/// The tensors of the fixture.
fn fixture() -> Result<impl Fn(&str) -> Result<Tensor, String>, Box<dyn Error>> {
    tch::set_num_threads(1);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/mixed_precision");
    let tensors = Tensor::read_safetensors(format!("{folder}/mixed_precision.safetensors"))?;
    let tensors: BTreeMap<String, Tensor> = tensors.into_iter().collect();
    Ok(move |name: &str| {
        tensors.get(name).map(Tensor::shallow_clone).ok_or(format!("no tensor {name}"))
    })
}
