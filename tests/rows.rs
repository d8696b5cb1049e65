//! Rows of a parameter train apart from the rest of it, which keeps every bit though it shares
//! the tensor and its gradient.

#![expect(clippy::float_cmp, reason = "zero is exact")]

use std::ops::Range;

use freeze_runtime::{Error, Tuner};
use freeze_tests::bits::bits;
use freeze_tests::networks::values;
use freeze_tests::optimizers::{OPTIMIZERS, joins_rows};
use freeze_tests::parse;
use tch::nn::{self, VarStore};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Error>;

const ROWS: i64 = 8;

/// A store with one parameter, `table.weight`.
struct Table {
    vs: VarStore,
    weight: Tensor,
}

impl Table {
    fn new(weight: &Tensor) -> Self {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let weight = vs.root().sub("table").add("weight", like(weight), true);
        Self { vs, weight }
    }

    fn small() -> Self {
        Self::new(&values(&[ROWS, 3], 1))
    }

    fn tune(&self, policy: &str) -> Result<Tuner, Error> {
        Tuner::builder(&parse(policy)).attach(&self.vs)
    }

    fn rows(&self, rows: Range<i64>) -> Tensor {
        self.weight.detach().narrow(0, rows.start, rows.end - rows.start)
    }

    fn gradient(&self, rows: Range<i64>) -> Tensor {
        self.weight.grad().narrow(0, rows.start, rows.end - rows.start)
    }
}

/// A copy that lies in memory as the tensor does.
fn like(tensor: &Tensor) -> Tensor {
    let mut copy = tensor.empty_like();
    copy.copy_(tensor);
    copy
}

/// A loss in which every number of a table has a part of its own.
fn loss(table: &Tensor, batch: i64) -> Tensor {
    let scale = values(&table.size(), 100 + batch).to_kind(table.kind()) + 0.5;
    (table * scale).sin().sum(None)
}

/// Tables in every memory layout that libtorch has.
fn layouts() -> Vec<(&'static str, Tensor)> {
    vec![
        ("contiguous", values(&[ROWS, 3], 1)),
        ("one dimension", values(&[ROWS], 1)),
        ("transposed", values(&[3, ROWS], 1).transpose(0, 1)),
        ("channels last", values(&[ROWS, 2, 2, 3], 1).permute([0, 3, 1, 2])),
        ("columns of a wider one", values(&[2 * ROWS, 6], 1).narrow(1, 1, 3).narrow(0, 0, ROWS)),
        ("every other row", values(&[2 * ROWS, 3], 1).slice(0, 0, 2 * ROWS, 2)),
    ]
}

/// Trains a table by a policy that names its rows, and beside it the same rows as parameters of
/// their own, `part0` and so on, by a policy that names these.
fn assert_as_tensors_of_their_own(
    weight: &Tensor,
    parts: &[Range<i64>],
    ours: &str,
    theirs: &str,
) -> Outcome {
    let table = Table::new(weight);
    let mut tuner = table.tune(ours)?;
    let vs = VarStore::new(Device::Cpu);
    let tensors: Vec<Tensor> = parts
        .iter()
        .zip(0..)
        .map(|(rows, i)| vs.root().add(&format!("part{i}"), like(&table.rows(rows.clone())), true))
        .collect();
    let mut by_hand = Tuner::builder(&parse(theirs)).attach(&vs)?;
    for epoch in 0..4 {
        tuner.start_epoch()?;
        by_hand.start_epoch()?;
        let before: Vec<Vec<u8>> =
            parts.iter().map(|rows| bits(&table.rows(rows.clone()))).collect();
        for batch in 4 * epoch..4 * epoch + 4 {
            tuner.backward_step(&loss(&table.weight, batch))?;
            by_hand.backward_step(&loss(&Tensor::cat(&tensors, 0), batch))?;
        }
        let trained = by_hand.trainable_names();
        for ((i, rows), (before, expected)) in (0..).zip(parts).zip(before.iter().zip(&tensors)) {
            let trains = trained.contains(&format!("part{i}"));
            let (is, expected) = (table.rows(rows.clone()), expected.detach());
            assert_eq!(*before != bits(&is), trains, "rows {rows:?}, epoch {epoch}");
            let off = (&is - &expected).abs().max().double_value(&[]);
            let rounding = if weight.kind() == Kind::Double { 1e-13 } else { 1e-5 };
            assert!(off < rounding, "rows {rows:?} are off by {off:e} in epoch {epoch}");
        }
        assert_eq!(tuner.param_groups().len(), by_hand.param_groups().len());
        assert_eq!(tuner.optimizer_bytes(), by_hand.optimizer_bytes());
    }
    Ok(())
}

