//! A saved run: compared with the tuner that resumes it, and prepared to be taken over.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use freeze_dsl::Optimizer;
use freeze_dsl::clock::Clock;
use freeze_dsl::model::{self, Model};
use freeze_dsl::plan::{ParamSlice, SliceId};
use tch::{TchError, Tensor};

use super::options::{ResumeOptions, RunIdentity};
use super::shared::saved_ranks;
use crate::checkpoint::{
    BestRecord, GradMeanRecord, RunRecord, ScaleRecord, StateRecord, TensorFile, TensorFiles,
};
use crate::log::EpochRecord;
use crate::optim::{ParamState, gradients, real};
use crate::precision::{GradScaler, Precision};
use crate::store::is_expanded;
use crate::tuner::Tuner;
use crate::tuner::anchors::Anchors;
use crate::tuner::best_weights::{BestWeights, UnitId};
use crate::tuner::grad_means::GradMeans;
use crate::tuner::masters::{Masters, is_half};
use crate::tuner::save::{best_name, unit_names};
use crate::{CheckpointError, Error};

/// The state that a tuner takes over, complete and in memory of its own.
pub(super) struct PendingState {
    pub(super) clock: Clock,
    pub(super) log: EpochRecord,
    /// The variables that take their values from `model`.
    pub(super) variables: Vec<(String, Tensor)>,
    pub(super) model: TensorFile,
    pub(super) states: Vec<Option<ParamState>>,
    pub(super) best_weights: BestWeights,
    pub(super) grad_means: GradMeans,
    pub(super) anchors: Anchors,
    /// The slices that are anchored first by this resume, by name.
    pub(super) newly_anchored: Vec<String>,
    pub(super) masters: Masters,
    pub(super) scaler: Option<GradScaler>,
    pub(super) random: TensorFile,
}

/// A checkpoint that a tuner can resume from.
pub(super) struct SavedRun {
    /// The clock with the plan of the checkpoint.
    clock: Clock,
    log: EpochRecord,
    states: Vec<StateRecord>,
    bests: Vec<BestRecord>,
    grad_means: Vec<GradMeanRecord>,
    anchors: Vec<String>,
    masters: Vec<String>,
    precision: Precision,
    scale: Option<ScaleRecord>,
    files: TensorFiles<TensorFile>,
    /// Whether the tuner has another model.
    has_other_model: bool,
}

impl SavedRun {
    /// Compares a checkpoint with the tuner that is to resume from it.
    pub(super) fn new(
        tuner: &Tuner,
        run: RunRecord,
        files: TensorFiles<TensorFile>,
        options: ResumeOptions,
    ) -> Result<Self, Error> {
        let model = Model::new(run.model)?.in_network_order();
        let plan = tuner.plan();
        let (policy, program, precision) = (run.policy, run.program, run.precision);
        let saved = RunIdentity { policy: &policy, model: &model, program: &program, precision };
        let now = RunIdentity {
            policy: plan.policy(),
            model: plan.model(),
            program: tuner.clock.program(),
            precision: tuner.precision(),
        };
        options.check(&saved, &now)?;
        options.check_ranks(saved_ranks(&files.random), tuner.group.size())?;
        let has_other_model = model != *plan.model();
        let plan = if has_other_model || policy != *plan.policy() {
            policy.plan(&model)?
        } else {
            plan.clone()
        };
        let clock = Clock::resume(plan, program, &run.clock).map_err(CheckpointError::from)?;
        Ok(Self {
            clock,
            log: run.log,
            states: run.states,
            bests: run.bests,
            grad_means: run.grad_means,
            anchors: run.anchors,
            masters: run.masters,
            precision,
            scale: run.scale,
            files,
            has_other_model,
        })
    }

    /// Reads the complete state for the tuner.
    pub(super) fn prepare(self, tuner: &Tuner) -> Result<PendingState, Error> {
        let _no_grad = tch::no_grad_guard();
        let variables = self.variables(tuner)?;
        let states = self.states(tuner, &variables)?;
        let best_weights = self.best_weights(tuner)?;
        let (anchors, newly_anchored) = self.anchors(tuner, &variables)?;
        let masters = self.masters(tuner, &variables)?;
        let scaler = self.scaler(tuner)?;
        let TensorFiles { model, random, .. } = self.files;
        let clock = self.clock.migrate(tuner.plan().clone(), *tuner.clock.program());
        let clock = clock.map_err(CheckpointError::from)?;
        let grad_means = GradMeans::resumed(&self.grad_means, &clock);
        Ok(PendingState {
            clock,
            log: self.log,
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
        })
    }

    /// Whether tensors of optimizer state may have another dtype.
    fn may_be_converted(&self, tuner: &Tuner) -> bool {
        self.has_other_model || self.precision.master_weights != tuner.masters.are_used()
    }

