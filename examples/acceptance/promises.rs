//! The promises, checked on a device.

use std::error::Error;

use freeze_runtime::{Error as TunerError, Group, Policy, Tuner, device};
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::{Bits, Net, promise, reference, train, tune};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

use crate::beside::Beside;
use crate::bits;
use crate::report::Report;

type Cell = Result<[String; 1], Box<dyn Error>>;

/// Checks them all, a row each.
pub(crate) fn check(report: &Report<'_>, device: Device, small: bool, beside: Option<&mut Beside>) {
    report.table("## Promises", ["promise", "what was seen"]);
    report.row("1. frozen means bit-identical", || {
        let cases = if small { 32 } else { 256 };
        Ok([promise::hold(device, cases)?.to_string()])
    });
    report.row("2. one owner", || owners(device));
    for case in reference::cases() {
        report.row(&format!("3. a program by hand in PyTorch: {case}"), || {
            Ok([format!("off by {:.1e} at most", reference::replay(case, device)?.off)])
        });
    }
    if let Some(beside) = beside {
        for pair in &bits::PAIRS {
            for kind in bits::KINDS {
                // https://github.com/pytorch/pytorch/issues/191763
                if device == Device::Cpu && kind.0 != Kind::Float && pair.policy.starts_with("sgd")
                {
                    continue;
                }
                let name = format!("3. beside PyTorch's own: {}, {}", pair.policy, kind.1);
                report.row(&name, || bits::compare(pair, kind, device, beside));
            }
        }
    }
    report.row("4. nothing is lost: dropout, stopped and resumed", || {
        resumed(&Group::from_env()?, device)
    });
    report
        .row("5. frozen costs nothing: memory of parameters that freeze", || memory(device, small));
    report.row("6. a step is made whole or not at all", || whole_step(device));
    if device.is_cuda() {
        report.row("6. memory runs out in the second of two groups", || out_of_memory(device));
    }
}

/// Every transition finds each parameter with one owner, and a flag that the program sets.
fn owners(device: Device) -> Cell {
    let rules = "start: train fc; epoch 1: unfreeze layer2; epoch 2: freeze fc; epoch 3: train fc";
    for optimizer in OPTIMIZERS {
        let net = Net::convolutions(device);
        let mut tuner = tune(&net, &format!("default {optimizer}; {rules}"));
        for epoch in 0..3 {
            tuner.start_epoch()?;
            train(&net, &mut tuner, epoch..epoch + 2)?;
            let grouped =
                tuner.param_groups().iter().map(|group| group.params.len()).sum::<usize>();
            if grouped != tuner.trainable_names().len() {
                return Err(format!("{grouped} in groups: {:?}", tuner.trainable_names()).into());
            }
        }
        let _same = net.variable("layer1.conv.weight").set_requires_grad(true);
        if !matches!(tuner.start_epoch(), Err(TunerError::Ownership(_))) {
            return Err("a flag that the program set was not noticed".into());
        }
    }
    Ok([format!(
        "{} optimizers, 3 transitions each, and a flag set by the program",
        OPTIMIZERS.len()
    )])
}

/// A network with dropout, whose run of six steps is stopped after three.
pub(crate) fn resumed(group: &Group, device: Device) -> Cell {
    const STEPS: usize = 6;
    let policy = Policy::parse(
        "default lr 1e-2 optimizer adamw; start: train second; step 2: unfreeze first; step 4: freeze second",
    )?;
    let dir = tempfile::tempdir()?;
    let x = Tensor::randn([32, 16], (Kind::Float, device));
    let run = |steps: std::ops::Range<usize>| -> Result<Bits, Box<dyn Error>> {
        let vs = nn::VarStore::new(device);
        let linear = |name| nn::linear(vs.root() / name, 16, 16, nn::LinearConfig::default());
        let (first, second) = (linear("first"), linear("second"));
        let mut tuner = Tuner::builder(&policy).group(group).attach(&vs)?;
        if steps.start == 0 {
            tuner.start_epoch()?;
        } else {
            tuner.resume(dir.path())?;
        }
        for step in steps {
            let hidden = first.forward(&x).relu().dropout(0.5, true);
            tuner.backward_step(&second.forward(&hidden).square().mean(Kind::Float))?;
            if step + 1 == STEPS / 2 {
                tuner.save(dir.path())?;
            }
        }
        Ok(Bits::of(&vs))
    };
    let whole = run(0..STEPS)?;
    // What the generator drew since must not matter.
    let _ = x.dropout(0.5, true);
    let moved = whole.moved(&run(STEPS / 2..STEPS)?).join(", ");
    if !moved.is_empty() {
        return Err(format!("other bits after a resume: {moved}").into());
    }
    Ok([format!("{STEPS} steps, stopped after {}: the same bits", STEPS / 2)])
}

