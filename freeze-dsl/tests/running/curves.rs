//! Learning rates over time, held against closed formulas.

#![allow(clippy::float_cmp, reason = "ends of curves and constants are met exactly")]

use crate::support::{PROGRAM, clock, clock_of, finds, lr, modules, resnet18};
use freeze_dsl::clock::{Clock, Program};
use freeze_dsl::diagnostic::Code;

/// A clock for a policy that trains `fc` with this learning rate, with a known number of steps in an epoch.
fn training(curve: &str, steps_per_epoch: Option<u64>) -> Clock {
    let text = format!("run 10 epochs; start: train fc, bn1 lr {curve}");
    clock_of(&text, &resnet18(), Program { steps_per_epoch, ..PROGRAM })
}

/// The learning rates of the first steps, in epochs of 10 steps.
fn rates(clock: &mut Clock, steps: u32) -> Vec<f64> {
    (0..steps)
        .map(|step| {
            if step % 10 == 0 {
                clock.start_epoch();
            }
            let rate = lr(clock);
            clock.end_step();
            rate
        })
        .collect()
}

/// Whether a curve is the formula, step by step.
#[track_caller]
fn is(curve: &str, formula: impl Fn(f64) -> f64) {
    let rates = rates(&mut training(curve, Some(10)), 100);
    for (step, rate) in (0_u32..).zip(rates) {
        let expected = formula(f64::from(step));
        assert!((rate - expected).abs() <= 1e-12, "{curve} at {step}: {rate}, not {expected}");
    }
}

fn linear(a: f64, b: f64, t: f64) -> f64 {
    a + (b - a) * t.clamp(0.0, 1.0)
}

fn cosine(a: f64, b: f64, t: f64) -> f64 {
    b + (a - b) * (1.0 + (std::f64::consts::PI * t.clamp(0.0, 1.0)).cos()) / 2.0
}

#[test]
fn a_piece_lasts_whole_steps_or_ends_with_an_epoch() {
    let of = |curve, known: Option<u64>| rates(&mut training(curve, known), 50);
    // 15 steps; then 2.5 steps, which are 3; then 0.4 steps, which are none.
    let known = of("linear 1 -> 0 over 1.5 epochs then linear 3 -> 0 over 0.25 epochs", Some(10));
    assert_eq!([known[14], known[15], known[16], known[18]], [1.0 - 14.0 / 15.0, 3.0, 2.0, 0.0]);
    assert_eq!(of("linear 1 -> 0 over 0.04 epochs then 5", Some(10))[0], 5.0);
    assert_eq!(of("4 times 0.5 every 0.15 epochs", Some(10))[..5], [4.0, 4.0, 2.0, 2.0, 1.0]);
    let unknown = of("linear 3 -> 0 over 1.5 epochs then linear 5 -> 4 over 1 epoch", None);
    assert_eq!([0, 9, 10, 19, 20, 30].map(|at| unknown[at]), [3.0, 3.0, 1.0, 1.0, 5.0, 4.0]);
}

#[test]
fn ramps() {
    is("0.5", |_| 0.5);
    is("linear 1 -> 0.2 over 40 steps", |step| linear(1.0, 0.2, step / 40.0));
    is("linear 0 -> 1 over 4 epochs", |step| linear(0.0, 1.0, step / 40.0));
    is("cosine 1 -> 0.1 over 3 epochs", |step| cosine(1.0, 0.1, step / 30.0));
    is("exp 1 -> 0.01 over 50%", |step| 0.01_f64.powf((step / 50.0).min(1.0)));
    is("cosine 1 -> 0 over rest", |step| cosine(1.0, 0.0, step / 100.0));
    is("linear 1 -> 0 over 0.25 epochs", |step| linear(1.0, 0.0, step / 3.0));
    is("sqrt 1 -> 0.1 over 3 epochs", |step| 0.1 + 0.9 * (1.0 - (step / 30.0).min(1.0).sqrt()));
    is("power 2 1 -> 0.1 over 3 epochs", |step| 0.1 + 0.9 * (1.0 - (step / 30.0).min(1.0)).powi(2));
    is("power (0.5 + 1) 0.1 -> 1 over rest", |step| 1.0 - 0.9 * (1.0 - step / 100.0).powf(1.5));
    is("invsqrt 0.5 over 2 epochs", |step| 0.5 * (20.0 / (20.0 + step)).sqrt());
    is("linear 0 -> 1 over 20 steps then invsqrt 1 over 20 steps", |step| {
        if step < 20.0 { step / 20.0 } else { (20.0 / step).sqrt() }
    });
}

