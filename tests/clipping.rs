//! Gradients are clipped over the trainable parameters alone, as tch's own optimizers clip them.

use freeze_runtime::{Error, Tuner};
use freeze_tests::{Bits, Net, assert_moved, tune};
use tch::Tensor;
use tch::nn::{self, OptimizerConfig};

type Outcome = Result<(), Error>;

const PART: [&str; 4] = ["b.bias", "b.weight", "c.bias", "c.weight"];

/// A network of which a part trains, after a backward pass, and its tuner; large gradients in the
/// frozen part, which no norm may count, were put there by hand.
fn part_trains() -> Result<(Net, Tuner), Error> {
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 1 optimizer sgd; start: train b, c");
    tuner.start_epoch()?;
    let frozen = net.variable("a.weight").set_requires_grad(true);
    (&frozen * 1e3).sum(None).backward();
    let _ = frozen.set_requires_grad(false);
    (net.loss(0) * 50.0).backward();
    Ok((net, tuner))
}

fn gradient(net: &Net, name: &str) -> Tensor {
    net.variable(name).grad()
}

fn norm(net: &Net, names: &[&str]) -> f64 {
    let squares = names.iter().map(|name| gradient(net, name).square().sum(None).double_value(&[]));
    squares.sum::<f64>().sqrt()
}

#[test]
fn the_norm_is_of_the_trainable_parameters() -> Outcome {
    let (net, mut tuner) = part_trains()?;
    let before = norm(&net, &PART);
    assert!(before > 1.0);
    assert!((tuner.clip_grad_norm(1.0)?.value()? - before).abs() < 1e-5 * before);
    assert!((norm(&net, &PART) - 1.0).abs() < 1e-5);
    assert_eq!(gradient(&net, "a.weight"), gradient(&net, "a.weight").full_like(1e3));
    // A norm that is small enough stays as it is.
    let at = gradient(&net, "b.weight").copy();
    assert!((tuner.clip_grad_norm(2.0)?.value()? - 1.0).abs() < 1e-5);
    assert_eq!(gradient(&net, "b.weight"), at);
    Ok(())
}

#[test]
fn values_are_clipped_where_something_trains() -> Outcome {
    let (net, mut tuner) = part_trains()?;
    assert!(gradient(&net, "c.weight").abs().max().double_value(&[]) > 0.25);
    let expected = gradient(&net, "c.weight").clamp(-0.25, 0.25);
    tuner.clip_grad_value(0.25)?;
    assert_eq!(gradient(&net, "c.weight"), expected);
    assert_eq!(gradient(&net, "a.weight"), gradient(&net, "a.weight").full_like(1e3));
    Ok(())
}

#[test]
fn a_gradient_in_a_frozen_weight_moves_nothing() -> Outcome {
    let (net, mut tuner) = part_trains()?;
    let before = Bits::of(&net.vs);
    tuner.step()?;
    assert_moved(&before, &net, &[&PART]);
    Ok(())
}

#[test]
fn clipped_runs_have_the_numbers_of_tch() -> Outcome {
    for by_norm in [true, false] {
        let (ours, theirs) = (Net::linear().in_double(), Net::linear().in_double());
        let mut optimizer = nn::sgd(0.9, 0.0, 0.0, false).build(&theirs.vs, 0.1)?;
        let policy = "default lr 0.1 optimizer sgd(momentum 0.9); start: train @all";
        let mut tuner = tune(&ours, policy);
        tuner.start_epoch()?;
        for batch in 0..20 {
            tuner.zero_grad()?;
            ours.loss(batch).backward();
            if by_norm {
                assert!(tuner.clip_grad_norm(0.05)?.value()? > 0.05);
                optimizer.backward_step_clip_norm(&theirs.loss(batch), 0.05);
            } else {
                tuner.clip_grad_value(0.01)?;
                optimizer.backward_step_clip(&theirs.loss(batch), 0.01);
            }
            tuner.step()?;
        }
        for (name, ours) in ours.vs.variables() {
            let off = (ours - theirs.variable(&name)).abs().max().double_value(&[]);
            assert!(off < 1e-13, "{name} is off by {off:e}");
        }
    }
    Ok(())
}
