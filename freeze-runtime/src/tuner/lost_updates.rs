//! Updates of half precision that round to nothing, from the numbers of a model.

use freeze_dsl::clock::Clock;
use freeze_dsl::diagnostic::Diagnostic;
use freeze_dsl::{HighestRate, LostUpdates, Optimizer};
use tch::{Kind, TchError};

use super::masters::is_half;
use super::param_views::ParamSlices;

/// How many elements of some slices there are, and what they are like.
struct Elements {
    slices: Vec<freeze_dsl::plan::SliceId>,
    rate: HighestRate,
    kind: Kind,
    count: f64,
    lost: f64,
    sizes: f64,
}

/// The findings about slices that step in half precision, one for each optimizer, rate and rule. It reads
/// the parameters.
pub(super) fn findings(clock: &Clock, slices: &ParamSlices) -> Result<Vec<Diagnostic>, TchError> {
    if slices.parameters().iter().all(|parameter| !is_half(parameter.kind())) {
        return Ok(Vec::new());
    }
    let _no_grad = tch::no_grad_guard();
    let mut all: Vec<Elements> = Vec::new();
    for rate in clock.highest_rates() {
        let HighestRate { slice, lr, optimizer, place } = rate;
        let Some(values) = slices.values(slice)?.filter(|values| is_half(values.kind())) else {
            continue;
        };
        if lr <= 0.0 || !steps_by_rate(&optimizer) || values.numel() == 0 {
            continue;
        }
        let kind = values.f_kind()?;
        let sizes = values.f_to_kind(Kind::Float)?.f_abs()?;
        let lost = sizes.f_ge(from_where_lost(lr, kind))?.f_sum(Kind::Double)?;
        let is_alike = |other: &&mut Elements| {
            let (of, name) = (other.rate, other.rate.optimizer.name());
            (of.place, of.lr.to_bits(), name, other.kind)
                == (place, lr.to_bits(), optimizer.name(), kind)
        };
        let count = sizes.f_ones_like()?.f_sum(Kind::Double)?;
        let [count, lost, sizes] =
            [&count, &lost, &sizes.f_sum(Kind::Double)?].map(|sum| sum.f_double_value(&[]));
        let (count, lost, sizes) = (count?, lost?, sizes?);
        match all.iter_mut().find(is_alike) {
            Some(other) => {
                other.slices.push(slice);
                other.count += count;
                other.lost += lost;
                other.sizes += sizes;
            }
            None => all.push(Elements { slices: vec![slice], rate, kind, count, lost, sizes }),
        }
    }
    all.retain(|of| of.lost > 0.5 * of.count);
    let finding = |of: Elements| {
        let mean = of.sizes / of.count;
        clock.plan().lost_updates(&LostUpdates {
            slices: of.slices,
            rate: of.rate,
            dtype: crate::store::dtype(of.kind),
            share: of.lost / of.count,
            mean,
            half_unit: (mean.log2().floor() - f64::from(fraction_bits(of.kind)) - 1.0).exp2(),
        })
    };
    let found = all.into_iter().map(finding);
    Ok(found.filter(|finding| !clock.plan().allows(finding)).collect())
}

/// Whether updates are about as large as the learning rate, whatever the gradients are.
const fn steps_by_rate(optimizer: &Optimizer) -> bool {
    !matches!(optimizer, Optimizer::Sgd { .. } | Optimizer::Adafactor { .. })
}

const fn fraction_bits(kind: Kind) -> i32 {
    if let Kind::BFloat16 = kind { 7 } else { 10 }
}

/// The size from which on numbers have more than twice this update as the unit in their last place: a
/// power of 2.
fn from_where_lost(update: f64, kind: Kind) -> f64 {
    let least = update.log2() + 1.0 + f64::from(fraction_bits(kind));
    (least.floor() + 1.0).exp2()
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::from_where_lost;

    /// Numbers from there on stay as they are, and those below move.
    #[test]
    #[expect(clippy::float_cmp, reason = "what is rounded to nothing is the same")]
    fn an_update_is_lost_from_there_on() {
        for kind in [Kind::BFloat16, Kind::Half] {
            for update in [1e-5, 3e-5, 1e-4, 1e-3, 0.011] {
                let least = from_where_lost(update, kind);
                let moves = |size: f64| {
                    let number = Tensor::from(size).to_kind(kind);
                    let before = number.double_value(&[]);
                    let after = (Tensor::from(before) + update).to_kind(kind).double_value(&[]);
                    before != after
                };
                assert!(!moves(least) && !moves(1.5 * least) && !moves(8.0 * least), "{update}");
                assert!(moves(0.51 * least) && moves(0.99 * least), "{update} in {kind:?}");
            }
        }
    }
}
