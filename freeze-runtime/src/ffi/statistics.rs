//! Running statistics that a tuner holds at their values.

use super::{List, Message, RawList, Result, check};

unsafe extern "C" {
    fn freeze_hold(statistics: RawList, values: RawList) -> Message;
    fn freeze_release(statistics: RawList, values: RawList) -> Message;
    fn freeze_moved(statistics: RawList, moved: *mut bool) -> Message;
    fn freeze_restore(statistics: RawList, values: RawList) -> Message;
}

/// Makes the graphs of batch norms read these values where an evaluation pass reads a statistic that
/// still has them. They must not change until [`release`].
pub(crate) fn hold(statistics: &List<'_>, values: &List<'_>) -> Result<()> {
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths.
    check(unsafe { freeze_hold(statistics.raw(), values.raw()) })
}

/// Ends what [`hold`] began with the same arguments.
pub(crate) fn release(statistics: &List<'_>, values: &List<'_>) -> Result<()> {
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths.
    check(unsafe { freeze_release(statistics.raw(), values.raw()) })
}

/// Whether a training pass has moved each statistic that is held, since it was restored.
pub(crate) fn moved(statistics: &List<'_>) -> Result<Vec<bool>> {
    let mut moved = vec![false; statistics.len()];
    // SAFETY: the list borrows live tensors, and `moved` has a place for each of them.
    check(unsafe { freeze_moved(statistics.raw(), moved.as_mut_ptr()) })?;
    Ok(moved)
}

/// Copies each value into its statistic.
///
/// The backward pass of a training pass of batch norm does not notice it. Any other graph that holds a
/// statistic whose value was another one fails in its backward pass.
pub(crate) fn restore(statistics: &List<'_>, values: &List<'_>) -> Result<()> {
    if statistics.is_empty() && values.is_empty() {
        return Ok(());
    }
    // SAFETY: the lists borrow live tensors, and the shim compares their lengths.
    check(unsafe { freeze_restore(statistics.raw(), values.raw()) })
}

#[cfg(test)]
mod tests {
    use tch::nn::{self, ModuleT};
    use tch::{Device, Kind, Tensor};

    use super::{hold, release, restore};

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    #[test]
    fn running_statistics_go_back_between_forward_and_backward() {
        let vs = nn::VarStore::new(Device::Cpu);
        let norm = nn::batch_norm1d(vs.root(), 3, nn::BatchNormConfig::default());
        let x = Tensor::arange(12, CPU).view([4, 3]);
        let live = [norm.running_mean.shallow_clone(), norm.running_var.shallow_clone()];
        let kept = live.each_ref().map(Tensor::copy);

        let loss = norm.forward_t(&x, true).pow_tensor_scalar(3).sum(None);
        assert_ne!(live[0], kept[0]);
        restore(&live.iter().collect(), &kept.iter().collect()).unwrap();
        assert_eq!(live, kept);
        loss.backward();
        assert!(vs.trainable_variables().iter().all(|parameter| parameter.grad().defined()));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the values are exact")]
    fn only_the_values_that_are_held_now_are_released() {
        let statistic = Tensor::ones([2], CPU);
        let values = [0.0, 2.0].map(|value| Tensor::full([2], value, CPU));
        let list = |tensor| super::List::from_iter([tensor]);
        hold(&list(&statistic), &list(&values[0])).unwrap();
        hold(&list(&statistic), &list(&values[1])).unwrap();
        release(&list(&statistic), &list(&values[0])).unwrap();
        let x = Tensor::ones([1, 2], CPU).set_requires_grad(true);
        let evaluated = |mean: &Tensor| {
            let none = None::<Tensor>;
            let var = Some(Tensor::ones([2], CPU));
            let y = x.batch_norm(
                none.as_ref(),
                none.as_ref(),
                Some(mean),
                var.as_ref(),
                false,
                0.1,
                0.0,
                false,
            );
            y.double_value(&[0, 0])
        };
        assert_eq!(evaluated(&statistic), -1.0);
        release(&list(&statistic), &list(&values[1])).unwrap();
        assert_eq!(evaluated(&statistic), 0.0);
    }
}
