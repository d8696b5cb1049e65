//! The first promise, over random models, policies and programs: whatever no rule lets train keeps
//! its bits between any two calls, running statistics included.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "this is what a test consists of"
)]

mod net;
mod policies;
mod programs;

use std::cell::Cell;
use std::fmt;

use freeze_runtime::{Policy, Tuner};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use tch::{Device, Tensor};

use net::Net;
pub use policies::{Later, at_moments, moment};
use programs::Call;

/// What was seen, so that a test in which nothing happens is none.
#[derive(Debug, Default)]
pub struct Seen {
    trainings: Cell<usize>,
    moved: Cell<usize>,
    transitions: Cell<usize>,
    between: Cell<usize>,
}

impl Seen {
    /// How many trainings were played.
    #[must_use]
    pub fn trainings(&self) -> usize {
        self.trainings.get()
    }

    /// How often a row moved that trains.
    #[must_use]
    pub fn moved(&self) -> usize {
        self.moved.get()
    }

    /// How often a look at the rules changed something.
    #[must_use]
    pub fn transitions(&self) -> usize {
        self.transitions.get()
    }

    /// How often that froze or unfroze something when a gradient had been gathered.
    #[must_use]
    pub fn between(&self) -> usize {
        self.between.get()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trainings, transitions) = (self.trainings(), self.transitions());
        write!(f, "{trainings} random trainings, {transitions} transitions")
    }
}

fn more(cell: &Cell<usize>, by: usize) {
    cell.set(cell.get() + by);
}

fn play(net: &Net, tuner: &mut Tuner, program: &[Call], seen: &Seen) -> Result<(), TestCaseError> {
    let failed = |error: freeze_runtime::Error| TestCaseError::fail(error.to_string());
    let mut promised = None;
    let mut before = net.rows();
    let mut trained = net.trained(tuner);
    for (batch, call) in (0..).zip([&[Call::StartEpoch], program].concat()) {
        let gathered = net.vs.trainable_variables().iter().any(|it| it.grad().defined());
        let change = match call {
            Call::StartEpoch => Some(tuner.start_epoch().map_err(failed)?),
            Call::Step => Some(tuner.step().map_err(failed)?),
            Call::ZeroGrad => tuner.zero_grad().map(|()| None).map_err(failed)?,
            Call::Forward => {
                let _ = net.forward(batch, true);
                None
            }
            Call::Evaluate => {
                let _ = net.forward(batch, false);
                None
            }
            Call::Promise => {
                promised = Some(net.loss(batch));
                None
            }
            Call::Backward | Call::NotANumber | Call::Keep => {
                let spoiled = if matches!(call, Call::NotANumber) { f64::NAN } else { 1.0 };
                let loss = match call {
                    Call::Keep => promised.take(),
                    _ => Some(net.loss(batch) * spoiled),
                };
                // One that was promised may have nothing left to flow to, or find its weights
                // moved on by a step.
                if let Some(loss) = loss.filter(Tensor::requires_grad) {
                    let _ = loss.f_backward();
                }
                None
            }
            // Clipping takes no sparse gradients, as in PyTorch.
            Call::ClipNorm => tuner.clip_grad_norm(0.1).map(|_| None).unwrap_or_default(),
            Call::ClipValue => tuner.clip_grad_value(0.01).map(|()| None).unwrap_or_default(),
        };
        // Forward passes move statistics, until the tuner is called.
        let is_told = !matches!(
            call,
            Call::Forward
                | Call::Evaluate
                | Call::Backward
                | Call::Promise
                | Call::Keep
                | Call::NotANumber
                | Call::ClipNorm
                | Call::ClipValue
        );
        let after = net.rows();
        for (name, rows) in &after {
            let is_statistic = name.contains("running");
            if is_statistic && !is_told {
                continue;
            }
            // Parameters move in a step and nowhere else.
            let may_move = is_statistic || matches!(call, Call::Step);
            for (row, (bits, was)) in rows.iter().zip(&before[name]).enumerate() {
                let trains = trained.contains(&(name.clone(), row));
                prop_assert!(
                    bits == was || may_move && trains,
                    "{call:?} {batch} moved row {row} of {name}"
                );
                more(&seen.moved, usize::from(bits != was && !is_statistic));
            }
        }
        if is_told {
            before = after;
        }
        if let Some(change) = change {
            more(&seen.transitions, usize::from(!change.is_empty()));
            let touched = !change.frozen.is_empty() || !change.unfrozen.is_empty();
            more(&seen.between, usize::from(touched && gathered));
            trained = net.trained(tuner);
        }
        for (name, tensor) in net.vs.variables() {
            let trains = trained.iter().any(|(trained, _)| *trained == name);
            if !name.contains("running") {
                prop_assert_eq!(tensor.requires_grad(), trains, "{}", name);
                prop_assert!(trains || !tensor.grad().defined(), "{name} has a gradient");
            }
        }
    }
    more(&seen.trainings, 1);
    Ok(())
}

/// Plays a number of random trainings on a device.
///
/// # Errors
/// Where something moved that no rule lets train, with the training.
pub fn hold(device: Device, cases: u32) -> Result<Seen, String> {
    let seen = Seen::default();
    let config = ProptestConfig { cases, failure_persistence: None, ..Default::default() };
    let trainings = net::shape().prop_flat_map(|shape| {
        let policy = policies::policy(&shape);
        (Just(shape), policy, programs::program())
    });
    TestRunner::new(config)
        .run(&trainings, |(shape, policy, program)| {
            // Some leave nothing to train, and are no policies.
            let policy = Policy::parse(&policy).map_err(|_| TestCaseError::reject("not one"))?;
            let net = Net::new(&shape, device);
            let mut tuner = Tuner::builder(&policy)
                .attach(&net.vs)
                .map_err(|_| TestCaseError::reject("does not fit"))?;
            play(&net, &mut tuner, &program, &seen)
        })
        .map_err(|error| error.to_string())?;
    Ok(seen)
}
