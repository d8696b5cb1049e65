//! What of a tuner goes into a checkpoint, and how it goes on from one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::PoisonError;

use freeze_dsl::model::Model;
use freeze_dsl::plan::Plan;
use tch::Tensor;

use super::Tuner;
use super::saved::{Saved, Staged};
use crate::checkpoint::{self, Allow, Files, Kept, Run};
use crate::model::dtype;
use crate::optim::{State, real};
use crate::{Error, ffi, log};

impl Tuner {
    /// Saves the run in a folder, from where [`Tuner::resume`] goes on bit for bit: parameters and
    /// buffers, optimizer state, the policy and how far it has come, what rules may restore, and
    /// the states of libtorch's default random number generators, of which dropout draws.
    ///
    /// Gradients are not saved, as `PyTorch` does not save them: call it behind a step or an epoch,
    /// not between a backward pass and its step. What the program draws and remembers itself, such
    /// as the order of its batches, is its own to save.
    ///
    /// The checkpoint is `dir/checkpoint`, and names in `dir` that begin with `checkpoint.` are the
    /// tuner's own; other files in `dir` stay as they are. It is written beside the one that is there
    /// and takes its place once all of it is on disk: when the program or the machine stops at
    /// whatever moment, the one or the other is whole. What such an end leaves behind is removed by
    /// the next call. Until then, the disk needs room for both. Two programs that save in one folder
    /// wait for each other.
    ///
    /// `dir/checkpoint/model.safetensors` holds the model as any program can read it; `VarStore`'s
    /// `load` does.
    ///
    /// # Errors
    /// If the folder cannot be written, if `dir/checkpoint` is something else, if a tensor has
    /// elements that a safetensors file cannot hold, or if a variable has another dtype than when
    /// the tuner was attached. What was there stays.
    pub fn save(&mut self, dir: impl AsRef<Path>) -> Result<(), Error> {
        self.put_back()?;
        let model = self.variables(self.plan().model());
        self.require_dtypes(&model)?;
        let files = Files {
            model,
            optimizer: self.optimizer_tensors(),
            bests: self.best_tensors(),
            random: ffi::generators()?,
        };
        checkpoint::write(dir.as_ref(), &self.run(), &files)?;
        log::saved(dir.as_ref(), &self.clock);
        Ok(())
    }

    /// Goes on where a run was when [`Tuner::save`] saved it in `dir`: bound to the same model with
    /// the same policy and options, this tuner does from now on bit for bit what that one would
    /// have done.
    ///
    /// ```no_run
    /// # use freeze_runtime::{CheckpointError, Error, Policy, Tuner};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let policy = Policy::load("resnet.freeze")?;
    /// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// // The same command begins a run and goes on with it.
    /// match tuner.resume("run/") {
    ///     Err(Error::Checkpoint(CheckpointError::Missing(_))) => println!("from the start"),
    ///     resumed => resumed?,
    /// }
    /// while tuner.epoch() < 10 && !tuner.stopped() {
    ///     tuner.start_epoch()?;
    ///     // …
    ///     tuner.save("run/")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A run that was saved in the middle of an epoch goes on in the middle of it:
    /// [`Tuner::epoch`] counts that epoch, and `start_epoch` would start the next one. Gradients are
    /// let go of.
    ///
    /// # Errors
    /// If there is no checkpoint, if one of its files is not as it was written, or if policy, model
    /// or options are others; that error shows the difference. If numbers of a variable share memory,
    /// as those of an expanded tensor do. Nothing is changed then: everything is read and compared
    /// before anything is written.
    pub fn resume(&mut self, dir: impl AsRef<Path>) -> Result<(), Error> {
        self.resume_with(dir, Allow::default())
    }

    /// As [`Tuner::resume`], where something is meant to be other than it was: [`Allow`] says what
    /// may be, and what that means for the run.
    ///
    /// ```no_run
    /// # use freeze_runtime::{Allow, Error, Policy, Tuner};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// // With other rules behind those that have fired.
    /// let policy = Policy::load("longer.freeze")?;
    /// let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// tuner.resume_with("run/", Allow::policy())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Tuner::resume`], or if the run cannot go on with what is other.
    pub fn resume_with(&mut self, dir: impl AsRef<Path>, allow: Allow) -> Result<(), Error> {
        self.put_back()?;
        self.audit()?;
        let (run, files) = checkpoint::read(dir.as_ref())?;
        let staged = Saved::new(self, run, files, allow)?.stage(self)?;
        self.go_on(staged)?;
        log::resumed(dir.as_ref(), &self.clock);
        Ok(())
    }

