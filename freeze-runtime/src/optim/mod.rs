//! The optimizers: one step of many parameters whose options agree, and their gradients.
//!
//! State belongs to a parameter. It is made when the parameter first steps, and made anew when its
//! optimizer has changed; dropping it is all it takes to forget a parameter.

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
pub(crate) use self::state::State;
use crate::ffi;

/// What a step depends on beside parameters, gradients and state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hyper {
    pub(crate) lr: f64,
    pub(crate) weight_decay: f64,
    pub(crate) optimizer: Optimizer,
}

/// A parameter and what its optimizer remembers of it.
pub(crate) struct Slot<'a> {
    pub(crate) parameter: &'a Tensor,
    pub(crate) state: &'a mut Option<State>,
}

/// A parameter that has a gradient, with state of the right optimizer.
struct Moving<'a> {
    parameter: &'a Tensor,
    state: &'a State,
}

/// Parameters that step in the same way, each with a gradient.
struct Lane<'a> {
    hyper: Hyper,
    /// None where libtorch has no kernel for them.
    kernel: Option<Kernel>,
    /// Whether they have no state yet, or that of another optimizer.
    is_first_step: bool,
    slots: Vec<Slot<'a>>,
}

/// Lets every parameter step that has a gradient. The others keep their values and get no state.
///
/// Whether all of them can step is known before the first one moves: then nothing is changed.
pub(crate) fn step<'a>(
    groups: impl IntoIterator<Item = (Hyper, Vec<Slot<'a>>)>,
) -> Result<(), TchError> {
    let _no_grad = tch::no_grad_guard();
    let mut all = Vec::new();
    for (hyper, slots) in groups {
        all.extend(Lane::of(hyper, slots)?);
    }
    all.iter().try_for_each(Lane::check)?;
    all.into_iter().try_for_each(Lane::step)
}

impl<'a> Lane<'a> {
    fn of(hyper: Hyper, slots: Vec<Slot<'a>>) -> Result<impl Iterator<Item = Self>, TchError> {
        let facts = ffi::facts(&slots.iter().map(|slot| slot.parameter).collect())?;
        let with_gradient = slots.into_iter().zip(facts).filter(|(_, facts)| facts.has_gradient);
        let items = with_gradient.map(|(slot, facts)| {
            let serves = slot.state.as_ref().is_some_and(|state| state.serves(&hyper.optimizer));
            ((facts, !serves), slot)
        });
        Ok(lanes(items).into_iter().map(move |((facts, is_first_step), slots)| {
            let kernel = Kernel::of(&hyper, facts, is_first_step);
            Self { hyper, kernel, is_first_step, slots }
        }))
    }

    /// Fails unless these parameters, gradients and states can step.
    fn check(&self) -> Result<(), TchError> {
        ffi::require_gradients(&self.slots.iter().map(|slot| slot.parameter).collect())?;
        if !self.is_first_step {
            let mut parameters = Vec::new();
            let mut averages = Vec::new();
            for Slot { parameter, state } in &self.slots {
                for average in state.iter().flat_map(State::averages) {
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
            self.slots.iter().try_for_each(|slot| plain::check(slot.parameter, &self.hyper))?;
        }
        Ok(())
    }

    fn step(mut self) -> Result<(), TchError> {
        match &self.kernel {
            Some(kernel) => advance(&mut self.slots, &self.hyper, self.is_first_step, |moving| {
                kernel.step(moving)
            }),
            None => self.slots.chunks_mut(1).try_for_each(|slot| {
                advance(slot, &self.hyper, self.is_first_step, |moving| {
                    let mut moving = moving.iter();
                    moving.try_for_each(|it| plain::step(it, &self.hyper, self.is_first_step))
                })
            }),
        }
    }
}

/// Lets slots step, with new states where it is their first step. These are theirs once they have
/// stepped, and are dropped where they have not.
fn advance(
    slots: &mut [Slot<'_>],
    hyper: &Hyper,
    is_first_step: bool,
    step: impl FnOnce(&[Moving<'_>]) -> Result<(), TchError>,
) -> Result<(), TchError> {
    if is_first_step {
        let new = slots.iter().map(|slot| State::new(hyper.optimizer, slot.parameter));
        let new = new.collect::<Result<Vec<_>, _>>()?;
        let pairs = slots.iter().zip(&new);
        let moving = pairs.map(|(slot, state)| Moving { parameter: slot.parameter, state });
        step(&moving.collect::<Vec<_>>())?;
        for (slot, state) in slots.iter_mut().zip(new) {
            *slot.state = Some(state);
        }
        return Ok(());
    }
    let moving = slots
        .iter()
        .filter_map(|Slot { parameter, state }| Some(Moving { parameter, state: state.as_ref()? }));
    step(&moving.collect::<Vec<_>>())
}

/// The items by what they have in common: what one call of a multi-tensor kernel can take.
fn lanes<K: PartialEq, T>(items: impl IntoIterator<Item = (K, T)>) -> Vec<(K, Vec<T>)> {
    let mut lanes: Vec<(K, Vec<T>)> = Vec::new();
    for (key, item) in items {
        match lanes.iter_mut().find(|(of, _)| *of == key) {
            Some((_, lane)) => lane.push(item),
            None => lanes.push((key, vec![item])),
        }
    }
    lanes
}
