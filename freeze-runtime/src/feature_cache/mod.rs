//! The features of a frozen prefix of a network, computed once for each sample.

mod counts;
mod disk;
mod memory;
mod missing;
mod rows;
mod stored;
mod watched;

use std::collections::HashSet;
use std::path::PathBuf;

use tch::{Kind, Tensor};

pub use counts::CacheCounts;
pub use missing::MissingSamples;
use rows::in_order;
use stored::StoredFeatures;
use watched::WatchedTensors;

use crate::tuner::{Prefix, PrefixState};
use crate::{CacheError, Error, Tuner};

/// The features that a frozen prefix of a network computes of each sample, stored by the samples' ids.
///
/// While all parameters and running statistics that its selectors select are frozen, the features of a
/// sample are computed once. They are computed anew after anything that may have changed the prefix: a
/// rule that unfreezes a part of it, a `restore` that writes to it, [`Tuner::resume`],
/// [`Weights::load`](crate::Weights::load), `VarStore::load`, and every other change that libtorch
/// counts. While the prefix is not frozen, nothing is stored, and features are returned with their
/// graph.
///
/// # What it needs of a program
///
/// - **The selectors select every module that the features pass through.** Where an operation reads
///   another parameter, also under `no_grad`, [`FeatureCache::get_or_compute`] fails. Buffers that it
///   reads belong to the prefix from then on.
/// - **An id always stands for the same input.** What is random in the prefix or before it, such as an
///   augmentation or tch's own dropout, is stored as it came. A frozen
///   [`nn::dropout`](crate::nn::dropout) draws nothing.
/// - **The features of a sample do not depend on the batch.** A frozen norm of [`nn`](crate::nn) uses its
///   running statistics. tch's own norms use them with `forward_t(…, false)`; with `true`,
///   `get_or_compute` fails.
/// - **One cache for one way to compute**: one for autocast, and another one without.
/// - Memory is written through libtorch. It does not count what is written through `Tensor::data` or a
///   pointer: call [`FeatureCache::clear`] after that.
///
/// libtorch's kernels may compute a sample with other last bits in a batch of another size, or at
/// another place of a batch. Where the batches are the same in each epoch, a training has the same bits
/// as without a cache. Where they are shuffled, features may differ by rounding, about 1e-7 of their size
/// in f32.
///
/// # Examples
/// ```
/// use freeze_runtime::{FeatureCache, Tuner, freeze_policy};
/// use tch::{Device, Kind, Tensor, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let body = nn::linear(vs.root() / "body", 64, 32, nn::LinearConfig::default());
/// let head = nn::linear(vs.root() / "head", 32, 10, nn::LinearConfig::default());
/// # let (x, y) = (Tensor::randn([8, 64], (Kind::Float, Device::Cpu)), Tensor::zeros([8], (Kind::Int64, Device::Cpu)));
/// let policy = freeze_policy! { start: train head lr 1e-2; epoch 3: unfreeze body lr 1e-3 };
/// let mut tuner = Tuner::builder(&policy).optimizer(nn::AdamW::default()).attach(&vs)?;
/// let mut cache = FeatureCache::new(&["body"], 1 << 30);
/// let train = [([0, 1, 2, 3], x.narrow(0, 0, 4), y.narrow(0, 0, 4)), ([4, 5, 6, 7], x.narrow(0, 4, 4), y.narrow(0, 4, 4))];
/// for _ in 0..4 {
///     tuner.start_epoch()?;
///     for (ids, x, y) in &train {
///         let features = cache.get_or_compute(&tuner, ids, |missing| missing.of(x).apply(&body).relu())?;
///         tuner.backward_step(&features.apply(&head).cross_entropy_for_logits(y))?;
///     }
/// }
/// // Computed in epoch 0, taken from the cache in 1 and 2; in epoch 3 the body trains.
/// assert_eq!((cache.counts().computed, cache.counts().reused), (16, 16));
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct FeatureCache {
    selectors: Vec<String>,
    budget: u64,
    place: Place,
    kind: Option<Kind>,
    /// The part of the last tuner's model that the selectors select.
    prefix: Option<Prefix>,
    /// The values that the stored features were computed with.
    state: Option<PrefixState>,
    stored: Option<StoredFeatures>,
    counts: CacheCounts,
}

/// Where features are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The device on which they are computed.
    Device,
    Host,
    /// A file in this folder.
    Disk(PathBuf),
}

impl FeatureCache {
    /// A cache for the part of a model that selectors of the policy language select, as in
    /// [`Tuner::frozen_prefix`], with a budget in bytes. Features are stored on the device on which they
    /// are computed.
    ///
    /// Samples that do not fit into the budget are computed at each call; [`CacheCounts::refused`] counts
    /// them. What is stored is never replaced to make room: with samples in random order, that would
    /// save nothing.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::FeatureCache;
    ///
    /// let cache = FeatureCache::new(&["stem", "layer1"], 2 << 30);
    /// assert!(cache.is_empty());
    /// ```
    #[must_use]
    pub fn new<S: AsRef<str>>(selectors: &[S], budget: u64) -> Self {
        Self {
            selectors: selectors.iter().map(|selector| selector.as_ref().to_owned()).collect(),
            budget,
            place: Place::Device,
            kind: None,
            prefix: None,
            state: None,
            stored: None,
            counts: CacheCounts::default(),
        }
    }