#[test]
fn rows_train_as_tensors_of_their_own_would_and_the_rest_keeps_its_bits() -> Outcome {
    for (layout, weight) in layouts() {
        for kind in [Kind::Float, Kind::Double] {
            for optimizer in OPTIMIZERS {
                println!("{layout}, {kind:?}, {optimizer}");
                assert_as_tensors_of_their_own(
                    &like(&weight).to_kind(kind),
                    &[0..2, 2..5, 5..8],
                    &format!("default {optimizer}; start: train rows 2..5 of table.weight"),
                    &format!("default {optimizer}; start: train part1"),
                )?;
            }
        }
    }
    Ok(())
}

#[test]
fn rows_come_and_go_as_tensors_of_their_own_would() -> Outcome {
    for optimizer in OPTIMIZERS.into_iter().filter(|it| !joins_rows(it)) {
        println!("{optimizer}");
        assert_as_tensors_of_their_own(
            &values(&[ROWS, 3], 1),
            &[0..2, 2..4, 4..7, 7..8],
            &format!(
                "default {optimizer};
                 start: train rows 0..2 of table.weight, rows 2..4 of table.weight lr 2e-3;
                 epoch 1: unfreeze table, set rows 4..7 of table.weight weight_decay 0.2;
                 epoch 2: freeze rows 0..2 of table.weight keep state, freeze rows 7..8 of table;
                 epoch 3: unfreeze rows 0..2 of table.weight, reset rows 4..7 of table.weight"
            ),
            &format!(
                "default {optimizer};
                 start: train part0, part1 lr 2e-3;
                 epoch 1: unfreeze part*, set part2 weight_decay 0.2;
                 epoch 2: freeze part0 keep state, freeze part3;
                 epoch 3: unfreeze part0, reset part2"
            ),
        )?;
    }
    Ok(())
}

/// The optimizers that see a matrix, with the memory of optimizer state that they need.
const OF_MATRICES: [&str; 3] = [
    "lr 0.05 optimizer muon",
    "lr 0.05 optimizer muon(nesterov 0 match_rms)",
    "lr 0.05 weight_decay 0.1 optimizer adafactor",
];

#[test]
fn neighbouring_rows_that_train_alike_are_one_matrix() -> Outcome {
    for optimizer in OF_MATRICES {
        for (_, weight) in layouts().into_iter().filter(|(_, it)| it.dim() == 2) {
            // Later rules cut the rows, of which the last ones train apart.
            let ours = format!(
                "default {optimizer};
                 start: train rows 2..8 of table.weight, set rows 7..8 of table.weight lr 0.1;
                 epoch 9: freeze rows 3..5 of table.weight"
            );
            let table = Table::new(&weight);
            let mut tuner = table.tune(&ours)?;
            let vs = VarStore::new(Device::Cpu);
            let part = |name, rows| vs.root().add(name, like(&table.rows(rows)), true);
            let parts = [part("frozen", 0..2), part("one", 2..7), part("other", 7..8)];
            let theirs = format!("default {optimizer}; start: train one, other, set other lr 0.1");
            let mut by_hand = Tuner::builder(&parse(&theirs)).attach(&vs)?;
            tuner.start_epoch()?;
            by_hand.start_epoch()?;
            for batch in 0..8 {
                tuner.backward_step(&loss(&table.weight, batch))?;
                by_hand.backward_step(&loss(&Tensor::cat(&parts, 0), batch))?;
            }
            let all = Tensor::cat(&parts, 0).detach();
            let off = (&table.weight.detach() - all).abs().max().double_value(&[]);
            assert!(off < 1e-5, "{optimizer}: off by {off:e}");
        }
    }
    Ok(())
}

/// Slices that part and join drop nothing, and freezing them again gives the memory back.
#[test]
fn a_matrix_whose_rows_part_and_join_keeps_its_state() -> Outcome {
    for optimizer in OF_MATRICES {
        let table = Table::small();
        let mut tuner = table.tune(&format!(
            "default {optimizer};
             start: train table; epoch 1: set rows 0..3 of table.weight lr 0.01;
             epoch 2: set table lr 0.05;
             epoch 3: freeze rows 0..3 of table.weight; epoch 4: unfreeze rows 0..3 of table.weight"
        ))?;
        let mut bytes = Vec::new();
        for epoch in 0..5 {
            let transition = tuner.start_epoch()?;
            if epoch != 3 {
                assert!(transition.frozen.is_empty());
            }
            let before = [bits(&table.rows(0..3)), bits(&table.rows(3..8))];
            tuner.backward_step(&loss(&table.weight, epoch))?;
            assert_eq!(before[0] == bits(&table.rows(0..3)), epoch == 3, "{optimizer}, {epoch}");
            assert_ne!(before[1], bits(&table.rows(3..8)));
            bytes.push(tuner.optimizer_bytes());
        }
        assert!(bytes[..3].iter().all(|it| *it == bytes[0]) && bytes[3] < bytes[0]);
        assert_eq!(bytes[4], bytes[0]);
    }
    Ok(())
}

