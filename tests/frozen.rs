//! Frozen means frozen: what a rule freezes keeps every bit, whatever the optimizer remembers and
//! whenever the rule fires. Each scene states exactly what moves, so that the trainable parameters must move.

use freeze_runtime::Error;
use freeze_tests::networks::{FC, LAYER1, LAYER2, STATISTICS1, STATISTICS2};
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::{Bits, Net, assert_moved, each_optimizer, train, tune};
use tch::Device;
use tch::nn::{self, OptimizerConfig};

type Outcome = Result<(), Error>;

#[test]
fn what_an_epoch_freezes_keeps_its_bits() -> Outcome {
    each_optimizer("start: train @all; epoch 1: freeze layer1", |net, mut tuner| {
        let start = Bits::of(&net.vs);
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..3)?;
        assert_moved(&start, net, &[&LAYER1, &STATISTICS1, &LAYER2, &STATISTICS2, &FC]);
        let before = Bits::of(&net.vs);
        tuner.start_epoch()?;
        train(net, &mut tuner, 3..6)?;
        assert_moved(&before, net, &[&LAYER2, &STATISTICS2, &FC]);
        Ok(())
    })
}

#[test]
fn what_a_step_freezes_keeps_its_bits_from_that_step_on() -> Outcome {
    each_optimizer("start: train @all; step 3: freeze layer1", |net, mut tuner| {
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..2)?;
        let before = Bits::of(&net.vs);
        assert!(!tuner.backward_step(&net.loss(2))?.fired.is_empty());
        assert_moved(&before, net, &[&LAYER1, &STATISTICS1, &LAYER2, &STATISTICS2, &FC]);
        let before = Bits::of(&net.vs);
        train(net, &mut tuner, 3..6)?;
        assert_moved(&before, net, &[&LAYER2, &STATISTICS2, &FC]);
        Ok(())
    })
}

#[test]
fn a_rule_that_fires_between_a_backward_pass_and_a_step_freezes_at_once() -> Outcome {
    each_optimizer("start: train @all; epoch 1: freeze layer1", |net, mut tuner| {
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..2)?;
        tuner.zero_grad()?;
        net.loss(2).backward();
        assert!(LAYER1.iter().all(|name| net.has_gradient(name)));
        let before = Bits::of(&net.vs);
        tuner.start_epoch()?;
        assert!(!LAYER1.iter().any(|name| net.has_gradient(name)));
        tuner.step()?;
        assert_moved(&before, net, &[&LAYER2, &FC]);
        Ok(())
    })
}

#[test]
fn a_rule_that_fires_between_a_forward_and_its_backward_pass_freezes_at_once() -> Outcome {
    each_optimizer("start: train @all; epoch 1: freeze layer1", |net, mut tuner| {
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..2)?;
        tuner.zero_grad()?;
        let loss = net.loss(2);
        let before = Bits::of(&net.vs);
        tuner.start_epoch()?;
        loss.backward();
        assert!(!LAYER1.iter().any(|name| net.has_gradient(name)));
        tuner.step()?;
        assert_moved(&before, net, &[&LAYER2, &FC]);
        Ok(())
    })
}

#[test]
fn gradients_accumulated_on_both_sides_of_a_rule_move_only_trainable_parameters() -> Outcome {
    each_optimizer("start: train @all; epoch 1: freeze layer1", |net, mut tuner| {
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..2)?;
        tuner.zero_grad()?;
        net.loss(2).backward();
        net.loss(3).backward();
        let before = Bits::of(&net.vs);
        tuner.start_epoch()?;
        net.loss(4).backward();
        net.loss(5).backward();
        tuner.step()?;
        assert_moved(&before, net, &[&LAYER2, &STATISTICS2, &FC]);
        assert!(!LAYER1.iter().any(|name| net.has_gradient(name)));
        Ok(())
    })
}

#[test]
fn graphs_from_before_a_rule_bring_no_gradient_to_what_it_froze() -> Outcome {
    each_optimizer("start: train @all; epoch 1: freeze layer1", |net, mut tuner| {
        tuner.start_epoch()?;
        // A graph that saves nothing can be gone through again.
        let kept = net.variable("layer1.conv.weight").sum(None);
        kept.backward();
        assert!(net.has_gradient("layer1.conv.weight"));
        tuner.start_epoch()?;
        let before = Bits::of(&net.vs);
        for batch in 0..3 {
            kept.backward();
            assert!(!net.has_gradient("layer1.conv.weight"));
            train(net, &mut tuner, batch..batch + 1)?;
        }
        assert_moved(&before, net, &[&LAYER2, &STATISTICS2, &FC]);
        Ok(())
    })
}

#[test]
fn a_gradient_from_before_a_freeze_is_not_there_after_unfreezing() -> Outcome {
    each_optimizer(
        "start: train @all; epoch 1: freeze layer1; epoch 2: unfreeze layer1",
        |net, mut tuner| {
            tuner.start_epoch()?;
            train(net, &mut tuner, 0..2)?;
            tuner.zero_grad()?;
            net.loss(2).backward();
            let before = Bits::of(&net.vs);
            tuner.start_epoch()?;
            tuner.start_epoch()?;
            tuner.step()?;
            assert_moved(&before, net, &[&LAYER2, &FC]);
            Ok(())
        },
    )
}

