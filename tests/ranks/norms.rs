//! Batch norms over ranks have the numbers of one process on the whole batch.

use freeze_runtime::nn::{BatchNorm, batch_norm1d, batch_norm2d};
use freeze_runtime::{Error, Group, Tuner};
use freeze_tests::networks::values;
use freeze_tests::{Bits, parse};
use tch::nn::{self, BatchNormConfig, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

use crate::beside::assert_same;
use crate::processes::{Outcome, Scene, argument, join, scene};

pub(crate) const SCENES: &[Scene] =
    &[("norms", norms), ("frozen norms", frozen_norms), ("a pass more", a_pass_more)];

/// The samples of a batch.
const BATCH: i64 = 9;

/// A convolution and a linear layer, each with a norm.
struct Normed {
    vs: VarStore,
    layers: nn::SequentialT,
}

impl Normed {
    /// With norms over the ranks of a group, or without a group.
    fn new(group: Option<&Group>) -> Result<Self, Error> {
        tch::set_num_threads(1);
        let vs = VarStore::new(Device::Cpu);
        let root = vs.root();
        let over = |norm: BatchNorm| match group {
            Some(group) => norm.over(group),
            None => Ok(norm),
        };
        let config = BatchNormConfig { momentum: 0.3, eps: 1e-3, ..BatchNormConfig::default() };
        let plain = BatchNormConfig { affine: false, ..config };
        let layers = nn::seq_t()
            .add(nn::conv2d(&root / "a" / "conv", 2, 3, 3, nn::ConvConfig::default()))
            .add(over(batch_norm2d(&root / "a" / "bn", 3, config))?)
            .add_fn(|xs| xs.tanh().flatten(1, -1))
            .add(nn::linear(&root / "b" / "fc", 27, 4, nn::LinearConfig::default()))
            .add(over(batch_norm1d(&root / "b" / "bn", 4, config))?)
            .add_fn(Tensor::tanh)
            .add(over(batch_norm1d(&root / "b" / "plain", 4, plain))?)
            .add(nn::linear(&root / "c", 4, 2, nn::LinearConfig::default()));
        for (name, mut tensor) in vs.variables() {
            if tensor.requires_grad() {
                let seed = name.bytes().map(i64::from).sum();
                tch::no_grad(|| tensor.copy_(&(values(&tensor.size(), seed) - 0.3)));
            }
        }
        Ok(Self { vs, layers })
    }

    /// The part of a batch's loss that these samples have.
    fn loss(&self, batch: i64, samples: std::ops::Range<i64>) -> Tensor {
        let kind = self.vs.variables()["c.weight"].kind();
        let of =
            |all: Tensor| all.narrow(0, samples.start, samples.end - samples.start).to_kind(kind);
        let pixels = of(values(&[BATCH, 2, 5, 5], batch));
        let off = self.layers.forward_t(&pixels, true) - of(values(&[BATCH, 2], 1000 + batch));
        off.square().sum(kind) / (2 * BATCH)
    }
}

/// The samples of a rank: other numbers for each.
fn own(group: &Group) -> std::ops::Range<i64> {
    match (group.size(), group.rank()) {
        (2, 0) => 0..2,
        (2, _) => 2..BATCH,
        (_, 0) => 0..4,
        (_, 1) => 4..5,
        _ => 5..BATCH,
    }
}

fn norms() -> Outcome {
    let group = join()?;
    let policy = parse(
        "default lr 0.1 optimizer sgd(momentum 0.9);
         start: train @all;
         step 3: freeze a;
         step 6: unfreeze a",
    );
    let mut prints = Vec::new();
    // In single precision, nine steps through three norms carry the rounding of sums in another order.
    for (is_plain, kind, most) in [(false, Kind::Double, 1e-12), (true, Kind::Float, 1e-4)] {
        let (mut with, mut alone) = (Normed::new(Some(&group))?, Normed::new(None)?);
        with.vs.set_kind(kind);
        alone.vs.set_kind(kind);
        let mut tuner = Tuner::builder(&policy).group(&group).attach(&with.vs)?;
        let mut one = Tuner::builder(&policy).attach(&alone.vs)?;
        tuner.start_epoch()?;
        one.start_epoch()?;
        for step in 0..9 {
            let size = f64::from(u32::try_from(group.size())?);
            let loss = with.loss(step, own(&group)) * size;
            if is_plain {
                tuner.zero_grad()?;
                loss.backward();
                tuner.step()?;
            } else {
                tuner.backward_step(&loss)?;
            }
            one.backward_step(&alone.loss(step, 0..BATCH))?;
            let expected = alone.vs.variables();
            for (name, ours) in with.vs.variables() {
                let (ours, theirs) = (ours.detach(), expected[&name].detach());
                let off = ((ours - &theirs).norm() / (theirs.norm() + 1e-6)).double_value(&[]);
                assert!(off < most, "{name} after step {step}: off by {off:.1e}");
            }
            prints.push(Bits::of(&with.vs).fingerprint());
        }
    }
    Ok(format!("{prints:?}"))
}

#[test]
fn norms_over_ranks_are_those_of_the_whole_batch() {
    for size in [2, 3] {
        assert_same(&scene("norms", size).run());
    }
}

/// Nothing is sent for norms that are frozen: rank 0 alone makes a pass in training.
fn frozen_norms() -> Outcome {
    let group = join()?;
    let net = Normed::new(Some(&group))?;
    let policy = parse("default lr 0.1 optimizer sgd; start: train c");
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    let before = Bits::of(&net.vs);
    if group.is_first() {
        let _loss = net.loss(0, 0..3);
    }
    let moved = before.moved(&Bits::of(&net.vs)).join(" ");
    group.barrier()?;
    Ok(format!("moved: {moved}"))
}

#[test]
fn norms_that_are_frozen_send_nothing() {
    let ended = scene("frozen norms", 2).run();
    assert_same(&ended);
    assert_eq!(ended[0].text(), "moved: ");
}

/// A rank makes a pass in training more than the others.
fn a_pass_more() -> Outcome {
    let group = join()?;
    let net = Normed::new(Some(&group))?;
    let policy = parse("default lr 0.1 optimizer sgd; start: train @all");
    let mut tuner = Tuner::builder(&policy).group(&group).attach(&net.vs)?;
    tuner.start_epoch()?;
    let argument = argument();
    let (rank, step) = argument.split_once(' ').ok_or("which rank?")?;
    for number in 0..3 {
        if group.rank().to_string() == rank && number.to_string() == step {
            let _more = net.loss(9, 0..3);
        }
        // Once the group is over, a norm has the batch of its rank, and the step returns why.
        if let Err(error) = tuner.backward_step(&net.loss(number, 0..3)) {
            return Ok(error.to_string());
        }
    }
    Ok("nothing was found".to_owned())
}

#[test]
fn a_pass_more_on_one_rank_is_an_error_on_all() {
    for (rank, step) in [(1, 0), (0, 1), (1, 1)] {
        let ended = scene("a pass more", 2).with(format!("{rank} {step}")).run();
        assert_same(&ended);
        let more = format!("rank {rank}: in a batch norm over ranks, epoch 0, step {step}");
        let other = format!("rank {}: in `backward_last`, epoch 0, step {step}", 1 - rank);
        let rows = if rank == 0 { [more, other] } else { [other, more] };
        let expected =
            format!("the ranks differ in the calls that they make:\n  {}\n  {}", rows[0], rows[1]);
        assert_eq!(ended[0].text(), expected);
    }
}

#[test]
fn the_numbers_of_a_norm_of_tch_are_not_known() {
    let vs = VarStore::new(Device::Cpu);
    let norm = nn::batch_norm1d(vs.root(), 2, BatchNormConfig::default());
    let error = BatchNorm::from(norm).over(&Group::from_env().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("make it with a function of `freeze_runtime::nn`"),
        "{error}"
    );
}
