//! Batch normalization by the batches of all ranks.

use tch::nn::{self, BatchNormConfig};
use tch::{Kind, Tensor};

use crate::{Error, Group};

/// What the ranks do together, for errors.
const CALL: &str = "a batch norm over ranks";

/// The ranks of a norm, and its numbers.
#[derive(Debug)]
pub(super) struct OverRanks {
    group: Group,
    eps: f64,
    momentum: f64,
}

impl OverRanks {
    pub(super) fn new(
        group: &Group,
        BatchNormConfig { eps, momentum, .. }: BatchNormConfig,
    ) -> Self {
        Self { group: group.clone(), eps, momentum }
    }

    /// Normalizes by the statistics of all ranks' batches, and moves the running ones toward them.
    pub(super) fn forward(&self, norm: &nn::BatchNorm, xs: &Tensor) -> Result<Tensor, Error> {
        let kind = xs.f_kind()?;
        let is_half = kind.elt_size_in_bytes() < 4;
        let precise = if is_half { Kind::Float } else { kind };
        let xs = xs.f_to_kind(precise)?;
        let sizes = xs.size();
        let channels = sizes.get(1).copied().unwrap_or_default();
        let others: Vec<i64> =
            (0..).zip(&sizes).map(|(dim, _)| dim).filter(|dim| *dim != 1).collect();
        let shape: Vec<i64> =
            (0..).zip(&sizes).map(|(dim, _)| if dim == 1 { channels } else { 1 }).collect();
        let sum = |of: &Tensor| of.f_sum_dim_intlist(others.as_slice(), false, precise);
        let samples: i64 =
            (0..).zip(&sizes).filter(|(dim, _)| *dim != 1).map(|(_, size)| size).product();

        let count = Tensor::f_full([1], samples, (precise, xs.device()))?;
        let sums = self.group.sum(CALL, &Tensor::f_cat(&[sum(&xs)?, count], 0)?)?;
        let count = sums.f_narrow(0, channels, 1)?.f_detach()?;
        let mean = sums.f_narrow(0, 0, channels)?.f_div(&count)?;
        // From the mean of all, and not from sums of squares, which lose what is small beside the mean.
        let centered = xs.f_sub(&mean.f_view(shape.as_slice())?)?;
        let variance = self.group.sum(CALL, &sum(&centered.f_square()?)?)?.f_div(&count)?;

        {
            let _no_grad = tch::no_grad_guard();
            let unbiased = variance.f_mul(&count)?.f_div(&count.f_sub_scalar(1)?)?;
            for (running, new) in [(&norm.running_mean, &mean), (&norm.running_var, &unbiased)] {
                let new = new.f_to_kind(running.f_kind()?)?;
                let _same = running.shallow_clone().f_lerp_(&new, self.momentum)?;
            }
        }
        let of_channels = |of: &Tensor| of.f_to_kind(precise)?.f_view(shape.as_slice());
        let deviation = variance.f_add_scalar(self.eps)?.f_sqrt()?;
        let mut normalized = centered.f_div(&of_channels(&deviation)?)?;
        if let Some(weight) = &norm.ws {
            normalized = normalized.f_mul(&of_channels(weight)?)?;
        }
        if let Some(bias) = &norm.bs {
            normalized = normalized.f_add(&of_channels(bias)?)?;
        }
        Ok(normalized.f_to_kind(kind)?)
    }
}
