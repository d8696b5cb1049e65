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

/// Lets every parameter step that has a gradient. The others keep their values and get no state.
pub(crate) fn step(slots: Vec<Slot<'_>>, hyper: &Hyper) -> Result<(), TchError> {
    let _no_grad = tch::no_grad_guard();
    let facts = ffi::facts(&slots.iter().map(|slot| slot.parameter).collect())?;
    let mut all = Vec::with_capacity(slots.len());
    for (Slot { parameter, state }, facts) in slots.into_iter().zip(facts) {
        if facts.has_gradient {
            state.take_if(|state| !state.serves(&hyper.optimizer));
            let is_first_step = state.is_none();
            let state = match state {
                Some(state) => state,
                None => state.insert(State::new(hyper.optimizer, parameter)?),
            };
            all.push(((facts, is_first_step), Moving { parameter, state }));
        }
    }
    for ((facts, is_first_step), moving) in lanes(all) {
        match Kernel::of(hyper, facts, is_first_step) {
            Some(kernel) => kernel.step(&moving)?,
            None => {
                for moving in &moving {
                    plain::step(moving, hyper, is_first_step)?;
                }
            }
        }
    }
    Ok(())
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
