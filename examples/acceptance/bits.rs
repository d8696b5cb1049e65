//! Steps beside PyTorch's own, compared bit for bit.

use std::error::Error;
use std::fs;

use freeze_runtime::{Policy, Tuner};
use freeze_tests::bits::bits;
use tch::{Device, Kind, Tensor, nn};

use crate::beside::Beside;

/// An optimizer as a policy and as Python write it.
pub(crate) struct Pair {
    /// As a policy writes it.
    pub(crate) policy: &'static str,
    /// The class in `torch.optim`.
    class: &'static str,
    /// Its arguments as JSON.
    options: &'static str,
}

/// Those that are fused in PyTorch.
pub(crate) const PAIRS: [Pair; 4] = [
    Pair {
        policy: "adamw",
        class: "AdamW",
        options: r#"{"lr":1e-2,"weight_decay":0.1,"fused":true}"#,
    },
    Pair {
        policy: "adam(beta1 0.8 amsgrad)",
        class: "Adam",
        options: r#"{"lr":1e-2,"weight_decay":0.1,"betas":[0.8,0.999],"amsgrad":true,"fused":true}"#,
    },
    Pair {
        policy: "sgd(momentum 0.9 nesterov)",
        class: "SGD",
        options: r#"{"lr":1e-2,"weight_decay":0.1,"momentum":0.9,"nesterov":true,"fused":true}"#,
    },
    Pair {
        policy: "rmsprop(momentum 0.9 centered)",
        class: "RMSprop",
        options: r#"{"lr":1e-2,"weight_decay":0.1,"momentum":0.9,"centered":true}"#,
    },
];

/// The kinds, and their names in Python.
pub(crate) const KINDS: [(Kind, &str); 3] =
    [(Kind::Float, "float32"), (Kind::BFloat16, "bfloat16"), (Kind::Half, "float16")];

const SHAPES: [&[i64]; 4] = [&[64, 48], &[3, 5, 7], &[1], &[1000]];
const STEPS: usize = 5;

/// Makes the same steps here and in Python. Returns what was the same.
///
/// # Errors
/// If a bit differs, or a step fails.
pub(crate) fn compare(
    pair: &Pair,
    (kind, kind_name): (Kind, &str),
    device: Device,
    beside: &mut Beside,
) -> Result<[String; 1], Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("numbers");
    let cpu = (Kind::Float, Device::Cpu);
    let numbers: Vec<Vec<Tensor>> = (0..=STEPS)
        .map(|_| SHAPES.iter().map(|shape| Tensor::randn(*shape, cpu)).collect())
        .collect();
    fs::write(&file, numbers.iter().flatten().flat_map(bits).collect::<Vec<u8>>())?;
    let file = file.to_str().ok_or("a temporary folder that is no text")?;
    beside.ask(
        "bits",
        &[
            ("file", format!("{file:?}")),
            ("kind", format!("{kind_name:?}")),
            ("shapes", format!("{SHAPES:?}")),
            ("steps", STEPS.to_string()),
            ("optimizer", format!("{:?}", pair.class)),
            ("options", pair.options.to_owned()),
        ],
    )?;
    let by_python = fs::read(format!("{file}.out"))?;

    let mut steps =
        numbers.iter().map(|tensors| tensors.iter().map(|one| one.to_device(device).to_kind(kind)));
    let vs = nn::VarStore::new(device);
    let start = steps.next().into_iter().flatten().enumerate();
    let parameters: Vec<Tensor> =
        start.map(|(i, one)| vs.root().add(&format!("p{i}"), one, true)).collect();
    let policy =
        format!("default lr 1e-2 weight_decay 0.1 optimizer {}; start: train @all", pair.policy);
    let mut tuner = Tuner::builder(&Policy::parse(&policy)?).attach(&vs)?;
    tuner.start_epoch()?;
    for gradients in steps {
        tuner.zero_grad()?;
        for (parameter, gradient) in parameters.iter().zip(gradients) {
            (parameter * gradient).sum(kind).f_backward()?;
        }
        tuner.step()?;
    }
    let ours: Vec<u8> = parameters.iter().flat_map(bits).collect();
    let differing = ours.iter().zip(&by_python).filter(|(one, other)| one != other).count();
    if ours.len() != by_python.len() || differing > 0 {
        return Err(format!("{differing} of {} bytes differ", ours.len()).into());
    }
    Ok([format!("{STEPS} steps, {} bytes, all equal", ours.len())])
}
