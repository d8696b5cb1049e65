//! The ways to fine-tune that are compared.

use std::error::Error;

use freeze_examples::policy;
use freeze_runtime::Policy;

/// A way to fine-tune.
pub(crate) struct Strategy {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// What trains when, and how: a policy a run.
    pub(crate) policies: Vec<Policy>,
}

/// All that are compared, for so many runs. Each peak of the learning rate is the best, or as good
/// as the best, of several from 1e-3 to 1, tried on other draws of the samples than the example
/// makes.
///
/// # Errors
/// If a policy's file cannot be read, or all that is wrong with it.
pub(crate) fn all(runs: u32) -> Result<[Strategy; 3], Box<dyn Error>> {
    let same =
        |file| policy("lisa", file).map(|policy| (0..runs).map(|_| policy.clone()).collect());
    let lisa = policy("lisa", "lisa.freeze")?;
    // Each run draws other layers.
    let drawn = (0..runs).map(|run| lisa.clone().with("draw", run.into()));
    Ok([
        Strategy { name: "everything", policies: same("everything.freeze")? },
        Strategy { name: "head only", policies: same("head_only.freeze")? },
        Strategy { name: "LISA", policies: drawn.collect::<Result<_, _>>()? },
    ])
}
