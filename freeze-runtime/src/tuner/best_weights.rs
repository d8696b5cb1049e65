//! Copies of the weights at the best values of metrics, for rules that restore them.

use freeze_dsl::ast::Best;
use freeze_dsl::clock::{self, Clock, Observed, Restore};
use freeze_dsl::model::NormalisationId;
use freeze_dsl::plan::SliceId;
use tch::{Cuda, Device, TchError, Tensor};

use super::param_views::ParamSlices;
use crate::Error;
use crate::ffi::{self, List};
use crate::optim::real;
use crate::store::BoundModel;

/// What is needed to restore a model, for each metric whose best weights a rule restores.
///
/// A model consists of units: its row slices or whole parameters, and its running statistics. Each
/// unit either has a copy from the moment of the best value, or still has the value of that moment.
/// A frozen unit is therefore copied late: when it is unfrozen, or when another moment is restored.
pub(super) struct BestWeights {
    statistics: Vec<StatUnit>,
    snapshots: Vec<BestSnapshot>,
    device: Option<Device>,
}

/// A unit of the model that is copied and restored as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitId {
    /// A row slice or a whole parameter.
    Slice(SliceId),
    /// A running statistic, by its place among all of them.
    Statistic(usize),
}

/// A running statistic.
struct StatUnit {
    module: NormalisationId,
    tensor: Tensor,
}

/// The model at the best value of a metric.
struct BestSnapshot {
    metric: String,
    best: Best,
    /// `None` until the metric is observed.
    copies: Option<UnitCopies>,
}

/// An entry for each unit, in the order of [`BestWeights::units`].
pub(super) type UnitCopies = Vec<Option<Tensor>>;

impl BestWeights {
    /// Copies are kept on `device`, or by default on the device of the original.
    pub(super) fn new(clock: &Clock, bound: &BoundModel, device: Option<Device>) -> Self {
        let modules = bound.model.normalisations().iter().enumerate();
        let statistics = modules.flat_map(|(index, known)| {
            let module = NormalisationId::new(index);
            let tensors = known.buffers.iter().filter_map(|id| bound.tensors.get(id.index()));
            tensors.map(move |tensor| StatUnit { module, tensor: tensor.shallow_clone() })
        });
        let restores = clock.plan().restores().into_iter();
        Self {
            statistics: statistics.collect(),
            snapshots: restores
                .map(|(metric, best)| BestSnapshot { metric, best, copies: None })
                .collect(),
            device,
        }
    }

    /// The metrics, and the copies at their best values: an entry for each unit.
    pub(super) fn snapshots(
        &self,
    ) -> impl Iterator<Item = (&str, Best, Option<&[Option<Tensor>]>)> {
        self.snapshots
            .iter()
            .map(|snapshot| (snapshot.metric.as_str(), snapshot.best, snapshot.copies.as_deref()))
    }

    /// Waits until the host can read all copies.
    pub(super) fn finish_copies(&self, slices: &ParamSlices) -> Result<(), TchError> {
        let units = Units { statistics: &self.statistics, slices, device: self.device };
        let has_copies = self.snapshots.iter().any(|snapshot| snapshot.copies.is_some());
        if !has_copies || self.device.is_none() {
            return Ok(());
        }
        let mut gpus: Vec<usize> = Vec::new();
        for unit in units.ids() {
            if let Some(tensor) = units.tensor(unit)?
                && let Device::Cuda(gpu) = tensor.device()
                && !gpus.contains(&gpu)
            {
                gpus.push(gpu);
            }
        }
        for gpu in gpus {
            Cuda::synchronize(i64::try_from(gpu).unwrap_or_default());
        }
        Ok(())
    }

    /// The units: the slices, then the statistics.
    pub(super) fn units(&self, slices: &ParamSlices) -> impl Iterator<Item = UnitId> + use<> {
        Units { statistics: &self.statistics, slices, device: self.device }.ids()
    }

    /// The tensor of a unit.
    pub(super) fn original(
        &self,
        unit: UnitId,
        slices: &ParamSlices,
    ) -> Result<Option<Tensor>, TchError> {
        Units { statistics: &self.statistics, slices, device: self.device }.tensor(unit)
    }

