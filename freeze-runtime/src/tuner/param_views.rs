//! The tensors that train apart from each other: whole parameters, and row slices as views.

use std::ops::{Deref, Range};

use freeze_dsl::clock::Clock;
use freeze_dsl::plan::{ParamSlice, Plan, SliceId};
use tch::{TchError, Tensor};

use crate::ffi;
use crate::optim::gradients;

/// The parameters of a model, and the slices that a plan divides them into.
///
/// libtorch has flags and gradients of whole parameters only. A parameter has a gradient if any of
/// its slices is trained, and a row slice is a view that is made when it is used: into the
/// parameter's memory, with the same rows of the parameter's gradient as its own.
pub(super) struct ParamSlices {
    parameters: Vec<Tensor>,
    /// The slices, in the order of their parameters.
    all: Vec<ParamSlice>,
    /// The slices of each parameter.
    of: Vec<Range<usize>>,
}

/// A slice as a tensor, with its gradient.
pub(super) enum ParamView<'a> {
    Whole(&'a Tensor),
    Rows(Tensor),
}

impl Deref for ParamView<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        match self {
            Self::Whole(parameter) => parameter,
            Self::Rows(view) => view,
        }
    }
}

impl ParamSlices {
    pub(super) fn new(parameters: Vec<Tensor>, plan: &Plan) -> Self {
        let all = plan.slices().to_vec();
        let first =
            |parameter: usize| all.partition_point(|slice| slice.parameter.index() < parameter);
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

    /// Each parameter, and whether the condition holds for one of its slices.
    pub(super) fn any(
        &self,
        holds: impl Fn(SliceId) -> bool,
    ) -> impl Iterator<Item = (&Tensor, bool)> {
        self.parameters
            .iter()
            .zip(&self.of)
            .map(move |(parameter, of)| (parameter, ids(of).any(&holds)))
    }

    /// The parameters of which a slice is trained.
    pub(super) fn trainable<'s>(&'s self, clock: &Clock) -> Vec<&'s Tensor> {
        self.any(|slice| clock.trains(slice)).filter(|(_, any)| *any).map(|(it, _)| it).collect()
    }

    /// The parameters of which no slice is trained.
    pub(super) fn frozen<'s>(&'s self, clock: &Clock) -> Vec<&'s Tensor> {
        self.any(|slice| clock.trains(slice)).filter(|(_, any)| !any).map(|(it, _)| it).collect()
    }

    /// A slice as a tensor: the parameter itself, or its rows with the same rows of its gradient.
    pub(super) fn view(&self, slice: SliceId) -> Result<Option<ParamView<'_>>, TchError> {
        let Some((parameter, rows)) = self.get(slice) else { return Ok(None) };
        let Some(rows) = rows else { return Ok(Some(ParamView::Whole(parameter))) };
        let view = values_of_rows(parameter, rows)?;
        set_gradient_rows(parameter, rows, &view)?;
        Ok(Some(ParamView::Rows(view)))
    }

    /// A slice as a tensor in the parameter's memory, without its gradient.
    pub(super) fn values(&self, slice: SliceId) -> Result<Option<Tensor>, TchError> {
        let Some((parameter, rows)) = self.get(slice) else { return Ok(None) };
        match rows {
            None => Ok(Some(parameter.shallow_clone())),
            Some(rows) => values_of_rows(parameter, rows).map(Some),
        }
    }

    /// The shape of a slice.
    pub(super) fn shape(&self, slice: SliceId) -> Vec<usize> {
        let Some((parameter, rows)) = self.get(slice) else { return Vec::new() };
        let sizes = parameter.size().into_iter();
        let mut shape: Vec<usize> = sizes.map(|size| size.try_into().unwrap_or(0)).collect();
        if let (Some(first), Some(rows)) = (shape.first_mut(), rows) {
            *first = rows.len();
        }
        shape
    }

    fn get(&self, slice: SliceId) -> Option<(&Tensor, Option<&Range<usize>>)> {
        let slice = self.all.get(slice.index())?;
        Some((self.parameters.get(slice.parameter.index())?, slice.rows.as_ref()))
    }

    /// Clears all gradients.
    pub(super) fn zero_all_gradients(&self) -> Result<(), TchError> {
        gradients::zero(&self.parameters.iter().collect::<Vec<_>>())
    }

    /// Clears the gradients of slices. Gradients of other slices of the same parameter are kept, and
    /// the cleared rows beside them are zero until the next backward pass.
    pub(super) fn zero_gradients(&self, slices: &[SliceId], clock: &Clock) -> Result<(), TchError> {
        let mut is_cleared = vec![false; self.all.len()];
        for slice in slices {
            if let Some(is_cleared) = is_cleared.get_mut(slice.index()) {
                *is_cleared = true;
            }
        }
        let clears = |slice: SliceId| is_cleared.get(slice.index()).copied().unwrap_or_default();
        let mut whole = Vec::new();
        for (parameter, of) in self.parameters.iter().zip(&self.of) {
            if !ids(of).any(clears) {
                continue;
            }
            if !ids(of).any(|slice| clock.trains(slice) && !clears(slice)) {
                whole.push(parameter);
                continue;
            }
            for slice in ids(of).filter(|slice| clears(*slice)) {
                if let Some((_, Some(rows))) = self.get(slice) {
                    gradients::zero_rows(parameter, rows)?;
                }
            }
        }
        gradients::zero(&whole)
    }
}

/// The slices at these places.
fn ids(places: &Range<usize>) -> impl Iterator<Item = SliceId> + use<> {
    places.clone().map(SliceId::new)
}

/// Rows of a parameter as a separate leaf in the same memory.
fn values_of_rows(parameter: &Tensor, rows: &Range<usize>) -> Result<Tensor, TchError> {
    let (start, length) = gradients::extent(rows)?;
    parameter.f_detach()?.f_narrow(0, start, length)
}

/// Sets the gradient of a view of rows to the same rows of its parameter's gradient, if it has one.
fn set_gradient_rows(
    parameter: &Tensor,
    rows: &Range<usize>,
    view: &Tensor,
) -> Result<(), TchError> {
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
