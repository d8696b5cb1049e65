//! Parameters of half precision step in f32, and are what is rounded of that.

use freeze_runtime::diagnostic::Code;
use freeze_runtime::{Error, LossScale, ResumeOptions, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::optimizers::OPTIMIZERS;
use freeze_tests::{Bits, Net, parse};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::Outcome;

/// A matrix and a vector, of whose loss the gradient does not depend on how they are rounded, and a
/// tuner.
struct Run {
    vs: VarStore,
    tuner: Tuner,
}

impl Run {
    fn new(policy: &str, kind: Kind, has_masters: bool) -> Result<Self, Error> {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        for (name, shape, seed) in [("table", vec![6, 4], 1), ("bias", vec![5], 2)] {
            // What bf16 can have.
            let start = (values(&shape, seed) + 0.5).to_kind(Kind::BFloat16);
            let _ = vs.root().add(name, start.to_kind(kind), true);
        }
        let tuner = Tuner::builder(&parse(policy)).master_weights(has_masters).attach(&vs)?;
        Ok(Self { vs, tuner })
    }

    fn loss(&self, step: i64) -> Tensor {
        let part = |(name, tensor): (String, Tensor)| {
            let seed = step + if name == "table" { 10 } else { 500 };
            let by = (values(&tensor.size(), seed) - 0.3).to_kind(Kind::BFloat16);
            (&tensor * by.to_kind(tensor.kind())).sum(Kind::Float)
        };
        let mut variables: Vec<_> = self.vs.variables().into_iter().collect();
        variables.sort_by(|one, other| one.0.cmp(&other.0));
        variables.into_iter().map(part).sum()
    }

    fn steps(&mut self, steps: std::ops::Range<i64>) -> Result<(), Error> {
        for step in steps {
            self.tuner.zero_grad()?;
            self.tuner.backward(&self.loss(step))?;
            if step % 3 == 2 {
                let _norm = self.tuner.clip_grad_norm(0.5)?;
            }
            self.tuner.step()?;
        }
        Ok(())
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.vs.root().get(name).map_or_else(Tensor::new, |it| it.detach())
    }
}

/// The parameters of the f32 twin, rounded.
fn rounded(run: &Run, kind: Kind) -> [Vec<u8>; 2] {
    ["table", "bias"].map(|name| bits(&run.tensor(name).to_kind(kind)))
}

#[test]
fn a_model_of_bf16_moves_as_its_twin_of_f32_does() -> Outcome {
    let policy = "default lr 1e-5 weight_decay 0.1 optimizer adamw; start: train @all";
    let mut twin = Run::new(policy, Kind::Float, false)?;
    let mut with = Run::new(policy, Kind::BFloat16, true)?;
    let mut without = Run::new(policy, Kind::BFloat16, false)?;
    let start = Bits::of(&without.vs);
    for run in [&mut twin, &mut with, &mut without] {
        run.tuner.start_epoch()?;
        run.steps(0..1000)?;
    }
    // 1e-5 is less than half a unit in the last place of 0.5, which is 1e-3.
    assert!(start.moved(&Bits::of(&without.vs)).is_empty());
    assert_eq!(start.moved(&Bits::of(&with.vs)), ["bias", "table"]);
    for name in ["table", "bias"] {
        let (ours, theirs) = (with.tensor(name).to_kind(Kind::Float), twin.tensor(name));
        let off = ((&ours - &theirs).norm() / theirs.norm()).double_value(&[]);
        assert!(off < f64::from(2_f32.powi(-9)), "{name} is off by {off:e}");
    }
    Ok(())
}

#[test]
fn updates_that_would_be_lost_are_reported_with_numbers() -> Outcome {
    let found = |policy: &str, kind: Kind, has_masters: bool| -> Result<Vec<String>, Error> {
        let run = Run::new(policy, kind, has_masters)?;
        let findings = run.tuner.diagnostics().into_iter();
        let lost = findings.filter(|finding| finding.code == Code::LostUpdates);
        Ok(lost.map(|it| [vec![it.message], it.notes].concat().join("\n")).collect())
    };
    let policy = "default optimizer adamw; start: train @all lr linear 0 -> 1e-5 over 10 steps";
    let [finding] = found(policy, Kind::BFloat16, false)?.try_into().unwrap_or_default();
    let expected = "at a learning rate of 1e-5, 100% of the elements of `table` and 1 more cannot move\n\
                    an update of adamw is about 1e-5, and half a unit in the last place of their mean \
                    size, ";
    assert!(finding.starts_with(expected), "{finding}");
    assert!(finding.contains(", is 2.0e-3\n") || finding.contains(", is 3.9e-3\n"), "{finding}");
    assert!(finding.ends_with("use `master_weights(true)`, or parameters of f32 and `autocast`"));
    // Where masters step, where most of it moves, and where nobody can say.
    assert!(found(policy, Kind::BFloat16, true)?.is_empty());
    assert!(found(policy, Kind::Float, false)?.is_empty());
    for policy in [
        "default optimizer adamw; start: train @all lr 1e-2",
        "default optimizer sgd; start: train @all lr 1e-5",
        "default optimizer lion; start: train @all lr 1e-5; epoch 1: set @all lr 1e-2",
    ] {
        assert!(found(policy, Kind::BFloat16, false)?.is_empty(), "{policy}");
    }
    Ok(())
}

/// With gradients that have the same bits, the masters have those of the twin.
#[test]
fn every_optimizer_steps_masters_as_it_steps_a_twin_of_f32() -> Outcome {
    for optimizer in OPTIMIZERS {
        for kind in [Kind::BFloat16, Kind::Half] {
            let policy = format!(
                "default {optimizer}; start: train rows 1..5 of table, bias, set table anchor 0.5;
                 step 4: set bias weight_decay 0.3; step 6: train table, bias"
            );
            let mut twin = Run::new(&policy, Kind::Float, false)?;
            let mut ours = Run::new(&policy, kind, true)?;
            for run in [&mut twin, &mut ours] {
                run.tuner.start_epoch()?;
                run.steps(0..9)?;
            }
            assert_eq!(rounded(&ours, kind), rounded(&twin, kind), "{optimizer}, {kind:?}");
            let masters = 4 * (24 + 5);
            let bytes = twin.tuner.optimizer_bytes() + masters;
            assert_eq!(ours.tuner.optimizer_bytes(), bytes, "{optimizer}, {kind:?}");
        }
    }
    Ok(())
}

#[test]
fn masters_are_made_with_a_step_and_dropped_with_a_freeze() -> Outcome {
    let policy = "default lr 1e-4 optimizer sgd; start: train @all;
                  step 3: freeze table; step 5: unfreeze table; step 7: reset @all;
                  step 8: freeze bias keep state; step 9: unfreeze bias";
    let mut run = Run::new(policy, Kind::BFloat16, true)?;
    run.tuner.start_epoch()?;
    assert_eq!(run.tuner.optimizer_bytes(), 0);
    let bytes = [(1, 29), (2, 29), (3, 5), (4, 5), (5, 5), (6, 29), (7, 29), (8, 29), (9, 29)];
    for (steps, numbers) in bytes {
        let frozen = run.tensor("table").copy();
        run.steps(steps - 1..steps)?;
        assert_eq!(run.tuner.optimizer_bytes(), 4 * numbers, "after step {steps}");
        if steps == 4 || steps == 5 {
            assert_eq!(run.tensor("table"), frozen);
        }
    }
    // Without a gradient there is no step, and no master.
    let mut run = Run::new(policy, Kind::BFloat16, true)?;
    run.tuner.start_epoch()?;
    let loss = run.vs.variables()["bias"].sum(Kind::Float);
    run.tuner.backward_step(&loss)?;
    assert_eq!(run.tuner.optimizer_bytes(), 4 * 5);
    Ok(())
}

/// What is restored has the rounded value of its best moment, and goes on from there.
#[test]
fn masters_begin_again_where_weights_are_restored() -> Outcome {
    let policy = "default lr 1e-5 optimizer adamw; start: train @all;
                  epoch 2: restore lowest loss";
    let mut run = Run::new(policy, Kind::BFloat16, true)?;
    run.tuner.start_epoch()?;
    run.steps(0..300)?;
    run.tuner.observe("loss", 1.0)?;
    let best = Bits::of(&run.vs);
    run.tuner.start_epoch()?;
    run.steps(300..600)?;
    assert_eq!(best.moved(&Bits::of(&run.vs)), ["bias", "table"]);
    run.tuner.start_epoch()?;
    assert!(best.moved(&Bits::of(&run.vs)).is_empty());
    assert_eq!(run.tuner.optimizer_bytes(), 0);
    run.tuner.backward_step(&run.loss(600))?;
    // One small step from what was restored moves nothing yet.
    assert!(best.moved(&Bits::of(&run.vs)).is_empty());
    Ok(())
}

const CHANGES: &str = "default lr 1e-3 weight_decay 0.1 optimizer adamw;
     start: train table, bias; step 3: set bias optimizer sgd(momentum 0.9);
     step 5: freeze rows 0..2 of table keep state; step 7: unfreeze rows 0..2 of table";

#[test]
fn a_run_that_is_resumed_has_the_same_bits() -> Outcome {
    let mut whole = Run::new(CHANGES, Kind::BFloat16, true)?;
    whole.tuner.start_epoch()?;
    whole.steps(0..10)?;
    for stop in 0..=10 {
        let dir = tempfile::tempdir()?;
        let mut stopped = Run::new(CHANGES, Kind::BFloat16, true)?;
        stopped.tuner.start_epoch()?;
        stopped.steps(0..stop)?;
        stopped.tuner.save(dir.path())?;
        let mut resumed = Run::new(CHANGES, Kind::BFloat16, true)?;
        resumed.tuner.resume(dir.path())?;
        assert_eq!(resumed.tuner.optimizer_bytes(), stopped.tuner.optimizer_bytes());
        resumed.steps(stop..10)?;
        assert_eq!(Bits::of(&resumed.vs), Bits::of(&whole.vs), "at step {stop}");
        // The masters as well.
        let again = tempfile::tempdir()?;
        for (run, name) in [(&mut resumed, "resumed"), (&mut whole, "whole")] {
            run.tuner.save(again.path().join(name))?;
        }
        let masters = ["resumed", "whole"].map(|name| {
            std::fs::read(again.path().join(name).join("checkpoint/masters.safetensors")).unwrap()
        });
        assert!(masters[0] == masters[1], "at step {stop}");
    }
    Ok(())
}

#[test]
fn a_run_without_the_masters_of_a_checkpoint_is_refused_unless_it_means_it() -> Outcome {
    for saved in [true, false] {
        let dir = tempfile::tempdir()?;
        let mut stopped = Run::new(CHANGES, Kind::BFloat16, saved)?;
        stopped.tuner.start_epoch()?;
        stopped.steps(0..4)?;
        stopped.tuner.save(dir.path())?;
        let mut other = Run::new(CHANGES, Kind::BFloat16, !saved)?;
        let before = Bits::of(&other.vs);
        let error = other.tuner.resume(dir.path()).unwrap_err().to_string();
        let expected = format!("master_weights: {saved} -> {}", !saved);
        assert!(error.contains(&expected), "{error}");
        assert!(error.contains("allow_program_change"), "{error}");
        assert!(before.moved(&Bits::of(&other.vs)).is_empty());
        let options = ResumeOptions::new().allow_program_change();
        other.tuner.resume_with(dir.path(), options)?;
        assert_eq!(Bits::of(&other.vs), Bits::of(&stopped.vs));
        other.steps(4..8)?;
    }
    Ok(())
}

/// Tied parameters are one, whose master is one.
#[test]
fn tied_parameters_have_one_master() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let embed = vs.root().add("embed", values(&[4, 3], 1).to_kind(Kind::BFloat16), true);
    vs.variables_.lock().unwrap().named_variables.insert("head".to_owned(), embed.shallow_clone());
    let policy = parse("default lr 1e-2 optimizer sgd; start: train embed, head");
    let mut tuner = Tuner::builder(&policy).master_weights(true).attach(&vs)?;
    tuner.start_epoch()?;
    tuner.backward_step(&embed.square().sum(Kind::Float))?;
    assert_eq!(tuner.optimizer_bytes(), 4 * 12);
    Ok(())
}

