//! Clears and clips the gradients of many parameters at once.
//!
//! Clipping follows [`torch.nn.utils.clip_grad_norm_`] and [`torch.nn.utils.clip_grad_value_`].
//! Parameters without a gradient are skipped.
//!
//! [`torch.nn.utils.clip_grad_norm_`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
//! [`torch.nn.utils.clip_grad_value_`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};

use super::buckets;
use crate::ffi::{self, Facts, List};

/// Makes every gradient undefined, as `PyTorch`'s `zero_grad` does: a parameter that takes no part in
/// the next loss does not step, where a zero gradient would change it by weight decay and momentum.
pub(crate) fn zero(parameters: &[&Tensor]) -> Result<(), TchError> {
    ffi::drop_gradients(&parameters.iter().copied().collect())
}

/// Sets some rows of a parameter's gradient to zero, if it has one.
pub(crate) fn zero_rows(parameter: &Tensor, rows: &Range<usize>) -> Result<(), TchError> {
    let gradient = parameter.f_grad()?;
    if !gradient.defined() {
        return Ok(());
    }
    let (start, length) = extent(rows)?;
    let _no_grad = tch::no_grad_guard();
    if gradient.is_sparse() {
        let row = gradient.f_internal_indices()?.f_select(0, 0)?;
        let within = row.f_ge(start)?.f_logical_and(&row.f_lt(start + length)?)?;
        let entries = within.f_nonzero()?.f_view(-1)?;
        let _ = gradient.f_internal_values()?.f_index_fill_(0, &entries, 0.0)?;
    } else {
        let _ = gradient.f_narrow(0, start, length)?.f_zero_()?;
    }
    Ok(())
}

/// The start and the number of rows, in libtorch's integers.
pub(crate) fn extent(rows: &Range<usize>) -> Result<(i64, i64), TchError> {
    match (i64::try_from(rows.start), i64::try_from(rows.len())) {
        (Ok(start), Ok(length)) => Ok((start, length)),
        _ => Err(TchError::Shape(format!("rows {rows:?} are out of libtorch's range"))),
    }
}

/// Scales all gradients so that their total L2 norm is at most `max`. Returns the norm before, on the
/// device of the first gradient; nothing waits for a device.
pub(crate) fn clip_norm(parameters: &[&Tensor], max: f64) -> Result<Tensor, TchError> {
    let lists = with_gradients(parameters)?;
    let mut norms = Vec::new();
    for list in &lists {
        norms.extend(ffi::gradient_norms(list)?);
    }
    if norms.is_empty() {
        return Tensor::f_zeros([], (Kind::Float, Device::Cpu));
    }
    let (norm, factor) = ffi::total_norm(&norms.iter().collect(), max)?;
    lists.iter().try_for_each(|list| ffi::scale_gradients(list, &factor))?;
    Ok(norm)
}

/// The L2 norm of all gradients together, in single precision at least; nothing waits for a device.
pub(crate) fn norm(parameters: &[&Tensor]) -> Result<Tensor, TchError> {
    let mut norms = Vec::new();
    let mut dense = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let gradient = parameter.f_grad()?;
        if gradient.defined() && gradient.is_sparse() {
            // An entry may be in parts until they are added.
            let values = gradient.f_coalesce()?.f_internal_values()?;
            norms.push(values.f_to_kind(precise(values.kind()))?.f_norm()?);
        } else {
            dense.push(*parameter);
        }
    }
    for list in &with_gradients(&dense)? {
        norms.extend(ffi::precise_gradient_norms(list)?);
    }
    if norms.is_empty() {
        return Tensor::f_zeros([], (Kind::Float, Device::Cpu));
    }
    Ok(ffi::total_norm(&norms.iter().collect(), f64::INFINITY)?.0)
}

const fn precise(kind: Kind) -> Kind {
    match kind {
        Kind::Double => Kind::Double,
        _ => Kind::Float,
    }
}

/// Clamps every element of every gradient to `-max..=max`.
pub(crate) fn clip_value(parameters: &[&Tensor], max: f64) -> Result<(), TchError> {
    let lists = with_gradients(parameters)?;
    // All are checked before the first one changes.
    lists.iter().try_for_each(ffi::require_clippable)?;
    lists.iter().try_for_each(|list| ffi::clamp_gradients(list, max))
}

