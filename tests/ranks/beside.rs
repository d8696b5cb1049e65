//! Training with a group beside the same training in one process, on the batches of all ranks.

use freeze_runtime::{Error, Group, Tuner};
use freeze_tests::{Bits, Net, parse};
use tch::{Kind, Tensor};

/// How far a variable may be from that of one process, where there are several: the norm of the difference, as
/// a part of its norm.
const OFF: f64 = 1e-6;

/// The loss of a network for a batch of a rank.
pub(crate) type Loss = fn(net: &Net, batch: i64, rank: usize) -> Tensor;

/// A network that trains: as one rank of a group, or alone on the batches of all ranks.
pub(crate) struct Side {
    pub(crate) net: Net,
    pub(crate) tuner: Tuner,
    loss: Loss,
    ranks: Vec<usize>,
    /// Whether there are other processes with which it averages gradients.
    pub(crate) averages: bool,
}

impl Side {
    /// The loss of the next batch. Batches of different ranks and numbers are different.
    pub(crate) fn loss(&self, batch: i64) -> Tensor {
        let losses: Vec<Tensor> =
            self.ranks.iter().map(|rank| (self.loss)(&self.net, batch, *rank)).collect();
        Tensor::stack(&losses, 0).mean(None)
    }
}

/// The loss of a network on a batch of its own for each rank.
pub(crate) fn own_batch(net: &Net, batch: i64, rank: usize) -> Tensor {
    net.loss(batch * 16 + i64::try_from(rank).unwrap())
}

/// What trains: a policy, a network, and its loss.
pub(crate) struct Task {
    pub(crate) policy: &'static str,
    pub(crate) net: fn() -> Net,
    pub(crate) loss: Loss,
}

impl Task {
    /// Trains in both ways, and returns the fingerprints of the rank's variables after each of `steps`
    /// steps. Panics where the ways differ.
    pub(crate) fn compare(
        &self,
        group: &Group,
        steps: i64,
        step: impl Fn(&mut Side, i64) -> Result<(), Error>,
    ) -> Result<String, Error> {
        let policy = parse(self.policy);
        let (with, alone) = ((self.net)(), (self.net)());
        let tuner = Tuner::builder(&policy).group(group).attach(&with.vs)?;
        let loss = self.loss;
        let (ranks, averages) = (vec![group.rank()], group.size() > 1);
        let mut with = Side { net: with, tuner, loss, ranks, averages };
        let tuner = Tuner::builder(&policy).attach(&alone.vs)?;
        let ranks = (0..group.size()).collect();
        let mut alone = Side { net: alone, tuner, loss, ranks, averages: false };
        let off = if group.size() == 1 { 0.0 } else { OFF };
        let mut prints = Vec::new();
        for number in 0..steps {
            for side in [&mut with, &mut alone] {
                if number % 4 == 0 {
                    side.tuner.start_epoch()?;
                }
                step(side, number)?;
            }
            assert_close(&with.net, &alone.net, off, number);
            assert_eq!(with.tuner.trainable_names(), alone.tuner.trainable_names());
            prints.push(Bits::of(&with.net.vs).fingerprint());
        }
        Ok(format!("{prints:?}"))
    }
}

fn assert_close(with: &Net, alone: &Net, most: f64, step: i64) {
    for (name, one) in with.vs.variables() {
        let other = alone.variable(&name).detach().to_kind(Kind::Double);
        let off = (one.detach().to_kind(Kind::Double) - &other).norm() / (other.norm() + 1e-30);
        let off = off.double_value(&[]);
        assert!(off <= most, "{name} after step {step}: off by {off:.1e}");
    }
}

/// Asserts that all ranks have returned the same text, which is not empty.
pub(crate) fn assert_same(ended: &[crate::processes::Ended]) {
    let first = ended[0].text();
    assert!(!first.is_empty());
    for (rank, ended) in ended.iter().enumerate() {
        assert_eq!(ended.text(), first, "rank {rank}");
    }
}
