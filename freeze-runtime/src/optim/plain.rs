//! Steps by plain tensor operations, where there is no fused kernel.
//!
//! The formulas, and the names in them, are those of [`torch.optim`].
//!
//! [`torch.optim`]: https://docs.pytorch.org/docs/stable/optim.html#algorithms

use freeze_dsl::Optimizer;
use tch::{TchError, Tensor};

use super::{HyperParams, ParamState, Scratch, SteppingParam};
use crate::ffi::{self, AdagradOptions};

/// Fails if there is no formula for a parameter's gradient.
pub(super) fn check(parameter: &Tensor, hyper_params: &HyperParams) -> Result<(), TchError> {
    if !parameter.f_grad()?.is_sparse() {
        return Ok(());
    }
    // As in PyTorch, where `SparseAdam` is an optimizer of its own.
    let name = match hyper_params.optimizer {
        Optimizer::Sgd { .. } => return Ok(()),
        Optimizer::Adagrad { .. } if hyper_params.weight_decay == 0.0 => return Ok(()),
        Optimizer::Adagrad { .. } => "adagrad with weight decay",
        optimizer => optimizer.name(),
    };
    Err(TchError::Torch(format!(
        "{name} does not take sparse gradients; sgd does, and adagrad without weight decay"
    )))
}

/// The most bytes of a parameter that step at a time, so that temporary tensors stay small.
const MOST_BYTES: usize = 16 << 20;

/// The temporary tensors that [`step`] needs at a time.
pub(super) fn scratch(parameter: &Tensor) -> Result<Scratch, TchError> {
    let bytes = parameter.numel() * parameter.f_kind()?.elt_size_in_bytes();
    let bytes = if parameter.f_grad()?.is_sparse() { bytes } else { bytes.min(MOST_BYTES) };
    Ok(Scratch { tensors: 4, bytes })
}

/// Steps one parameter.
pub(super) fn step(
    param: &SteppingParam<'_>,
    hyper_params: &HyperParams,
    is_first_step: bool,
) -> Result<(), TchError> {
    let parameter = real(param.parameter)?;
    let gradient = real(&param.parameter.f_grad()?)?;
    let whole = || vec![Stretch::WHOLE];
    let stretches = if gradient.is_sparse() { whole() } else { Stretch::all(&parameter)? };
    for stretch in stretches {
        let (values, gradient) = (stretch.of(&parameter)?, stretch.of(&gradient)?);
        step_stretch(param.state, &stretch, values, gradient, hyper_params, is_first_step)?;
    }
    if let Optimizer::Adam { .. } | Optimizer::AdamW { .. } = hyper_params.optimizer {
        let _ = state_tensor(param.state, "step", &Stretch::WHOLE)?.f_add_scalar_(1.0)?;
    }
    Ok(())
}

/// A stretch of a parameter: a dimension, its first index and its length; or all of it.
struct Stretch(Option<[i64; 3]>);

impl Stretch {
    const WHOLE: Self = Self(None);

    /// A parameter in stretches of at most [`MOST_BYTES`].
    fn all(parameter: &Tensor) -> Result<Vec<Self>, TchError> {
        let bytes = parameter.numel() * parameter.f_kind()?.elt_size_in_bytes();
        let count = i64::try_from(bytes.div_ceil(MOST_BYTES)).unwrap_or(i64::MAX);
        let sizes = || parameter.size().into_iter().zip(0..);
        // The first dimension that is long enough: stretches of it lie in one piece.
        let long = sizes().find(|(size, _)| *size >= count).or_else(|| sizes().max());
        let Some((size, dimension)) = long.filter(|_| count > 1) else {
            return Ok(vec![Self::WHOLE]);
        };
        let count = count.min(size);
        let ends: Vec<i64> = (0..=count).map(|end| size * end / count).collect();
        let stretches = ends.iter().zip(ends.iter().skip(1));
        Ok(stretches.map(|(start, end)| Self(Some([dimension, *start, end - start]))).collect())
    }

    /// This stretch of a tensor like the parameter.
    fn of(&self, tensor: &Tensor) -> Result<Tensor, TchError> {
        match self.0 {
            None => Ok(tensor.shallow_clone()),
            Some([dimension, start, length]) => tensor.f_narrow(dimension, start, length),
        }
    }
}