#[test]
fn one_piece_after_another() {
    is("linear 0 -> 1 over 5 steps then cosine 1 -> 0 over 2 epochs", |step| {
        if step < 5.0 {
            linear(0.0, 1.0, step / 5.0)
        } else {
            cosine(1.0, 0.0, (step - 5.0) / 20.0)
        }
    });
    is("linear 0 -> 1 over 1 epoch then 0.7", |step| if step < 10.0 { step / 10.0 } else { 0.7 });
    is("linear 0 -> 1 over 10% then linear 1 -> 0 over rest", |step| {
        if step < 10.0 { step / 10.0 } else { linear(1.0, 0.0, (step - 10.0) / 90.0) }
    });
    is("1 times 0.5 every 10 steps to 0.25 then linear 4 -> 0 over 8 steps", |step| match step {
        ..10.0 => 1.0,
        10.0..20.0 => 0.5,
        _ => linear(4.0, 0.0, (step - 20.0) / 8.0),
    });
    is(
        "linear 1 -> 2 over 2.5 steps then linear 2 -> 1 over 0.3 epochs then 9",
        |step| match step {
            ..3.0 => linear(1.0, 2.0, step / 3.0),
            3.0..6.0 => linear(2.0, 1.0, (step - 3.0) / 3.0),
            _ => 9.0,
        },
    );
}

#[test]
fn stairs() {
    is("1 times 0.5 every 2 epochs", |step| 0.5_f64.powf((step / 20.0).floor()));
    is("1 times 0.1 every 30 steps to 1e-2", |step| 0.1_f64.powf((step / 30.0).floor()).max(1e-2));
    is("1 times 2 every 10 steps to 5", |step| 2_f64.powf((step / 10.0).floor()).min(5.0));
    is("1 times 0.9 every 20%", |step| 0.9_f64.powf((step / 20.0).floor()));
}

#[test]
fn warm_restarts() {
    is("cosine 1 -> 0 over 20 steps repeat", |step| cosine(1.0, 0.0, step % 20.0 / 20.0));
    let stretched = |step: f64| {
        let (mut start, mut length) = (0.0, 10.0);
        while step >= start + length {
            (start, length) = (start + length, length * 2.0);
        }
        cosine(1.0, 0.0, (step - start) / length)
    };
    is("cosine 1 -> 0 over 1 epoch repeat stretching 2", stretched);
    is("exp 1 -> 0.5 over 10 steps repeat", |step| 0.5_f64.powf(step % 10.0 / 10.0));
}

#[test]
fn a_round_is_as_long_as_it_is_stretched() {
    // 5, 7.5, 11.25 and 16.875 steps, each rounded to the nearest.
    let mut long = training("linear 1 -> 0 over 5 steps repeat stretching 1.5", None);
    let long = rates(&mut long, 45);
    let starts: Vec<usize> =
        long.iter().enumerate().filter(|(_, rate)| **rate >= 1.0).map(|(step, _)| step).collect();
    assert_eq!(starts, [0, 5, 13, 24, 41]);
    // Rounds of one step grow as well.
    let mut short = training("linear 1 -> 0 over 1 steps repeat stretching 1.4", None);
    let short = rates(&mut short, 60);
    assert!(short.iter().filter(|rate| **rate < 1.0).count() > 20, "{short:?}");
}

#[test]
fn without_the_steps_of_an_epoch_curves_move_once_an_epoch() {
    let mut clock = training("linear 1 -> 0 over 4 epochs then 7", None);
    let rates = rates(&mut clock, 50);
    let of_epochs: Vec<f64> = rates.iter().copied().step_by(10).collect();
    assert_eq!(of_epochs, [1.0, 0.75, 0.5, 0.25, 7.0]);
    assert!(rates.chunks(10).all(|epoch| epoch == [epoch[0]; 10]));
    // Those that are counted in steps need none.
    let mut clock = training("linear 1 -> 0 over 4 steps", None);
    assert_eq!(crate::support::firings(&mut clock, 1, 2).len(), 1);
    assert!((lr(&clock) - 0.5).abs() < 1e-12);
}

#[test]
fn the_end_of_a_curve_freezes() {
    let mut clock = training("linear 1 -> 0 over 15 steps then freeze", Some(10));
    clock.start_epoch();
    let changes: Vec<_> = (0..20).map(|_| clock.end_step()).collect();
    let frozen: Vec<u64> =
        changes.iter().filter(|it| !it.frozen.is_empty()).map(|it| it.step).collect();
    assert_eq!(frozen, [15]);
    assert_eq!(modules(&clock), "");
    let change = &changes[14];
    assert_eq!(change.dropped, change.frozen);
    assert!(!change.is_empty() && change.fired.is_empty());
}

