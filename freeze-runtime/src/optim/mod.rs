//! The optimizers: one step of many parameters with the same hyperparameters, and their gradients.
//!
//! State belongs to a parameter. It is created when the parameter first steps, and again when it has
//! another kind of optimizer. There is no other state of an optimizer.

mod anchor;
mod fused;
mod grad_scale;
pub(crate) mod gradients;
mod plain;
mod skipping;
mod state;
#[cfg(test)]
mod tests;

use freeze_dsl::Optimizer;
use tch::{Device, Kind, TchError, Tensor};

pub(crate) use self::anchor::AnchorPull;
use self::anchor::PreparedPull;
use self::fused::Kernel;
pub(crate) use self::grad_scale::GradScale;
pub(crate) use self::plain::real;
use self::skipping::{Skip, Undo};
pub(crate) use self::state::ParamState;
use crate::ffi::{self, Facts, LaidOutGradients, List};

/// The hyperparameters of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HyperParams {
    pub(crate) lr: f64,
    pub(crate) weight_decay: f64,
    pub(crate) optimizer: Optimizer,
}

/// A parameter and its optimizer state.
pub(crate) struct ParamSlot<'a> {
    pub(crate) parameter: &'a Tensor,
    pub(crate) state: &'a mut Option<ParamState>,
    /// What pulls it before its optimizer's step, if anything does.
    pub(crate) pull: Option<AnchorPull<'a>>,
    /// Whether it is the row slice of a parameter that follows the one before it in this group, so
    /// that both are one matrix.
    pub(crate) follows: bool,
}

/// A parameter that has a gradient, with the state of its optimizer.
struct SteppingParam<'a> {
    parameter: &'a Tensor,
    state: &'a ParamState,
    follows: bool,
}

/// Parameters that step by the same kernel, each with a gradient.
struct Bucket<'a> {
    hyper_params: HyperParams,
    /// `None` if libtorch has no kernel for them.
    kernel: Option<Kernel>,
    /// Whether their momentum begins with this step, or they have none.
    is_first_step: bool,
    slots: Vec<ParamSlot<'a>>,
}

/// Steps every parameter that has a gradient. The others keep their values and get no state.
///
/// A step is made whole or not at all: all parameters are checked, and everything that a step needs is
/// allocated, before the first one changes.
///
/// The gradients of a scaled loss have a `scale`. If one of them is not finite, nothing moves.
pub(crate) fn step<'a>(
    groups: impl IntoIterator<Item = (HyperParams, Vec<ParamSlot<'a>>)>,
    mut scale: Option<&mut GradScale>,
) -> Result<(), TchError> {
    let _no_grad = tch::no_grad_guard();
    let mut all = Vec::new();
    for (hyper_params, slots) in groups {
        all.extend(Bucket::of(hyper_params, slots)?);
    }
    let is_scaled = scale.as_ref().is_some_and(|scale| !scale.is_unscaled());
    all.iter().try_for_each(|bucket| bucket.check(is_scaled))?;
    if let Some(scale) = scale.as_deref_mut() {
        all.iter().try_for_each(|bucket| scale.prepare(bucket.device()))?;
    }
    let prepared = all.into_iter().map(|bucket| bucket.prepare(scale.as_deref()));
    let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
    reserve(&prepared)?;
    if let Some(scale) = scale.as_deref_mut() {
        prepared.iter().try_for_each(|bucket| bucket.search(scale))?;
        scale.combine()?;
    }
    let scale = scale.as_deref();
    prepared.into_iter().try_for_each(|bucket| bucket.step(scale, is_scaled))
}

/// The temporary tensors of a step: so many at a time, each of at most so many bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Scratch {
    tensors: usize,
    bytes: usize,
}

