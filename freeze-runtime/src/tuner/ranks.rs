//! The tuner among the ranks of a group: what they agree on, and the averages of gradients and metrics.

use std::fmt::Write;

use freeze_dsl::model::Model;

use super::Tuner;
use super::resume::settings;
use crate::ffi::{self, List};
use crate::store::is_expanded;
use crate::{Error, Group};

/// The gradients as the last averaging and clipping have left them.
#[derive(Debug, Default)]
pub(super) struct AveragedGradients {
    /// Which gradient each trainable parameter has, and how often it was changed; `None` while there is
    /// nothing averaged.
    versions: Option<Vec<(u64, u64)>>,
    /// How all ranks average, as they have last agreed.
    way: Option<Averaging>,
}

/// When gradients are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Averaging {
    /// During the last backward pass.
    Overlapped,
    /// In clipping or the step.
    Late,
}

impl AveragedGradients {
    /// The gradients are cleared or used.
    pub(super) fn clear(&mut self) {
        self.versions = None;
    }

    /// Other parameters train from now on.
    pub(super) fn start_anew(&mut self) {
        *self = Self::default();
    }
}

/// Agrees on what ranks have attached, and copies the values of rank 0 to all of them.
pub(super) fn share_start(group: &Group, attached: Result<Tuner, Error>) -> Result<Tuner, Error> {
    if !group.has_others() {
        return attached;
    }
    let attached = attached.and_then(|tuner| tuner.require_writable().map(|()| tuner));
    let (tuner, identity) = match attached {
        Ok(tuner) => {
            let identity = tuner.identity();
            (Some(tuner), Ok(identity))
        }
        Err(error) => (None, Err(error)),
    };
    group.agree("`attach`", identity)?;
    let Some(tuner) = tuner else {
        return Err(Error::Group("nothing was attached".to_owned()));
    };
    let variables = tuner.store.named(tuner.plan().model());
    group.broadcast("`attach`", &variables.iter().map(|(_, variable)| variable).collect())?;
    Ok(tuner)
}

