//! The beginning of a network, as long as it is frozen.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use freeze_dsl::clock::UnfreezingRule;
use freeze_dsl::model::{Model, NormalisationId, ParamId, Parameter, Role, TensorId};
use freeze_dsl::plan::SliceId;
use freeze_dsl::source::Source;
use tch::{TchError, Tensor};

use super::Tuner;
use crate::{Error, ffi};

/// Whether a part of a model is frozen, and until when. Prints as a line that a person can read.
///
/// # Examples
/// ```
/// # use freeze_runtime::{Tuner, freeze_policy};
/// # use tch::{Device, nn};
/// # let vs = nn::VarStore::new(Device::Cpu);
/// # for name in ["stem", "layer1", "head"] {
/// #     let _ = nn::linear(vs.root() / name, 2, 2, nn::LinearConfig::default());
/// # }
/// let policy = freeze_policy! {
///     default optimizer sgd;
///     start: train head lr 0.1;
///     epoch 3 as lower: unfreeze layer1 lr 0.01;
/// };
/// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
/// tuner.start_epoch()?;
/// let prefix = tuner.frozen_prefix(&["stem", "layer1"])?;
/// assert!(prefix.is_frozen());
/// assert_eq!(prefix.to_string(), "frozen until `lower`, in epoch 3 at the earliest");
/// assert_eq!(tuner.frozen_prefix(&["stem"])?.unfreezing_rule, None);
/// # Ok::<(), freeze_runtime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrozenPrefix {
    /// The names of its parameters and row slices that train now.
    pub trainable: Vec<String>,
    /// The paths of its modules whose running statistics follow the data now.
    pub live_statistics: Vec<String>,
    /// The rule that can be the first to unfreeze a part of it; `None` if it stays frozen for the rest
    /// of the run, or is not frozen.
    pub unfreezing_rule: Option<UnfreezingRule>,
}

impl FrozenPrefix {
    /// Whether all of its parameters and running statistics are frozen now.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, nn};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # let fc = nn::linear(vs.root() / "fc", 2, 1, nn::LinearConfig::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc.weight lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// assert!(tuner.frozen_prefix(&["fc.bias"])?.is_frozen());
    /// assert!(!tuner.frozen_prefix(&["fc"])?.is_frozen());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    #[must_use]
    pub const fn is_frozen(&self) -> bool {
        self.trainable.is_empty() && self.live_statistics.is_empty()
    }
}

impl fmt::Display for FrozenPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.trainable.first().or(self.live_statistics.first()) {
            let more = self.trainable.len() + self.live_statistics.len() - 1;
            let what = if self.trainable.is_empty() { "statistics of " } else { "" };
            return match more {
                0 => write!(f, "not frozen: {what}`{first}`"),
                more => write!(f, "not frozen: {what}`{first}` and {more} more"),
            };
        }
        let Some(UnfreezingRule { rule, epoch, step, waits_for_metric }) = &self.unfreezing_rule
        else {
            return f.write_str("frozen for the rest of the run");
        };
        write!(f, "frozen until `{rule}`, in epoch {epoch}")?;
        if *step > 0 {
            write!(f, " and after {step} steps")?;
        }
        f.write_str(if *waits_for_metric {
            " at the earliest, by a metric"
        } else {
            " at the earliest"
        })
    }
}

/// A tuner, distinct from every other one of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TunerId(u64);

impl TunerId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A part of the model of a tuner.
#[derive(Debug)]
pub(crate) struct Prefix {
    tuner: TunerId,
    parameters: Vec<ParamId>,
    slices: Vec<SliceId>,
    statistics: Vec<NormalisationId>,
    /// The other buffers of its modules, and those that its features were found to read.
    buffers: Vec<TensorId>,
    /// The parameters outside of it.
    other_parameters: Vec<ParamId>,
    /// The buffers outside of it, as far as is known.
    other_buffers: Vec<TensorId>,
}

/// The values of a prefix: equal states mean that nothing has written to it in between.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PrefixState {
    tuner: TunerId,
    unfreezings: Vec<u64>,
    marks: Vec<TensorMark>,
    /// So that no other tensor gets the identity of one of them.
    tensors: KeptTensors,
}