    /// Stores features in the memory of the host, and copies those of a batch to the device.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// let cache = FeatureCache::new(&["body"], 16 << 30).in_host_memory();
    /// # drop(cache);
    /// ```
    #[must_use]
    pub fn in_host_memory(mut self) -> Self {
        self.place = Place::Host;
        self.clear();
        self
    }

    /// Stores features in a safetensors file in a folder, which is created if it is missing. The file is
    /// mapped into memory, so that the system keeps in memory what there is room for.
    ///
    /// The names in the folder that begin with `feature-cache-` belong to caches. A file is removed with
    /// its cache; one that a crash has left, by the next cache in that folder.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let cache = FeatureCache::new(&["body"], 100 << 30).on_disk(dir.path());
    /// # drop(cache);
    /// ```
    #[must_use]
    pub fn on_disk(mut self, folder: impl Into<PathBuf>) -> Self {
        self.place = Place::Disk(folder.into());
        self.clear();
        self
    }

    /// Stores floating-point features in another dtype, such as `Kind::Half` or `Kind::BFloat16`, and
    /// returns them in the dtype in which they were computed.
    ///
    /// While the prefix is frozen, all features are rounded so, also when they have just been computed:
    /// a training does not depend on what the cache has at a moment.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// # use tch::Kind;
    /// // `Kind::Half` would make features above 65,504 infinite.
    /// let cache = FeatureCache::new(&["body"], 1 << 30).stored_as(Kind::BFloat16);
    /// # drop(cache);
    /// ```
    #[must_use]
    pub fn stored_as(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self.clear();
        self
    }

    /// The features of samples, in the order of their ids.
    ///
    /// Those that are stored are returned as they were computed. For the others, `compute` is called
    /// once, and returns their features along the first dimension, in the order of
    /// [`MissingSamples::ids`]; [`MissingSamples::of`] takes their rows of the whole batch. Where all are
    /// stored, it is not called, nor for a batch of none once something is stored.
    ///
    /// # Errors
    /// Fails if a selector is invalid or selects nothing, if the batch has an id twice, or if `compute`
    /// returns another number of samples. While the prefix is frozen, fails as well if the features depend
    /// on parameters that the selectors do not select or on the statistics of the batch, or if they have
    /// another shape, dtype or device than those that are stored. Nothing is stored then.
    ///
    /// Fails if the features cannot be stored, such as on a full disk. Nothing is lost: what was stored
    /// before stays, and the same call may be made again. From then on nothing more is stored, until the
    /// cache is cleared.
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
    /// let mut cache = FeatureCache::new(&["body"], 1 << 20);
    /// let x = Tensor::randn([2, 4], (Kind::Float, Device::Cpu));
    /// let first = cache.get_or_compute(&tuner, &[7, 9], |missing| missing.of(&x).apply(&body))?;
    /// let again = cache.get_or_compute(&tuner, &[9, 7], |_| unreachable!("both are stored"))?;
    /// assert_eq!(first, again.flip([0]));
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn get_or_compute(
        &mut self,
        tuner: &Tuner,
        ids: &[i64],
        compute: impl FnOnce(&MissingSamples) -> Tensor,
    ) -> Result<Tensor, Error> {
        let mut known = HashSet::with_capacity(ids.len());
        if let Some(twice) = ids.iter().find(|id| !known.insert(**id)) {
            return Err(CacheError::DuplicateId(*twice).into());
        }
        let prefix = match self.prefix.take().filter(|prefix| prefix.is_of(tuner)) {
            Some(prefix) => prefix,
            None => tuner.prefix(&self.selectors)?,
        };
        let prefix = self.prefix.insert(prefix);
        let state = tuner.state_of(prefix)?;
        let is_frozen = state.is_some();
        if self.state != state {
            self.clear();
            self.state = state;
        }
        if !is_frozen {
            let missing =
                MissingSamples::new(ids.to_vec(), (0..).take(ids.len()).collect(), ids.len());
            let features = missing.fill(compute)?;
            self.counts.computed += ids.len() as u64;
            return Ok(features);
        }
        self.frozen_features(tuner, ids, compute)
    }

