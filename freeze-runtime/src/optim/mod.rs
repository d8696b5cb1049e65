//! The optimizers: one step of many parameters with the same hyperparameters, and their gradients.
//!
//! State belongs to a parameter. It is created when the parameter first steps, and again when its
//! optimizer has changed. There is no other state of an optimizer.

mod anchor;
mod fused;
pub(crate) mod gradients;
mod plain;
mod state;
#[cfg(test)]
mod tests;

use freeze_dsl::Optimizer;
use tch::{Device, Kind, TchError, Tensor};

pub(crate) use self::anchor::AnchorPull;
use self::anchor::PreparedPull;
use self::fused::Kernel;
pub(crate) use self::plain::real;
pub(crate) use self::state::ParamState;
use crate::ffi::{self, List};

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
}

/// A parameter that has a gradient, with the state of its optimizer.
struct SteppingParam<'a> {
    parameter: &'a Tensor,
    state: &'a ParamState,
}

/// Parameters that step by the same kernel, each with a gradient.
struct Bucket<'a> {
    hyper_params: HyperParams,
    /// `None` if libtorch has no kernel for them.
    kernel: Option<Kernel>,
    /// Whether they have no state yet, or the state of another optimizer.
    is_first_step: bool,
    slots: Vec<ParamSlot<'a>>,
}

/// Steps every parameter that has a gradient. The others keep their values and get no state.
///
/// A step is made whole or not at all: all parameters are checked, and everything that a step needs is
/// allocated, before the first one changes.
pub(crate) fn step<'a>(
    groups: impl IntoIterator<Item = (HyperParams, Vec<ParamSlot<'a>>)>,
) -> Result<(), TchError> {
    let _no_grad = tch::no_grad_guard();
    let mut all = Vec::new();
    for (hyper_params, slots) in groups {
        all.extend(Bucket::of(hyper_params, slots)?);
    }
    all.iter().try_for_each(Bucket::check)?;
    let prepared = all.into_iter().map(Bucket::prepare).collect::<Result<Vec<_>, _>>()?;
    reserve(&prepared)?;
    prepared.into_iter().try_for_each(PreparedBucket::step)
}

/// Allocates and frees as many bytes as the kernels need for temporary tensors, so that memory which
/// runs out does so before the first parameter changes.
fn reserve(prepared: &[PreparedBucket<'_>]) -> Result<(), TchError> {
    let mut most: Vec<(Device, usize)> = Vec::new();
    for bucket in prepared {
        match most.iter_mut().find(|(device, _)| *device == bucket.device) {
            Some((_, bytes)) => *bytes = bucket.scratch.max(*bytes),
            None => most.push((bucket.device, bucket.scratch)),
        }
    }
    for (device, bytes) in most.into_iter().filter(|(_, bytes)| *bytes > 0) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        drop(Tensor::f_empty([bytes], (Kind::Uint8, device))?);
    }
    Ok(())
}

impl<'a> Bucket<'a> {
    fn of(
        hyper_params: HyperParams,
        slots: Vec<ParamSlot<'a>>,
    ) -> Result<impl Iterator<Item = Self>, TchError> {
        let facts = ffi::facts(&slots.iter().map(|slot| slot.parameter).collect())?;
        let with_gradient = slots.into_iter().zip(facts).filter(|(_, facts)| facts.has_gradient);
        let items = with_gradient.map(|(slot, facts)| {
            let has_state =
                slot.state.as_ref().is_some_and(|state| state.is_of(&hyper_params.optimizer));
            ((facts, !has_state), slot)
        });
        Ok(buckets(items).into_iter().map(move |((facts, is_first_step), slots)| {
            let kernel = Kernel::of(&hyper_params, facts, is_first_step);
            Self { hyper_params, kernel, is_first_step, slots }
        }))
    }

    /// Fails unless these parameters, gradients and states can step.
    fn check(&self) -> Result<(), TchError> {
        ffi::require_gradients(&self.slots.iter().map(|slot| slot.parameter).collect())?;
        if !self.is_first_step {
            let mut parameters = Vec::new();
            let mut averages = Vec::new();
            for ParamSlot { parameter, state, .. } in &self.slots {
                for average in state.iter().flat_map(ParamState::averages) {
                    parameters.push(*parameter);
                    averages.push(average);
                }
            }
            ffi::require_states(
                &parameters.into_iter().collect(),
                &averages.into_iter().collect(),
                self.kernel.is_some(),
            )?;
        }
        if self.kernel.is_none() {
            self.slots
                .iter()
                .try_for_each(|slot| plain::check(slot.parameter, &self.hyper_params))?;
        }
        Ok(())
    }

    /// Allocates what the step needs.
    fn prepare(self) -> Result<PreparedBucket<'a>, TchError> {
        let parameters: List<'_> = self.slots.iter().map(|slot| slot.parameter).collect();
        let optimizer = self.hyper_params.optimizer;
        let new = self.slots.iter().filter(|_| self.is_first_step);
        let new = new.map(|slot| ParamState::new(optimizer, slot.parameter));
        let new_states = new.collect::<Result<Vec<_>, _>>()?;
        let (gradients, scratch) = if let Some(kernel) = &self.kernel {
            (ffi::laid_out_gradients(&parameters)?, kernel.scratch(&parameters)?)
        } else {
            let scratch = self.slots.iter().map(|slot| plain::scratch(slot.parameter));
            let scratch = scratch.collect::<Result<Vec<_>, _>>()?;
            (Vec::new(), scratch.into_iter().max().unwrap_or_default())
        };
        let pulls = self
            .slots
            .iter()
            .map(|slot| slot.pull.map(|pull| pull.prepare(slot.parameter)).transpose());
        let pulls = pulls.collect::<Result<Vec<_>, _>>()?;
        let device = self.slots.first().map_or(Device::Cpu, |slot| slot.parameter.device());
        Ok(PreparedBucket { bucket: self, new_states, gradients, pulls, device, scratch })
    }
}

/// A bucket and everything that its step needs.
struct PreparedBucket<'a> {
    bucket: Bucket<'a>,
    /// The states of a first step. The slots get them once they have stepped.
    new_states: Vec<ParamState>,
    /// For a kernel, the gradients in the memory layout of their parameters.
    gradients: Vec<Tensor>,
    /// What pulls each parameter.
    pulls: Vec<Option<PreparedPull>>,
    device: Device,
    /// The most bytes of temporary tensors at a time.
    scratch: usize,
}

impl PreparedBucket<'_> {
    fn step(self) -> Result<(), TchError> {
        let Bucket { hyper_params, kernel, is_first_step, slots } = self.bucket;
        let old = slots.iter().filter_map(|slot| slot.state.as_ref());
        let states = if is_first_step { self.new_states.iter().collect() } else { old.collect() };
        let states: Vec<&ParamState> = states;
        let params = slots.iter().zip(states);
        let params: Vec<_> = params
            .map(|(slot, state)| SteppingParam { parameter: slot.parameter, state })
            .collect();
        for (param, pull) in params.iter().zip(&self.pulls) {
            if let Some(pull) = pull {
                pull.apply(param.parameter)?;
            }
        }
        match kernel {
            Some(kernel) => kernel.step(&params, &self.gradients.iter().collect())?,
            None => params
                .iter()
                .try_for_each(|param| plain::step(param, &hyper_params, is_first_step))?,
        }
        for (slot, state) in slots.into_iter().zip(self.new_states) {
            *slot.state = Some(state);
        }
        Ok(())
    }
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
