//! The optimizers: one step of many parameters with the same hyperparameters, and their gradients.
//!
//! State belongs to a parameter. It is created when the parameter first steps, and again when its
//! optimizer has changed. There is no other state of an optimizer.

mod fused;
pub(crate) mod gradients;
mod plain;
mod state;
#[cfg(test)]
mod tests;

use freeze_dsl::Optimizer;
use tch::{TchError, Tensor};

use self::fused::Kernel;
pub(crate) use self::plain::real;
pub(crate) use self::state::ParamState;
use crate::ffi;

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
/// All of them are checked before the first one changes: if one cannot step, nothing is changed.
pub(crate) fn step<'a>(
    groups: impl IntoIterator<Item = (HyperParams, Vec<ParamSlot<'a>>)>,
) -> Result<(), TchError> {
    let _no_grad = tch::no_grad_guard();
    let mut all = Vec::new();
    for (hyper_params, slots) in groups {
        all.extend(Bucket::of(hyper_params, slots)?);
    }
    all.iter().try_for_each(Bucket::check)?;
    all.into_iter().try_for_each(Bucket::step)
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
            for ParamSlot { parameter, state } in &self.slots {
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

    fn step(mut self) -> Result<(), TchError> {
        match &self.kernel {
            Some(kernel) => {
                advance(&mut self.slots, &self.hyper_params, self.is_first_step, |params| {
                    kernel.step(params)
                })
            }
            None => self.slots.chunks_mut(1).try_for_each(|slot| {
                advance(slot, &self.hyper_params, self.is_first_step, |params| {
                    let mut params = params.iter();
                    params.try_for_each(|param| {
                        plain::step(param, &self.hyper_params, self.is_first_step)
                    })
                })
            }),
        }
    }
}

/// Steps slots, with new states if it is their first step. The slots get these once they have
/// stepped.
fn advance(
    slots: &mut [ParamSlot<'_>],
    hyper_params: &HyperParams,
    is_first_step: bool,
    step: impl FnOnce(&[SteppingParam<'_>]) -> Result<(), TchError>,
) -> Result<(), TchError> {
    if is_first_step {
        let new = slots.iter().map(|slot| ParamState::new(hyper_params.optimizer, slot.parameter));
        let new = new.collect::<Result<Vec<_>, _>>()?;
        let pairs = slots.iter().zip(&new);
        let params = pairs.map(|(slot, state)| SteppingParam { parameter: slot.parameter, state });
        step(&params.collect::<Vec<_>>())?;
        for (slot, state) in slots.iter_mut().zip(new) {
            *slot.state = Some(state);
        }
        return Ok(());
    }
    let params = slots.iter().filter_map(|ParamSlot { parameter, state }| {
        Some(SteppingParam { parameter, state: state.as_ref()? })
    });
    step(&params.collect::<Vec<_>>())
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
