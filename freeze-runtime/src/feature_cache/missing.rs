//! The samples whose features are to be computed.

use std::cell::Cell;

use tch::Tensor;

use crate::{CacheError, Error};

/// The samples of a batch whose features are not stored.
///
/// # Examples
/// ```
/// # use freeze_runtime::{FeatureCache, Tuner, freeze_policy};
/// # use tch::{Device, Kind, Tensor, nn};
/// # let vs = nn::VarStore::new(Device::Cpu);
/// # let body = nn::linear(vs.root() / "body", 4, 3, nn::LinearConfig::default());
/// # let _head = nn::linear(vs.root() / "head", 3, 2, nn::LinearConfig::default());
/// # let policy = freeze_policy! { default optimizer sgd; start: train head lr 0.1 };
/// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
/// # tuner.start_epoch()?;
/// # let mut cache = FeatureCache::new(&["body"], 1 << 20);
/// # let load = |_: i64| Tensor::ones([4], (Kind::Float, Device::Cpu));
/// // Loads the missing samples alone.
/// let features = cache.get_or_compute(&tuner, &[3, 5], |missing| {
///     let samples: Vec<Tensor> = missing.ids().iter().map(|id| load(*id)).collect();
///     Tensor::stack(&samples, 0).apply(&body)
/// })?;
/// # drop(features);
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct MissingSamples {
    ids: Vec<i64>,
    positions: Vec<i64>,
    batch: usize,
    /// The number of samples of a batch that was not this one.
    other_batch: Cell<Option<i64>>,
}

impl MissingSamples {
    pub(super) fn new(ids: Vec<i64>, positions: Vec<i64>, batch: usize) -> Self {
        Self { ids, positions, batch, other_batch: Cell::new(None) }
    }

    /// Their ids, in the order of the batch.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::MissingSamples;
    /// let load = |missing: &MissingSamples| println!("{} samples to load", missing.ids().len());
    /// # drop(load);
    /// ```
    #[must_use]
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// Their positions in the batch, counted from 0.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::MissingSamples;
    /// # use tch::Tensor;
    /// let rows = |missing: &MissingSamples| Tensor::from_slice(missing.positions());
    /// # drop(rows);
    /// ```
    #[must_use]
    pub fn positions(&self) -> &[i64] {
        &self.positions
    }

    /// Their rows of a tensor that has a row for each sample of the batch: the tensor itself where all
    /// are missing.
    ///
    /// If it has another number of rows, it is returned as it is, and
    /// [`FeatureCache::get_or_compute`](crate::FeatureCache::get_or_compute) fails.
    ///
    /// # Panics
    /// Panics if libtorch fails, as tch does.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::MissingSamples;
    /// # use tch::{Tensor, nn};
    /// # let vs = nn::VarStore::new(tch::Device::Cpu);
    /// # let body = nn::linear(vs.root() / "body", 4, 3, nn::LinearConfig::default());
    /// # let x = Tensor::ones([2, 4], (tch::Kind::Float, tch::Device::Cpu));
    /// let compute = |missing: &MissingSamples| missing.of(&x).apply(&body);
    /// # drop(compute);
    /// ```
    pub fn of(&self, batch: &Tensor) -> Tensor {
        let rows = batch.size().first().copied().unwrap_or_default();
        if usize::try_from(rows) != Ok(self.batch) {
            self.other_batch.set(Some(rows));
        }
        if self.other_batch.get().is_some() || self.positions.len() == self.batch {
            return batch.shallow_clone();
        }
        batch.index_select(0, &Tensor::from_slice(&self.positions).to_device(batch.device()))
    }

    /// Their features, as many as there are samples.
    pub(super) fn fill(&self, compute: impl FnOnce(&Self) -> Tensor) -> Result<Tensor, Error> {
        let features = compute(self);
        if let Some(found) = self.other_batch.get() {
            let (what, expected) = ("a batch", self.batch);
            return Err(CacheError::BatchSize { what, expected, found }.into());
        }
        let found = features.size().first().copied().unwrap_or_default();
        if usize::try_from(found) != Ok(self.ids.len()) {
            let (what, expected) = ("features", self.ids.len());
            return Err(CacheError::BatchSize { what, expected, found }.into());
        }
        Ok(features)
    }
}