/// Tensors that are kept, and do not count when states are compared.
#[derive(Debug)]
struct KeptTensors(#[expect(dead_code, reason = "they are kept, not read")] Vec<Tensor>);

impl PartialEq for KeptTensors {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KeptTensors {}

/// What changes when libtorch writes to a tensor or gives it other memory.
#[derive(Debug, PartialEq, Eq)]
struct TensorMark {
    tensor: usize,
    memory: usize,
    version: i64,
}

impl Tuner {
    /// Whether the parameters that selectors of the policy language select, and the running statistics
    /// of their modules, are frozen now, and which rule can be the first to unfreeze one of them.
    ///
    /// A selector means what it means in a policy: `stem` is all that lies under that path. Of rows, the
    /// whole parameter is meant, and of a `sample` all of its elements. A norm's statistics belong to its
    /// parameters; those of a norm without any belong to the nearest module around it that has some.
    ///
    /// While it is frozen, a rule's `restore` can still replace its values.
    ///
    /// # Errors
    /// Fails with all findings if a selector is invalid, or if a part of it selects nothing.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # use tch::{Device, nn};
    /// # let vs = nn::VarStore::new(Device::Cpu);
    /// # for name in ["stem", "layer1", "head"] {
    /// #     let _ = nn::linear(vs.root() / name, 2, 2, nn::LinearConfig::default());
    /// # }
    /// # let policy = freeze_policy! { default optimizer sgd; start: train head lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// let prefix = tuner.frozen_prefix(&["stem", "layer1"])?;
    /// assert_eq!(prefix.to_string(), "frozen for the rest of the run");
    ///
    /// let error = tuner.frozen_prefix(&["layre1"]).unwrap_err();
    /// assert!(error.to_string().contains("did you mean `layer1`?"));
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn frozen_prefix<S: AsRef<str>>(&self, selectors: &[S]) -> Result<FrozenPrefix, Error> {
        let Prefix { slices, statistics, .. } = self.prefix(selectors)?;
        let trainable = slices.iter().copied().filter(|slice| self.clock.trains(*slice));
        let live = statistics.iter().filter(|id| self.clock.is_live(**id));
        let modules = self.plan().model().normalisations();
        let mut prefix = FrozenPrefix {
            trainable: self.plan().names(trainable),
            live_statistics: live
                .filter_map(|id| modules.get(id.index()))
                .map(|known| known.module.clone())
                .collect(),
            unfreezing_rule: None,
        };
        if prefix.is_frozen() {
            prefix.unfreezing_rule = self.clock.unfreezing_rule(slices, statistics);
        }
        Ok(prefix)
    }

    /// The part of the model that selectors select.
    pub(crate) fn prefix<S: AsRef<str>>(&self, selectors: &[S]) -> Result<Prefix, Error> {
        let model = self.plan().model();
        let mut parameters: Vec<ParamId> = Vec::new();
        for selector in selectors {
            let selector = Source::named("frozen_prefix", selector.as_ref().to_owned());
            parameters.extend(model.select(&selector).map_err(Error::Selector)?);
        }
        parameters.sort_unstable();
        parameters.dedup();
        let is_in = |parameter: &ParamId| parameters.binary_search(parameter).is_ok();
        let slices = self.plan().slice_ids().zip(self.plan().slices());
        let slices = slices.filter(|(_, of)| is_in(&of.parameter)).map(|(slice, _)| slice);
        let modules = model.normalisations().iter().enumerate();
        let statistics = modules
            .filter(|(_, module)| module.parameters.iter().any(is_in))
            .map(|(index, _)| NormalisationId::new(index));
        let statistics: Vec<NormalisationId> = statistics.collect();
        let buffers = buffers(model, &parameters);
        let held = statistics.iter().filter_map(|id| model.normalisations().get(id.index()));
        let held = held.flat_map(|module| &module.buffers);
        let own: HashSet<TensorId> = held.chain(&buffers).copied().collect();
        let tensors = model.tensors().iter().enumerate();
        let all_buffers = tensors.filter(|(_, tensor)| tensor.role == Role::Buffer);
        let all_buffers = all_buffers.map(|(index, _)| TensorId::new(index));
        let all_parameters = (0..model.parameters().len()).map(ParamId::new);
        Ok(Prefix {
            tuner: self.id,
            slices: slices.collect(),
            statistics,
            other_parameters: all_parameters.filter(|id| !is_in(id)).collect(),
            other_buffers: all_buffers.filter(|id| !own.contains(id)).collect(),
            buffers,
            parameters,
        })
    }

    /// The values of a prefix of this tuner's model; `None` while it is not frozen.
    pub(crate) fn state_of(&self, prefix: &Prefix) -> Result<Option<PrefixState>, TchError> {
        let trains = prefix.slices.iter().any(|slice| self.clock.trains(*slice));
        if trains || prefix.statistics.iter().any(|id| self.clock.is_live(*id)) {
            return Ok(None);
        }
        let parameters = prefix.parameters.iter();
        let parameters = parameters.filter_map(|id| self.slices.parameters().get(id.index()));
        // The statistics themselves may be moved by a training pass, and are restored from these.
        let held = prefix.statistics.iter().flat_map(|id| self.frozen_stats.held(*id));
        let buffers = prefix.buffers.iter().filter_map(|id| self.store.tensor(*id));
        let tensors: Vec<&Tensor> = parameters.chain(held).chain(buffers).collect();
        let identities = ffi::identities(&tensors.iter().copied().collect())?;
        let marks = tensors.iter().zip(identities).map(|(tensor, identity)| {
            Ok(TensorMark {
                tensor: identity.tensor(),
                memory: tensor.data_ptr().addr(),
                version: tensor.f_internal_version()?,
            })
        });
        let unfreezings = prefix.slices.iter();
        let unfreezings = unfreezings.filter_map(|slice| self.unfreezings.get(slice.index()));
        Ok(Some(PrefixState {
            tuner: self.id,
            unfreezings: unfreezings.copied().collect(),
            marks: marks.collect::<Result<_, TchError>>()?,
            tensors: KeptTensors(tensors.into_iter().map(Tensor::shallow_clone).collect()),
        }))
    }

    /// The tensors of the model outside of a prefix.
    pub(crate) fn outside(&self, prefix: &Prefix) -> Result<OutsideTensors<'_>, TchError> {
        let model = self.plan().model();
        let parameters = prefix.other_parameters.iter().filter_map(|id| {
            let name = model.parameters().get(id.index())?.names().next()?;
            Some((self.slices.parameters().get(id.index())?, name))
        });
        let buffers = prefix.other_buffers.iter().filter_map(|id| {
            let name = model.tensors().get(id.index())?.name.as_str();
            Some((*id, self.store.tensor(*id)?, name))
        });
        let buffers = buffers.map(|(id, tensor, name)| {
            Ok(OutsideBuffer { id, tensor, name, version: tensor.f_internal_version()? })
        });
        Ok(OutsideTensors {
            parameters: parameters.collect(),
            buffers: buffers.collect::<Result<_, TchError>>()?,
        })
    }

    /// Restores frozen statistics, which needs no change of the tuner itself.
    pub(crate) fn restore_stats(&self) -> Result<(), TchError> {
        self.frozen_stats.restore()
    }

    /// The first norm whose frozen statistics were moved since they were restored.
    pub(crate) fn first_moved_norm(&self) -> Result<Option<&str>, TchError> {
        self.frozen_stats.first_moved()
    }
}

impl Prefix {
    /// Whether it is a part of this tuner's model.
    pub(crate) fn is_of(&self, tuner: &Tuner) -> bool {
        self.tuner == tuner.id
    }

    /// Adds buffers that its features depend on. Returns whether there are any.
    pub(crate) fn add_buffers(&mut self, buffers: &[TensorId]) -> bool {
        self.other_buffers.retain(|id| !buffers.contains(id));
        self.buffers.extend(buffers);
        !buffers.is_empty()
    }
}

/// The tensors of a model outside of a prefix, which its features may read.
pub(crate) struct OutsideTensors<'t> {
    /// With their names.
    parameters: Vec<(&'t Tensor, &'t str)>,
    buffers: Vec<OutsideBuffer<'t>>,
}

