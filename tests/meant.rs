//! Going on with another policy, model or program: refused with the difference shown, unless it is
//! meant.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's own helpers")]
#![allow(clippy::float_cmp, reason = "the values are exact")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use freeze_runtime::{Optimizer, Policy, ResumeOptions, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::{Bits, parse};
use tch::nn::{self, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn Error>>;

/// Parameters that all take part in a loss, and a buffer.
struct Net {
    vs: VarStore,
    parameters: Vec<Tensor>,
}

impl Net {
    fn new(parameters: &[(&str, &[i64])]) -> Self {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let make = |(seed, (name, shape)): (i64, &(&str, &[i64]))| {
            vs.root().sub(*name).add("weight", values(shape, seed), true)
        };
        let parameters = (1..).zip(parameters).map(make).collect();
        let _ = vs.root().sub("body").add("count", Tensor::from_slice(&[1_i64, 2]), false);
        Self { vs, parameters }
    }

    fn small() -> Self {
        Self::new(&[("body", &[6, 2]), ("head", &[3, 2])])
    }

    fn tuner(&self, policy: &str) -> Result<Tuner, freeze_runtime::Error> {
        self.program(&parse(policy), 0.5, 4)
    }

    fn program(
        &self,
        policy: &Policy,
        lr: f64,
        steps: usize,
    ) -> Result<Tuner, freeze_runtime::Error> {
        let builder = Tuner::builder(policy).optimizer(nn::Sgd::default()).lr(lr);
        builder.steps_per_epoch(steps).attach(&self.vs)
    }

    fn step(&self, tuner: &mut Tuner) -> Result<(), freeze_runtime::Error> {
        let batch = i64::try_from(tuner.global_step()).unwrap_or_default();
        let loss = |parameter: &Tensor| {
            let scale = values(&parameter.size(), 50 + batch).to_kind(parameter.kind()) + 0.5;
            (parameter * scale).sin().sum(None)
        };
        let losses: Vec<Tensor> = self.parameters.iter().map(loss).collect();
        tuner.backward_step(&Tensor::stack(&losses, 0).sum(None))?;
        Ok(())
    }

    fn epoch(&self, tuner: &mut Tuner) -> Result<(), freeze_runtime::Error> {
        tuner.start_epoch()?;
        (0..4).try_for_each(|_| self.step(tuner))
    }

    fn weight(&self, name: &str) -> Vec<u8> {
        bits(&self.vs.variables()[&format!("{name}.weight")])
    }
}

const POLICY: &str = "
    default optimizer adam;
    let rate = 0.1;
    start as warm: train head lr linear rate -> 0 over 5 epochs, unfreeze body;
    epoch 3 as late: freeze head";

/// A run of two epochs, saved.
fn saved(dir: &Path) -> Result<Net, Box<dyn Error>> {
    let net = Net::small();
    let mut tuner = net.tuner(POLICY)?;
    net.epoch(&mut tuner)?;
    net.epoch(&mut tuner)?;
    tuner.save(dir)?;
    Ok(net)
}

/// Why a tuner does not go on from a checkpoint; nothing is changed then.
fn refused(net: &Net, mut tuner: Tuner, dir: &Path, options: ResumeOptions) -> String {
    let before = Bits::of(&net.vs);
    let error = tuner.resume_with(dir, options).unwrap_err().to_string();
    assert!(before.moved(&Bits::of(&net.vs)).is_empty());
    assert_eq!((tuner.epochs_started(), tuner.global_step(), tuner.rules_fired()), (0, 0, vec![0]));
    assert_eq!(tuner.optimizer_bytes(), 0);
    error
}

#[test]
fn another_policy_is_refused_with_the_difference_shown() -> Outcome {
    let dir = tempfile::tempdir()?;
    let net = saved(dir.path())?;
    let others = ResumeOptions::new().allow_model_change().allow_program_change();
    let tuner = net.tuner(&POLICY.replace("epoch 3", "epoch  4"))?;
    let error = refused(&net, tuner, dir.path(), others);
    assert!(error.contains("ResumeOptions::allow_policy_change"), "{error}");
    assert!(
        error.contains("\n-epoch 3 as late: freeze head;\n+epoch 4 as late: freeze head;\n"),
        "{error}"
    );
    let policy = parse(POLICY).with("rate", 0.2)?;
    let error = refused(&net, net.program(&policy, 0.5, 4)?, dir.path(), others);
    assert!(error.contains("\n+// rate is 0.2 in the program"), "{error}");
    // Spaces and comments make no other policy.
    net.tuner(&POLICY.replace(';', " /* and */ ;\n\n"))?.resume(dir.path())?;
    Ok(())
}

#[test]
fn another_model_is_refused_with_the_difference_shown() -> Outcome {
    let dir = tempfile::tempdir()?;
    saved(dir.path())?;
    let net = Net::new(&[("body", &[6, 2]), ("more", &[2]), ("head", &[5, 2])]);
    let others = ResumeOptions::new().allow_policy_change().allow_program_change();
    let error = refused(&net, net.tuner(POLICY)?, dir.path(), others);
    assert!(error.contains("ResumeOptions::allow_model_change"), "{error}");
    assert!(
        error.contains("\n~ head.weight: f32 [3, 2] -> f32 [5, 2]\n+ more.weight: f32 [2]"),
        "{error}"
    );
    let net = Net::new(&[("body", &[6, 2]), ("head", &[3, 2])]);
    let _ = net.vs.root().sub("body").add("mean", Tensor::zeros([2], tch::kind::FLOAT_CPU), false);
    let error = refused(&net, net.tuner(POLICY)?, dir.path(), others);
    assert!(error.contains("\n+ body.mean: f32 [2], a buffer"), "{error}");
    Ok(())
}

#[test]
fn another_program_is_refused_with_the_difference_shown() -> Outcome {
    let dir = tempfile::tempdir()?;
    let net = saved(dir.path())?;
    let others = ResumeOptions::new().allow_policy_change().allow_model_change();
    let error = refused(&net, net.program(&parse(POLICY), 0.25, 5)?, dir.path(), others);
    assert!(error.contains("ResumeOptions::allow_program_change"), "{error}");
    assert!(error.ends_with("\nlr: 0.5 -> 0.25\nsteps_per_epoch: 4 -> 5"), "{error}");
    Ok(())
}

#[test]
fn what_differs_nowhere_goes_on_whatever_may() -> Outcome {
    let dir = tempfile::tempdir()?;
    let before = saved(dir.path())?;
    let net = Net::small();
    let mut tuner = net.tuner(POLICY)?;
    let all =
        ResumeOptions::new().allow_policy_change().allow_model_change().allow_program_change();
    tuner.resume_with(dir.path(), all)?;
    assert!(Bits::of(&before.vs).moved(&Bits::of(&net.vs)).is_empty());
    assert_eq!((tuner.epochs_started(), tuner.global_step(), tuner.rules_fired()), (2, 8, vec![1]));
    Ok(())
}

#[test]
fn another_policy_begins_after_what_has_fired() -> Outcome {
    let dir = tempfile::tempdir()?;
    let whole = saved(dir.path())?;
    let net = Net::small();
    let mut tuner =
        net.tuner(&POLICY.replace("epoch 3 as late: freeze head", "epoch 3: freeze body"))?;
    tuner.resume_with(dir.path(), ResumeOptions::new().allow_policy_change())?;
    // Until its own rule fires, it is the run that it was.
    let mut other = whole.tuner(POLICY)?;
    other.resume(dir.path())?;
    whole.epoch(&mut other)?;
    net.epoch(&mut tuner)?;
    assert!(Bits::of(&whole.vs).moved(&Bits::of(&net.vs)).is_empty());
    assert_eq!(tuner.start_epoch()?.fired.len(), 1);
    assert_eq!(tuner.trainable_names(), ["head.weight"]);

    let tuner = net.tuner(&POLICY.replace("5 epochs", "6 epochs"))?;
    let before = Bits::of(&net.vs);
    let mut tuner = tuner;
    let error = tuner
        .resume_with(dir.path(), ResumeOptions::new().allow_policy_change())
        .unwrap_err()
        .to_string();
    assert!(error.contains("`warm` has already fired"), "{error}");
    assert!(before.moved(&Bits::of(&net.vs)).is_empty());
    Ok(())
}

/// The tensors of a file, by name.
fn tensors(file: &Path) -> Result<BTreeMap<String, Tensor>, Box<dyn Error>> {
    Ok(Tensor::read_safetensors(file)?.into_iter().collect())
}

#[test]
fn a_policy_that_cuts_a_parameter_takes_its_state_along() -> Outcome {
    for optimizer in [
        "adam(amsgrad)",
        "sgd(momentum 0.9)",
        "rmsprop(momentum 0.5 centered)",
        "nadam",
        "adagrad(initial 0.5)",
        "adafactor",
    ] {
        let dir = tempfile::tempdir()?;
        let policy = format!(
            "default optimizer {optimizer} lr 0.01; start: train @all;
             epoch 5: restore lowest loss;"
        );
        let net = Net::small();
        let mut tuner = net.tuner(&policy)?;
        net.epoch(&mut tuner)?;
        tuner.observe("loss", 1.0)?;
        net.step(&mut tuner)?;
        tuner.save(dir.path().join("whole"))?;

        let net = Net::small();
        let cut = format!("{policy} epoch 9: freeze rows 1..4 of body.weight");
        let mut tuner = net.tuner(&cut)?;
        tuner.resume_with(dir.path().join("whole"), ResumeOptions::new().allow_policy_change())?;
        tuner.save(dir.path().join("cut"))?;
        for name in ["optimizer.safetensors", "bests.safetensors"] {
            let [whole, mut cut] = ["whole", "cut"]
                .map(|of| tensors(&dir.path().join(of).join("checkpoint").join(name)))
                .into_iter()
                .collect::<Result<Vec<_>, _>>()?
                .try_into()
                .unwrap();
            for (name, whole) in whole {
                let rows = [(0, 1), (1, 4), (4, 6)];
                for (start, end) in rows.into_iter().filter(|_| name.contains("body.weight")) {
                    let rows = format!("body.weight[{start}..{end}]");
                    let part = cut.remove(&name.replace("body.weight", &rows)).unwrap();
                    // A number, and the means of columns, belong to all rows.
                    let is_of_all = whole.dim() == 0 || name.ends_with("col_var");
                    let expected =
                        if is_of_all { whole.copy() } else { whole.narrow(0, start, end - start) };
                    assert_eq!(bits(&part), bits(&expected), "{optimizer}: {name} {rows}");
                }
                if !name.contains("body.weight") {
                    assert_eq!(bits(&cut.remove(&name).unwrap()), bits(&whole), "{name}");
                }
            }
            assert!(cut.is_empty(), "{cut:?}");
        }
    }
    Ok(())
}

#[test]
fn another_model_keeps_what_has_a_place_in_it() -> Outcome {
    let dir = tempfile::tempdir()?;
    let before = saved(dir.path())?;
    let net = Net::new(&[("body", &[6, 2]), ("more", &[2]), ("head", &[5, 2])]);
    let (head, more) = (net.weight("head"), net.weight("more"));
    let mut tuner = net.tuner(POLICY)?;
    tuner.resume_with(dir.path(), ResumeOptions::new().allow_model_change())?;
    assert_eq!(net.weight("body"), before.weight("body"));
    assert_eq!((net.weight("head"), net.weight("more")), (head, more));
    // `train` leaves what it does not name frozen, and new parameters are no exception.
    assert_eq!(tuner.trainable_names(), ["body.weight", "head.weight"]);
    // Two moments of twelve numbers, and a count.
    assert_eq!(tuner.optimizer_bytes(), 2 * 12 * 4 + 4);
    assert_eq!((tuner.epochs_started(), tuner.global_step(), tuner.rules_fired()), (2, 8, vec![1]));

    // What has its state goes on as before.
    let mut other = before.tuner(POLICY)?;
    other.resume(dir.path())?;
    before.epoch(&mut other)?;
    net.epoch(&mut tuner)?;
    assert_eq!(net.weight("body"), before.weight("body"));
    Ok(())
}

#[test]
fn a_model_of_another_dtype_takes_converted_values() -> Outcome {
    let dir = tempfile::tempdir()?;
    let before = saved(dir.path())?;
    let mut net = Net::small();
    net.vs.double();
    let mut tuner = net.tuner(POLICY)?;
    let error = tuner.resume(dir.path()).unwrap_err().to_string();
    assert!(error.contains("~ body.weight: f32 [6, 2] -> f64 [6, 2]"), "{error}");
    tuner.resume_with(dir.path(), ResumeOptions::new().allow_model_change())?;
    let now = net.vs.variables()["body.weight"].to_kind(Kind::Float);
    assert_eq!(bits(&now), before.weight("body"));
    assert_eq!(tuner.optimizer_bytes(), 2 * (12 + 6) * 8 + 2 * 4);
    net.epoch(&mut tuner)?;
    Ok(())
}

#[test]
fn another_program_holds_from_now_on() -> Outcome {
    let dir = tempfile::tempdir()?;
    saved(dir.path())?;
    let net = Net::small();
    let mut tuner = net.program(&parse(POLICY), 0.25, 8)?;
    tuner.resume_with(dir.path(), ResumeOptions::new().allow_program_change())?;
    let rates: Vec<f64> = tuner.param_groups().iter().map(|group| group.lr).collect();
    // The program's for the body; for the head, two epochs of five of the curve are done.
    assert_eq!(rates, [0.25, 0.1 + (0.0 - 0.1) * 0.4]);
    assert!(tuner.param_groups().iter().all(|group| group.optimizer == Optimizer::ADAM));
    Ok(())
}

#[test]
fn with_other_steps_an_epoch_a_curve_continues_where_it_was() -> Outcome {
    let policy =
        "run 10 epochs; default optimizer sgd; start: train head lr cosine 1 -> 0 over rest";
    for steps in [2, 3, 8, 40] {
        let dir = tempfile::tempdir()?;
        let net = Net::small();
        let mut tuner = net.tuner(policy)?;
        for _ in 0..5 {
            net.epoch(&mut tuner)?;
        }
        assert_eq!(tuner.param_groups()[0].lr, 0.5);
        tuner.save(dir.path())?;

        let net = Net::small();
        let error = refused(
            &net,
            net.program(&parse(policy), 0.5, steps)?,
            dir.path(),
            ResumeOptions::new().allow_policy_change().allow_model_change(),
        );
        assert!(error.ends_with(&format!("\nsteps_per_epoch: 4 -> {steps}")), "{error}");
        let mut tuner = net.program(&parse(policy), 0.5, steps)?;
        tuner.resume_with(dir.path(), ResumeOptions::new().allow_program_change())?;
        assert_eq!(tuner.param_groups()[0].lr, 0.5);
        for _ in 5..10 {
            // The epoch that ended had other steps than it has now, and that is known.
            assert!(tuner.start_epoch()?.diagnostics.is_empty());
            (0..steps).try_for_each(|_| net.step(&mut tuner))?;
        }
        assert_eq!(tuner.param_groups()[0].lr, 0.0);
    }
    Ok(())
}

/// Every kind of elements that a variable can have, and every layout.
#[test]
fn tensors_of_all_kinds_come_back_to_the_bit() -> Outcome {
    let kinds = [
        Kind::Bool,
        Kind::Uint8,
        Kind::Int8,
        Kind::Int16,
        Kind::Int,
        Kind::Int64,
        Kind::Half,
        Kind::BFloat16,
        Kind::Float,
        Kind::Double,
        Kind::ComplexFloat,
        Kind::ComplexDouble,
        Kind::ComplexHalf,
        Kind::Float8e5m2,
        Kind::Float8e4m3fn,
    ];
    let made = |fill: f64| {
        let vs = VarStore::new(Device::Cpu);
        let root = vs.root();
        let add = |of: &str, kind: Kind, numbers: Tensor, trains| {
            let _ = root.sub(of).add(&format!("{kind:?}"), numbers.to_kind(kind), trains);
        };
        for kind in kinds {
            let numbers = (values(&[3, 2, 4], 5) - 0.5) * fill;
            add("buffers", kind, numbers.transpose(0, 2), false);
            add("empty", kind, Tensor::zeros([0, 3], tch::kind::FLOAT_CPU), false);
            add("scalars", kind, Tensor::from(fill), false);
        }
        for kind in [Kind::Half, Kind::BFloat16, Kind::Double, Kind::ComplexFloat, Kind::Float] {
            let numbers = (values(&[3, 4], 6) - 0.5) * fill;
            add("parameters", kind, numbers.tr().contiguous().tr(), true);
        }
        vs
    };
    let tune = |vs: &VarStore| {
        let policy = parse("default optimizer adam lr 0.1; start: train @all");
        Tuner::builder(&policy).attach(vs)
    };
    let step = |vs: &VarStore, tuner: &mut Tuner| {
        let parts = vs.trainable_variables().into_iter().map(|parameter| {
            let real = if parameter.is_complex() { parameter.view_as_real() } else { parameter };
            real.to_kind(Kind::Double).square().sum(None)
        });
        let loss = Tensor::stack(&parts.collect::<Vec<_>>(), 0).sum(None);
        tuner.backward_step(&loss).map(drop)
    };
    let dir = tempfile::tempdir()?;
    let vs = made(3.0);
    let mut tuner = tune(&vs)?;
    tuner.start_epoch()?;
    step(&vs, &mut tuner)?;
    tuner.save(dir.path())?;
    step(&vs, &mut tuner)?;

    let resumed = made(1.0);
    let mut tuner = tune(&resumed)?;
    tuner.resume(dir.path())?;
    step(&resumed, &mut tuner)?;
    for (name, tensor) in vs.variables() {
        assert_eq!(bits(&resumed.variables()[&name]), bits(&tensor), "{name}");
    }
    Ok(())
}

#[test]
fn the_model_of_a_checkpoint_is_a_file_that_tch_loads() -> Outcome {
    let dir = tempfile::tempdir()?;
    let before = saved(dir.path())?;
    let mut net = Net::small();
    net.vs.load(dir.path().join("checkpoint/model.safetensors"))?;
    assert!(Bits::of(&before.vs).moved(&Bits::of(&net.vs)).is_empty());
    Ok(())
}
