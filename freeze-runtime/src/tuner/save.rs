//! Saves a run as a checkpoint.

use std::path::Path;

use freeze_dsl::plan::{Plan, SliceId};
use tch::Tensor;

use super::Tuner;
use super::gathered::OptimizerState;
use crate::checkpoint::{self, BestRecord, RunRecord, ScaleRecord, StateRecord, TensorFiles};
use crate::log::events;
use crate::optim::ParamState;
use crate::precision::{GradScaler, Precision};
use crate::{Error, ffi};

impl Tuner {
    /// Saves the run in a folder, so that [`Tuner::resume`] continues it bit for bit.
    ///
    /// The checkpoint has parameters and buffers, optimizer state, the policy and its progress, the
    /// best weights that rules may restore, the values that anchors pull toward, the masters of parameters
    /// of half precision, the loss scale, and the states of libtorch's default random number generators,
    /// which dropout uses.
    ///
    /// In a [`Group`](crate::Group), all ranks call it. They compare the values that train and their optimizer
    /// state, and fail if these differ; where they divide the state, rank 0 collects it. Rank 0 writes, and
    /// the checkpoint also has the generators of the other ranks. If rank 0 cannot write, `save` fails on all
    /// ranks, and the training can go on.
    ///
    /// Gradients are not saved, as in `PyTorch`: call it after a step or an epoch, not between a
    /// backward pass and its step. The program saves its own state, such as the order of batches.
    ///
    /// The checkpoint is `dir/checkpoint`, and names in `dir` that begin with `checkpoint.` belong
    /// to the tuner; other files in `dir` are left as they are. The new checkpoint is written beside
    /// the old one and replaces it once all of it is on disk: if the program or the machine stops at
    /// any moment, one of the two is complete. The next call removes what such an end leaves. Until
    /// then, the disk requires space for both. Two programs that save in one folder wait for each
    /// other.
    ///
    /// `dir/checkpoint/model.safetensors` has the model in a form that any program can read, such as
    /// `VarStore::load`.
    ///
    /// # Errors
    /// Fails if the folder cannot be written, if `dir/checkpoint` or `dir/checkpoint.replaced` is
    /// something else, or if a tensor has a dtype or name that a safetensors file does not support.
    /// Fails if the checkpoint could not be resumed: if a variable has another shape or dtype than at
    /// [`attach`](crate::TunerBuilder::attach), or was replaced, removed or added since. The old
    /// checkpoint is then kept.
    ///
    /// # Examples
    /// ```
    /// # use freeze_runtime::{Tuner, freeze_policy};
    /// # let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    /// # let fc = tch::nn::linear(vs.root() / "fc", 2, 1, Default::default());
    /// # let policy = freeze_policy! { default optimizer sgd; start: train fc lr 0.1 };
    /// # let mut tuner = Tuner::builder(&policy).attach(&vs)?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// tuner.start_epoch()?;
    /// tuner.save(dir.path())?;
    /// assert!(dir.path().join("checkpoint/model.safetensors").exists());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn save(&mut self, dir: impl AsRef<Path>) -> Result<(), Error> {
        let ready = self.prepare_to_save();
        let random = self.gather_generators(ready)?;
        let state = self.group.reported(self.gathered_state())?;
        let is_first = self.group.is_first();
        let written = if is_first { self.write(dir.as_ref(), random, &state) } else { Ok(()) };
        self.group.exchange("`save`", written.map(|()| String::new())).map(drop)
    }

    /// Prepares what rank 0 saves, and returns the states of this rank's random number generators.
    fn prepare_to_save(&mut self) -> Result<Vec<(String, Tensor)>, Error> {
        self.restore_frozen_stats()?;
        self.require_resumable()?;
        self.best_weights.finish_copies(&self.slices)?;
        self.masters.follow(&self.slices)?;
        Ok(ffi::generators()?)
    }

    fn write(
        &self,
        dir: &Path,
        random: Vec<(String, Tensor)>,
        state: &OptimizerState,
    ) -> Result<(), Error> {
        let masters = self.master_tensors(&state.masters);
        let files = TensorFiles {
            model: self.store.named(self.plan().model()),
            optimizer: self.state_tensors(&state.states),
            bests: self.best_tensors(),
            anchors: self.anchor_tensors(),
            masters,
            random,
        };
        checkpoint::write(dir, &self.record(state)?, &files)?;
        events::saved(dir, self.epochs_started(), self.global_step());
        Ok(())
    }

    /// Fails if a checkpoint of the store as it is now could not be resumed.
    fn require_resumable(&self) -> Result<(), Error> {
        let model = self.plan().model();
        self.store.audit_types(model)?;
        self.store.audit(model)?;
        self.store.require_no_others(model)
    }

    /// What is saved of this run beside its tensors.
    fn record(&self, state: &OptimizerState) -> Result<RunRecord, Error> {
        let plan = self.plan();
        let states = plan.slice_ids().zip(&state.states);
        let snapshots = self.best_weights.snapshots().filter(|(_, _, copies)| copies.is_some());
        Ok(RunRecord {
            policy: plan.policy().clone(),
            program: *self.clock.program(),
            model: plan.model().tensors().to_vec(),
            clock: self.clock.snapshot(),
            log: self.log.epoch.clone(),
            states: states
                .filter_map(|(slice, state)| {
                    let optimizer = state.as_ref()?.optimizer();
                    Some(StateRecord { slice: plan.slice_name(slice), optimizer })
                })
                .collect(),
            bests: snapshots
                .map(|(metric, best, _)| BestRecord { metric: metric.to_owned(), best })
                .collect(),
            grad_means: self.grad_means.records()?,
            anchors: self.anchor_tensors().into_iter().map(|(name, _)| name).collect(),
            masters: self
                .master_tensors(&state.masters)
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            precision: self.precision(),
            scale: self.scaler.as_ref().map(scale_record).transpose()?,
        })
    }

    /// The tensors of the states of all slices.
    pub(super) fn state_tensors(&self, states: &[Option<ParamState>]) -> Vec<(String, Tensor)> {
        let mut all = Vec::new();
        for (slice, state) in self.plan().slice_ids().zip(states) {
            let slice = self.plan().slice_name(slice);
            for (name, tensor) in state.iter().flat_map(ParamState::tensors) {
                all.push((format!("{slice}.{name}"), tensor.shallow_clone()));
            }
        }
        all
    }

    fn anchor_tensors(&self) -> Vec<(String, Tensor)> {
        let named = |slice: &SliceId| {
            let value = self.anchors.value(*slice)?;
            Some((self.plan().slice_name(*slice), value.shallow_clone()))
        };
        self.anchors.anchored().iter().filter_map(named).collect()
    }

    fn master_tensors(&self, masters: &[Option<Tensor>]) -> Vec<(String, Tensor)> {
        let masters = self.plan().slice_ids().zip(masters);
        let named = masters.filter_map(|(slice, master)| {
            Some((self.plan().slice_name(slice), master.as_ref()?.shallow_clone()))
        });
        named.collect()
    }

    /// The program's settings of mixed precision.
    pub(super) fn precision(&self) -> Precision {
        Precision {
            loss_scale: self.scaler.as_ref().map(GradScaler::settings),
            master_weights: self.masters.are_used(),
        }
    }

    fn best_tensors(&self) -> Vec<(String, Tensor)> {
        let names = unit_names(self.plan());
        let mut all = Vec::new();
        let snapshots = self.best_weights.snapshots().filter_map(|(_, _, copies)| copies);
        for (number, copies) in snapshots.enumerate() {
            for (name, copy) in names.iter().zip(copies) {
                all.extend(copy.iter().map(|copy| (best_name(number, name), copy.shallow_clone())));
            }
        }
        all
    }
}

fn scale_record(scaler: &GradScaler) -> Result<ScaleRecord, Error> {
    Ok(ScaleRecord {
        scale: scaler.value()?.to_bits(),
        growth_tracker: scaler.growth_tracker()?,
        skipped: scaler.skipped()?,
    })
}

/// The names of the units that rules can restore: slices, then running statistics.
pub(super) fn unit_names(plan: &Plan) -> Vec<String> {
    let model = plan.model();
    let buffers = model.normalisations().iter().flat_map(|module| &module.buffers);
    let buffers = buffers.filter_map(|id| model.tensors().get(id.index()));
    let slices = plan.slice_ids().map(|slice| plan.slice_name(slice));
    slices.chain(buffers.map(|tensor| tensor.name.clone())).collect()
}

/// The name of a copy: the number of its metric and the name of its original.
pub(super) fn best_name(number: usize, of: &str) -> String {
    format!("{number}.{of}")
}