#[test]
fn rows_have_names_and_their_parameter_a_flag() -> Outcome {
    let table = Table::small();
    let mut tuner = table.tune(
        "default lr 0.1 optimizer sgd;
         start: train rows 2..4 of table.weight, set rows 3..4 of table.weight lr 0.2;
         epoch 1: unfreeze rows 4..8 of table.weight;
         epoch 2: train @all lr 0.3;
         epoch 3: freeze rows 0..7 of table, stop",
    )?;
    let names = |tuner: &Tuner| -> Vec<Vec<String>> {
        tuner.param_groups().into_iter().map(|group| group.params).collect()
    };
    tuner.start_epoch()?;
    assert_eq!(tuner.trainable_names(), ["table.weight[2..4]"]);
    assert_eq!(names(&tuner), [["table.weight[2..3]"], ["table.weight[3..4]"]]);
    tuner.start_epoch()?;
    assert_eq!(tuner.trainable_names(), ["table.weight[2..8]"]);
    assert_eq!(
        names(&tuner),
        [vec!["table.weight[2..3]", "table.weight[4..8]"], vec!["table.weight[3..4]"]]
    );
    tuner.start_epoch()?;
    assert_eq!(tuner.trainable_names(), ["table.weight"]);
    assert_eq!(names(&tuner), [["table.weight"]]);
    assert!(table.weight.requires_grad());
    tuner.start_epoch()?;
    assert_eq!(tuner.trainable_names(), ["table.weight[7..8]"]);
    Ok(())
}

#[test]
fn a_parameter_has_no_gradient_once_all_of_its_rows_are_frozen() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let first = vs.root().add("first", values(&[ROWS, 3], 1), true);
    let second = vs.root().add("second", values(&[ROWS, 3], 2), true);
    let policy = parse(
        "default lr 0.1 optimizer adam; start: train @all; epoch 1: freeze rows 0..3 of first;
         epoch 2: freeze rows 3..8 of first; epoch 3: unfreeze rows 1..3 of first",
    );
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    for trains in [true, true, false, true] {
        tuner.start_epoch()?;
        assert_eq!(first.requires_grad(), trains);
        tuner.zero_grad()?;
        (loss(&first, 0) + loss(&second, 0)).backward();
        assert_eq!(first.grad().defined(), trains);
        tuner.step()?;
    }
    let numbers = [2 * 3, ROWS * 3].map(|count| usize::try_from(2 * count + 1).unwrap());
    assert_eq!(tuner.optimizer_bytes(), 4 * numbers.iter().sum::<usize>());
    Ok(())
}

#[test]
fn what_rows_had_gathered_is_gone_when_they_freeze_and_when_they_unfreeze() -> Outcome {
    let table = Table::small();
    let mut tuner = table.tune(
        "default lr 0.1 optimizer sgd; start: train rows 0..5 of table.weight;
         epoch 1: freeze rows 2..5 of table.weight;
         epoch 2: unfreeze rows 3..6 of table.weight;
         epoch 3: freeze rows 0..2 of table.weight; epoch 3: unfreeze rows 0..2 of table.weight",
    )?;
    tuner.start_epoch()?;
    loss(&table.weight, 0).backward();
    let gathered = bits(&table.gradient(0..2));
    tuner.start_epoch()?;
    assert_eq!(bits(&table.gradient(0..2)), gathered);
    assert_eq!(table.gradient(2..5).abs().max().double_value(&[]), 0.0);
    // Libtorch has no gradients for single rows, so frozen rows accumulate one that moves nothing.
    loss(&table.weight, 1).backward();
    assert!(table.gradient(3..6).abs().min().double_value(&[]) > 0.0);
    tuner.start_epoch()?;
    assert_eq!(table.gradient(3..6).abs().max().double_value(&[]), 0.0);
    let before = [bits(&table.rows(0..2)), bits(&table.rows(2..8))];
    tuner.step()?;
    assert_ne!(bits(&table.rows(0..2)), before[0]);
    assert_eq!(bits(&table.rows(2..8)), before[1]);
    // Frozen and unfrozen at one look: gone all the same.
    loss(&table.weight, 2).backward();
    let gathered = bits(&table.gradient(3..6));
    tuner.start_epoch()?;
    assert_eq!(table.gradient(0..2).abs().max().double_value(&[]), 0.0);
    assert_eq!(bits(&table.gradient(3..6)), gathered);
    Ok(())
}