/// Small gradients of f16 are kept by the scale, and divided by it in f32.
#[test]
fn gradients_of_f16_are_divided_by_the_scale_in_the_masters() -> Outcome {
    for clips in [false, true] {
        let (half, wide) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
        let start = values(&[4, 3], 1).to_kind(Kind::Half);
        let parameter = half.root().add("p", start.copy(), true);
        let twin = wide.root().add("p", start.to_kind(Kind::Float), true);
        let policy = parse("default lr 1 optimizer sgd; start: train p");
        let scale = LossScale::fixed(65536.0);
        let mut ours =
            Tuner::builder(&policy).loss_scale(scale).master_weights(true).attach(&half)?;
        let mut theirs = Tuner::builder(&policy).attach(&wide)?;
        for (tuner, parameter) in [(&mut ours, &parameter), (&mut theirs, &twin)] {
            tuner.start_epoch()?;
            for step in 0..400 {
                tuner.zero_grad()?;
                // Less than the smallest number of f16.
                tuner.backward(&(parameter.sum(Kind::Float) * 2e-8))?;
                if clips {
                    let norm = tuner.clip_grad_norm(1.0)?.value()?;
                    assert!((norm / (2e-8 * 12_f64.sqrt()) - 1.0).abs() < 1e-3, "{step}: {norm}");
                }
                tuner.step()?;
            }
        }
        assert_eq!(ours.skipped_steps()?, 0);
        let dir = tempfile::tempdir()?;
        ours.save(dir.path())?;
        let masters = dir.path().join("checkpoint/masters.safetensors");
        let masters = Tensor::read_safetensors(masters)?;
        let off = ((&masters[0].1 - &twin).norm() / (&twin - start).norm()).double_value(&[]);
        assert!(off < 1e-3, "off by {off:e}");
    }
    Ok(())
}

