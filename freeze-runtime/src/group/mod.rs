//! Processes that train one model together.

mod builder;
mod environment;
mod failure;
mod handshake;
mod lookout;
mod member;
mod share;
mod store;

use std::fmt;
use std::sync::Arc;

use tch::{Device, TchError, Tensor};

pub use builder::GroupBuilder;
use failure::differing;
use member::Member;

use crate::Error;
use crate::ffi::{List, ProcessGroup};

/// The processes that train one model together, on one machine or several; or this process alone.
///
/// Each process trains on its share of the data, and gradients are averaged over all of them, so that the
/// parameters stay equal. [`TunerBuilder::group`](crate::TunerBuilder::group) adds it to a tuner. The
/// processes are started by [`torchrun`], or by any launcher that sets `RANK`, `WORLD_SIZE`, `MASTER_ADDR`
/// and `MASTER_PORT`; without these, there is one process, and everything is as without a group.
///
/// What must agree is compared: policy, model and settings when a tuner is attached, and the state of the
/// schedule when an epoch starts and when a rule fires. Where ranks differ, where one fails, or where they
/// are in different calls, all of them return the same error, within the time of
/// [`GroupBuilder::timeout`]. The group is then over: each later call returns that error again. Only where
/// rank 0 cannot read or write a checkpoint, the training can go on.
///
/// Keep it until the training is over: the other ranks notice when it is dropped.
///
/// # Examples
/// ```
/// use freeze_runtime::{Group, Tuner, freeze_policy};
/// use tch::nn::{self, Module};
/// use tch::{Kind, Tensor};
///
/// let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
/// let group = Group::from_env()?;
/// let vs = nn::VarStore::new(group.device());
/// let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
/// let mut tuner = Tuner::builder(&policy).group(&group).attach(&vs)?;
/// let data = Tensor::randn([10, 2], (Kind::Float, group.device()));
/// for epoch in tuner.epochs_started()..2 {
///     tuner.start_epoch()?;
///     for sample in group.share(10, epoch, 0) {
///         let x = data.get(i64::try_from(sample).unwrap());
///         tuner.backward_step(&fc.forward(&x).square().sum(Kind::Float))?;
///     }
/// }
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
///
/// [`torchrun`]: https://docs.pytorch.org/docs/2.11/elastic/run.html
#[derive(Clone)]
pub struct Group {
    /// `None` for this process alone.
    member: Option<Arc<Member>>,
    device: Device,
    /// What a program should know of the device.
    note: Option<&'static str>,
}

