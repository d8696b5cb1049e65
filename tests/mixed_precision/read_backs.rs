//! A whole step reads no value back from a tensor, so that it never waits for a GPU.

use freeze_runtime::device::count_read_backs;
use freeze_runtime::{Error, LossScale, Tuner};
use freeze_tests::{Net, parse};
use tch::{Kind, Tensor};

use crate::Outcome;

fn tuner(
    net: &Net,
    optimizer: &str,
    scale: Option<LossScale>,
    masters: bool,
) -> Result<Tuner, Error> {
    let policy = parse(&format!(
        "default lr 0.01 weight_decay 0.1 anchor 0.1 optimizer {optimizer};
         start: train a, rows 1..5 of b.weight, c;
         when grad_norm(c) < 0: freeze a"
    ));
    let builder = Tuner::builder(&policy).master_weights(masters);
    match scale {
        Some(scale) => builder.loss_scale(scale).attach(&net.vs),
        None => builder.attach(&net.vs),
    }
}

/// The calls of a training loop, the forward pass aside.
fn step(tuner: &mut Tuner, loss: &Tensor, number: i64) -> Result<(), Error> {
    if number % 3 == 0 {
        return tuner.backward_step(loss).map(drop);
    }
    tuner.zero_grad()?;
    tuner.backward(loss)?;
    if number % 3 == 1 {
        let _norm = tuner.clip_grad_norm(0.1)?;
    } else {
        tuner.clip_grad_value(0.1)?;
    }
    tuner.step().map(drop)
}

#[test]
fn a_step_reads_nothing_back() -> Outcome {
    // Adafactor reads two norms of each matrix, as PyTorch's does.
    for optimizer in [
        "adamw",
        "adam(amsgrad)",
        "sgd",
        "sgd(momentum 0.9)",
        "rmsprop(momentum 0.9)",
        "adagrad",
        "adamax",
        "nadam",
        "radam",
        "lion",
    ] {
        for scale in [None, Some(LossScale::dynamic())] {
            for masters in [false, true] {
                let mut net = Net::linear();
                if masters {
                    net.vs.bfloat16();
                }
                let mut tuner = tuner(&net, optimizer, scale, masters)?;
                tuner.start_epoch()?;
                for number in 0..9 {
                    let factor = if number == 4 { f64::INFINITY } else { 1.0 };
                    let loss = net.loss(number) * factor;
                    let (made, count) = count_read_backs(|| step(&mut tuner, &loss, number))?;
                    made?;
                    let what = format!("{optimizer}, {scale:?}, masters {masters}, step {number}");
                    assert_eq!(count, 0, "{what}");
                }
                assert_eq!(tuner.skipped_steps()?, u64::from(scale.is_some()));
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_read_back_is_counted() -> Outcome {
    let net = Net::linear();
    let mut tuner = tuner(&net, "adamw", Some(LossScale::dynamic()), false)?;
    tuner.start_epoch()?;
    let loss = net.loss(0);
    let (norm, count) = count_read_backs(|| -> Result<f64, Error> {
        tuner.zero_grad()?;
        tuner.backward(&loss)?;
        let norm = tuner.clip_grad_norm(1.0)?.value()?;
        tuner.step()?;
        Ok(norm)
    })?;
    assert!(norm? > 0.0);
    assert_eq!(count, 1);
    let (_, count) = count_read_backs(|| {
        let (_, inner) = count_read_backs(|| loss.double_value(&[])).unwrap();
        assert_eq!(inner, 1);
        let zeros = loss.zeros_like();
        (loss.equal(&zeros), zeros.nonzero(), loss.sum(Kind::Float))
    })?;
    assert_eq!(count, 3);
    // A panic ends it.
    assert!(std::panic::catch_unwind(|| count_read_backs(|| panic!("stop"))).is_err());
    assert_eq!(count_read_backs(|| loss.sum(Kind::Float))?.1, 0);
    Ok(())
}
