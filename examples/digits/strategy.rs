//! The ways to fine-tune that are compared.

use std::error::Error;

use freeze_examples::chart::Colour;
use freeze_examples::policy;
use freeze_runtime::{Policy, freeze_policy};

/// A way to fine-tune.
pub(crate) struct Strategy {
    /// Its name in the table and in the picture.
    pub(crate) name: &'static str,
    /// Its colour in the picture.
    pub(crate) colour: Colour,
    /// What trains when, and how.
    pub(crate) policy: Policy,
    /// Whether it begins with what was learnt from other digits.
    pub(crate) pretrained: bool,
}

/// All that are compared. Each learning rate is the best, or as good as the best, of several from
/// 2e-3 to 1e-1, tried on other draws of the samples than the example makes.
///
/// # Errors
/// If a policy's file cannot be read, or all that is wrong with it.
pub(crate) fn all() -> Result<[Strategy; 4], Box<dyn Error>> {
    let everything = freeze_policy! { start as everything: train @all lr 5e-3; };
    let strategy = |name, colour, policy| Strategy { name, colour, policy, pretrained: true };
    Ok([
        Strategy {
            pretrained: false,
            ..strategy("from scratch", Colour::Grey, everything.clone())
        },
        strategy("whole", Colour::Blue, everything),
        strategy("head only", Colour::Green, policy("digits", "head_only.freeze")?),
        strategy("gradual", Colour::Vermillion, policy("digits", "gradual.freeze")?),
    ])
}

/// What `gradual.freeze` says, said in Rust: the compiler checks it against the network.
pub(crate) fn gradual_in_rust() -> Policy {
    freeze_policy! {
        model "digits.model.json";

        start as head: train head lr 1e-2;
        epoch 2 as layer3: unfreeze layer3 lr 5e-3;
        after 2 epochs as layer2: unfreeze layer2 lr 5e-3;
        after 2 epochs as layer1: unfreeze layer1 lr 3e-3;
        after 2 epochs as stem: unfreeze stem lr 1e-3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macro_says_what_the_file_says() {
        let gradual = all().unwrap().into_iter().find(|strategy| strategy.name == "gradual");
        assert_eq!(gradual.unwrap().policy, gradual_in_rust());
    }
}
