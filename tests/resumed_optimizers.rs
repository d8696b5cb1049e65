//! The state of each optimizer is saved and resumed at any step, in each type, while its numbers change
//! and rows of a matrix come and go.

use std::error::Error;

use freeze_runtime::{ResumeOptions, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::parse;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const STEPS: i64 = 10;

/// An optimizer, and its numbers from step 3 on.
const OPTIMIZERS: [(&str, &str); 11] = [
    ("sgd", "sgd(momentum 0.9)"),
    ("sgd(momentum 0.9, dampening 0.5)", "sgd"),
    ("rmsprop", "rmsprop(momentum 0.9)"),
    ("adamw(amsgrad)", "adamw(amsgrad, beta1 0.5)"),
    ("adagrad(initial 0.1)", "adagrad(lr_decay 0.1)"),
    ("adamax", "adamax(beta1 0.5)"),
    ("nadam", "nadam(decoupled)"),
    ("radam(beta2 0.9)", "radam(eps 1e-4)"),
    ("adafactor", "adafactor(d 2)"),
    ("lion", "lion(beta1 0.5)"),
    ("muon", "muon(nesterov 0)"),
];

struct Run {
    vs: VarStore,
    tables: [Tensor; 2],
    tuner: Tuner,
}

impl Run {
    fn new(policy: &str, kind: Kind) -> Result<Self, Box<dyn Error>> {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let add = |name, seed| vs.root().add(name, values(&[6, 4], seed).to_kind(kind), true);
        let tables = [add("table", 1), add("other", 2)];
        let tuner = Tuner::builder(&parse(policy)).attach(&vs)?;
        Ok(Self { vs, tables, tuner })
    }

    fn steps(&mut self, steps: std::ops::Range<i64>) -> Result<(), Box<dyn Error>> {
        for step in steps {
            let part = |(table, seed): (&Tensor, i64)| {
                (table * values(&[6, 4], seed + step).to_kind(table.kind())).sin().sum(Kind::Float)
            };
            let loss = self.tables.iter().zip([10, 50]).map(part).sum::<Tensor>();
            self.tuner.backward_step(&loss)?;
        }
        Ok(())
    }

    fn bits(&self) -> [Vec<u8>; 2] {
        [bits(&self.tables[0]), bits(&self.tables[1])]
    }
}

#[test]
fn a_run_that_is_resumed_at_any_step_has_the_same_bits() -> Result<(), Box<dyn Error>> {
    for (first, later) in OPTIMIZERS {
        for kind in [Kind::Float, Kind::BFloat16] {
            let policy = format!(
                "default lr 0.05 weight_decay 0.1 optimizer {first}; start: train @all;
                 step 3: set @all optimizer {later};
                 step 5: freeze rows 0..2 of table keep state;
                 step 7: unfreeze rows 0..2 of table;"
            );
            let mut whole = Run::new(&policy, kind)?;
            whole.tuner.start_epoch()?;
            whole.steps(0..STEPS)?;
            for stop in 0..=STEPS {
                let dir = tempfile::tempdir()?;
                let mut stopped = Run::new(&policy, kind)?;
                stopped.tuner.start_epoch()?;
                stopped.steps(0..stop)?;
                stopped.tuner.save(dir.path())?;
                let mut resumed = Run::new(&policy, kind)?;
                resumed.tuner.resume(dir.path())?;
                assert_eq!(resumed.tuner.optimizer_bytes(), stopped.tuner.optimizer_bytes());
                resumed.steps(stop..STEPS)?;
                assert_eq!(resumed.bits(), whole.bits(), "{first}, {kind:?}, at step {stop}");
            }
        }
    }
    Ok(())
}

/// Other numbers in a policy that changed keep what the run had.
#[test]
fn a_run_that_goes_on_with_other_numbers_keeps_its_state() -> Result<(), Box<dyn Error>> {
    for (first, later) in OPTIMIZERS {
        let policy = |later: &str| {
            format!(
                "default lr 0.05 weight_decay 0.1; start: train @all optimizer {first};
                 step 5: set @all optimizer {later};"
            )
        };
        let mut whole = Run::new(&policy(later), Kind::Float)?;
        whole.tuner.start_epoch()?;
        whole.steps(0..STEPS)?;

        let dir = tempfile::tempdir()?;
        let mut stopped = Run::new(&policy(first), Kind::Float)?;
        stopped.tuner.start_epoch()?;
        stopped.steps(0..4)?;
        stopped.tuner.save(dir.path())?;
        let mut resumed = Run::new(&policy(later), Kind::Float)?;
        let options = ResumeOptions::new().allow_policy_change();
        resumed.tuner.resume_with(dir.path(), options)?;
        resumed.steps(4..STEPS)?;
        assert_eq!(resumed.bits(), whole.bits(), "{first}, then {later}");
        assert_eq!(resumed.vs.variables().len(), 2);
    }
    Ok(())
}
