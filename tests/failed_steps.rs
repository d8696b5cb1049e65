//! A step that cannot be made for one parameter is made for none: everything stays as it was.

use freeze_runtime::{Error, Tuner};
use freeze_tests::networks::values;
use freeze_tests::{Bits, parse};
use tch::nn::VarStore;
use tch::{Kind, Tensor};

type Outcome = Result<(), Error>;

/// Returns a loss whose gradient `c` cannot step by, once `c` is made so.
type Fault = fn(&mut Tensor) -> Tensor;

/// Some numbers of a table, which then has a sparse gradient.
fn some_of(table: &Tensor) -> Tensor {
    table.gather(0, &Tensor::from_slice(&[1_i64, 2]).view([2, 1]), true)
}

fn wide(tensor: &Tensor) -> Tensor {
    tensor.to_kind(Kind::Float)
}

fn real(tensor: &Tensor) -> Tensor {
    if tensor.is_complex() { tensor.view_as_real() } else { tensor.shallow_clone() }
}

/// What is wrong, an optimizer, the kind of `c`, and what the error says.
const FAULTS: [(&str, &str, Kind, Fault, &str); 12] = [
    (
        "of 8 bits",
        "sgd",
        Kind::Float,
        |c| {
            c.set_data(&c.to_kind(Kind::Float8e4m3fn));
            wide(c).square()
        },
        "no optimizer steps a parameter of",
    ),
    (
        "of 8 bits",
        "rmsprop",
        Kind::Float,
        |c| {
            c.set_data(&c.to_kind(Kind::Float8e5m2));
            wide(c).square()
        },
        "no optimizer steps a parameter of",
    ),
    ("sparse", "adamw", Kind::Float, |c| some_of(c), "adamw does not take sparse"),
    ("sparse", "rmsprop", Kind::Float, |c| some_of(c), "rmsprop does not take sparse"),
    ("sparse", "nadam", Kind::Float, |c| some_of(c), "nadam does not take sparse"),
    ("sparse", "muon", Kind::Float, |c| some_of(c), "muon does not take sparse"),
    ("sparse", "adafactor", Kind::Float, |c| some_of(c), "adafactor does not take sparse"),
    (
        "with state of another dtype",
        "adafactor",
        Kind::Float,
        |c| {
            c.set_data(&c.to_kind(Kind::Double));
            c.square()
        },
        "optimizer state of",
    ),
    ("sparse complex", "sgd", Kind::ComplexFloat, |c| some_of(c).real(), "a gradient of"),
    (
        "of another dtype",
        "sgd(momentum 0.9)",
        Kind::Float,
        |c| {
            c.square().sum(None).backward();
            c.set_data(&c.to_kind(Kind::Double));
            Tensor::zeros([], (Kind::Float, c.device()))
        },
        "a gradient of",
    ),
    (
        "with state of another dtype",
        "adam",
        Kind::Float,
        |c| {
            c.set_data(&c.to_kind(Kind::Double));
            c.square()
        },
        "optimizer state of",
    ),
    (
        "with numbers in one place",
        "sgd",
        Kind::Float,
        |c| {
            c.set_data(&c.detach().narrow(0, 0, 1).expand([4, 3], false));
            c.square()
        },
        "numbers of a parameter of",
    ),
];

fn store(kind: Kind) -> (VarStore, [Tensor; 3]) {
    let vs = VarStore::new(tch::Device::Cpu);
    let table = |name, seed, kind| vs.root().add(name, values(&[4, 3], seed).to_kind(kind), true);
    let tables = [table("a", 1, Kind::Float), table("b", 2, Kind::BFloat16), table("c", 3, kind)];
    (vs, tables)
}

fn step(tuner: &mut Tuner, tables: &[Tensor]) -> Outcome {
    let loss = tables.iter().map(|it| real(it).square().sum(Kind::Float)).sum::<Tensor>();
    tuner.backward_step(&loss).map(drop)
}

/// Three groups, of which the last one cannot step, at its first step or at a later one.
#[test]
fn nothing_moves_and_no_state_is_made_where_one_parameter_cannot_step() -> Outcome {
    for ((what, optimizer, kind, fault, expected), steps) in
        FAULTS.into_iter().flat_map(|fault| [0, 2].map(|steps| (fault, steps)))
    {
        if what.starts_with("with state") && steps == 0 || what == "of 8 bits" && steps > 0 {
            continue;
        }
        println!("{what}, {optimizer}, after {steps} steps");
        let (vs, mut tables) = store(kind);
        let policy = parse(&format!(
            "default optimizer {optimizer}; start: train @all lr 0.1, set b lr 0.2, set c lr 0.3"
        ));
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        tuner.start_epoch()?;
        for _ in 0..steps {
            step(&mut tuner, &tables)?;
        }
        tuner.zero_grad()?;
        let [a, b, c] = &mut tables;
        a.square().sum(None).backward();
        b.square().sum(None).backward();
        let loss = fault(c).sum(Kind::Float);
        if loss.requires_grad() {
            loss.backward();
        }
        let (before, bytes) = (Bits::of(&vs), tuner.optimizer_bytes());
        let error = tuner.step().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(before.moved(&Bits::of(&vs)).is_empty(), "{:?}", before.moved(&Bits::of(&vs)));
        assert_eq!(tuner.optimizer_bytes(), bytes);
        assert_eq!(tuner.global_step(), steps);
    }
    Ok(())
}

#[test]
fn a_program_that_clears_the_gradients_continues_as_if_there_had_been_no_such_step() -> Outcome {
    for optimizer in ["adamw", "rmsprop(momentum 0.9)", "nadam", "muon", "adafactor", "lion"] {
        let runs = [false, true].map(|fails| -> Result<(VarStore, usize), Error> {
            let (vs, tables) = store(Kind::Float);
            let policy = parse(&format!(
                "default optimizer {optimizer}; start: train @all lr 0.1, set b lr 0.2, set c lr 0.3"
            ));
            let mut tuner = Tuner::builder(&policy).attach(&vs)?;
            tuner.start_epoch()?;
            for _ in 0..3 {
                if fails {
                    let loss = tables[0].square().sum(None) + some_of(&tables[2]).sum(None);
                    assert!(matches!(tuner.backward_step(&loss), Err(Error::Torch(_))));
                }
                step(&mut tuner, &tables)?;
            }
            Ok((vs, tuner.optimizer_bytes()))
        });
        let [undisturbed, disturbed] = runs;
        let ((undisturbed, bytes), (disturbed, bytes_then)) = (undisturbed?, disturbed?);
        assert_eq!(Bits::of(&undisturbed), Bits::of(&disturbed), "{optimizer}");
        assert_eq!(bytes, bytes_then);
    }
    Ok(())
}