/// Half of the parameters freeze: their gradients and optimizer state go.
fn memory(device: Device, small: bool) -> Cell {
    const TENSORS: i64 = 8;
    let numbers: i64 = if small { 1 << 16 } else { 1 << 24 };
    let vs = nn::VarStore::new(device);
    let parameters: Vec<Tensor> = (0..TENSORS)
        .map(|i| {
            (vs.root() / if i < TENSORS / 2 { "lower" } else { "upper" })
                .zeros(&format!("p{i}"), &[numbers])
        })
        .collect();
    let policy =
        Policy::parse("default lr 1e-3 optimizer adamw; start: train @all; epoch 1: freeze lower")?;
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    tuner.backward_step(&parameters.iter().map(|it| it.square().sum(Kind::Float)).sum())?;
    let held = |tuner: &Tuner| -> Result<(u64, usize), Box<dyn Error>> {
        let gradients = parameters.iter().map(Tensor::grad).filter(Tensor::defined);
        let gradients: usize = gradients.map(|it| 4 * it.numel()).sum();
        Ok((
            device::allocated_bytes(device)?.unwrap_or_default(),
            tuner.optimizer_bytes() + gradients,
        ))
    };
    let before = held(&tuner)?;
    tuner.start_epoch()?;
    let after = held(&tuner)?;
    // A gradient and the two averages of AdamW, four bytes each; a counter a tensor beside.
    let expected = 12 * u64::try_from(numbers * TENSORS / 2)?;
    let returned = if device.is_cuda() { before.0 - after.0 } else { (before.1 - after.1) as u64 };
    if !(expected..expected + 4096).contains(&returned) {
        return Err(format!("{returned} bytes returned of {expected}").into());
    }
    let of = if device.is_cuda() { "of the allocator" } else { "of gradients and optimizer state" };
    Ok([format!("{returned} bytes {of} returned, 12 for each of {} numbers", expected / 12)])
}

/// A parameter that cannot step keeps all others from stepping.
fn whole_step(device: Device) -> Cell {
    let vs = nn::VarStore::new(device);
    let fine = vs.root().ones("fine", &[4]);
    let sparse = vs.root().ones("table", &[4, 2]);
    let policy = Policy::parse(
        "start: train fine lr 1e-2 optimizer adam, train table lr 1e-2 optimizer adamw",
    )?;
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    let before = Bits::of(&vs);
    let index = Tensor::zeros([2], (Kind::Int64, device));
    let looked_up = Tensor::embedding(&sparse, &index, -1, false, true);
    let refused = tuner.backward_step(&(looked_up.sum(Kind::Float) + fine.sum(Kind::Float)));
    if refused.is_ok() || !before.moved(&Bits::of(&vs)).is_empty() || tuner.optimizer_bytes() > 0 {
        return Err("part of a step was made".into());
    }
    Ok(["a gradient that cannot be stepped by in one of two groups: nothing moved".to_owned()])
}

/// A step for which the device has no memory changes nothing, and is made once there is some.
fn out_of_memory(device: Device) -> Cell {
    const NUMBERS: i64 = 1 << 24;
    let policy = Policy::parse(
        "default lr 1e-2; start: train small optimizer adamw, train large optimizer adam(amsgrad)",
    )?;
    let run = |fills: bool| -> Result<Bits, Box<dyn Error>> {
        let vs = nn::VarStore::new(device);
        let (small, large) = (vs.root().ones("small", &[4]), vs.root().ones("large", &[NUMBERS]));
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        tuner.start_epoch()?;
        (small.square().sum(Kind::Float) + large.square().sum(Kind::Float)).f_backward()?;
        if fills {
            let before = Bits::of(&vs);
            let ballast = fill(device);
            if tuner.step().is_ok() {
                return Err("a step without memory was made".into());
            }
            drop(ballast);
            // Python needs some of it later.
            device::release_cached_memory()?;
            if !before.moved(&Bits::of(&vs)).is_empty() || tuner.optimizer_bytes() > 0 {
                return Err("part of a step was made".into());
            }
        }
        tuner.step()?;
        Ok(Bits::of(&vs))
    };
    if !run(false)?.moved(&run(true)?).is_empty() {
        return Err("the step that was made later has other bits".into());
    }
    Ok(["nothing moved; with memory, the same call then gave the bits of a step that had some"
        .to_owned()])
}

/// Takes the memory of a device but for less than two mebibytes at a time.
fn fill(device: Device) -> Vec<Tensor> {
    let (mut all, mut bytes) = (Vec::new(), 1_i64 << 34);
    while bytes >= 1 << 21 {
        match Tensor::f_empty([bytes], (Kind::Uint8, device)) {
            Ok(tensor) => all.push(tensor),
            Err(_) => bytes /= 2,
        }
    }
    all
}
