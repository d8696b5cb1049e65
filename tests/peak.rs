//! What a step and a save need beside what they keep does not grow with a parameter.

use std::error::Error;
use std::fs;
use std::sync::Mutex;

use freeze_runtime::Tuner;
use freeze_tests::bits::bits;
use freeze_tests::{parse, skip};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn Error>>;

/// Numbers of a row.
const COLUMNS: i64 = 65_536;
/// The optimizers that need temporary tensors for what they do to each number.
const OPTIMIZERS: [&str; 6] =
    ["rmsprop(momentum 0.9, centered)", "adagrad", "adamax", "nadam", "radam", "lion"];

/// One without a kernel for half precision on the CPU.
const HALF: &str = "sgd(momentum 0.9, nesterov)";

/// Held by the test that runs: memory is that of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// A line of this process's status in MiB, as Linux reports it.
fn status(line: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|all| all.strip_prefix(line))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The MiB that something used at most, beyond what was in use before; `None` where that is unknown.
fn peak(
    what: impl FnOnce() -> Result<(), freeze_runtime::Error>,
) -> Result<Option<f64>, freeze_runtime::Error> {
    // Resets the highest value so far.
    let is_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = status("VmRSS:").filter(|_| is_reset);
    what()?;
    Ok(before.zip(status("VmHWM:")).map(|(before, most)| most - before))
}

/// Parameters of so many rows, with a tuner that trains all of them.
fn trained(rows: &[i64], kind: Kind, optimizer: &str) -> Result<(VarStore, Tuner), Box<dyn Error>> {
    tch::set_num_threads(1);
    let vs = VarStore::new(Device::Cpu);
    let mut first = 0;
    for (index, rows) in rows.iter().enumerate() {
        let start = Tensor::arange_start(first, first + rows, (Kind::Float, Device::Cpu));
        let values = (start.view([-1, 1]) * 0.37).sin().f_mul(&columns())?;
        let _ = vs.root().add(&format!("p{index}"), values.to_kind(kind), true);
        first += rows;
    }
    let policy =
        format!("default lr 0.01 weight_decay 0.1 optimizer {optimizer}; start: train @all");
    let mut tuner = Tuner::builder(&parse(&policy)).attach(&vs)?;
    tuner.start_epoch()?;
    Ok((vs, tuner))
}

fn columns() -> Tensor {
    (Tensor::arange(COLUMNS, (Kind::Float, Device::Cpu)) * 0.11).cos().view([1, -1])
}

fn backward(vs: &VarStore, tuner: &mut Tuner) -> Result<(), freeze_runtime::Error> {
    tuner.zero_grad()?;
    for parameter in vs.trainable_variables() {
        tuner.backward(&parameter.square().sum(Kind::Float))?;
    }
    Ok(())
}

#[test]
fn a_step_of_a_large_parameter_needs_little_memory() -> Outcome {
    let _alone = ALONE.lock();
    let cases = OPTIMIZERS.into_iter().map(|optimizer| (Kind::Float, optimizer));
    for (kind, optimizer) in cases.chain([(Kind::BFloat16, HALF)]) {
        // 128 MiB.
        let rows = if kind == Kind::Float { 512 } else { 1024 };
        let (vs, mut tuner) = trained(&[rows], kind, optimizer)?;
        backward(&vs, &mut tuner)?;
        tuner.step()?;
        backward(&vs, &mut tuner)?;
        let Some(peak) = peak(|| tuner.step().map(drop))? else {
            skip("a_step_of_a_large_parameter_needs_little_memory", "no /proc/self/clear_refs");
            return Ok(());
        };
        println!("{optimizer}, {kind:?}: {peak:.0} MiB");
        assert!(peak < 80.0, "{optimizer}, {kind:?}: {peak} MiB");
    }
    Ok(())
}

#[test]
fn a_parameter_that_steps_in_stretches_has_the_bits_of_smaller_ones() -> Outcome {
    let _alone = ALONE.lock();
    let cases = OPTIMIZERS.into_iter().map(|optimizer| (Kind::Float, optimizer));
    for (kind, optimizer) in cases.chain([(Kind::BFloat16, HALF)]) {
        // 24 and 12 MiB: stretches have at most 16 MiB.
        let [whole, half] = if kind == Kind::Float { [96, 48] } else { [192, 96] };
        let (vs, mut tuner) = trained(&[whole], kind, optimizer)?;
        let (halves_vs, mut halves_tuner) = trained(&[half, half], kind, optimizer)?;
        for _ in 0..3 {
            for (vs, tuner) in [(&vs, &mut tuner), (&halves_vs, &mut halves_tuner)] {
                backward(vs, tuner)?;
                tuner.step()?;
            }
        }
        let mut variables = halves_vs.variables();
        let halves = ["p0", "p1"].map(|name| variables.remove(name).map(|it| bits(&it)));
        let halves: Vec<u8> = halves.into_iter().flatten().flatten().collect();
        let whole: Vec<u8> = vs.variables().values().flat_map(bits).collect();
        assert!(whole == halves, "{optimizer}, {kind:?}");
    }
    Ok(())
}

#[test]
fn a_save_needs_little_memory() -> Outcome {
    let _alone = ALONE.lock();
    let (vs, mut tuner) = trained(&[256, 256], Kind::Float, "adamw")?;
    backward(&vs, &mut tuner)?;
    tuner.step()?;
    tuner.zero_grad()?;
    let folder = tempfile::tempdir()?;
    let Some(peak) = peak(|| tuner.save(folder.path()))? else {
        skip("a_save_needs_little_memory", "no /proc/self/clear_refs");
        return Ok(());
    };
    println!("a save: {peak:.0} MiB");
    assert!(peak < 24.0, "{peak} MiB");
    Ok(())
}