impl Tuner {
    /// Records the weighted mean of a metric over the ranks of a [`Group`]: `value` is a mean over
    /// `samples` samples of this rank. Rules see it as that of [`Tuner::observe`]. Returns the mean.
    ///
    /// A rank with no samples, as where only rank 0 validates, has no part in the mean, whatever its
    /// `value` is. Without a group, it records `value`.
    ///
    /// # Errors
    /// As for [`Tuner::observe`].
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # tuner.start_epoch()?;
    /// let (correct, samples) = (90_u32, 100_u32);
    /// tuner.observe_weighted("val_acc", f64::from(correct) / f64::from(samples), 100)?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn observe_weighted(
        &mut self,
        metric: &str,
        value: f64,
        samples: usize,
    ) -> Result<f64, Error> {
        let observed = self.observe_over_ranks(metric, value, Some(samples));
        self.group.reported(observed)
    }

    /// Records the mean of a metric over the ranks.
    pub(super) fn observe_mean(&mut self, metric: &str, value: f64) -> Result<(), Error> {
        self.observe_over_ranks(metric, value, None).map(drop)
    }

    fn observe_over_ranks(
        &mut self,
        metric: &str,
        value: f64,
        samples: Option<usize>,
    ) -> Result<f64, Error> {
        self.restore_frozen_stats()?;
        if !self.group.has_others() {
            return self.record_metric(metric, value).map(|()| value);
        }
        let call = match samples {
            None => format!("`observe(\"{metric}\", …)`"),
            Some(_) => format!("`observe_weighted(\"{metric}\", …)`"),
        };
        let own = format!("{:016x} {}", value.to_bits(), samples.unwrap_or(1));
        let all = self.group.exchange(&call, Ok(own))?;
        let values: Vec<(f64, usize)> = all.iter().filter_map(|text| observed(text)).collect();
        self.synchronize_stats(&call)?;
        let mean = weighted_mean(&values);
        self.record_metric(metric, mean).map(|()| mean)
    }

    /// Copies the running statistics that follow the data from rank 0 to the other ranks.
    pub(super) fn synchronize_stats(&self, call: &str) -> Result<(), Error> {
        if self.group.has_others() {
            self.group.broadcast(call, &self.frozen_stats.live().collect())?;
        }
        Ok(())
    }

    /// Averages the gradients over the ranks, unless that is done since they were cleared or used.
    pub(super) fn average_gradients(&mut self, call: &str) -> Result<(), Error> {
        if !self.group.has_others() {
            return Ok(());
        }
        if self.averaged.versions.is_some() {
            return self.require_unchanged();
        }
        // It has counted what backward passes of the program itself have used.
        self.reduction = None;
        let trainable: List<'_> = self.slices.trainable(&self.clock).into_iter().collect();
        self.require_averageable(&trainable)?;
        self.agree_on_averaging(call, Averaging::Late)?;
        let trainable: List<'_> = self.slices.trainable(&self.clock).into_iter().collect();
        self.group.average(call, &trainable)
    }

    /// Fails on all ranks unless they all average in this way from now on: gloo would end the processes.
    pub(super) fn agree_on_averaging(&mut self, call: &str, way: Averaging) -> Result<(), Error> {
        if self.averaged.way != Some(way) {
            self.group.exchange(call, Ok(String::new()))?;
            self.averaged.way = Some(way);
        }
        Ok(())
    }

    /// Fails if the gradients were changed since they were averaged.
    fn require_unchanged(&self) -> Result<(), Error> {
        let trainable = self.slices.trainable(&self.clock).into_iter().collect();
        let now = ffi::gradient_versions(&trainable)?;
        let then = self.averaged.versions.iter().flatten();
        match then.zip(&now).position(|(then, now)| then != now) {
            None => Ok(()),
            Some(index) => Err(added_late(self.trainable_name(index))),
        }
    }

    /// Fails if gradients are averaged already, so that no more can be added.
    pub(super) fn require_not_averaged(&self) -> Result<(), Error> {
        if self.averaged.versions.is_none() {
            return Ok(());
        }
        Err(added_late(self.trainable_name(0)))
    }

    /// Notes the gradients as they are: averaged, and clipped.
    pub(super) fn note_averaged(&mut self) -> Result<(), Error> {
        if self.group.has_others() {
            let trainable = self.slices.trainable(&self.clock).into_iter().collect();
            self.averaged.versions = Some(ffi::gradient_versions(&trainable)?);
        }
        Ok(())
    }

    /// Fails if a gradient is sparse.
    pub(super) fn require_averageable(&self, trainable: &List<'_>) -> Result<(), Error> {
        let facts = ffi::facts(trainable)?;
        let sparse = facts.iter().position(|it| it.has_gradient && !it.has_dense_gradient);
        match sparse {
            None => Ok(()),
            Some(index) => Err(Error::Ownership(format!(
                "`{}` has a sparse gradient, which cannot be averaged over ranks: use an embedding \
                 without `sparse`",
                self.trainable_name(index)
            ))),
        }
    }

    /// The name of a parameter, by its place among those of which a slice is trained.
    pub(super) fn trainable_name(&self, index: usize) -> &str {
        let parameters = self.slices.any(|slice| self.clock.trains(slice));
        let named = parameters.zip(self.plan().model().parameters());
        let mut trainable = named.filter(|((_, trains), _)| *trains);
        trainable.nth(index).map_or("", |(_, parameter)| parameter.name.as_str())
    }

    /// Fails on all ranks unless their schedules are in the same state.
    pub(super) fn agree_on_schedule(&self, call: &str) -> Result<(), Error> {
        self.group.agree_shortly(call, "the state of the schedule", || self.schedule_text())
    }

    /// Sets how far the training is, for the errors of other ranks.
    pub(super) fn set_place(&self) {
        self.group.set_place(|| self.place());
    }

    fn place(&self) -> String {
        let step = self.global_step();
        match self.epochs_started().checked_sub(1) {
            Some(epoch) => format!("epoch {epoch}, step {step}"),
            None => "before the first epoch".to_owned(),
        }
    }

    /// The state of the schedule, in lines that a person can read but for the last.
    fn schedule_text(&self) -> String {
        let mut text = self.place();
        let _ = write!(text, "\nrules fired: {:?}", self.rules_fired());
        if self.is_stopped() {
            text += "\ntraining is over";
        }
        for group in self.param_groups() {
            let _ = write!(
                text,
                "\nlr {:?}, weight decay {:?}, anchor {:?}, {:?}: {}",
                group.lr,
                group.weight_decay,
                group.anchor,
                group.optimizer,
                group.params.join(", ")
            );
        }
        let snapshot = serde_json::to_string(&self.clock.snapshot());
        text + "\n" + &snapshot.unwrap_or_default()
    }

    /// What must be the same on all ranks.
    fn identity(&self) -> Vec<(&'static str, String)> {
        vec![
            ("the policy", self.plan().policy().canonical()),
            ("the settings of the program", settings(self.clock.program(), self.precision())),
            ("`all_used`", self.all_used.to_string()),
            ("`shard_optimizer`", self.shards.is_some().to_string()),
            ("the model", described(self.plan().model())),
        ]
    }

    /// Fails if nothing can be written to a variable.
    fn require_writable(&self) -> Result<(), Error> {
        let variables = self.store.named(self.plan().model());
        match variables.iter().find(|(_, variable)| is_expanded(variable)) {
            None => Ok(()),
            Some((name, _)) => Err(Error::Ownership(format!(
                "elements of `{name}` share memory, so that nothing can be written to it: register a \
                 copy of it, as `.copy()` makes one"
            ))),
        }
    }
}