#[test]
fn skipped_steps_move_no_master() -> Outcome {
    let policy = parse("default lr 1e-3 optimizer adamw; start: train @all");
    let mut net = Net::linear();
    net.vs.bfloat16();
    let builder = Tuner::builder(&policy).master_weights(true).loss_scale(LossScale::dynamic());
    let mut tuner = builder.attach(&net.vs)?;
    tuner.start_epoch()?;
    let masters = |tuner: &mut Tuner| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        tuner.save(dir.path())?;
        Ok(std::fs::read(dir.path().join("checkpoint/masters.safetensors"))?)
    };
    for batch in 0..3 {
        tuner.backward_step(&net.loss(batch))?;
    }
    let (before, weights) = (masters(&mut tuner)?, Bits::of(&net.vs));
    tuner.backward_step(&(net.loss(3) * f64::INFINITY))?;
    assert_eq!(tuner.skipped_steps()?, 1);
    assert!(before == masters(&mut tuner)?);
    assert_eq!(weights, Bits::of(&net.vs));
    tuner.backward_step(&net.loss(3))?;
    assert!(before != masters(&mut tuner)?);
    Ok(())
}

/// Sparse gradients of a table move to its master as others do, whole and by rows.
#[test]
fn sparse_gradients_move_to_masters() -> Outcome {
    for rule in ["train p", "train rows 1..3 of p"] {
        let tables = [(Kind::BFloat16, true), (Kind::Float, false)].map(|(kind, has_masters)| {
            let vs = VarStore::new(Device::Cpu);
            let start = values(&[4, 3], 1).to_kind(Kind::BFloat16);
            let table = vs.root().add("p", start.to_kind(kind), true);
            let policy = parse(&format!("default lr 0.5 optimizer sgd; start: {rule}"));
            let builder = Tuner::builder(&policy).master_weights(has_masters);
            let mut tuner = builder.loss_scale(LossScale::fixed(64.0)).attach(&vs)?;
            tuner.start_epoch()?;
            let rows = Tensor::from_slice(&[1_i64, 2, 1]);
            for _ in 0..3 {
                let taken = Tensor::embedding(&table, &rows, -1, false, true);
                tuner.backward_step(&(taken.sum(Kind::Float) * 0.01))?;
            }
            Ok::<_, Error>(table.detach().to_kind(Kind::BFloat16))
        });
        let [ours, twin] = tables;
        assert_eq!(bits(&ours?), bits(&twin?), "{rule}");
    }
    Ok(())
}

