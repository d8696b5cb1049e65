//! The tensors of a plan's parts: parameters, and stretches of their rows.

use std::ops::{Deref, Range};

use freeze_dsl::clock::Clock;
use freeze_dsl::plan::{Part, Plan};
use tch::{TchError, Tensor};

use crate::ffi;
use crate::optim::gradients;

type Result<T> = std::result::Result<T, TchError>;

/// The parameters of a model, and the parts that a plan cuts them into.
///
/// libtorch knows flags and gradients of whole parameters only. A parameter has a gradient where
/// any of its parts trains, and a stretch of rows is a view that is made when it is needed: into
/// the parameter's memory, with the same rows of the parameter's gradient as its own.
pub(super) struct Parts {
    parameters: Vec<Tensor>,
    /// The parts, in the order of their parameters.
    all: Vec<Part>,
    /// Which parts each parameter is made of.
    of: Vec<Range<usize>>,
}

/// A part as a tensor, with its gradient.
pub(super) enum View<'a> {
    Whole(&'a Tensor),
    Rows(Tensor),
}

impl Deref for View<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        match self {
            Self::Whole(parameter) => parameter,
            Self::Rows(view) => view,
        }
    }
}

impl Parts {
    pub(super) fn new(parameters: Vec<Tensor>, plan: &Plan) -> Self {
        let all = plan.parts().to_vec();
        let first = |parameter: usize| all.partition_point(|part| part.parameter < parameter);
        let of = (0..parameters.len()).map(|index| first(index)..first(index + 1)).collect();
        Self { parameters, all, of }
    }

    pub(super) const fn count(&self) -> usize {
        self.all.len()
    }

    /// The parameters, in the model's order.
    pub(super) fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// Each parameter, with whether one of its parts does what is asked.
    pub(super) fn any(
        &self,
        asked: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (&Tensor, bool)> {
        self.parameters
            .iter()
            .zip(&self.of)
            .map(move |(parameter, parts)| (parameter, parts.clone().any(&asked)))
    }

    /// The parameters of which some part trains.
    pub(super) fn training<'s>(&'s self, clock: &Clock) -> Vec<&'s Tensor> {
        self.any(|part| clock.trains(part)).filter(|(_, any)| *any).map(|(it, _)| it).collect()
    }

    /// The parameters of which no part trains.
    pub(super) fn frozen<'s>(&'s self, clock: &Clock) -> Vec<&'s Tensor> {
        self.any(|part| clock.trains(part)).filter(|(_, any)| !any).map(|(it, _)| it).collect()
    }

    /// The parts that train, as views.
    pub(super) fn training_views<'s>(&'s self, clock: &Clock) -> Result<Vec<View<'s>>> {
        clock.trainable().filter_map(|part| self.view(part).transpose()).collect()
    }

    /// A part as a tensor: the parameter itself, or its rows with their slice of its gradient.
    pub(super) fn view(&self, part: usize) -> Result<Option<View<'_>>> {
        let Some((parameter, rows)) = self.get(part) else { return Ok(None) };
        let Some(rows) = rows else { return Ok(Some(View::Whole(parameter))) };
        let view = values_of_rows(parameter, rows)?;
        lend_gradient(parameter, rows, &view)?;
        Ok(Some(View::Rows(view)))
    }

    /// A part as a tensor in the parameter's memory, whatever gradient it has.
    pub(super) fn values(&self, part: usize) -> Result<Option<Tensor>> {
        let Some((parameter, rows)) = self.get(part) else { return Ok(None) };
        match rows {
            None => Ok(Some(parameter.shallow_clone())),
            Some(rows) => values_of_rows(parameter, rows).map(Some),
        }
    }

    fn get(&self, part: usize) -> Option<(&Tensor, Option<&Range<usize>>)> {
        let part = self.all.get(part)?;
        Some((self.parameters.get(part.parameter)?, part.rows.as_ref()))
    }

    /// Lets go of all gradients.
    pub(super) fn forget_all(&self) -> Result<()> {
        gradients::zero(&self.parameters.iter().collect::<Vec<_>>())
    }

    /// Lets go of the gradients of parts. What other parts of the same parameter have gathered
    /// stays, and rows beside them have a gradient of zero until the next backward pass.
    pub(super) fn forget(&self, parts: &[usize], clock: &Clock) -> Result<()> {
        let mut touched = vec![false; self.all.len()];
        for part in parts {
            if let Some(touched) = touched.get_mut(*part) {
                *touched = true;
            }
        }
        let is_touched = |part: usize| touched.get(part).copied().unwrap_or_default();
        let mut whole = Vec::new();
        for (parameter, of) in self.parameters.iter().zip(&self.of) {
            if !of.clone().any(is_touched) {
                continue;
            }
            if !of.clone().any(|part| clock.trains(part) && !is_touched(part)) {
                whole.push(parameter);
                continue;
            }
            for part in of.clone().filter(|part| is_touched(*part)) {
                if let Some(rows) = self.all.get(part).and_then(|part| part.rows.as_ref()) {
                    gradients::zero_rows(parameter, rows)?;
                }
            }
        }
        gradients::zero(&whole)
    }
}

/// Rows of a parameter as a leaf of their own in the same memory.
fn values_of_rows(parameter: &Tensor, rows: &Range<usize>) -> Result<Tensor> {
    let (start, length) = gradients::extent(rows)?;
    parameter.f_detach()?.f_narrow(0, start, length)
}

/// Gives a view of rows the same rows of its parameter's gradient, if that has one.
fn lend_gradient(parameter: &Tensor, rows: &Range<usize>, view: &Tensor) -> Result<()> {
    let gradient = parameter.f_grad()?;
    if !gradient.defined() {
        return Ok(());
    }
    let (start, length) = gradients::extent(rows)?;
    let slice = if gradient.is_sparse() {
        gradient.f_narrow_copy(0, start, length)?
    } else {
        gradient.f_narrow(0, start, length)?
    };
    ffi::set_gradient(view, &slice)
}
