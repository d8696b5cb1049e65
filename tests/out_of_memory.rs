//! A step for which memory runs out changes nothing, and can be made later. Alone in its binary,
//! because the limit holds for the whole process.

use std::error::Error;
use std::process::{self, Command};

use freeze_runtime::{LossScale, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::{parse, skip};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// 64 MiB of single precision.
const NUMBERS: i64 = 16 << 20;

/// With these variables, glibc maps memory of 1 MiB and more anew each time, and has no reserves in heaps
/// of threads. By default, the size grows with what is freed.
const MAPPED: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "1048576"), ("MALLOC_ARENA_MAX", "1")];

/// Limits the address space of this process to what it uses now and a little more, or not at all.
/// Returns false where that cannot be done.
fn limit(is_limited: bool) -> bool {
    let used = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let Some(used) = used() else { return false };
    let soft = if is_limited { (used * 1024 + (4 << 20)).to_string() } else { "unlimited".into() };
    let pid = process::id().to_string();
    let prlimit = Command::new("prlimit").args(["--pid", &pid, &format!("--as={soft}:")]).status();
    prlimit.is_ok_and(|status| status.success())
}

/// Two groups, of which the second one needs memory for its step.
struct Run {
    small: Tensor,
    large: Tensor,
    tuner: Tuner,
}

impl Run {
    fn new(optimizer: &str, kind: Kind) -> Result<Self, Box<dyn Error>> {
        let vs = VarStore::new(Device::Cpu);
        let root = vs.root();
        let add = |name, numbers| {
            root.add(name, Tensor::ones([4, numbers / 4], (kind, Device::Cpu)), true)
        };
        let (small, large) = (add("small", 4), add("large", NUMBERS));
        let policy = format!(
            "default lr 1e-2 weight_decay 0.1;
             start: train small optimizer adamw, train large optimizer {optimizer}"
        );
        let policy = parse(&policy);
        let mut builder = Tuner::builder(&policy);
        if kind == Kind::BFloat16 {
            builder = builder.master_weights(true).loss_scale(LossScale::dynamic());
        }
        let mut tuner = builder.attach(&vs)?;
        tuner.start_epoch()?;
        let mut run = Self { small, large, tuner };
        run.backward()?;
        Ok(run)
    }

    fn backward(&mut self) -> Result<(), Box<dyn Error>> {
        self.tuner.zero_grad()?;
        let loss = self.small.square().sum(Kind::Float) + self.large.square().sum(Kind::Float);
        Ok(self.tuner.backward(&loss)?)
    }

    fn bits(&self) -> [Vec<u8>; 2] {
        [bits(&self.small), bits(&self.large.narrow(1, 0, 16))]
    }

    /// Steps that have no memory change nothing; then one that has some gives the bits of `whole`.
    fn steps_later(&mut self, whole: &mut Self) -> Result<(), Box<dyn Error>> {
        let before = (self.bits(), self.tuner.optimizer_bytes(), self.tuner.global_step());
        assert!(limit(true), "a limit that was possible before");
        let failed = [self.tuner.step().is_err(), self.tuner.step().is_err()];
        assert!(limit(false));
        assert_eq!(failed, [true, true]);
        assert!(before == (self.bits(), self.tuner.optimizer_bytes(), self.tuner.global_step()));
        for run in [&mut *self, whole] {
            run.tuner.step()?;
            run.backward()?;
        }
        assert!(self.bits() == whole.bits());
        Ok(())
    }
}

#[test]
fn a_step_without_memory_changes_nothing() -> Result<(), Box<dyn Error>> {
    if MAPPED.iter().any(|(name, _)| std::env::var_os(name).is_none()) {
        let mut again = Command::new(std::env::current_exe()?);
        again.args(["--exact", "a_step_without_memory_changes_nothing", "--nocapture"]);
        assert!(again.envs(MAPPED).status()?.success());
        return Ok(());
    }
    tch::set_num_threads(1);
    if !limit(false) {
        skip("a_step_without_memory_changes_nothing", "no /proc/self/status or no prlimit");
        return Ok(());
    }
    let plain = [
        "adamw(amsgrad)",
        "sgd(momentum 0.9)",
        "rmsprop(momentum 0.9 centered)",
        "nadam",
        "radam",
        "lion",
        "muon",
        "adafactor",
    ];
    let with_masters = ["adamw", "sgd", "rmsprop"].map(|optimizer| (optimizer, Kind::BFloat16));
    for (optimizer, kind) in plain.map(|it| (it, Kind::Float)).into_iter().chain(with_masters) {
        println!("{optimizer} in {kind:?}");
        let (mut late, mut whole) = (Run::new(optimizer, kind)?, Run::new(optimizer, kind)?);
        late.steps_later(&mut whole)?;
        // The others need temporary tensors in each of their steps, or gradients of masters.
        if !["adamw(amsgrad)", "sgd(momentum 0.9)"].contains(&optimizer) {
            late.steps_later(&mut whole)?;
        }
    }
    Ok(())
}