    /// What is saved of this run, but for its tensors.
    fn run(&self) -> Run {
        let plan = self.plan();
        let states = self.states.iter().enumerate();
        let kept = self.bests.kept().filter(|(_, _, copies)| copies.is_some());
        Run {
            policy: plan.policy().clone(),
            program: *self.clock.program(),
            model: plan.model().tensors().to_vec(),
            clock: self.clock.snapshot(),
            log: self.log.epoch.clone(),
            states: states
                .filter_map(|(part, state)| {
                    let optimizer = state.as_ref()?.optimizer();
                    Some(checkpoint::State { part: plan.part_name(part), optimizer })
                })
                .collect(),
            bests: kept.map(|(metric, best, _)| Kept { metric: metric.to_owned(), best }).collect(),
        }
    }

    /// Fails where the model was cast: optimizer state and copies would be of another dtype.
    fn require_dtypes(&self, variables: &[(String, Tensor)]) -> Result<(), Error> {
        let tensors = self.plan().model().tensors().iter();
        let attached: HashMap<&str, &str> =
            tensors.map(|tensor| (tensor.name.as_str(), tensor.dtype.as_str())).collect();
        for (name, variable) in variables {
            let is = dtype(variable.kind());
            if let Some(was) = attached.get(name.as_str()).filter(|was| **was != is) {
                return Err(Error::Ownership(format!(
                    "`{name}` is {is} now and was {was} when the tuner was attached: cast a model \
                     before `attach`"
                )));
            }
        }
        Ok(())
    }

    /// The variables that a model describes, by name.
    pub(super) fn variables(&self, model: &Model) -> Vec<(String, Tensor)> {
        let variables = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        let names = model.tensors().iter().map(|tensor| &tensor.name);
        names
            .filter_map(|name| {
                Some((name.clone(), variables.named_variables.get(name)?.shallow_clone()))
            })
            .collect()
    }

    fn optimizer_tensors(&self) -> Vec<(String, Tensor)> {
        let mut all = Vec::new();
        for (part, state) in self.states.iter().enumerate() {
            let part = self.plan().part_name(part);
            for (name, tensor) in state.iter().flat_map(State::tensors) {
                all.push((format!("{part}.{name}"), tensor.shallow_clone()));
            }
        }
        all
    }

    fn best_tensors(&self) -> Vec<(String, Tensor)> {
        let names = restored(self.plan());
        let mut all = Vec::new();
        let kept = self.bests.kept().filter_map(|(_, _, copies)| copies);
        for (number, copies) in kept.enumerate() {
            for (name, copy) in names.iter().zip(copies) {
                all.extend(copy.iter().map(|copy| (best_name(number, name), copy.shallow_clone())));
            }
        }
        all
    }

    /// Takes over what was read and found right.
    fn go_on(&mut self, staged: Staged) -> Result<(), Error> {
        let Staged { clock, log, variables, model, states, bests, random } = staged;
        let names = random.names().into_iter();
        let generators = names.map(|name| Ok((name.clone(), random.get(&name)?)));
        let generators = generators.collect::<Result<Vec<_>, Error>>()?;
        // If one is refused, no generator is changed, and nothing else is yet.
        ffi::set_generators(&generators).map_err(|error| random.damaged(error.to_string()))?;
        let _no_grad = tch::no_grad_guard();
        for (name, variable) in &variables {
            real(variable)?.f_copy_(&model.get(name)?)?;
        }
        self.clock = clock;
        self.log.epoch = log;
        self.states = states;
        self.bests = bests;
        self.statistics.release();
        self.parts.forget_all()?;
        self.settle()
    }
}

/// The names of all that rules can restore: parts, then statistics.
pub(super) fn restored(plan: &Plan) -> Vec<String> {
    let model = plan.model();
    let buffers = model.normalisations().iter().flat_map(|module| &module.buffers);
    let buffers = buffers.filter_map(|index| model.tensors().get(*index));
    let parts = (0..plan.parts().len()).map(|part| plan.part_name(part));
    parts.chain(buffers.map(|tensor| tensor.name.clone())).collect()
}

/// What a copy is called: by the number of its metric and what it is a copy of.
pub(super) fn best_name(number: usize, of: &str) -> String {
    format!("{number}.{of}")
}
