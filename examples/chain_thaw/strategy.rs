//! The ways to fine-tune that are compared.

use std::error::Error;

use freeze_examples::chart::Colour;
use freeze_examples::policy;
use freeze_runtime::Policy;

/// A way to fine-tune.
pub(crate) struct Strategy {
    /// Its name in the table and in the picture.
    pub(crate) name: &'static str,
    /// Its colour in the picture.
    pub(crate) colour: Colour,
    /// What trains when, and how.
    pub(crate) policy: Policy,
}

/// All that are compared. Each learning rate is the best, or as good as the best, of several from
/// 1e-3 to 1e-1, tried on other draws of the samples than the example makes.
///
/// # Errors
/// If a policy's file cannot be read, or all that is wrong with it.
pub(crate) fn all() -> Result<[Strategy; 3], Box<dyn Error>> {
    let strategy = |name, colour, file| {
        policy("chain_thaw", file).map(|policy| Strategy { name, colour, policy })
    };
    Ok([
        strategy("head only", Colour::Green, "head_only.freeze")?,
        strategy("everything", Colour::Blue, "everything.freeze")?,
        strategy("chain-thaw", Colour::Vermillion, "chain_thaw.freeze")?,
    ])
}
