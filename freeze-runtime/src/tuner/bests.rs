//! The weights at the best moments of metrics, for rules that restore them.

use freeze_dsl::ast::Best;
use freeze_dsl::clock::{Change, Clock, Observed};
use tch::{Device, TchError, Tensor};

use super::parts::Parts;
use crate::Error;
use crate::model::Bound;
use crate::optim::real;

type Result<T, E = TchError> = std::result::Result<T, E>;

/// What it takes to bring a model back, for each metric whose best moment some rule restores.
///
/// Of what a model consists of, its parts and its running statistics, each is either copied for a
/// best moment or has the value now that it had then. So what is frozen needs no copy: it is made
/// before anything can change it, when it is unfrozen or another moment is restored.
pub(super) struct Bests {
    statistics: Vec<Statistic>,
    kept: Vec<Kept>,
    device: Option<Device>,
}

struct Statistic {
    /// As an index of the model's normalisations.
    module: usize,
    tensor: Tensor,
}

/// A metric's best moment.
struct Kept {
    metric: String,
    best: Best,
    /// A place for each part and each statistic; `None` as long as the metric was not observed.
    copies: Option<Vec<Option<Tensor>>>,
}

impl Bests {
    /// Copies will lie on `device`, or else where their originals do.
    pub(super) fn new(clock: &Clock, bound: &Bound, device: Option<Device>) -> Self {
        let modules = bound.model.normalisations().iter().enumerate();
        let statistics = modules.flat_map(|(module, known)| {
            let tensors = known.buffers.iter().filter_map(|index| bound.tensors.get(*index));
            tensors.map(move |tensor| Statistic { module, tensor: tensor.shallow_clone() })
        });
        let kept = clock.plan().restores().into_iter();
        Self {
            statistics: statistics.collect(),
            kept: kept.map(|(metric, best)| Kept { metric, best, copies: None }).collect(),
            device,
        }
    }