#[test]
fn the_first_step_after_unfreezing_is_a_fresh_optimizers_first_step() -> Outcome {
    for optimizer in OPTIMIZERS {
        println!("{optimizer}");
        let net = Net::convolutions(Device::Cpu);
        let rules = "start: train @all; epoch 1: freeze layer1; epoch 2: train layer1";
        let mut tuner = tune(&net, &format!("default {optimizer}; {rules}"));
        tuner.start_epoch()?;
        train(&net, &mut tuner, 0..4)?;
        tuner.start_epoch()?;
        train(&net, &mut tuner, 4..6)?;

        let mut fresh = Net::convolutions(Device::Cpu);
        fresh.vs.copy(&net.vs)?;
        let mut fresh_tuner = tune(&fresh, &format!("default {optimizer}; start: train layer1"));
        let before = Bits::of(&net.vs);
        for (net, tuner) in [(&net, &mut tuner), (&fresh, &mut fresh_tuner)] {
            tuner.start_epoch()?;
            train(net, tuner, 6..9)?;
        }
        assert_moved(&before, &net, &[&LAYER1, &STATISTICS1]);
        assert_moved(&Bits::of(&fresh.vs), &net, &[]);
    }
    Ok(())
}

#[test]
fn freezing_and_unfreezing_again_and_again_moves_trainable_parameters_alone() -> Outcome {
    let rules = "start: train @all; epoch 1: freeze layer1; epoch 2: unfreeze layer1; \
                 epoch 3: freeze layer1, fc; epoch 4: train layer1; epoch 5: set layer2 lr 1; \
                 epoch 6: train fc; epoch 7: unfreeze layer1";
    let moved: [&[&[&str]]; 8] = [
        &[&LAYER1, &STATISTICS1, &LAYER2, &STATISTICS2, &FC],
        &[&LAYER2, &STATISTICS2, &FC],
        &[&LAYER1, &STATISTICS1, &LAYER2, &STATISTICS2, &FC],
        &[&LAYER2, &STATISTICS2],
        &[&LAYER1, &STATISTICS1],
        &[&LAYER1, &STATISTICS1],
        &[&FC],
        &[&LAYER1, &STATISTICS1, &FC],
    ];
    each_optimizer(rules, |net, mut tuner| {
        for (epoch, moved) in (0..).zip(moved) {
            let before = Bits::of(&net.vs);
            tuner.start_epoch()?;
            assert_moved(&before, net, &[]);
            train(net, &mut tuner, 3 * epoch..3 * epoch + 3)?;
            assert_moved(&before, net, moved);
        }
        Ok(())
    })
}

#[test]
fn a_gradient_that_is_no_number_does_not_get_into_what_is_frozen() -> Outcome {
    each_optimizer("start: train @all; epoch 1: freeze layer1", |net, mut tuner| {
        tuner.start_epoch()?;
        train(net, &mut tuner, 0..2)?;
        tuner.start_epoch()?;
        let before = Bits::of(&net.vs);
        tuner.backward_step(&(net.loss(2) * f64::NAN))?;
        // The sign of what is no number is 0, so that Lion keeps it in its momentum alone.
        let is_lion = tuner.param_groups().iter().any(|group| group.optimizer.name() == "lion");
        assert_eq!(net.variable("fc.weight").isnan().all().int64_value(&[]) == 1, !is_lion);
        train(net, &mut tuner, 3..5)?;
        assert_moved(&before, net, &[&LAYER2, &STATISTICS2, &FC]);
        Ok(())
    })
}

/// The trap that all of this is about: a flag alone freezes nothing.
#[test]
fn under_a_flag_alone_momentum_and_weight_decay_move_a_weight_on() -> Outcome {
    let by_hand = Net::convolutions(Device::Cpu);
    let mut optimizer = nn::sgd(0.9, 0.0, 0.1, false).build(&by_hand.vs, 0.05)?;
    optimizer.backward_step(&by_hand.loss(0));
    let before = Bits::of(&by_hand.vs);
    for name in LAYER1 {
        let _ = by_hand.variable(name).set_requires_grad(false).grad().zero_();
    }
    optimizer.step();
    assert_moved(&before, &by_hand, &[&LAYER1, &LAYER2, &FC]);

    let net = Net::convolutions(Device::Cpu);
    let rules = "start: train @all; epoch 1: freeze layer1";
    let mut tuner = tune(&net, &format!("default {}; {rules}", OPTIMIZERS[0]));
    tuner.start_epoch()?;
    train(&net, &mut tuner, 0..1)?;
    assert_moved(&before, &net, &[]);
    tuner.start_epoch()?;
    tuner.step()?;
    assert_moved(&before, &net, &[&LAYER2, &FC]);
    Ok(())
}
