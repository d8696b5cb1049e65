//! Every case of [`freeze_tests::reference`].

use freeze_tests::{devices, reference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn replay(name: &str) -> Outcome {
    for device in devices() {
        let reference::Farthest { off, place, .. } = reference::replay(name, device)?;
        println!("{name} on {device:?}: {off:.1e} at most, {place}");
    }
    Ok(())
}

macro_rules! cases {
    ($($(#[$doc:meta])* $case:ident)*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $case() -> Outcome {
                replay(stringify!($case))
            }
        )*

        #[test]
        fn none_is_left_out() {
            assert!(reference::cases().eq([$(stringify!($case)),*]));
        }
    };
}

cases! {
    /// Adam with its largest moments.
    amsgrad
    /// A pull toward the values at the start.
    anchor
    /// A backbone that joins late, with statistics of its own until then.
    backbone
    /// Layers that train one after the other.
    chain
    clipped_norm
    clipped_value
    /// Warm restarts, stairs, and an end that freezes.
    curves
    /// A momentum and a weight decay that move.
    cycled
    /// A beta1 that moves.
    cycled_betas
    /// Layers that freeze one after the other.
    freezeout
    /// Rates that fall from layer to layer.
    layerwise
    /// Momentum with dampening.
    momentum
    /// Nesterov's momentum, kept and dropped.
    nesterov
    /// Optimizers that change.
    optimizers
    /// Metrics that restore and stop.
    plateau
    /// Rows of a vocabulary.
    rows
    /// Layers at random.
    sample
    /// Statistics held and live.
    statistics
}