/// A buffer outside of a prefix, with its version before features were computed.
struct OutsideBuffer<'t> {
    id: TensorId,
    tensor: &'t Tensor,
    name: &'t str,
    version: i64,
}

impl OutsideTensors<'_> {
    /// The parameters, and after them the buffers.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let buffers = self.buffers.iter().map(|buffer| buffer.tensor);
        self.parameters.iter().map(|(tensor, _)| *tensor).chain(buffers)
    }

    /// The names of the parameters that were read: `read` has an entry for each of the tensors.
    pub(crate) fn parameters(&self, read: &[bool]) -> Vec<String> {
        let parameters = self.parameters.iter().zip(read).filter(|(_, is_read)| **is_read);
        parameters.map(|((_, name), _)| (*name).to_owned()).collect()
    }

    /// The buffers that were read.
    pub(crate) fn buffers(&self, read: &[bool]) -> Vec<TensorId> {
        self.read_buffers(read).map(|buffer| buffer.id).collect()
    }

    /// The first buffer that was read and has been written to since.
    pub(crate) fn first_written(&self, read: &[bool]) -> Result<Option<String>, TchError> {
        for buffer in self.read_buffers(read) {
            if buffer.tensor.f_internal_version()? != buffer.version {
                return Ok(Some(buffer.name.to_owned()));
            }
        }
        Ok(None)
    }

    fn read_buffers<'s>(&'s self, read: &'s [bool]) -> impl Iterator<Item = &'s OutsideBuffer<'s>> {
        let read = read.iter().skip(self.parameters.len());
        self.buffers.iter().zip(read).filter(|(_, is_read)| **is_read).map(|(buffer, _)| buffer)
    }
}

/// The buffers that are no running statistics and lie in a module with one of these parameters, or in a
/// module around it.
fn buffers(model: &Model, parameters: &[ParamId]) -> Vec<TensorId> {
    let selected = parameters.iter().filter_map(|id| model.parameters().get(id.index()));
    let names: Vec<&str> = selected.flat_map(Parameter::names).collect();
    let modules = model.normalisations().iter();
    let statistics: Vec<TensorId> = modules.flat_map(|module| module.buffers.clone()).collect();
    let tensors = model.tensors().iter().enumerate();
    let buffers = tensors.filter(|(_, tensor)| tensor.role == Role::Buffer);
    let buffers = buffers.map(|(index, tensor)| (TensorId::new(index), &tensor.name));
    let others = buffers.filter(|(id, _)| !statistics.contains(id));
    let of_prefix = others.filter(|(_, name)| match name.rsplit_once('.') {
        None => !names.is_empty(),
        Some((module, _)) => names
            .iter()
            .any(|name| name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))),
    });
    of_prefix.map(|(id, _)| id).collect()
}
