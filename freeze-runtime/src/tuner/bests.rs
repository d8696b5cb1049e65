//! The weights at the best moments of metrics, for rules that restore them.

use freeze_dsl::ast::Best;
use freeze_dsl::clock::{Change, Clock, Observed};
use tch::{TchError, Tensor};

use super::statistics::copy;
use crate::model::Bound;

/// Copies of a model, one for each metric whose best moment some rule restores.
pub(super) struct Bests {
    /// Everything that is restored: parameters and running statistics.
    tensors: Vec<Tensor>,
    kept: Vec<Kept>,
}

struct Kept {
    metric: String,
    best: Best,
    /// Empty until the metric is observed.
    copies: Vec<Tensor>,
}

impl Bests {
    pub(super) fn new(clock: &Clock, bound: &Bound) -> Self {
        let statistics = bound.model.normalisations().iter().flat_map(|module| &module.buffers);
        let statistics = statistics.filter_map(|index| bound.tensors.get(*index));
        let kept = clock.plan().restores().into_iter();
        Self {
            tensors: bound.parameters.iter().chain(statistics).map(Tensor::shallow_clone).collect(),
            kept: kept.map(|(metric, best)| Kept { metric, best, copies: Vec::new() }).collect(),
        }
    }

    /// Keeps the model as it is, where a metric was never better.
    pub(super) fn keep(&mut self, metric: &str, observed: Observed) -> Result<(), TchError> {
        for kept in self.kept.iter_mut().filter(|kept| kept.metric == metric) {
            let is_best = match kept.best {
                Best::Lowest => observed.is_lowest,
                Best::Highest => observed.is_highest,
            };
            if !is_best {
                continue;
            }
            if kept.copies.is_empty() {
                kept.copies =
                    tch::no_grad(|| self.tensors.iter().map(copy).collect::<Result<_, _>>())?;
            } else {
                write(&self.tensors, &mut kept.copies)?;
            }
        }
        Ok(())
    }

    /// Puts the model back to where a change says; gives whether it did.
    pub(super) fn restore(&mut self, change: &Change) -> Result<bool, TchError> {
        let mut restored = false;
        for restore in change.restored.iter().filter(|restore| restore.observed.is_some()) {
            let kept = self
                .kept
                .iter()
                .find(|kept| kept.metric == restore.metric && kept.best == restore.best);
            if let Some(kept) = kept.filter(|kept| !kept.copies.is_empty()) {
                write(&kept.copies, &mut self.tensors)?;
                restored = true;
            }
        }
        Ok(restored)
    }
}

fn write(from: &[Tensor], to: &mut [Tensor]) -> Result<(), TchError> {
    tch::no_grad(|| from.iter().zip(to).try_for_each(|(from, to)| to.f_copy_(from)))
}