#[test]
fn gradients_are_clipped_over_the_rows_that_train() -> Outcome {
    for (layout, weight) in layouts() {
        println!("{layout}");
        let table = Table::new(&weight);
        let mut tuner = table.tune(
            "default lr 0.1 optimizer sgd;
             start: train rows 1..3 of table.weight, rows 3..5 of table.weight lr 0.2",
        )?;
        tuner.start_epoch()?;
        (loss(&table.weight, 0) * 50.0).backward();
        let frozen = || [table.gradient(0..1), table.gradient(5..8)].map(|rows| bits(&rows));
        let (rest, norm) = (frozen(), table.gradient(1..5).norm().double_value(&[]));
        assert!((tuner.clip_grad_norm(1.0)?.value()? - norm).abs() < 1e-5 * norm);
        assert!((table.gradient(1..5).norm().double_value(&[]) - 1.0).abs() < 1e-5);
        let bound = table.gradient(1..5).abs().max().double_value(&[]) / 2.0;
        let expected = table.gradient(1..5).clamp(-bound, bound);
        tuner.clip_grad_value(bound)?;
        assert_eq!(table.gradient(1..5), expected);
        assert_eq!(frozen(), rest);
    }
    Ok(())
}

#[test]
fn rows_of_half_precision_keep_their_bits() -> Outcome {
    for kind in [Kind::BFloat16, Kind::Half] {
        for optimizer in OPTIMIZERS {
            println!("{kind:?}, {optimizer}");
            let table = Table::new(&values(&[ROWS, 3], 1).to_kind(kind));
            let policy = format!("default {optimizer}; start: train rows 2..5 of table.weight");
            let mut tuner = table.tune(&policy)?;
            tuner.start_epoch()?;
            let before = [0..2, 2..5, 5..8].map(|rows| bits(&table.rows(rows)));
            for batch in 0..5 {
                tuner.backward_step(&loss(&table.weight, batch))?;
            }
            let after = [0..2, 2..5, 5..8].map(|rows| bits(&table.rows(rows)));
            assert_eq!([0, 1, 2].map(|i| before[i] == after[i]), [true, false, true]);
        }
    }
    Ok(())
}

/// An embedding whose gradient is sparse.
fn embedding(sparse: bool) -> (VarStore, nn::Embedding) {
    let vs = VarStore::new(Device::Cpu);
    let config = nn::EmbeddingConfig { sparse, ..nn::EmbeddingConfig::default() };
    let embedding = nn::embedding(vs.root() / "table", ROWS, 3, config);
    for mut weight in vs.trainable_variables() {
        tch::no_grad(|| weight.copy_(&values(&[ROWS, 3], 1)));
    }
    (vs, embedding)
}

fn looked_up(embedding: &nn::Embedding, batch: i64) -> Tensor {
    let tokens = Tensor::from_slice(&[1i64, 2, 2, 4, 6, (batch % 3) + 3]);
    let rows = nn::Module::forward(embedding, &tokens);
    loss(&rows, batch)
}

#[test]
fn rows_of_an_embedding_with_sparse_gradients_train() -> Outcome {
    for optimizer in [
        "sgd",
        "sgd(momentum 0.9)",
        "sgd(momentum 0.9 nesterov)",
        "sgd weight_decay 0.1",
        "adagrad(initial 0.1 lr_decay 0.01)",
    ] {
        let policy = parse(&format!(
            "default lr 0.05 optimizer {optimizer};
             start: train rows 1..3 of table.weight, rows 3..5 of table lr 0.1;
             epoch 1: freeze rows 1..3 of table; epoch 2: unfreeze rows 5..8 of table"
        ));
        let runs = [false, true].map(|sparse| -> Result<Tensor, Error> {
            let (vs, embedding) = embedding(sparse);
            let weight = vs.variables().remove("table.weight").unwrap();
            let mut tuner = Tuner::builder(&policy).attach(&vs)?;
            tuner.start_epoch()?;
            let frozen = [0..1, 5..8];
            let bits = || {
                frozen.clone().map(|rows: Range<i64>| {
                    bits(&weight.detach().narrow(0, rows.start, rows.end - rows.start))
                })
            };
            let before = bits();
            for batch in 0..4 {
                tuner.backward_step(&looked_up(&embedding, batch))?;
                assert_eq!(weight.grad().is_sparse(), sparse);
            }
            // Gathered over a transition.
            tuner.zero_grad()?;
            looked_up(&embedding, 5).backward();
            tuner.start_epoch()?;
            looked_up(&embedding, 6).backward();
            tuner.step()?;
            assert_eq!(bits(), before);
            looked_up(&embedding, 7).backward();
            tuner.start_epoch()?;
            tuner.step()?;
            Ok(weight.detach())
        });
        let [dense, sparse] = runs.map(|run| run.map(|weight| like(&weight)));
        let off = (dense? - sparse?).abs().max().double_value(&[]);
        assert!(off < 1e-6, "{optimizer}: off by {off:e}");
    }
    Ok(())
}