impl Group {
    /// Joins the processes that the environment names, and waits until all have come; without such an
    /// environment, and with a `WORLD_SIZE` of 1, this process is alone.
    ///
    /// # Errors
    /// Fails if a part of the environment is missing or wrong, if the store cannot be served or reached, if
    /// gloo finds no network interface, if two processes have one rank, if the processes have different
    /// versions, or if a process does not come in time.
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::Group;
    ///
    /// let group = Group::from_env()?;
    /// println!("rank {} of {} on {:?}", group.rank(), group.size(), group.device());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().join()
    }

    /// Returns a builder, for other settings than those of [`Group::from_env`].
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use freeze_runtime::Group;
    ///
    /// let group = Group::builder().timeout(Duration::from_secs(600)).join()?;
    /// # drop(group);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub const fn builder() -> GroupBuilder {
        GroupBuilder::new()
    }

    /// This process alone.
    pub(crate) const fn alone(device: Device) -> Self {
        Self { member: None, device, note: None }
    }

    /// The number of this process, from 0.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(freeze_runtime::Group::from_env()?.rank(), 0);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn rank(&self) -> usize {
        self.member.as_ref().map_or(0, |member| member.rank)
    }

    /// The number of processes.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(freeze_runtime::Group::from_env()?.size(), 1);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn size(&self) -> usize {
        self.member.as_ref().map_or(1, |member| member.size)
    }

    /// Whether this is rank 0, which writes checkpoints and logs.
    ///
    /// # Examples
    /// ```
    /// let group = freeze_runtime::Group::from_env()?;
    /// if group.is_first() {
    ///     println!("{} processes", group.size());
    /// }
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// The device of this process. In a group of several, the GPU of its `LOCAL_RANK`, where libtorch has CUDA,
    /// NCCL and a GPU, and the CPU otherwise; alone, the first GPU if there is one.
    ///
    /// # Examples
    /// ```
    /// let group = freeze_runtime::Group::from_env()?;
    /// let vs = tch::nn::VarStore::new(group.device());
    /// # drop(vs);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub const fn device(&self) -> Device {
        self.device
    }

    /// The indices of this rank's samples in an epoch: a part of a random order that depends on `seed` and
    /// `epoch` alone.
    ///
    /// All ranks have as many samples: where `len` is not a multiple of [`Group::size`], the first samples of
    /// the order are in two shares. The indices are those of `PyTorch`'s [`DistributedSampler`] with this
    /// seed.
    ///
    /// # Examples
    /// ```
    /// let group = freeze_runtime::Group::from_env()?;
    /// let samples: Vec<usize> = group.share(10, 0, 3).collect();
    /// assert_eq!(samples, [6, 0, 3, 7, 8, 5, 1, 9, 2, 4]);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    ///
    /// [`DistributedSampler`]: https://docs.pytorch.org/docs/2.11/data.html#torch.utils.data.distributed.DistributedSampler
    pub fn share(&self, len: usize, epoch: u64, seed: u64) -> impl Iterator<Item = usize> + use<> {
        share::share(len, seed.wrapping_add(epoch), (self.rank(), self.size()))
    }

    /// Whether the flag is true on any rank. All ranks call it.
    ///
    /// A program uses it to stop on all ranks where one has received a signal.
    ///
    /// # Errors
    /// Fails if the group is over, or if another rank does not come.
    ///
    /// # Examples
    /// ```
    /// let group = freeze_runtime::Group::from_env()?;
    /// let is_interrupted = false; // set by a signal
    /// assert!(!group.any(is_interrupted)?);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn any(&self, flag: bool) -> Result<bool, Error> {
        let flags = self.exchange("`any`", Ok(flag.to_string()))?;
        Ok(flags.iter().any(|flag| flag == "true"))
    }

    /// Waits until all ranks have called it.
    ///
    /// # Errors
    /// Fails if the group is over, or if another rank does not come.
    ///
    /// # Examples
    /// ```
    /// let group = freeze_runtime::Group::from_env()?;
    /// if group.is_first() {
    ///     // Download the data.
    /// }
    /// group.barrier()?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn barrier(&self) -> Result<(), Error> {
        self.exchange("`barrier`", Ok(String::new())).map(drop)
    }

    /// Reports the error with which this rank ends: the other ranks return it, and `torchrun` shows it as
    /// the cause. A tuner reports its own errors; a program reports those of its other parts.
    ///
    /// # Examples
    /// ```no_run
    /// use std::error::Error;
    ///
    /// use freeze_runtime::Group;
    ///
    /// fn train(group: &Group) -> Result<(), Box<dyn Error>> {
    ///     // …
    ///     # Ok(())
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn Error>> {
    ///     let group = Group::from_env()?;
    ///     train(&group).inspect_err(|error| group.report(&**error))
    /// }
    /// ```
    pub fn report(&self, error: &(dyn std::error::Error + 'static)) {
        let Some(member) = &self.member else { return };
        match error.downcast_ref::<Error>() {
            Some(error) => member.fail(error),
            None => member.fail(&Error::Failed { rank: member.rank, text: error.to_string() }),
        }
    }

    /// Ends the group if a call of this rank alone has failed.
    pub(crate) fn reported<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let (Some(member), Err(error)) = (&self.member, &result) {
            member.fail(error);
        }
        result
    }

    /// What a program should know of the device.
    pub(crate) const fn note(&self) -> Option<&'static str> {
        self.note
    }

    /// Whether there are other processes.
    pub(crate) const fn has_others(&self) -> bool {
        self.member.is_some()
    }

    /// Sets how far the training is, for errors.
    pub(crate) fn set_place(&self, place: impl FnOnce() -> String) {
        if let Some(member) = &self.member {
            member.set_place(place());
        }
    }

    /// Fails with the error that has ended the group.
    pub(crate) fn require_whole(&self) -> Result<(), Error> {
        self.member.as_ref().map_or(Ok(()), |member| member.require_whole())
    }

    /// The texts of all ranks, in their order; if a rank has an error, that is the error of all.
    pub(crate) fn exchange(
        &self,
        call: &str,
        own: Result<String, Error>,
    ) -> Result<Vec<String>, Error> {
        match &self.member {
            Some(member) => member.exchange(call, own),
            None => Ok(vec![own?]),
        }
    }

    /// Fails on all ranks if a rank has an error.
    pub(crate) fn agree_on<T>(&self, call: &str, own: Result<T, Error>) -> Result<T, Error> {
        let (own, outcome) = match own {
            Ok(own) => (Some(own), Ok(String::new())),
            Err(error) => (None, Err(error)),
        };
        self.exchange(call, outcome)?;
        own.ok_or_else(|| Error::Group(format!("{call} has no result")))
    }

    /// Fails on all ranks, with the lines that differ, unless they have the same texts. Each text has a
    /// name.
    pub(crate) fn agree(
        &self,
        call: &str,
        own: Result<Vec<(&str, String)>, Error>,
    ) -> Result<(), Error> {
        let own = own.map(|mut texts| {
            texts.push(("", String::new()));
            texts
        });
        self.agree_but_last(call, own).map(drop)
    }

    /// The same but for the last text, which each rank has for itself: returns those of all ranks.
    pub(crate) fn agree_but_last(
        &self,
        call: &str,
        own: Result<Vec<(&str, String)>, Error>,
    ) -> Result<Vec<String>, Error> {
        let names: Vec<String> = own.iter().flatten().map(|(name, _)| (*name).to_owned()).collect();
        let own = own.map(|texts| {
            let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
            texts.join(SEPARATOR)
        });
        let all = self.exchange(call, own)?;
        let part = |index: usize| -> Vec<String> {
            let parts = all.iter().map(|all| all.split(SEPARATOR).nth(index).unwrap_or_default());
            parts.map(str::to_owned).collect()
        };
        let last = names.len().saturating_sub(1);
        for (index, what) in names.into_iter().enumerate().take(last) {
            if let Some(rows) = differing(&part(index)) {
                return self.reported(Err(Error::Ranks { what, rows }));
            }
        }
        Ok(part(last))
    }

    /// The same for a long text: it is exchanged only where its fingerprints differ.
    pub(crate) fn agree_shortly(
        &self,
        call: &str,
        what: &str,
        text: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        if self.member.is_none() {
            return Ok(());
        }
        let text = text();
        let prints = self.exchange(call, Ok(fingerprint(&text).to_string()))?;
        let is_same = prints.windows(2).all(|two| matches!(two, [one, other] if one == other));
        if is_same { Ok(()) } else { self.agree(call, Ok(vec![(what, text)])) }
    }

    /// Averages the gradients of parameters over all ranks. A parameter that has a gradient on some ranks
    /// counts as zeros on the others; one that has none on any rank stays without.
    pub(crate) fn average(&self, call: &str, parameters: &List<'_>) -> Result<(), Error> {
        let Some(member) = self.member.as_ref().filter(|_| !parameters.is_empty()) else {
            return Ok(());
        };
        let counted = member.collective(call, |processes| processes.start_count(parameters))?;
        let used = parameters.selected(counted.counts().iter().map(|count| *count > 0));
        if !used.is_empty() {
            member.collective(call, |processes| processes.start_average(&used))?;
        }
        Ok(())
    }

    /// Runs a backward pass in which gradients are averaged.
    pub(crate) fn overlapped(
        &self,
        call: &str,
        run: impl FnOnce() -> Result<(), TchError>,
    ) -> Result<(), Error> {
        match &self.member {
            Some(member) => member.overlapped(call, run),
            None => Ok(run()?),
        }
    }

    /// The error of a backward pass in which sums over all ranks may be.
    pub(crate) fn explained(&self, call: &str, error: TchError) -> Error {
        match &self.member {
            Some(member) => member.explained(call, error),
            None => Error::Torch(error),
        }
    }

    /// Adds a tensor up over all ranks, in a graph that leads back to it.
    pub(crate) fn sum(&self, call: &str, own: &Tensor) -> Result<Tensor, Error> {
        match &self.member {
            Some(member) => member.sum(call, own),
            None => Ok(own.shallow_clone()),
        }
    }

    /// Calls a function with the processes as c10d has connected them.
    pub(crate) fn with_processes<T>(
        &self,
        make: impl FnOnce(&ProcessGroup) -> Result<T, TchError>,
    ) -> Result<T, Error> {
        match &self.member {
            Some(member) => member.with_processes(make),
            None => Err(Error::Group("there are no other processes".to_owned())),
        }
    }

    /// Copies tensors of rank 0 to the other ranks, bit for bit.
    pub(crate) fn broadcast(&self, call: &str, tensors: &List<'_>) -> Result<(), Error> {
        self.broadcast_from(call, tensors, std::iter::repeat_n(0, tensors.len()))
    }

    /// Copies each tensor of one rank, its root, to the other ranks, bit for bit.
    pub(crate) fn broadcast_from(
        &self,
        call: &str,
        tensors: &List<'_>,
        roots: impl IntoIterator<Item = usize>,
    ) -> Result<(), Error> {
        let Some(member) = self.member.as_ref().filter(|_| !tensors.is_empty()) else {
            return Ok(());
        };
        member.collective(call, |processes| processes.start_broadcast(tensors, roots)).map(drop)
    }
}

/// What separates texts that are exchanged together.
const SEPARATOR: &str = "\u{1f}";

/// The fingerprint of a text: the same on all ranks, which run one version.
fn fingerprint(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hasher};

    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("rank", &self.rank())
            .field("size", &self.size())
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