#[test]
fn what_the_program_writes_to_a_parameter_is_what_steps_next() -> Outcome {
    type Write = fn(&Tensor);
    let writes: [(&str, Write); 4] = [
        ("clamp", |it| drop(it.shallow_clone().clamp_(-0.01, 0.01))),
        ("copy", |it| it.shallow_clone().copy_(&it.ones_like())),
        ("fill", |it| drop(it.shallow_clone().fill_(2.0))),
        ("set_data", |it| it.shallow_clone().set_data(&it.full_like(3.0))),
    ];
    let policy = "default lr 1e-3 optimizer sgd; start: train @all";
    for (what, write) in writes {
        for save in [false, true] {
            let mut run = Run::new(policy, Kind::BFloat16, true)?;
            run.tuner.start_epoch()?;
            run.steps(0..2)?;
            tch::no_grad(|| write(&run.tensor("table")));
            if what == "set_data" {
                // The variable itself, not a tensor that shares its memory.
                let table = run.vs.root().get("table").unwrap();
                tch::no_grad(|| write(&table));
            }
            let written = run.tensor("table").to_kind(Kind::Float);
            if save {
                let dir = tempfile::tempdir()?;
                run.tuner.save(dir.path())?;
                run.tuner.resume(dir.path())?;
            }
            run.steps(2..3)?;
            let moved = (run.tensor("table").to_kind(Kind::Float) - written).abs().max();
            let moved = moved.double_value(&[]);
            assert!(moved <= 0.01, "{what}, saved {save}: {moved}");
        }
    }
    Ok(())
}

#[test]
fn the_masters_of_other_rows_keep_their_bits_when_some_step_or_are_restored() -> Outcome {
    let policy = "default lr 1e-5 optimizer sgd; start: train rows 0..3 of table, bias;
        epoch 1: freeze rows 0..3 of table keep state, unfreeze rows 3..6 of table;
        epoch 2: unfreeze rows 0..3 of table";
    let run = |kind| -> Result<Tensor, Error> {
        let mut run = Run::new(policy, kind, true)?;
        for epoch in 0..3 {
            run.tuner.start_epoch()?;
            run.steps(10 * epoch..10 * epoch + 8)?;
        }
        Ok(run.tensor("table"))
    };
    let (half, twin) = (run(Kind::BFloat16)?, run(Kind::Float)?);
    assert_eq!(bits(&half), bits(&twin.to_kind(Kind::BFloat16)));
    Ok(())
}