/// The gradients of those parameters that have one.
pub(crate) fn gradients_of(parameters: &[&Tensor]) -> Result<Vec<Tensor>, TchError> {
    let mut gradients = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        gradients.push(parameter.f_grad()?);
    }
    gradients.retain(Tensor::defined);
    Ok(gradients)
}

/// Fails unless every gradient can be clipped.
pub(crate) fn require_clippable(parameters: &[&Tensor]) -> Result<(), TchError> {
    with_gradients(parameters)?.iter().try_for_each(ffi::require_clippable)
}

/// The parameters that have a gradient, one list for each device and dtype.
fn with_gradients<'a>(parameters: &[&'a Tensor]) -> Result<Vec<List<'a>>, TchError> {
    let facts = ffi::facts(&parameters.iter().copied().collect())?;
    // The kernels of a step are no matter here: the order in which norms are added up must not depend on them.
    let facts = facts.into_iter().map(Facts::without_kernels);
    let with_gradient =
        facts.zip(parameters.iter().copied()).filter(|(facts, _)| facts.has_gradient);
    Ok(buckets(with_gradient).into_iter().map(|(_, bucket)| bucket.into_iter().collect()).collect())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these sums and roots are exact")]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{clip_value, zero};

    /// Parameters whose gradients are those given.
    fn with<const N: usize>(gradients: [Tensor; N]) -> [Tensor; N] {
        gradients.map(|gradient| {
            let parameter = gradient.zeros_like().set_requires_grad(true);
            (&parameter * gradient).sum(None).backward();
            parameter
        })
    }

    fn clip_norm(parameters: &[&Tensor], max: f64) -> f64 {
        super::clip_norm(parameters, max).unwrap().double_value(&[])
    }

    fn numbers(numbers: &[f32]) -> Tensor {
        Tensor::from_slice(numbers)
    }

    #[test]
    fn the_norm_is_one_over_all_gradients() {
        let without = Tensor::zeros([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let [a, b] = with([numbers(&[3.0, 0.0]), numbers(&[0.0, 4.0]).to_kind(Kind::Double)]);
        let parameters = [&a, &without, &b];
        assert_eq!(clip_norm(&parameters, 10.0), 5.0);
        assert_eq!(a.grad(), numbers(&[3.0, 0.0]));
        assert_eq!(clip_norm(&parameters, 1.0), 5.0);
        assert!((clip_norm(&parameters, 1.0) - 1.0).abs() < 1e-6);
        assert!((b.grad().double_value(&[1]) - 0.8).abs() < 1e-6);
        assert!(!without.grad().defined());
        assert_eq!(clip_norm(&[&without], 1.0), 0.0);
        assert_eq!(clip_norm(&[], 1.0), 0.0);
    }

    #[test]
    fn a_norm_that_is_no_number_spoils_all_gradients_as_in_pytorch() {
        let [a, b] = with([numbers(&[f32::NAN]), numbers(&[1.0])]);
        assert!(clip_norm(&[&a, &b], 1.0).is_nan());
        assert!(b.grad().double_value(&[0]).is_nan());
    }

    #[test]
    fn clipping_that_fails_changes_no_gradient() {
        let [a] = with([numbers(&[3.0])]);
        let sparse = Tensor::zeros([4, 2], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let index = Tensor::zeros([2], (Kind::Int64, Device::Cpu));
        Tensor::embedding(&sparse, &index, -1, false, true).sum(None).backward();
        assert!(clip_value(&[&a, &sparse], 1.0).is_err());
        assert!(super::clip_norm(&[&a, &sparse], 1.0).is_err());
        assert_eq!(a.grad(), numbers(&[3.0]));
    }

    #[test]
    fn values_are_clipped_each() {
        let [a, b] = with([numbers(&[-3.0, 0.5]), numbers(&[2.0]).to_kind(Kind::Double)]);
        clip_value(&[&a, &b], 1.0).unwrap();
        assert_eq!(a.grad(), numbers(&[-1.0, 0.5]));
        assert_eq!(b.grad().double_value(&[0]), 1.0);
    }

    #[test]
    fn zeroing_clears_and_the_next_backward_pass_starts_again() {
        let [a] = with([numbers(&[3.0])]);
        zero(&[&a]).unwrap();
        assert!(!a.grad().defined());
        (&a * 2.0).sum(None).backward();
        (&a * 2.0).sum(None).backward();
        assert_eq!(a.grad(), numbers(&[4.0]));
    }
}