    /// The variables of the tuner that take their values from the checkpoint.
    fn variables(&self, tuner: &Tuner) -> Result<Vec<(String, Tensor)>, Error> {
        let file = &self.files.model;
        let saved = self.clock.plan().model();
        let names: HashSet<String> =
            saved.tensors().iter().map(|tensor| tensor.name.clone()).collect();
        file.require_all(&names)?;
        file.require_no_others(&names)?;
        let now = tuner.plan().model();
        let (saved, now) = (by_name(saved), by_name(now));
        let mut variables = tuner.store.named(tuner.plan().model());
        variables.retain(|(name, _)| {
            let (saved, now) = (saved.get(name.as_str()), now.get(name.as_str()));
            let is_alias = now.is_some_and(|now| now.same_as.is_some());
            let fits = saved.zip(now).is_some_and(|(saved, now)| fits(saved, now));
            !is_alias && (fits || !self.has_other_model)
        });
        for (name, variable) in &variables {
            file.require_like(name, None, variable, self.has_other_model)?;
            if is_expanded(variable) {
                return Err(Error::Ownership(format!(
                    "elements of `{name}` share memory, so that nothing can be written to it: \
                     register a copy of it, as `.copy()` makes one"
                )));
            }
        }
        Ok(variables)
    }

    /// The state of each slice of the tuner whose parameter is among these variables.
    fn states(
        &self,
        tuner: &Tuner,
        variables: &[(String, Tensor)],
    ) -> Result<Vec<Option<ParamState>>, Error> {
        let file = &self.files.optimizer;
        let saved = |is_always: bool| -> HashSet<String> {
            let names = self.states.iter().flat_map(|saved| {
                let names = ParamState::names(&saved.optimizer).into_iter();
                let names = names.filter(move |(_, always)| *always || !is_always);
                names.map(|(of, _)| format!("{}.{of}", saved.slice))
            });
            names.collect()
        };
        file.require_all(&saved(true))?;
        file.require_no_others(&saved(false))?;
        let held: HashSet<String> = file.names().into_iter().collect();
        let optimizers: HashMap<&str, Optimizer> =
            self.states.iter().map(|saved| (saved.slice.as_str(), saved.optimizer)).collect();
        let taken: HashSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let model = tuner.plan().model();
        let is_taken = |slice: &ParamSlice| is_of(&taken, model, slice);
        let slices = tuner.plan().slice_ids().zip(tuner.plan().slices());
        slices
            .map(|(slice, known)| {
                if !is_taken(known) {
                    return Ok(None);
                }
                let Some((name, rows)) = self.saved_slice(tuner, slice) else { return Ok(None) };
                let Some(optimizer) = optimizers.get(name.as_str()) else { return Ok(None) };
                let Some(values) = tuner.slices.values(slice)? else { return Ok(None) };
                let is_saved = |of: &str| held.contains(&format!("{name}.{of}"));
                let like = tuner.masters.like(&values)?;
                let state = ParamState::resumed(*optimizer, &like, is_saved)?;
                for (of, like) in state.tensors() {
                    let name = format!("{name}.{of}");
                    let rows = rows.as_ref().filter(|_| ParamState::has_rows(of, like));
                    file.require_like(&name, rows, like, self.may_be_converted(tuner))?;
                    real(like)?.f_copy_(&rows_of(file.get(&name)?, rows)?)?;
                }
                Ok(Some(state))
            })
            .collect()
    }

    /// The copies at the best values of metrics.
    fn best_weights(&self, tuner: &Tuner) -> Result<BestWeights, Error> {
        let file = &self.files.bests;
        let before = unit_names(self.clock.plan());
        let numbers = 0..self.bests.len();
        let names =
            numbers.flat_map(|number| before.iter().map(move |name| best_name(number, name)));
        file.require_no_others(&names.collect())?;
        let held: HashSet<String> = file.names().into_iter().collect();
        let now = unit_names(tuner.plan());
        let copies = tuner.best_weights.snapshots().map(|(metric, best, _)| {
            let is_it = |record: &BestRecord| record.metric == metric && record.best == best;
            let number = self.bests.iter().position(is_it).filter(|_| !self.has_other_model);
            let Some(number) = number else { return Ok(None) };
            let copy = |(unit, name): (UnitId, &String)| {
                let saved = match unit {
                    UnitId::Slice(slice) => self.saved_slice(tuner, slice),
                    UnitId::Statistic(_) => Some((name.clone(), None)),
                };
                let Some((name, rows)) = saved else { return Ok(None) };
                let name = best_name(number, &name);
                let Some(like) = tuner.best_weights.original(unit, &tuner.slices)? else {
                    return Ok(None);
                };
                if !held.contains(&name) {
                    return Ok(None);
                }
                file.require_like(&name, rows.as_ref(), &like, false)?;
                Ok(Some(rows_of(file.get(&name)?, rows.as_ref())?))
            };
            tuner
                .best_weights
                .units(&tuner.slices)
                .zip(&now)
                .map(copy)
                .collect::<Result<_, Error>>()
                .map(Some)
        });
        let copies = copies.collect::<Result<_, Error>>()?;
        Ok(tuner.best_weights.resumed(copies, &tuner.slices)?)
    }

