//! `stop` ends a training: nothing moves any more.

use freeze_runtime::Error;
use freeze_tests::{Bits, Net, assert_moved, each_optimizer, train, tune};

type Outcome = Result<(), Error>;

#[test]
fn after_stop_no_step_moves_anything() -> Outcome {
    each_optimizer("start: train @all; step 3: stop", |net, mut tuner| {
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..2)?;
        assert!(!tuner.is_stopped());
        assert!(tuner.backward_step(&net.loss(2))?.stopped);
        assert!(tuner.is_stopped());
        let before = Bits::of(&net.vs);
        tuner.zero_grad()?;
        net.variable("fc.bias").sum(None).backward();
        tuner.step()?;
        let change = tuner.start_epoch()?;
        assert!(change.stopped && change.is_empty());
        tuner.step()?;
        assert_moved(&before, net, &[]);
        Ok(())
    })
}

#[test]
fn a_loop_over_epochs_ends_with_the_rule() -> Outcome {
    let net = Net::linear();
    let mut tuner =
        tune(&net, "default lr 0.1 optimizer sgd; epoch 0: train c; epoch 2 as end: stop");
    let mut epochs = 0;
    while tuner.epochs_started() < 10 && !tuner.is_stopped() {
        tuner.start_epoch()?;
        if !tuner.is_stopped() {
            train(&net, &mut tuner, 0..3)?;
            epochs += 1;
        }
    }
    assert_eq!(epochs, 2);
    assert_eq!((tuner.epochs_started(), tuner.global_step(), tuner.rules_fired()), (3, 6, vec![2]));
    Ok(())
}

#[test]
fn a_loop_that_does_not_ask_whether_training_is_over_ends_too() -> Outcome {
    let net = Net::linear();
    let mut tuner = tune(&net, "default lr 0.1 optimizer sgd; start: train c; step 4: stop");
    let mut before = None;
    while tuner.epochs_started() < 4 {
        tuner.start_epoch()?;
        for batch in 0..3 {
            tuner.backward_step(&net.loss(batch))?;
            if tuner.is_stopped() {
                before.get_or_insert_with(|| Bits::of(&net.vs));
            }
        }
        tuner.observe("loss", 1.0)?;
    }
    assert_eq!(
        (tuner.epochs_started(), tuner.global_step(), tuner.rules_fired()),
        (4, 12, vec![2])
    );
    assert_moved(&before.unwrap(), &net, &[]);
    Ok(())
}

#[test]
fn what_fired_reads_as_a_line() -> Outcome {
    let net = Net::linear();
    let policy = "default lr 0.1 optimizer sgd;
                  start as head: train c; step 1: unfreeze b lr 1e-3; epoch 1: freeze c; epoch 2: stop";
    let mut tuner = tune(&net, policy);
    let mut lines = vec![tuner.start_epoch()?.to_string()];
    lines.push(tuner.backward_step(&net.loss(0))?.to_string());
    lines.push(tuner.backward_step(&net.loss(0))?.to_string());
    lines.push(tuner.start_epoch()?.to_string());
    lines.push(tuner.start_epoch()?.to_string());
    lines.push(tuner.start_epoch()?.to_string());
    assert_eq!(
        lines,
        [
            "epoch 0, step 0: head fired; froze a, b; \
             2 of 6 parameters train (18.4 % of the numbers), lr 0.1",
            "epoch 0, step 1: rule 2 fired; unfroze b; \
             4 of 6 parameters train (67.3 % of the numbers), lr 1e-3, 0.1",
            "epoch 0, step 2: no rule fired",
            "epoch 1, step 2: rule 3 fired; froze c; \
             2 of 6 parameters train (49.0 % of the numbers), lr 1e-3",
            "epoch 2, step 2: rule 4 fired; \
             2 of 6 parameters train (49.0 % of the numbers), lr 1e-3; training is over",
            "epoch 3, step 2: training is over",
        ]
    );
    Ok(())
}

#[test]
fn running_statistics_stay_once_training_is_over() -> Outcome {
    for stats in ["", " stats live"] {
        let net = Net::convolutions(tch::Device::Cpu);
        let policy = format!(
            "default lr 0.1 optimizer sgd; start: train @all{stats}; \
             when loss > 1 as over: restore lowest loss, stop"
        );
        let mut tuner = tune(&net, &policy);
        tuner.start_epoch()?;
        train(&net, &mut tuner, 0..2)?;
        tuner.observe("loss", 1.0)?;
        let best = Bits::of(&net.vs);
        train(&net, &mut tuner, 2..4)?;
        tuner.observe("loss", 2.0)?;
        // The loop around it goes on to the end of the epoch.
        assert!(tuner.start_epoch()?.stopped);
        train(&net, &mut tuner, 4..6)?;
        assert_moved(&best, &net, &[]);
    }
    Ok(())
}