/// Allocates and frees temporary tensors like those of each bucket's step, so that memory which runs out
/// does so before the first parameter changes.
fn reserve(prepared: &[PreparedBucket<'_>]) -> Result<(), TchError> {
    for PreparedBucket { device, scratch, .. } in prepared {
        for Scratch { tensors, bytes } in scratch.iter().filter(|scratch| scratch.bytes > 0) {
            let bytes = i64::try_from(*bytes).unwrap_or(i64::MAX);
            let one = |_| Tensor::f_empty([bytes], (Kind::Uint8, *device));
            drop((0..*tensors).map(one).collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(())
}

impl<'a> Bucket<'a> {
    fn of(
        hyper_params: HyperParams,
        slots: Vec<ParamSlot<'a>>,
    ) -> Result<impl Iterator<Item = Self>, TchError> {
        let optimizer = hyper_params.optimizer;
        let facts = ffi::facts(&slots.iter().map(|slot| slot.parameter).collect())?;
        let with_gradient = slots.into_iter().zip(facts).filter(|(_, facts)| facts.has_gradient);
        let items =
            with_gradient.map(|(slot, facts)| (StepKey::of(&optimizer, &slot, facts), slot));
        let of_one_kind = buckets(items).into_iter().map(move |(key, slots)| {
            let kind = slots.first().map_or(Kind::Float, |slot| slot.parameter.kind());
            let kernel = Kernel::of(&hyper_params, key.facts, kind, key.is_first_step);
            Self { hyper_params, kernel, is_first_step: key.is_first_step, slots }
        });
        Ok(of_one_kind)
    }

    /// The device of all of them.
    fn device(&self) -> Device {
        self.slots.first().map_or(Device::Cpu, |slot| slot.parameter.device())
    }

    fn is_fused(&self) -> bool {
        self.kernel.as_ref().is_some_and(Kernel::is_fused)
    }

    /// Whether the host needs the flag that skips a step: it counts the steps, or the first step has other
    /// numbers than a later one.
    fn counts_on_host(&self) -> bool {
        match self.hyper_params.optimizer {
            Optimizer::Sgd { momentum, dampening, .. } => {
                self.is_first_step && momentum > 0.0 && dampening != 0.0
            }
            Optimizer::RmsProp { .. } | Optimizer::Muon { .. } | Optimizer::Lion { .. } => false,
            _ => !self.is_fused(),
        }
    }

    /// Fails unless these parameters, gradients and states can step.
    fn check(&self, is_scaled: bool) -> Result<(), TchError> {
        ffi::require_gradients(&self.slots.iter().map(|slot| slot.parameter).collect())?;
        if is_scaled && !self.is_fused() {
            for slot in &self.slots {
                grad_scale::require_range(&slot.parameter.f_grad()?)?;
            }
        }
        let optimizer = &self.hyper_params.optimizer;
        let mut parameters = Vec::new();
        let mut averages = Vec::new();
        for ParamSlot { parameter, state, .. } in &self.slots {
            if let Some(reason) = optimizer.refuses(parameter.dim(), parameter.is_complex()) {
                let (name, size) = (optimizer.name(), parameter.size());
                return Err(TchError::Torch(format!("{name} {reason}, not one of {size:?}")));
            }
            let Some(state) = state.as_ref().filter(|state| state.is_of(optimizer)) else {
                continue;
            };
            state.check_factors(parameter)?;
            for average in state.averages() {
                parameters.push(*parameter);
                averages.push(average);
            }
        }
        ffi::require_states(
            &parameters.into_iter().collect(),
            &averages.into_iter().collect(),
            self.kernel.as_ref().is_some_and(Kernel::needs_layout),
        )?;
        if self.kernel.is_none() {
            self.slots
                .iter()
                .try_for_each(|slot| plain::check(slot.parameter, &self.hyper_params))?;
        }
        Ok(())
    }

    /// Allocates what the step needs.
    fn prepare(mut self, scale: Option<&GradScale>) -> Result<PreparedBucket<'a>, TchError> {
        let device = self.device();
        let skip = Skip::of(scale, device, self.counts_on_host());
        if skip == Skip::OnDevice
            && let Some(kernel) = &mut self.kernel
        {
            // The step before may have been skipped, and then the buffer is zero.
            kernel.begin_at_zero();
        }
        let parameters: List<'_> = self.slots.iter().map(|slot| slot.parameter).collect();
        let optimizer = self.hyper_params.optimizer;
        let new_states = self
            .slots
            .iter()
            .map(|slot| {
                let known = slot.state.as_ref();
                if known.is_some_and(|state| state.is_complete(&optimizer)) {
                    return Ok(None);
                }
                ParamState::completed(known, optimizer, slot.parameter).map(Some)
            })
            .collect::<Result<Vec<_>, TchError>>()?;
        let (gradients, scratch) = if let Some(kernel) = &self.kernel {
            let bytes = self.slots.iter().map(|slot| bytes_of(slot.parameter));
            let bytes = bytes.collect::<Result<Vec<_>, _>>()?;
            let follows: Vec<bool> = self.slots.iter().map(|slot| slot.follows).collect();
            let gradients = if kernel.needs_layout() {
                ffi::laid_out_gradients(&parameters)?
            } else {
                Vec::new()
            };
            (gradients, kernel.scratch(&parameters, &bytes, &follows)?)
        } else {
            let scratch = self.slots.iter().map(|slot| plain::scratch(slot.parameter));
            let scratch = scratch.collect::<Result<Vec<_>, TchError>>()?;
            let largest = scratch.into_iter().max_by_key(|scratch| scratch.bytes);
            (Vec::new(), largest.unwrap_or_default())
        };
        let pulls = self
            .slots
            .iter()
            .map(|slot| slot.pull.map(|pull| pull.prepare(slot.parameter)).transpose());
        let pulls = pulls.collect::<Result<Vec<_>, _>>()?;
        let mut undo = Undo::default();
        if skip == Skip::OnDevice {
            let moves_by_itself = !self.is_fused();
            for ((slot, new), pull) in self.slots.iter().zip(&new_states).zip(&pulls) {
                if moves_by_itself || pull.is_some() {
                    undo.add(slot.parameter)?;
                }
                let state = new.as_ref().or(slot.state.as_ref()).filter(|_| moves_by_itself);
                for (_, tensor) in state.iter().flat_map(|state| state.tensors()) {
                    undo.add(tensor)?;
                }
            }
        }
        let scratch = [scratch, undo.scratch()];
        Ok(PreparedBucket {
            bucket: self,
            new_states,
            gradients,
            pulls,
            undo,
            skip,
            device,
            scratch,
        })
    }
}

/// A bucket and everything that its step needs.
struct PreparedBucket<'a> {
    bucket: Bucket<'a>,
    /// The states that slots get once they have stepped, where theirs is not complete.
    new_states: Vec<Option<ParamState>>,
    /// For a kernel that needs it, the gradients in the memory layout of their parameters.
    gradients: Vec<Tensor>,
    /// What pulls each parameter.
    pulls: Vec<Option<PreparedPull>>,
    /// What a step changes that turns out to be skipped.
    undo: Undo,
    skip: Skip,
    device: Device,
    /// Those of its kernel, and those of undoing it.
    scratch: [Scratch; 2],
}

impl PreparedBucket<'_> {
    /// Searches the gradients for infinities, and divides them by the scale unless the kernel does.
    fn search(&self, scale: &GradScale) -> Result<(), TchError> {
        if !self.gradients.is_empty() {
            return scale.search(&self.gradients, self.bucket.is_fused());
        }
        let parameters: Vec<_> = self.bucket.slots.iter().map(|slot| slot.parameter).collect();
        scale.search(&gradients::gradients_of(&parameters)?, self.bucket.is_fused())
    }

    fn step(self, scale: Option<&GradScale>, is_scaled: bool) -> Result<(), TchError> {
        let is_fused = self.bucket.is_fused();
        let Bucket { hyper_params, kernel, is_first_step, slots } = self.bucket;
        let is_skipped = match (self.skip, scale) {
            (Skip::OnHost, Some(scale)) => scale.read(self.device)?,
            _ => false,
        };
        if is_skipped && !is_fused {
            return Ok(());
        }
        let mut params = Vec::with_capacity(slots.len());
        for (slot, new) in slots.iter().zip(&self.new_states) {
            // One of the two is there: a state that is missing was made.
            if let Some(state) = new.as_ref().or(slot.state.as_ref()) {
                let ParamSlot { parameter, follows, .. } = *slot;
                params.push(SteppingParam { parameter, state, follows });
            }
        }
        for (param, pull) in params.iter().zip(&self.pulls).filter(|_| !is_skipped) {
            if let Some(pull) = pull {
                pull.apply(param.parameter)?;
            }
        }
        match kernel {
            Some(kernel) => {
                let scaling = scale.map(|scale| scale.scaling(self.device, is_scaled));
                let scaling = scaling.unwrap_or_default();
                let list = self.gradients.iter().collect();
                kernel.step(&params, &LaidOutGradients { list, scaling })?;
            }
            None => params
                .iter()
                .try_for_each(|param| plain::step(param, &hyper_params, is_first_step))?,
        }
        if let Some(flag) = scale.and_then(|scale| scale.flag(self.device)) {
            self.undo.restore_if(flag)?;
        }
        for (slot, new) in slots.into_iter().zip(self.new_states).filter(|_| !is_skipped) {
            if new.is_some() {
                *slot.state = new;
            }
        }
        Ok(())
    }
}

/// What parameters have in common that step by one call.
#[derive(PartialEq, Eq)]
struct StepKey {
    facts: Facts,
    is_first_step: bool,
    /// For Adafactor, whether they have rows and columns.
    is_factored: bool,
}

impl StepKey {
    fn of(optimizer: &Optimizer, slot: &ParamSlot<'_>, facts: Facts) -> Self {
        let is_complete = || slot.state.as_ref().is_some_and(|state| state.is_complete(optimizer));
        match optimizer {
            Optimizer::Sgd { .. } => {
                Self { facts, is_first_step: !is_complete(), is_factored: false }
            }
            // All rows of a parameter are in one bucket.
            Optimizer::Muon { .. } | Optimizer::Adafactor { .. } => Self {
                facts: facts.without_kernels(),
                is_first_step: false,
                is_factored: slot.parameter.dim() > 1,
            },
            _ => Self { facts, is_first_step: false, is_factored: false },
        }
    }
}

/// The memory of a tensor's elements in bytes.
pub(crate) fn bytes_of(tensor: &Tensor) -> Result<usize, TchError> {
    Ok(tensor.numel() * tensor.f_kind()?.elt_size_in_bytes())
}

/// The items by their keys: one call of a multi-tensor kernel takes items of one key.
fn buckets<K: PartialEq, T>(items: impl IntoIterator<Item = (K, T)>) -> Vec<(K, Vec<T>)> {
    let mut buckets: Vec<(K, Vec<T>)> = Vec::new();
    for (key, item) in items {
        match buckets.iter_mut().find(|(of, _)| *of == key) {
            Some((_, bucket)) => bucket.push(item),
            None => buckets.push((key, vec![item])),
        }
    }
    buckets
}
