//! Resumes a run from a checkpoint.

mod options;
mod pending;
mod shared;

use std::path::Path;

pub use options::ResumeOptions;
pub(super) use options::settings;
use pending::{PendingState, SavedRun};
use shared::own_generators;

use super::Tuner;
use crate::log::events;
use crate::optim::real;
use crate::{Error, ffi};

impl Tuner {
    /// Resumes the run that [`Tuner::save`] saved in `dir`.
    ///
    /// Attached to the same model with the same policy and settings, this tuner does from now on
    /// bit for bit what the saved one would have done. A run that was saved in the middle of an
    /// epoch resumes there: [`Tuner::epochs_started`] counts that epoch, and `start_epoch` starts
    /// the next one. Gradients are cleared.
    ///
    /// In a [`Group`](crate::Group), all ranks call it, rank 0 reads, and all return the same.
    ///
    /// # Errors
    /// Fails if the checkpoint is one of another number of processes. Fails if there is no checkpoint, if a file differs from what was saved, or if policy, model
    /// or settings differ, master weights and the loss scale included; that error shows the difference. Fails if elements of a variable share
    /// memory, as those of an expanded tensor do. Nothing is changed then: everything is read and
    /// compared before anything is written.
    ///
    /// # Examples
    /// The same program starts a run and resumes it:
    ///
    /// ```no_run
    /// # use freeze_runtime::{CheckpointError, Error, Policy, Tuner};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let policy = Policy::load("resnet.freeze")?;
    /// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// match tuner.resume("run/") {
    ///     Err(Error::Checkpoint(CheckpointError::Missing(_))) => println!("from the start"),
    ///     resumed => resumed?,
    /// }
    /// while tuner.epochs_started() < 10 && !tuner.is_stopped() {
    ///     tuner.start_epoch()?;
    ///     // …
    ///     tuner.save("run/")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&mut self, dir: impl AsRef<Path>) -> Result<(), Error> {
        self.resume_with(dir, ResumeOptions::new())
    }

    /// Resumes as [`Tuner::resume`] does, and allows differences: [`ResumeOptions`] says which, and
    /// what they mean for the run.
    ///
    /// # Errors
    /// As for [`Tuner::resume`], or if the run cannot continue with what differs.
    ///
    /// # Examples
    /// ```no_run
    /// # use freeze_runtime::{Error, Policy, ResumeOptions, Tuner};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// // With other rules after those that have fired.
    /// let policy = Policy::load("longer.freeze")?;
    /// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// tuner.resume_with("run/", ResumeOptions::new().allow_policy_change())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume_with(
        &mut self,
        dir: impl AsRef<Path>,
        options: ResumeOptions,
    ) -> Result<(), Error> {
        let dir = dir.as_ref();
        let ready = self.restore_frozen_stats().and_then(|()| self.audit());
        let (run, files) = self.shared_checkpoint(dir, ready)?;
        let pending =
            SavedRun::new(self, run, files, options).and_then(|saved| saved.prepare(self));
        let pending = self.group.agree_on("`resume`", pending)?;
        let taken = self.take_over(pending);
        self.group.reported(taken)?;
        events::resumed(dir, self.epochs_started(), self.global_step());
        Ok(())
    }

    /// Takes over a state that was read and compared.
    fn take_over(&mut self, pending: PendingState) -> Result<(), Error> {
        let PendingState {
            clock,
            log,
            variables,
            model,
            states,
            best_weights,
            grad_means,
            anchors,
            newly_anchored,
            masters,
            scaler,
            random,
        } = pending;
        let names = own_generators(&random, self.group.rank()).into_iter();
        let generators = names.map(|(name, device)| Ok((device, random.get(&name)?)));
        let generators = generators.collect::<Result<Vec<_>, Error>>()?;
        // If one fails, no generator is changed, and nothing else is yet.
        ffi::set_generators(&generators).map_err(|error| random.damaged(error.to_string()))?;
        let _no_grad = tch::no_grad_guard();
        for (name, variable) in &variables {
            real(variable)?.f_copy_(&model.get(name)?)?;
        }
        self.clock = clock;
        self.log.epoch = log;
        self.states = states;
        self.best_weights = best_weights;
        self.grad_means = grad_means;
        self.anchors = anchors;
        self.masters = masters;
        self.divide_anew();
        self.scaler = scaler;
        self.notes =
            anchor_note(&newly_anchored, self.clock.epochs_started()).into_iter().collect();
        self.notes.iter().for_each(|note| events::note(note));
        self.frozen_stats.drop_copies()?;
        self.slices.zero_all_gradients()?;
        self.averaged.start_anew();
        self.reduction = None;
        self.is_accumulating = false;
        self.settle()?;
        self.masters.mark(&self.slices)?;
        self.set_place();
        Ok(self.anchors.extend(&self.slices, &self.clock)?)
    }
}

/// The note that slices are anchored to their values at the resume.
fn anchor_note(names: &[String], epochs: u64) -> Option<String> {
    let first = names.first()?;
    let (more, are) = match names.len() {
        1 => (String::new(), "is"),
        count => (format!(" and {} more", count - 1), "are"),
    };
    Some(format!(
        "`{first}`{more} {are} anchored to the values at this resume, after {epochs} epochs: the run \
         so far anchored other parameters"
    ))
}
