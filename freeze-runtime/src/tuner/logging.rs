//! What a tuner writes to its log.

use std::path::Path;

use super::Tuner;
use crate::log::{EpochEnd, EpochStart, ScaleState, events};
use crate::{Error, Transition};

impl Tuner {
    /// Writes a line of JSON for each epoch to a file from now on, the running epoch included.
    ///
    /// A line is written when its epoch is over: when the next one starts, at
    /// [`Tuner::finish_log`], or when the tuner is dropped. Its fields are
    ///
    /// - `format`: 1;
    /// - `epoch` and `step`: the completed epochs and optimizer steps when it started;
    /// - `fired`: the rules that fired when it started and until it was over, in order;
    /// - `trainable`, `groups` and `live_stats` as in `freeze simulate`: the parameters that were
    ///   trained at its first step, the parameter groups (`params`, `lr`, `weight_decay`,
    ///   `optimizer`, `optimizer_numbers` and, where above 0, `anchor`), and the modules whose running statistics followed the data;
    /// - `trained_share`: the share of the model's elements that was trained, 0 to 1;
    /// - `changed`, in place of these four: the groups whose numbers are others than in the line
    ///   before (`group`, the place in `groups`, and `lr`, `weight_decay`, `anchor` or the
    ///   `optimizer_numbers` that changed); everything else is as
    ///   in that line. The first line and the line after a transition have the four fields;
    /// - `metrics`: the last value of each metric in it, `null` for one that is not finite;
    /// - `warnings`, where there are any: [`Transition::diagnostics`] about it;
    /// - `optimizer_bytes`: the memory of optimizer state when it was over;
    /// - `loss_scale` and `skipped_steps`, with [`TunerBuilder::loss_scale`]: the scale when it was over,
    ///   and the steps that were skipped since the run started;
    /// - `stopped`: whether a rule had ended training by then.
    ///
    /// The line of an epoch replaces that epoch's line and all after it, if the file has them: a run
    /// that is resumed continues its log from its checkpoint, and a new run starts its log anew. In a
    /// [`Group`](crate::Group), rank 0 writes the log.
    ///
    /// [`TunerBuilder::loss_scale`]: crate::TunerBuilder::loss_scale
    ///
    /// # Errors
    /// Fails if the file cannot be opened or is not a log; it is then left as it is.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("log.jsonl");
    /// tuner.log_to(&path)?;
    /// tuner.start_epoch()?;
    /// tuner.finish_log()?;
    /// assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn log_to(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        if !self.group.is_first() {
            return Ok(());
        }
        let opened = self.log.open(path.as_ref());
        self.group.reported(opened)
    }

    /// Writes the line of the running epoch and closes the log. Does nothing without a log.
    ///
    /// Dropping the tuner does the same, but cannot return an error.
    ///
    /// # Errors
    /// Fails if the line cannot be written; the log then stays open.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// tuner.log_to(dir.path().join("log.jsonl"))?;
    /// // …
    /// tuner.finish_log()?;
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn finish_log(&mut self) -> Result<(), Error> {
        self.write_log_line()?;
        self.log.close();
        Ok(())
    }

    /// Writes the line of the epoch that is over, if there was one.
    pub(super) fn write_log_line(&mut self) -> Result<(), Error> {
        // The loss scale is read back only where it is written.
        if !self.log.is_open() {
            return Ok(());
        }
        let loss_scale = self.loss_scale()?;
        let skipped_steps = self.skipped_steps()?;
        let scale = loss_scale.map(|loss_scale| ScaleState { loss_scale, skipped_steps });
        self.log.write_line(EpochEnd {
            optimizer_bytes: self.optimizer_bytes(),
            scale,
            stopped: self.is_stopped(),
        })
    }

    /// Begins the line of the epoch that starts now; [`Tuner::write_log_line`] comes first.
    pub(super) fn begin_log_line(&mut self, transition: &Transition) {
        let start = EpochStart {
            epoch: self.epochs_started().saturating_sub(1),
            step: self.global_step(),
            steps_per_epoch: self.clock.program().steps_per_epoch,
            trainable: self.trainable_names(),
            groups: self.param_groups().into_iter().map(Into::into).collect(),
            live_stats: self.clock.live_stats().map(str::to_owned).collect(),
            trained_share: self.clock.trained_share(),
        };
        let fired = (!transition.is_empty()).then_some(transition.fired.as_slice());
        self.log.begin_epoch(start, fired);
    }
}

impl Drop for Tuner {
    fn drop(&mut self) {
        if let Err(error) = self.finish_log() {
            events::not_written(&error);
        }
    }
}
