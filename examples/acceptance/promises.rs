//! The promises, checked on a device.

use std::panic::{self, AssertUnwindSafe};

use freeze_examples::table::Table;
use freeze_runtime::Error;
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::{Net, promise, reference, train, tune};
use tch::Device;

/// What was seen of a promise, or why it is not kept.
type Outcome = Result<String, Box<dyn std::error::Error>>;

/// Checks them all; gives a row each, and whether all are kept.
pub(crate) fn check(device: Device, small: bool) -> (Table, bool) {
    let mut table = Table::new(["promise", "kept", "what was seen"]);
    let mut all_kept = true;
    let mut row = |name: &str, check: &dyn Fn() -> Outcome| {
        let outcome = panic::catch_unwind(AssertUnwindSafe(check));
        let outcome = outcome.unwrap_or_else(|_| Err("see the message above".into()));
        all_kept &= outcome.is_ok();
        let (kept, seen) = match outcome {
            Ok(seen) => ("yes", seen),
            Err(error) => ("NO", error.to_string()),
        };
        table.row([name, kept, &seen]);
    };
    row("1. frozen means bit-identical", &|| {
        let cases = if small { 32 } else { 256 };
        Ok(promise::hold(device, cases)?.to_string())
    });
    row("2. one owner", &|| owners(device));
    for case in reference::cases() {
        row(&format!("3. PyTorch's arithmetic: {case}"), &|| {
            let farthest = reference::replay(case, device)?;
            Ok(format!("off by {:.1e} at most", farthest.off))
        });
    }
    (table, all_kept)
}

/// Every transition finds each parameter with one owner, and a flag that somebody else sets.
fn owners(device: Device) -> Outcome {
    let rules = "start: train fc; epoch 1: unfreeze layer2; epoch 2: freeze fc; epoch 3: train fc";
    for optimizer in OPTIMIZERS {
        let net = Net::convolutions(device);
        let mut tuner = tune(&net, &format!("default {optimizer}; {rules}"));
        for epoch in 0..3 {
            tuner.start_epoch()?;
            train(&net, &mut tuner, epoch..epoch + 2)?;
            let grouped = tuner.groups().iter().map(|group| group.parameters.len()).sum::<usize>();
            if grouped != tuner.trainable().len() {
                return Err(format!("{grouped} in groups: {:?}", tuner.trainable()).into());
            }
        }
        let _same = net.variable("layer1.conv.weight").set_requires_grad(true);
        if !matches!(tuner.start_epoch(), Err(Error::Ownership(_))) {
            return Err("a flag that was set behind the tuner's back was not seen".into());
        }
    }
    Ok(format!("{} optimizers, 3 transitions each, and a broken one", OPTIMIZERS.len()))
}