    /// The features while the prefix is frozen.
    fn frozen_features(
        &mut self,
        tuner: &Tuner,
        ids: &[i64],
        compute: impl FnOnce(&MissingSamples) -> Tensor,
    ) -> Result<Tensor, Error> {
        let row_of = |id: &i64| self.stored.as_ref().and_then(|stored| stored.row(*id));
        // The positions in the batch of what is stored and of what is not.
        let (mut rows, mut found, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        for (position, id) in (0..).zip(ids) {
            match row_of(id) {
                Some(row) => {
                    rows.push(row);
                    found.push(position);
                }
                None => absent.push((position, *id)),
            }
        }
        let reused = match &self.stored {
            // A batch of none has their shape too.
            Some(stored) if !rows.is_empty() || ids.is_empty() => Some(stored.get(&rows)?),
            _ => None,
        };
        if absent.is_empty()
            && let Some(reused) = reused
        {
            self.counts.reused += rows.len() as u64;
            return Ok(reused);
        }
        let (absent, missing_ids): (Vec<i64>, Vec<i64>) = absent.into_iter().unzip();
        let missing = MissingSamples::new(missing_ids, absent.clone(), ids.len());
        let computed = self.compute(tuner, &missing, compute)?;
        let computed = self.rounded(computed)?;
        self.store(missing.ids(), &computed)?;
        self.counts.reused += rows.len() as u64;
        match reused {
            None => Ok(computed),
            Some(reused) => Ok(in_order(vec![(found, reused), (absent, computed)])?),
        }
    }

    /// Computes features that depend on nothing but the prefix and their samples.
    fn compute(
        &mut self,
        tuner: &Tuner,
        missing: &MissingSamples,
        compute: impl FnOnce(&MissingSamples) -> Tensor,
    ) -> Result<Tensor, Error> {
        tuner.restore_stats()?;
        let Some(prefix) = &mut self.prefix else { return missing.fill(compute) };
        let outside = tuner.outside(prefix)?;
        let watched = WatchedTensors::new(outside.tensors())?;
        let features = tch::with_grad(|| missing.fill(compute));
        let read = watched.read()?;
        let features = features?;
        if let Some(module) = tuner.first_moved_norm()? {
            return Err(CacheError::BatchStatistics(module.to_owned()).into());
        }
        let parameters = outside.parameters(&read);
        if !parameters.is_empty() {
            let selectors = self.selectors.join(", ");
            return Err(CacheError::DependsOnOthers { selectors, parameters }.into());
        }
        if features.requires_grad() {
            return Err(CacheError::RequiresGrad(self.selectors.join(", ")).into());
        }
        if let Some(buffer) = outside.first_written(&read)? {
            return Err(CacheError::WritesBuffer(buffer).into());
        }
        if prefix.add_buffers(&outside.buffers(&read)) {
            // What is stored already was computed without them.
            self.state = tuner.state_of(prefix)?;
        }
        Ok(features)
    }

    /// The features as they are after they were stored.
    fn rounded(&self, features: Tensor) -> Result<Tensor, Error> {
        let Some(kind) = self.kind else { return Ok(features) };
        let own = features.f_kind()?;
        let is_real =
            |kind| matches!(kind, Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double);
        if !is_real(own) || !is_real(kind) {
            return Err(CacheError::Kind(own, kind).into());
        }
        Ok(features.f_to_kind(kind)?.f_to_kind(own)?)
    }

    /// Stores as many of these features as fit.
    fn store(&mut self, ids: &[i64], features: &Tensor) -> Result<(), Error> {
        let stored = match self.stored.take() {
            Some(stored) => stored,
            None => StoredFeatures::new(&self.place, self.budget, self.kind, features)?,
        };
        let stored = self.stored.insert(stored);
        stored.require_like(features)?;
        self.counts.computed += ids.len() as u64;
        let before = stored.len();
        let outcome = stored.add(ids, features);
        self.counts.refused += (ids.len() - (stored.len() - before)) as u64;
        outcome
    }

    /// Drops all features. They are computed and stored anew.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// let mut cache = FeatureCache::new(&["body"], 1 << 20);
    /// cache.clear();
    /// assert_eq!(cache.counts().cleared, 0); // it had none
    /// ```
    pub fn clear(&mut self) {
        if self.stored.take().is_some_and(|stored| stored.len() > 0) {
            self.counts.cleared += 1;
        }
    }

    /// How many samples were taken from the cache, and how many were computed, so far.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// let cache = FeatureCache::new(&["body"], 1 << 20);
    /// assert_eq!(cache.counts().reused, 0);
    /// ```
    #[must_use]
    pub const fn counts(&self) -> CacheCounts {
        self.counts
    }

    /// The number of samples whose features are stored.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// assert_eq!(FeatureCache::new(&["body"], 1 << 20).len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.stored.as_ref().map_or(0, StoredFeatures::len)
    }

    /// Whether no features are stored.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// assert!(FeatureCache::new(&["body"], 1 << 20).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that is used for features, or their space on disk, in bytes.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::FeatureCache;
    /// assert_eq!(FeatureCache::new(&["body"], 1 << 20).bytes(), 0);
    /// ```
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.stored.as_ref().map_or(0, StoredFeatures::bytes)
    }
}