    /// The same metrics with other copies, which are moved to the device of copies. They have the
    /// order and the entries of [`BestWeights::snapshots`].
    pub(super) fn resumed(
        &self,
        copies: Vec<Option<UnitCopies>>,
        slices: &ParamSlices,
    ) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let units = Units { statistics: &self.statistics, slices, device: self.device };
        let mut snapshots = Vec::with_capacity(self.snapshots.len());
        for (BestSnapshot { metric, best, .. }, mut copies) in self.snapshots.iter().zip(copies) {
            for (unit, copy) in units.ids().zip(copies.iter_mut().flatten()) {
                if let Some(copy) = copy
                    && let Some(tensor) = units.tensor(unit)?
                {
                    let device = self.device.unwrap_or_else(|| tensor.device());
                    let mut like = tensor.f_empty_like()?.f_to_device(device)?;
                    if is_to_host(&tensor, device) {
                        like = like.f_pin_memory(tensor.device())?;
                    }
                    real(&like)?.f_copy_(copy)?;
                    *copy = like;
                }
            }
            snapshots.push(BestSnapshot { metric: metric.clone(), best: *best, copies });
        }
        let statistic = |statistic: &StatUnit| StatUnit {
            module: statistic.module,
            tensor: statistic.tensor.shallow_clone(),
        };
        let statistics = self.statistics.iter().map(statistic).collect();
        Ok(Self { statistics, snapshots, device: self.device })
    }

    /// Copies the model as it is, where a metric has its best value so far.
    pub(super) fn update(
        &mut self,
        metric: &str,
        observed: Observed,
        slices: &ParamSlices,
        clock: &Clock,
    ) -> Result<(), TchError> {
        let units = Units { statistics: &self.statistics, slices, device: self.device };
        for snapshot in self.snapshots.iter_mut().filter(|snapshot| snapshot.metric == metric) {
            let is_best = match snapshot.best {
                Best::Lowest => observed.is_lowest,
                Best::Highest => observed.is_highest,
            };
            if is_best {
                // If copying fails, there is no snapshot rather than a mixture of two.
                let earlier = snapshot.copies.take().unwrap_or_default();
                snapshot.copies = Some(units.snapshot(earlier, clock)?);
            }
        }
        Ok(())
    }

    /// Copies the units that change from now on and did not until now.
    pub(super) fn extend(&mut self, slices: &ParamSlices, clock: &Clock) -> Result<(), TchError> {
        let units = Units { statistics: &self.statistics, slices, device: self.device };
        let mut outcome = Ok(());
        for snapshot in &mut self.snapshots {
            if let Some(copies) = &mut snapshot.copies
                && let Err(error) = units.complete(copies, |unit| units.changes(unit, clock))
            {
                snapshot.copies = None;
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Restores the model as rules say, and returns the modules whose statistics it wrote.
    pub(super) fn restore(
        &mut self,
        change: &clock::Transition,
        slices: &ParamSlices,
        clock: &Clock,
    ) -> Result<Vec<NormalisationId>, Error> {
        let units = Units { statistics: &self.statistics, slices, device: self.device };
        let mut written = Vec::new();
        for restore in change.restored.iter().filter(|restore| restore.observed.is_some()) {
            let is_meant = |snapshot: &BestSnapshot| {
                snapshot.metric == restore.metric && snapshot.best == restore.best
            };
            let Some(index) = self.snapshots.iter().position(is_meant) else { continue };
            let (before, rest) = self.snapshots.split_at_mut(index);
            let Some((meant, after)) = rest.split_first_mut() else { continue };
            let Some(copies) = &mut meant.copies else {
                return Err(Error::NotKept(restore.metric.clone()));
            };
            let others = before.iter_mut().chain(after);
            for other in others.filter_map(|other| other.copies.as_mut()) {
                let mut is_copied = copies.iter().map(Option::is_some);
                units.complete(other, |_| is_copied.next().unwrap_or_default())?;
            }
            let is_restored = |unit| units.is_restored(unit, restore);
            units.write(copies, is_restored)?;
            for (unit, copy) in units.ids().zip(copies).filter(|(unit, _)| is_restored(*unit)) {
                written.extend(units.module(unit).filter(|_| copy.is_some()));
                copy.take_if(|_| !units.changes(unit, clock));
            }
        }
        Ok(written)
    }
}

/// Whether a copy on a device is one from a GPU to the host.
fn is_to_host(tensor: &Tensor, device: Device) -> bool {
    tensor.device().is_cuda() && device == Device::Cpu
}

/// Copies a tensor into an earlier copy.
fn overwrite(copy: &mut Tensor, tensor: &Tensor) -> Result<(), TchError> {
    if is_to_host(tensor, copy.device()) {
        return ffi::copy_without_waiting(&List::from_iter([&*copy]), &List::from_iter([tensor]));
    }
    copy.f_copy_(tensor)
}

/// All units: the slices, then the statistics.
struct Units<'a> {
    slices: &'a ParamSlices,
    statistics: &'a [StatUnit],
    device: Option<Device>,
}

impl Units<'_> {
    fn ids(&self) -> impl Iterator<Item = UnitId> + use<> {
        let slices = (0..self.slices.count()).map(|index| UnitId::Slice(SliceId::new(index)));
        slices.chain((0..self.statistics.len()).map(UnitId::Statistic))
    }

    fn tensor(&self, unit: UnitId) -> Result<Option<Tensor>, TchError> {
        match unit {
            UnitId::Slice(slice) => self.slices.values(slice),
            UnitId::Statistic(place) => {
                Ok(self.statistics.get(place).map(|statistic| statistic.tensor.shallow_clone()))
            }
        }
    }

    /// The module whose statistic it is.
    fn module(&self, unit: UnitId) -> Option<NormalisationId> {
        match unit {
            UnitId::Slice(_) => None,
            UnitId::Statistic(place) => Some(self.statistics.get(place)?.module),
        }
    }

    /// Whether training changes it now.
    fn changes(&self, unit: UnitId, clock: &Clock) -> bool {
        match unit {
            UnitId::Slice(slice) => clock.trains(slice),
            UnitId::Statistic(place) => {
                self.statistics.get(place).is_some_and(|statistic| clock.is_live(statistic.module))
            }
        }
    }

    /// Whether a rule restores it: the rule of a track restores what the track owns.
    fn is_restored(&self, unit: UnitId, restore: &Restore) -> bool {
        match unit {
            UnitId::Slice(slice) => {
                restore.slices.as_ref().is_none_or(|all| all.binary_search(&slice).is_ok())
            }
            UnitId::Statistic(place) => self.statistics.get(place).is_some_and(|statistic| {
                let own = restore.normalisations.as_ref();
                own.is_none_or(|all| all.binary_search(&statistic.module).is_ok())
            }),
        }
    }

    /// Copies for this moment, in the memory of an earlier snapshot where there is one.
    fn snapshot(&self, mut copies: UnitCopies, clock: &Clock) -> Result<UnitCopies, TchError> {
        let _no_grad = tch::no_grad_guard();
        copies.resize_with(self.ids().count(), || None);
        for (unit, copy) in self.ids().zip(&mut copies) {
            copy.take_if(|_| !self.changes(unit, clock));
            if let (Some(copy), Some(tensor)) = (copy, self.tensor(unit)?) {
                overwrite(copy, &tensor)?;
            }
        }
        self.complete(&mut copies, |unit| self.changes(unit, clock))?;
        Ok(copies)
    }

    /// Copies the wanted units that are not copied yet; asks for each unit once, in order.
    fn complete(
        &self,
        copies: &mut [Option<Tensor>],
        mut is_wanted: impl FnMut(UnitId) -> bool,
    ) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for (unit, copy) in self.ids().zip(copies) {
            if is_wanted(unit)
                && copy.is_none()
                && let Some(tensor) = self.tensor(unit)?
            {
                let device = self.device.unwrap_or_else(|| tensor.device());
                // Into pinned memory, where a GPU copies to the host without waiting.
                let without_waiting = is_to_host(&tensor, device);
                *copy = Some(tensor.f_to_device_(device, tensor.kind(), without_waiting, true)?);
            }
        }
        Ok(())
    }

    fn write(
        &self,
        copies: &[Option<Tensor>],
        is_restored: impl Fn(UnitId) -> bool,
    ) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for (unit, copy) in self.ids().zip(copies).filter(|(unit, _)| is_restored(*unit)) {
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
    fn tuner(device: Device, best_weights_device: Option<Device>) -> (Tuner, [Tensor; 3]) {
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
        let builder = match best_weights_device {
            Some(device) => builder.best_weights_device(device),
            None => builder,
        };
        (builder.attach(&store).unwrap(), tensors)
    }

    fn step(tuner: &mut Tuner, tensors: &[Tensor]) {
        let loss = tensors.iter().map(|tensor| tensor.square().sum(None)).sum::<Tensor>();
        tuner.backward_step(&loss).unwrap();
    }

    /// The number of elements copied for the highest and for the lowest loss.
    fn copied(tuner: &Tuner) -> [usize; 2] {
        let mut snapshots: Vec<_> = tuner.best_weights.snapshots.iter().collect();
        snapshots.sort_by_key(|snapshot| snapshot.best == freeze_dsl::ast::Best::Lowest);
        let count = |index: usize| {
            snapshots[index].copies.iter().flatten().flatten().map(Tensor::numel).sum()
        };
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
        // `b` has changed since the best values, and two rows of `c` begin to change.
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
        // Restoring the highest loss changes `b`, of which the lowest has no copy.
        tuner.start_epoch().unwrap();
        assert_eq!(copied(&tuner), [2, 112]);
    }

    #[test]
    fn a_snapshot_that_could_not_be_copied_is_an_error_and_the_rule_is_in_force() {
        let (mut tuner, tensors) = tuner(Device::Cpu, None);
        tuner.start_epoch().unwrap();
        tuner.observe("loss", 2.0).unwrap();
        for _ in 0..2 {
            step(&mut tuner, &tensors);
            tuner.start_epoch().unwrap();
        }
        tuner.best_weights.snapshots.iter_mut().for_each(|snapshot| snapshot.copies = None);
        let before = tensors.each_ref().map(Tensor::copy);
        assert!(matches!(tuner.start_epoch(), Err(Error::NotKept(metric)) if metric == "loss"));
        assert_eq!(tensors, before);
        assert_eq!(tensors.each_ref().map(Tensor::requires_grad), [false, false, true]);
    }

    #[test]
    fn once_training_is_over_no_snapshot_is_made() {
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
        assert!(tuner.is_stopped());
        let kept = |tuner: &Tuner| {
            tuner.best_weights.snapshots[0].copies.as_ref().unwrap()[0].as_ref().unwrap().copy()
        };
        assert_eq!(kept(&tuner), b.ones_like());
        let before = tuner.clock.snapshot();
        tuner.observe("loss", 1.0).unwrap();
        assert_eq!(kept(&tuner), b.ones_like());
        // The best value of the metric agrees with its snapshot.
        assert_eq!(tuner.clock.snapshot(), before);
    }

    /// Reports a skipped test, as `freeze_tests::skip` does.
    fn skip(test: &str, reason: &str) {
        println!("skipped: {test}: {reason}");
        if let Some(path) = std::env::var_os("FREEZE_SKIPPED") {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            std::io::Write::write_all(&mut file.unwrap(), format!("{test}: {reason}\n").as_bytes())
                .unwrap();
        }
    }

    #[test]
    fn copies_are_on_the_device_that_the_program_names() {
        if !Cuda::is_available() {
            skip("copies_are_on_the_device_that_the_program_names", "no CUDA device");
            return;
        }
        let gpu = Device::Cuda(0);
        for (best_weights_device, expected) in [(None, gpu), (Some(Device::Cpu), Device::Cpu)] {
            let (mut tuner, tensors) = tuner(gpu, best_weights_device);
            tuner.start_epoch().unwrap();
            tuner.observe("loss", 2.0).unwrap();
            step(&mut tuner, &tensors);
            tuner.start_epoch().unwrap();
            for copies in
                tuner.best_weights.snapshots.iter().filter_map(|snapshot| snapshot.copies.as_ref())
            {
                assert!(copies.iter().flatten().all(|copy| copy.device() == expected));
            }
        }
    }
}
