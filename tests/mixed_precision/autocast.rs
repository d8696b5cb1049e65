//! Autocast has the losses and gradients of Python's `torch.autocast`.

use std::sync::Mutex;

use freeze_runtime::autocast;
use freeze_tests::bits::bits;
use tch::{Kind, Tensor};

use crate::{Outcome, fixture};

const NAMES: [&str; 5] = ["conv", "conv_bias", "a", "a_bias", "b"];

/// Held by a test while it casts: where a region ends in another thread, a weight is cast again.
static REGIONS: Mutex<()> = Mutex::new(());

/// The weights, in the order of [`NAMES`], and the loss of a batch.
struct Run {
    weights: [Tensor; 5],
    loss: Tensor,
}

/// How far apart two tensors are, as a part of the norm.
fn off(ours: &Tensor, theirs: &Tensor) -> f64 {
    ((ours - theirs).norm() / theirs.norm()).double_value(&[])
}

/// The network of `generate.py`, each of whose tensors `cast` casts where `torch.autocast` does.
fn run(
    of: impl Fn(&str) -> Result<Tensor, String>,
    cast: fn(&Tensor) -> Tensor,
) -> Result<Run, String> {
    let mut weights = Vec::new();
    for name in NAMES {
        weights.push(of(&format!("autocast.{name}"))?.copy().set_requires_grad(true));
    }
    let weights: [Tensor; 5] = weights.try_into().map_err(|_| "five weights")?;
    let [conv, conv_bias, a, a_bias, b] = &weights;
    let (images, labels) = (of("autocast.images")?, of("autocast.labels")?);
    let cast_b = cast(b);
    let x = cast(&images).conv2d(&cast(conv), Some(&cast(conv_bias)), 1, 0, 1, 1).relu();
    let x = x.flatten(1, -1).linear(&cast(a), Some(&cast(a_bias))).tanh();
    let x = x.layer_norm(16, None::<&Tensor>, None::<&Tensor>, 1e-5, true);
    let x = cast(&cast(&x).linear(&cast_b, None::<&Tensor>).matmul(&cast_b));
    let x = x.linear(&cast_b, None::<&Tensor>);
    let loss = x.log_softmax(-1, Kind::Float).nll_loss(&labels);
    Ok(Run { weights, loss })
}

#[test]
fn losses_and_gradients_are_those_of_python() -> Outcome {
    let of = fixture()?;
    let _regions = REGIONS.lock()?;
    let under = autocast(Kind::BFloat16, || run(&of, Tensor::shallow_clone))?;
    under.loss.backward();
    let by_hand = run(&of, |tensor| tensor.to_kind(Kind::BFloat16))?;
    by_hand.loss.backward();
    // Another processor may add up products in another order.
    let mut has_same_kernels = bits(&by_hand.loss) == bits(&of("autocast.loss")?);
    for (name, weight) in NAMES.iter().zip(&by_hand.weights) {
        has_same_kernels &= bits(&weight.grad()) == bits(&of(&format!("autocast.{name}.grad"))?);
    }
    println!("same kernels: {has_same_kernels}");
    let compare = |what: &str, ours: &Tensor, theirs: &Tensor| {
        assert_eq!(ours.kind(), Kind::Float, "{what}");
        let off = off(ours, theirs);
        println!("{what}: off by {off:.1e}");
        assert!(off < 2e-2, "{what}: off by {off:e}");
        assert!(!has_same_kernels || bits(ours) == bits(theirs), "{what}: off by {off:e}");
    };
    compare("loss", &under.loss, &of("autocast.loss")?);
    for (name, weight) in NAMES.iter().zip(&under.weights) {
        compare(name, &weight.grad(), &of(&format!("autocast.{name}.grad"))?);
    }
    Ok(())
}

#[test]
fn a_network_that_is_cast_by_hand_has_the_same_bits() -> Outcome {
    let of = fixture()?;
    let _regions = REGIONS.lock()?;
    let under = autocast(Kind::BFloat16, || run(&of, Tensor::shallow_clone))?;
    let by_hand = run(&of, |tensor| tensor.to_kind(Kind::BFloat16))?;
    let plain = run(&of, Tensor::shallow_clone)?;
    for run in [&under, &by_hand, &plain] {
        run.loss.backward();
    }
    assert_eq!(bits(&under.loss), bits(&by_hand.loss));
    assert_ne!(bits(&under.loss), bits(&plain.loss));
    for ((name, ours), theirs) in NAMES.iter().zip(&under.weights).zip(&by_hand.weights) {
        assert_eq!(bits(&ours.grad()), bits(&theirs.grad()), "{name}");
    }
    Ok(())
}