/// Steps a stretch of a parameter.
fn step_stretch(
    state: &ParamState,
    stretch: &Stretch,
    mut parameter: Tensor,
    mut gradient: Tensor,
    hyper_params: &HyperParams,
    is_first_step: bool,
) -> Result<(), TchError> {
    let HyperParams { lr, weight_decay, optimizer } = *hyper_params;
    let tensor = |name| state_tensor(state, name, stretch);
    if let Optimizer::AdamW { .. } = optimizer {
        ffi::mul(&mut parameter, 1.0 - lr * weight_decay)?;
    } else if weight_decay != 0.0 {
        gradient = sum(&gradient, &parameter, weight_decay)?;
    }
    match optimizer {
        Optimizer::Sgd { momentum, dampening, nesterov } => {
            if momentum > 0.0 {
                let mut buffer = tensor("momentum_buffer")?;
                ffi::mul(&mut buffer, momentum)?;
                // The buffer is zero then.
                let weight = if is_first_step { 1.0 } else { 1.0 - dampening };
                ffi::add(&mut buffer, &gradient, weight)?;
                gradient = if nesterov { sum(&gradient, &buffer, momentum)? } else { buffer };
            }
            ffi::add(&mut parameter, &gradient, -lr)?;
        }
        Optimizer::Adam { beta1, beta2, eps, amsgrad }
        | Optimizer::AdamW { beta1, beta2, eps, amsgrad } => {
            let step = state_tensor(state, "step", &Stretch::WHOLE)?.f_double_value(&[])? + 1.0;
            let mut exp_avg = tensor("exp_avg")?;
            let _ = exp_avg.f_lerp_(&gradient, 1.0 - beta1)?;
            let mut exp_avg_sq = average_square(tensor("exp_avg_sq")?, &gradient, beta2)?;
            if amsgrad {
                let mut max_exp_avg_sq = tensor("max_exp_avg_sq")?;
                max_exp_avg_sq.f_copy_(&max_exp_avg_sq.f_maximum(&exp_avg_sq)?)?;
                exp_avg_sq = max_exp_avg_sq;
            }
            let bias_correction1 = 1.0 - beta1.powf(step);
            let bias_correction2 = 1.0 - beta2.powf(step);
            let mut denom = exp_avg_sq.f_sqrt()?.f_div_scalar_(bias_correction2.sqrt())?;
            let denom = denom.f_add_scalar_(eps)?;
            ffi::addcdiv(&mut parameter, &exp_avg, &denom, -lr / bias_correction1)?;
        }
        Optimizer::RmsProp { alpha, eps, momentum, centered } => {
            let mut square_avg = average_square(tensor("square_avg")?, &gradient, alpha)?;
            if centered {
                let mut grad_avg = tensor("grad_avg")?;
                let _ = grad_avg.f_lerp_(&gradient, 1.0 - alpha)?;
                square_avg = square_avg.f_alias_copy()?;
                ffi::addcmul(&mut square_avg, &grad_avg, &grad_avg, -1.0)?;
            }
            let avg = square_avg.f_sqrt()?.f_add_scalar_(eps)?;
            if momentum > 0.0 {
                let mut buffer = tensor("momentum_buffer")?;
                ffi::mul(&mut buffer, momentum)?;
                ffi::addcdiv(&mut buffer, &gradient, &avg, 1.0)?;
                ffi::add(&mut parameter, &buffer, -lr)?;
            } else {
                ffi::addcdiv(&mut parameter, &gradient, &avg, -lr)?;
            }
        }
        Optimizer::Adagrad { lr_decay, eps, .. } => {
            let options = AdagradOptions { lr, lr_decay, weight_decay, eps };
            let (sum, count) = (tensor("sum")?, tensor("step")?);
            ffi::sparse_adagrad(&parameter, &sum, &count, options)?;
        }
        _ => return Err(TchError::Torch(format!("{} has kernels alone", optimizer.name()))),
    }
    Ok(())
}

/// A gradient, sparse or not, plus a factor times a dense tensor.
fn sum(gradient: &Tensor, other: &Tensor, factor: f64) -> Result<Tensor, TchError> {
    let mut sum = other.f_zeros_like()?.f_add_(gradient)?;
    ffi::add(&mut sum, other, factor)?;
    Ok(sum)
}

/// A moving average of squared gradients, updated with a gradient.
fn average_square(mut average: Tensor, gradient: &Tensor, decay: f64) -> Result<Tensor, TchError> {
    ffi::mul(&mut average, decay)?;
    ffi::addcmul(&mut average, gradient, gradient, 1.0 - decay)?;
    Ok(average)
}

fn state_tensor(state: &ParamState, name: &str, stretch: &Stretch) -> Result<Tensor, TchError> {
    match state.tensor(name) {
        Some(tensor) => stretch.of(&real(tensor)?),
        None => Err(TchError::Torch(format!("optimizer state without `{name}`"))),
    }
}

/// The tensor itself, or a view of a complex one as real numbers with one more dimension, which is
/// how optimizers step it.
pub(crate) fn real(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.f_is_complex()? { tensor.f_view_as_real() } else { Ok(tensor.shallow_clone()) }
}