#[test]
fn other_optimizers_say_that_they_take_no_sparse_gradients_and_so_does_clipping() -> Outcome {
    for optimizer in [
        "adam",
        "adamw",
        "rmsprop",
        "adagrad weight_decay 0.1",
        "adamax",
        "nadam",
        "radam",
        "adafactor",
        "muon",
        "lion",
    ] {
        let (vs, embedding) = embedding(true);
        let policy = parse(&format!(
            "default lr 0.05 optimizer {optimizer}; start: train rows 1..3 of table.weight"
        ));
        let mut tuner = Tuner::builder(&policy).attach(&vs)?;
        tuner.start_epoch()?;
        let before = bits(&vs.variables()["table.weight"]);
        let error = tuner.backward_step(&looked_up(&embedding, 0)).unwrap_err().to_string();
        assert!(error.contains("does not take sparse gradients"), "{error}");
        for error in [tuner.clip_grad_norm(1.0).err(), tuner.clip_grad_value(1.0).err()] {
            let error = error.unwrap().to_string();
            assert!(error.contains("sparse"), "{error}");
        }
        assert_eq!(bits(&vs.variables()["table.weight"]), before);
    }
    Ok(())
}

#[test]
fn rows_of_a_tied_weight_count_once() -> Outcome {
    let vs = VarStore::new(Device::Cpu);
    let weight = vs.root().sub("encode").add("weight", values(&[ROWS, 3], 1), true);
    let _ = vs.root().sub("decode").add("weight", weight.shallow_clone(), true);
    let policy = parse(
        "default lr 0.5 optimizer sgd;
         start: train rows 1..3 of encode.weight, rows 1..3 of decode.weight",
    );
    let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    tuner.start_epoch()?;
    assert_eq!(tuner.trainable_names(), ["decode.weight[1..3]"]);
    let before = weight.detach().copy();
    tuner.backward_step(&(&weight * 3.0).sum(None))?;
    let moved = before - weight.detach();
    assert!((moved.narrow(0, 1, 2) - 1.5).abs().max().double_value(&[]) < 1e-6);
    assert_eq!(
        moved.abs().sum(None).double_value(&[]),
        moved.narrow(0, 1, 2).sum(None).double_value(&[])
    );
    let policy = parse("default lr 0.5 optimizer sgd; start: train rows 1..3 of encode.weight");
    let refused = Tuner::builder(&policy).attach(&vs).err().map(|error| error.to_string());
    assert!(refused.is_some_and(|error| error.contains("FRZ0206")));
    Ok(())
}

#[test]
fn rows_that_share_memory_are_refused() {
    let vs = VarStore::new(Device::Cpu);
    let one = values(&[1, 3], 1).expand([ROWS, 3], false);
    let _ = vs.root().sub("table").add("weight", one, true);
    let policy = parse("default lr 0.5 optimizer sgd; start: train rows 1..3 of table.weight");
    let Err(Error::Ownership(message)) = Tuner::builder(&policy).attach(&vs) else {
        panic!("not refused");
    };
    assert!(message.starts_with("elements of `table.weight` share memory"), "{message}");
}

#[test]
fn rows_are_found_where_the_program_moves_their_parameter() -> Outcome {
    let mut table = Table::small();
    let mut tuner =
        table.tune("default lr 0.1 optimizer sgd; start: train rows 1..3 of table.weight")?;
    tuner.start_epoch()?;
    table.vs.double();
    assert_eq!(table.weight.kind(), Kind::Double);
    let before = [0..1, 1..3, 3..8].map(|rows| bits(&table.rows(rows)));
    tuner.backward_step(&loss(&table.weight, 0))?;
    let after = [0..1, 1..3, 3..8].map(|rows| bits(&table.rows(rows)));
    assert_eq!([0, 1, 2].map(|i| before[i] == after[i]), [true, false, true]);
    Ok(())
}