    /// The values toward which anchors pull, and the slices that no rule of the checkpoint anchors.
    fn anchors(
        &self,
        tuner: &Tuner,
        variables: &[(String, Tensor)],
    ) -> Result<(Anchors, Vec<String>), Error> {
        let file = &self.files.anchors;
        let before = self.clock.plan();
        let names = before.anchored().into_iter().map(|slice| before.slice_name(slice));
        let known: HashSet<String> = names.collect();
        let held: HashSet<String> = self.anchors.iter().cloned().collect();
        file.require_all(&held)?;
        file.require_no_others(&held)?;
        let taken: HashSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let (plan, mut new) = (tuner.plan(), Vec::new());
        let value = |slice: &SliceId| {
            let own = plan.slices().get(slice.index());
            let is_taken = own.is_some_and(|own| is_of(&taken, plan.model(), own));
            let saved = self.saved_slice(tuner, *slice).filter(|_| is_taken);
            let Some((name, rows)) = saved.filter(|(name, _)| known.contains(name)) else {
                new.push(plan.slice_name(*slice));
                return Ok(None);
            };
            let Some(like) = tuner.slices.values(*slice)?.filter(|_| held.contains(&name)) else {
                return Ok(None);
            };
            file.require_like(&name, rows.as_ref(), &like, self.has_other_model)?;
            Ok(Some(rows_of(file.get(&name)?, rows.as_ref())?))
        };
        let saved = tuner.anchors.anchored().iter().map(value).collect::<Result<_, Error>>()?;
        if self.clock.epochs_started() == 0 {
            new.clear();
        }
        Ok((tuner.anchors.resumed(saved, &tuner.slices)?, new))
    }

    /// The masters of slices, if the tuner uses any.
    fn masters(&self, tuner: &Tuner, variables: &[(String, Tensor)]) -> Result<Masters, Error> {
        let file = &self.files.masters;
        let held: HashSet<String> = self.masters.iter().cloned().collect();
        file.require_all(&held)?;
        file.require_no_others(&held)?;
        let taken: HashSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let plan = tuner.plan();
        let master = |(slice, known): (SliceId, &ParamSlice)| {
            let saved = self.saved_slice(tuner, slice);
            let is_saved = is_of(&taken, plan.model(), known) && tuner.masters.are_used();
            let Some((name, rows)) = saved.filter(|(name, _)| is_saved && held.contains(name))
            else {
                return Ok(None);
            };
            let Some(values) = tuner.slices.values(slice)?.filter(|values| is_half(values.kind()))
            else {
                return Ok(None);
            };
            let master = tuner.masters.like(&values)?;
            file.require_like(&name, rows.as_ref(), &master, false)?;
            master.shallow_clone().f_copy_(&rows_of(file.get(&name)?, rows.as_ref())?)?;
            Ok(Some(master))
        };
        let masters = plan.slice_ids().zip(plan.slices()).map(master);
        Ok(tuner.masters.resumed(masters.collect::<Result<_, Error>>()?))
    }

    /// The loss scale, which continues unless its settings are others.
    fn scaler(&self, tuner: &Tuner) -> Result<Option<GradScaler>, Error> {
        let Some(scaler) = &tuner.scaler else { return Ok(None) };
        let is_same = self.precision.loss_scale == Some(scaler.settings());
        Ok(Some(match self.scale {
            Some(ScaleRecord { scale, growth_tracker, skipped }) if is_same => {
                scaler.resumed(f32::from_bits(scale), growth_tracker, skipped)?
            }
            other => scaler.restarted(other.map_or(0, |other| other.skipped))?,
        }))
    }

    /// The slice of the checkpoint that has a slice of the tuner: its name, and the rows within it.
    fn saved_slice(&self, tuner: &Tuner, slice: SliceId) -> Option<(String, Option<Range<usize>>)> {
        let before = self.clock.plan();
        let (slice, rows) = tuner.plan().slice_in(slice, before)?;
        Some((before.slice_name(slice), rows))
    }
}

fn by_name(model: &Model) -> HashMap<&str, &model::Tensor> {
    model.tensors().iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
}

/// Whether one tensor can take the values of the other.
fn fits(saved: &model::Tensor, now: &model::Tensor) -> bool {
    let is_complex = |tensor: &model::Tensor| tensor.dtype.starts_with('c');
    saved.shape == now.shape && is_complex(saved) == is_complex(now)
}

/// Whether a slice is one of a parameter with one of these names.
fn is_of(names: &HashSet<&str>, model: &Model, slice: &ParamSlice) -> bool {
    let parameter = model.parameters().get(slice.parameter.index());
    parameter.is_some_and(|parameter| names.contains(parameter.name.as_str()))
}

/// Some rows of a tensor, or all of it.
fn rows_of(tensor: Tensor, rows: Option<&Range<usize>>) -> Result<Tensor, TchError> {
    match rows {
        None => Ok(tensor),
        Some(rows) => {
            let (start, length) = gradients::extent(rows)?;
            tensor.f_narrow(0, start, length)
        }
    }
}
