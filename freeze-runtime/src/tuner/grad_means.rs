//! The norms of gradients for which rules wait: their means over the steps of an epoch.

use std::collections::BTreeMap;

use freeze_dsl::clock::Clock;
use freeze_dsl::plan::SliceId;
use tch::{Kind, TchError, Tensor};

use super::param_views::ParamSlices;
use crate::Error;
use crate::checkpoint::GradMeanRecord;
use crate::optim::gradients;
use crate::precision::GradScaler;

/// The means of all norms that rules wait for since the running epoch started. Sums lie on the device
/// and are read once an epoch; without such a rule, there is nothing to do in a step.
#[derive(Debug, Default)]
pub(super) struct GradMeans {
    means: BTreeMap<String, GradMean>,
    /// The norms of the step to come, which are taken before anything clips the gradients.
    pending: Option<Vec<(String, Tensor)>>,
}

/// The mean norm of some gradients.
#[derive(Debug, Default)]
struct GradMean {
    /// The slices that train now.
    slices: Vec<SliceId>,
    /// The sum of the norms, in double precision.
    sum: Option<Tensor>,
    steps: u64,
    /// How many of these steps were skipped, which do not count; `None` without a loss scale.
    skipped: Option<Tensor>,
}

impl GradMean {
    /// The number of steps that were not skipped.
    fn steps_made(&self) -> Result<u64, TchError> {
        let Some(skipped) = &self.skipped else { return Ok(self.steps) };
        let mut count = [0_f32];
        skipped.f_copy_data(&mut count, 1)?;
        let [count] = count;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = count as u64;
        Ok(self.steps.saturating_sub(count))
    }
}

impl GradMeans {
    /// The means over the epoch that ends now, of the norms that rules still wait for.
    pub(super) fn end_epoch(&mut self, clock: &Clock) -> Result<Vec<(String, f64)>, TchError> {
        let awaited = clock.awaited_grad_norms();
        let mut means = Vec::new();
        for (metric, mean) in &self.means {
            if awaited.contains_key(metric.as_str())
                && let Some(sum) = &mean.sum
            {
                let steps = mean.steps_made()?;
                if steps > 0 {
                    means.push((metric.clone(), sum.f_double_value(&[])? / float(steps)));
                }
            }
        }
        Ok(means)
    }

    /// Begins the means of the norms that rules wait for as an epoch starts.
    pub(super) fn start_epoch(&mut self, clock: &Clock) {
        let awaited = clock.awaited_grad_norms().into_iter();
        let mean = |slices| GradMean { slices, ..GradMean::default() };
        self.means = awaited.map(|(metric, slices)| (metric.to_owned(), mean(slices))).collect();
        self.pending = None;
    }

    /// What trains has changed.
    pub(super) fn update(&mut self, clock: &Clock) {
        if self.means.is_empty() {
            return;
        }
        let mut awaited = clock.awaited_grad_norms();
        self.means.retain(|metric, mean| match awaited.remove(metric.as_str()) {
            Some(slices) => {
                mean.slices = slices;
                true
            }
            None => false,
        });
    }

    /// The gradients are cleared.
    pub(super) fn clear(&mut self) {
        self.pending = None;
    }

    /// Takes the norms of the gradients as they are, unless that is done since they were cleared or
    /// used. Gradients of a scaled loss are multiplied by the scale's inverse.
    pub(super) fn take(
        &mut self,
        slices: &ParamSlices,
        scaler: Option<&GradScaler>,
    ) -> Result<(), TchError> {
        if self.means.is_empty() || self.pending.is_some() {
            return Ok(());
        }
        let _no_grad = tch::no_grad_guard();
        let mut pending = Vec::with_capacity(self.means.len());
        let inverse = scaler.map_or(Ok(None), GradScaler::inverse)?;
        // Where nothing of them trains, the step does not count.
        for (metric, mean) in self.means.iter().filter(|(_, mean)| !mean.slices.is_empty()) {
            let mut views = Vec::with_capacity(mean.slices.len());
            for slice in &mean.slices {
                views.extend(slices.view(*slice)?);
            }
            let norm = gradients::norm(&super::tensors(&views))?.f_to_kind(Kind::Double)?;
            pending.push((
                metric.clone(),
                match &inverse {
                    Some(inverse) => norm.f_mul(&inverse.f_to_device(norm.device())?)?,
                    None => norm,
                },
            ));
        }
        self.pending = Some(pending);
        Ok(())
    }

    /// A step was made with the gradients of which the norms were taken. It does not count where
    /// `found_inf` is 1, which stays on its device.
    pub(super) fn step(&mut self, found_inf: Option<&Tensor>) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for (metric, mut norm) in self.pending.take().into_iter().flatten() {
            let Some(mean) = self.means.get_mut(&metric) else { continue };
            if let Some(found_inf) = found_inf {
                let found_inf = found_inf.f_to_device(norm.device())?;
                norm = norm.f_masked_fill(&found_inf.f_gt(0.0)?, 0.0)?;
                mean.skipped = Some(match mean.skipped.take() {
                    Some(skipped) => skipped.f_to_device(norm.device())?.f_add_(&found_inf)?,
                    None => found_inf.f_add_scalar(0.0)?,
                });
            }
            mean.sum = Some(match mean.sum.take() {
                // One that was resumed lies on the CPU.
                Some(sum) => sum.f_to_device(norm.device())?.f_add_(&norm)?,
                None => norm,
            });
            mean.steps += 1;
        }
        Ok(())
    }

    /// What is saved of the means.
    pub(super) fn records(&self) -> Result<Vec<GradMeanRecord>, Error> {
        let record = |(metric, mean): (&String, &GradMean)| {
            let sum = mean.sum.as_ref().map_or(Ok(0.0), |sum| sum.f_double_value(&[]))?;
            let steps = mean.steps_made()?;
            Ok(GradMeanRecord { metric: metric.clone(), sum: sum.to_bits(), steps })
        };
        self.means.iter().map(record).collect()
    }

    /// The means that were saved, as far as rules of the clock wait for them.
    pub(super) fn resumed(records: &[GradMeanRecord], clock: &Clock) -> Self {
        let mut awaited = clock.awaited_grad_norms();
        let mean = |record: &GradMeanRecord| {
            let slices = awaited.remove(record.metric.as_str())?;
            let sum = (record.steps > 0).then(|| Tensor::from(f64::from_bits(record.sum)));
            Some((
                record.metric.clone(),
                GradMean { slices, sum, steps: record.steps, skipped: None },
            ))
        };
        Self { means: records.iter().filter_map(mean).collect(), pending: None }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an epoch has fewer than 2^53 steps")]
const fn float(steps: u64) -> f64 {
    steps as f64
}