    /// The metrics, and the copies at their best moments: a place for each part and each
    /// statistic.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&str, Best, Option<&[Option<Tensor>]>)> {
        self.kept.iter().map(|kept| (kept.metric.as_str(), kept.best, kept.copies.as_deref()))
    }

    /// What stands in such a place now.
    pub(super) fn original(&self, unit: usize, parts: &Parts) -> Result<Option<Tensor>> {
        All { statistics: &self.statistics, parts, device: self.device }.tensor(unit)
    }

    /// The same metrics with other copies, which are moved to where copies lie: in the order of
    /// [`Bests::kept`], and with the same places.
    pub(super) fn resumed(
        &self,
        copies: Vec<Option<Vec<Option<Tensor>>>>,
        parts: &Parts,
    ) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let all = All { statistics: &self.statistics, parts, device: self.device };
        let mut kept = Vec::with_capacity(self.kept.len());
        for (Kept { metric, best, .. }, mut copies) in self.kept.iter().zip(copies) {
            for (unit, copy) in copies.iter_mut().flatten().enumerate() {
                if let Some(copy) = copy
                    && let Some(tensor) = all.tensor(unit)?
                {
                    let place = self.device.unwrap_or_else(|| tensor.device());
                    let like = tensor.f_empty_like()?.f_to_device(place)?;
                    real(&like)?.f_copy_(copy)?;
                    *copy = like;
                }
            }
            kept.push(Kept { metric: metric.clone(), best: *best, copies });
        }
        let statistic = |statistic: &Statistic| Statistic {
            module: statistic.module,
            tensor: statistic.tensor.shallow_clone(),
        };
        let statistics = self.statistics.iter().map(statistic).collect();
        Ok(Self { statistics, kept, device: self.device })
    }

    /// Keeps the model as it is, where a metric was never better.
    pub(super) fn keep(
        &mut self,
        metric: &str,
        observed: Observed,
        parts: &Parts,
        clock: &Clock,
    ) -> Result<()> {
        let all = All { statistics: &self.statistics, parts, device: self.device };
        for kept in self.kept.iter_mut().filter(|kept| kept.metric == metric) {
            let is_best = match kept.best {
                Best::Lowest => observed.is_lowest,
                Best::Highest => observed.is_highest,
            };
            if is_best {
                // Should copying fail, no moment is kept rather than a mixture of two.
                let earlier = kept.copies.take().unwrap_or_default();
                kept.copies = Some(all.moment(earlier, clock)?);
            }
        }
        Ok(())
    }

    /// Copies what moves from now on and did not until now.
    pub(super) fn extend(&mut self, parts: &Parts, clock: &Clock) -> Result<()> {
        let all = All { statistics: &self.statistics, parts, device: self.device };
        let mut outcome = Ok(());
        for kept in &mut self.kept {
            if let Some(copies) = &mut kept.copies
                && let Err(error) = all.complete(copies, |unit| all.moves(unit, clock))
            {
                kept.copies = None;
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Puts the model back to where a change says; gives whether it did.
    pub(super) fn restore(
        &mut self,
        change: &Change,
        parts: &Parts,
        clock: &Clock,
    ) -> Result<bool, Error> {
        let all = All { statistics: &self.statistics, parts, device: self.device };
        let mut restored = false;
        for restore in change.restored.iter().filter(|restore| restore.observed.is_some()) {
            let is_meant = |kept: &Kept| kept.metric == restore.metric && kept.best == restore.best;
            let Some(place) = self.kept.iter().position(is_meant) else { continue };
            let (before, rest) = self.kept.split_at_mut(place);
            let Some((meant, after)) = rest.split_first_mut() else { continue };
            let Some(copies) = &mut meant.copies else {
                return Err(Error::NotKept(restore.metric.clone()));
            };
            let others = before.iter_mut().chain(after);
            for other in others.filter_map(|other| other.copies.as_mut()) {
                all.complete(other, |unit| matches!(copies.get(unit), Some(Some(_))))?;
            }
            all.write(copies)?;
            for (unit, copy) in copies.iter_mut().enumerate() {
                copy.take_if(|_| !all.moves(unit, clock));
            }
            restored = true;
        }
        Ok(restored)
    }
}

/// Everything that is restored: the parts, then the statistics.
struct All<'a> {
    parts: &'a Parts,
    statistics: &'a [Statistic],
    device: Option<Device>,
}

impl All<'_> {
    fn count(&self) -> usize {
        self.parts.count() + self.statistics.len()
    }

    fn statistic(&self, unit: usize) -> Option<&Statistic> {
        self.statistics.get(unit.checked_sub(self.parts.count())?)
    }

    fn tensor(&self, unit: usize) -> Result<Option<Tensor>> {
        match self.statistic(unit) {
            Some(statistic) => Ok(Some(statistic.tensor.shallow_clone())),
            None => self.parts.values(unit),
        }
    }

    /// Whether training moves it as it stands.
    fn moves(&self, unit: usize, clock: &Clock) -> bool {
        match self.statistic(unit) {
            Some(statistic) => clock.is_live(statistic.module),
            None => clock.trains(unit),
        }
    }

    /// The copies for this moment, where there is memory of an earlier one in this.
    fn moment(
        &self,
        mut copies: Vec<Option<Tensor>>,
        clock: &Clock,
    ) -> Result<Vec<Option<Tensor>>> {
        let _no_grad = tch::no_grad_guard();
        copies.resize_with(self.count(), || None);
        for (unit, copy) in copies.iter_mut().enumerate() {
            copy.take_if(|_| !self.moves(unit, clock));
            if let (Some(copy), Some(tensor)) = (copy, self.tensor(unit)?) {
                copy.f_copy_(&tensor)?;
            }
        }
        self.complete(&mut copies, |unit| self.moves(unit, clock))?;
        Ok(copies)
    }

    /// Copies what is wanted and not copied yet.
    fn complete(
        &self,
        copies: &mut [Option<Tensor>],
        is_wanted: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        for (unit, copy) in copies.iter_mut().enumerate() {
            if copy.is_none()
                && is_wanted(unit)
                && let Some(tensor) = self.tensor(unit)?
            {
                let device = self.device.unwrap_or_else(|| tensor.device());
                *copy = Some(tensor.f_to_device_(device, tensor.kind(), false, true)?);
            }
        }
        Ok(())
    }

    fn write(&self, copies: &[Option<Tensor>]) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        for (unit, copy) in copies.iter().enumerate() {
            if let Some(copy) = copy
                && let Some(mut tensor) = self.tensor(unit)?
            {
                tensor.f_copy_(copy)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tch::{Cuda, Device, Kind, Tensor, nn};

    use crate::{Error, Policy, Tuner};

    /// A store of `a`, `b` and `c`, of 100, 10 and 4 rows of one number, and its tuner.
    fn tuner(device: Device, copies_on: Option<Device>) -> (Tuner, [Tensor; 3]) {
        let store = nn::VarStore::new(device);
        let tensors = [("a", 100), ("b", 10), ("c", 4)].map(|(name, rows)| {
            store.root().add(name, Tensor::ones([rows], (Kind::Float, device)), true)
        });
        let policy = Policy::parse(
            "default lr 0.1 optimizer sgd;
             start: train b;
             epoch 1: train rows 1..3 of c;
             epoch 2: unfreeze a;
             epoch 3: restore lowest loss, freeze a;
             epoch 4: restore highest loss",
        );
        let policy = policy.unwrap();
        let builder = Tuner::builder(&policy);
        let builder = match copies_on {
            Some(device) => builder.copies_on(device),
            None => builder,
        };
        (builder.attach(&store).unwrap(), tensors)
    }

    fn step(tuner: &mut Tuner, tensors: &[Tensor]) {
        let loss = tensors.iter().map(|tensor| tensor.square().sum(None)).sum::<Tensor>();
        tuner.backward_step(&loss).unwrap();
    }

    /// How many numbers are copied for the highest and for the lowest loss.
    fn copied(tuner: &Tuner) -> [usize; 2] {
        let mut kept: Vec<_> = tuner.bests.kept.iter().collect();
        kept.sort_by_key(|kept| kept.best == freeze_dsl::ast::Best::Lowest);
        let count =
            |place: usize| kept[place].copies.iter().flatten().flatten().map(Tensor::numel).sum();
        [count(0), count(1)]
    }

    #[test]
    fn what_stays_frozen_is_not_copied() {
        let (mut tuner, tensors) = tuner(Device::Cpu, None);
        tuner.start_epoch().unwrap();
        assert_eq!(copied(&tuner), [0, 0]);
        tuner.observe("loss", 2.0).unwrap();
        assert_eq!(copied(&tuner), [10, 10]);
        step(&mut tuner, &tensors);
        // `b` is not as it was at the best moments, and two rows of `c` begin to move.
        tuner.start_epoch().unwrap();
        assert_eq!(copied(&tuner), [12, 12]);
        tuner.observe("loss", 1.0).unwrap();
        assert_eq!(copied(&tuner), [12, 2]);
        tuner.start_epoch().unwrap();
        assert_eq!(copied(&tuner), [112, 102]);
        step(&mut tuner, &tensors);
        // What is restored and frozen has the value of the lowest loss again.
        tuner.start_epoch().unwrap();
        assert_eq!(copied(&tuner), [112, 2]);
        // Restoring the highest loss moves `b`, which the lowest has not copied.
        tuner.start_epoch().unwrap();
        assert_eq!(copied(&tuner), [2, 112]);
    }

    #[test]
    fn a_moment_that_could_not_be_copied_is_an_error_and_the_rule_is_in_force() {
        let (mut tuner, tensors) = tuner(Device::Cpu, None);
        tuner.start_epoch().unwrap();
        tuner.observe("loss", 2.0).unwrap();
        for _ in 0..2 {
            step(&mut tuner, &tensors);
            tuner.start_epoch().unwrap();
        }
        tuner.bests.kept.iter_mut().for_each(|kept| kept.copies = None);
        let before = tensors.each_ref().map(Tensor::copy);
        assert!(matches!(tuner.start_epoch(), Err(Error::NotKept(metric)) if metric == "loss"));
        assert_eq!(tensors, before);
        assert_eq!(tensors.each_ref().map(Tensor::requires_grad), [false, false, true]);
    }

    #[test]
    fn once_training_is_over_no_moment_is_kept() {
        let store = nn::VarStore::new(Device::Cpu);
        let b = store.root().add("b", Tensor::ones([3], (Kind::Float, Device::Cpu)), true);
        let policy = Policy::parse(
            "default lr 0.1 optimizer sgd; start: train b; epoch 1: restore lowest loss; step 2: stop",
        );
        let mut tuner = Tuner::builder(&policy.unwrap()).attach(&store).unwrap();
        tuner.start_epoch().unwrap();
        tuner.observe("loss", 2.0).unwrap();
        step(&mut tuner, std::slice::from_ref(&b));
        tuner.start_epoch().unwrap();
        step(&mut tuner, std::slice::from_ref(&b));
        assert!(tuner.stopped());
        let kept = |tuner: &Tuner| {
            tuner.bests.kept[0].copies.as_ref().unwrap()[0].as_ref().unwrap().copy()
        };
        assert_eq!(kept(&tuner), b.ones_like());
        let before = tuner.clock.snapshot();
        tuner.observe("loss", 1.0).unwrap();
        assert_eq!(kept(&tuner), b.ones_like());
        // What is known of the metric goes with what is kept of it.
        assert_eq!(tuner.clock.snapshot(), before);
    }

    #[test]
    fn copies_lie_where_the_program_says() {
        if !Cuda::is_available() {
            println!("skipped: no CUDA device");
            return;
        }
        let gpu = Device::Cuda(0);
        for (copies_on, expected) in [(None, gpu), (Some(Device::Cpu), Device::Cpu)] {
            let (mut tuner, tensors) = tuner(gpu, copies_on);
            tuner.start_epoch().unwrap();
            tuner.observe("loss", 2.0).unwrap();
            step(&mut tuner, &tensors);
            tuner.start_epoch().unwrap();
            for copies in tuner.bests.kept.iter().filter_map(|kept| kept.copies.as_ref()) {
                assert!(copies.iter().flatten().all(|copy| copy.device() == expected));
            }
        }
    }
}