/// The error of a backward pass whose gradients would be added to averages.
fn added_late(name: &str) -> Error {
    Error::Ownership(format!(
        "the gradient of `{name}` was changed after the gradients had been averaged over the ranks: clip \
         after the last backward pass, and clear gradients before the next step's"
    ))
}

/// The tensors of a model, a line each.
fn described(model: &Model) -> String {
    let mut text = String::new();
    for tensor in model.tensors() {
        let tied = tensor.same_as.as_ref().map_or(String::new(), |of| format!(", tied to {of}"));
        let role = format!("{:?}", tensor.role).to_lowercase();
        let _ =
            writeln!(text, "{}: {} {:?}, a {role}{tied}", tensor.name, tensor.dtype, tensor.shape);
    }
    text
}

/// A value and its weight, as ranks exchange them.
fn observed(text: &str) -> Option<(f64, usize)> {
    let (bits, samples) = text.split_once(' ')?;
    Some((f64::from_bits(u64::from_str_radix(bits, 16).ok()?), samples.parse().ok()?))
}

/// The mean of values with weights, in their order; that of one value is the value itself.
fn weighted_mean(values: &[(f64, usize)]) -> f64 {
    let counted: Vec<(f64, usize)> = values.iter().copied().filter(|(_, it)| *it > 0).collect();
    if let [(value, _)] = counted.as_slice() {
        return *value;
    }
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 samples")]
    let weight = |samples: usize| samples as f64;
    let sum: f64 = counted.iter().map(|(value, samples)| value * weight(*samples)).sum();
    sum / counted.iter().map(|(_, samples)| weight(*samples)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_one_value_has_its_bits() {
        for value in [0.1, -0.0, 1e300, f64::INFINITY] {
            let mean = weighted_mean(&[(f64::NAN, 0), (value, 3)]);
            assert_eq!(mean.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn means_are_weighted_by_samples() {
        assert!((weighted_mean(&[(1.0, 1), (2.0, 3)]) - 1.75).abs() < 1e-15);
        assert!(weighted_mean(&[(1.0, 1), (f64::NAN, 1)]).is_nan());
        assert!(weighted_mean(&[(1.0, 0)]).is_nan());
    }

    #[test]
    fn values_keep_their_bits_on_the_way() {
        let value = f64::from_bits(0x7ff8_0000_0000_0001);
        let text = format!("{:016x} 5", value.to_bits());
        let (read, samples) = observed(&text).unwrap();
        assert_eq!((read.to_bits(), samples), (value.to_bits(), 5));
    }
}