#[test]
fn what_a_curve_froze_trains_again_where_a_rule_says_so() {
    let text = "start: train fc, bn1 lr 1 times 0.5 every 1 epoch to 0.25 then freeze; \
                epoch 3: unfreeze fc; epoch 4: unfreeze bn1 lr 9";
    let mut clock = clock(text);
    let seen: Vec<(String, Vec<f64>)> = (0..6)
        .map(|_| {
            clock.start_epoch();
            (modules(&clock), clock.groups().iter().map(|group| group.lr.unwrap()).collect())
        })
        .collect();
    let seen: Vec<_> = seen.iter().map(|(names, rates)| (names.as_str(), &rates[..])).collect();
    assert_eq!(
        seen,
        [
            ("bn1 fc", &[1.0][..]),
            ("bn1 fc", &[0.5]),
            ("", &[]),
            ("fc", &[0.25]),
            ("bn1 fc", &[9.0, 0.25]),
            ("bn1 fc", &[9.0, 0.25]),
        ]
    );
}

#[test]
fn a_curve_starts_when_its_rule_fires_and_goes_on_where_it_is_not_named() {
    let text = "default lr linear 8 -> 0 over 8 epochs; start: train fc lr linear 4 -> 0 over 4 \
                epochs; epoch 2: unfreeze bn1, set fc weight_decay 1; epoch 3: set fc lr linear 4 \
                -> 0 over 4 epochs";
    let mut clock = clock(text);
    let rates: Vec<Vec<f64>> = (0..5)
        .map(|_| {
            clock.start_epoch();
            clock.groups().iter().rev().map(|group| group.lr.unwrap()).collect()
        })
        .collect();
    // `bn1` has the default, which started with the run.
    assert_eq!(rates, [vec![4.0], vec![3.0], vec![2.0, 6.0], vec![4.0, 5.0], vec![3.0, 4.0]]);
}

#[test]
fn pieces_that_make_no_sense() {
    let curve = |curve: &str| format!("start: train fc lr {curve};");
    finds(&curve("1 then linear 1 -> 0 over 2 epochs"), &[(Code::NeverFires, "1")]);
    finds(&curve("1 then freeze"), &[(Code::NeverFires, "1")]);
    finds(
        &curve("linear 1 -> 2 over 3 steps repeat then 1"),
        &[(Code::NeverFires, "linear 1 -> 2 over 3 steps repeat")],
    );
    finds(
        &curve("1 times 0.5 every 1 epoch then 2"),
        &[(Code::NeverFires, "1 times 0.5 every 1 epoch")],
    );
    finds(&curve("linear 1 -> -1 over 3 steps"), &[(Code::InvalidValue, "-1")]);
    finds(&curve("exp 1 -> 0 over 3 steps"), &[(Code::InvalidValue, "0")]);
    finds(&curve("linear 1 -> 2 over 0 steps"), &[(Code::InvalidDuration, "0")]);
    for (stairs, to) in [("1 times 0.5", "2"), ("1 times 2", "0.5"), ("1 times 1", "0.1")] {
        finds(&curve(&format!("{stairs} every 3 steps to {to}")), &[(Code::InvalidValue, to)]);
    }
    for stairs in ["1 times 0.5 every 1 epoch to 1", "1 times 2 every 1 epoch to 1"] {
        finds(&curve(stairs), &[]);
    }
    finds(&curve("0 times 2 every 1 epoch to 1"), &[(Code::ZeroLearningRate, "0")]);
    finds(&curve("1 times 0.5 every 1 epoch to 0"), &[]);
    let endless = "1 times 0.5 every 1 epoch to 0";
    finds(&curve(&format!("{endless} then freeze")), &[(Code::NeverFires, endless)]);
    finds(&curve("1 times 0 every 3 steps"), &[(Code::InvalidValue, "0")]);
    finds(&curve("1 times -1 every 3 steps"), &[(Code::InvalidValue, "-1")]);
    finds(
        &curve("linear 1 -> 2 over 3 steps repeat stretching 0.5"),
        &[(Code::InvalidValue, "0.5")],
    );
    finds(&curve("linear 0 -> 1 over 0.5 epochs"), &[]);
}

#[test]
fn what_grows_without_a_bound_stays_a_number() {
    let mut clock = training("1e300 times 1e10 every 1 steps", Some(10));
    assert_eq!(rates(&mut clock, 3)[1..], [f64::MAX, f64::MAX]);
}
