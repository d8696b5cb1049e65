//! The memory of the process itself falls to what still trains when something freezes. Alone in
//! its binary, so that no other test uses memory at the same time.

use freeze_runtime::{Error, Tuner};
use freeze_tests::parse;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const MIB: f64 = 1024.0 * 1024.0;

/// Numbers of a row: 64 MiB of single precision. The allocator gives pieces of more than
/// 32 MiB back to the system at once.
const NUMBERS: i64 = 16 * 1024 * 1024;

/// Physical memory of this process in MiB, as Linux reports it; `None` elsewhere.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / MIB)
}

#[test]
fn freezing_releases_memory_to_the_system() -> Result<(), Error> {
    if resident().is_none() {
        freeze_tests::skip("freezing_releases_memory_to_the_system", "no /proc/self/status");
        return Ok(());
    }
    let resident = || resident().unwrap_or_default();
    let vs = VarStore::new(Device::Cpu);
    let parameters = [("a", 1), ("b", 1), ("c", 2)].map(|(name, rows)| {
        vs.root().add(name, Tensor::ones([rows, NUMBERS], (Kind::Float, Device::Cpu)), true)
    });
    // Adam has two numbers for each: 128 MiB of state for a row.
    let policy = parse(
        "default lr 1e-3 optimizer adam;
         start: train @all; epoch 1: freeze a; epoch 2: freeze b keep state;
         epoch 3: freeze rows 0..1 of c; epoch 4: train a, reset b; epoch 5: train a, c",
    );
    let start = resident();
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    let states = [512.0, 384.0, 384.0, 256.0, 128.0, 384.0];
    for (epoch, expected) in states.into_iter().enumerate() {
        tuner.start_epoch()?;
        tuner.backward_step(&parameters.iter().map(|it| it.sum(None)).sum())?;
        tuner.zero_grad()?;
        let (reported, held) = (bytes(&tuner), resident() - start);
        println!(
            "epoch {epoch}: {reported:.1} MiB of state by `optimizer_bytes`, {held:.1} more MiB resident"
        );
        assert!((reported - expected).abs() < 0.1, "epoch {epoch}: {reported} MiB reported");
        // What the process holds beside: code that was paged in, small pieces.
        assert!((held - expected).abs() < 30.0, "epoch {epoch}: {held} MiB of {expected} resident");
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "megabytes with a decimal")]
fn bytes(tuner: &Tuner) -> f64 {
    tuner.optimizer_bytes() as f64 / MIB
}
