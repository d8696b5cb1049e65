//! The optimizer state of all slices for a checkpoint, wherever it lies.

use freeze_dsl::Optimizer;
use freeze_dsl::plan::SliceId;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::Tuner;
use crate::Error;
use crate::optim::{ParamState, bytes_of};

/// So many bytes are sent at a time, but for a larger slice.
const PIECE: usize = 64 << 20;

/// The optimizer state and the master of each slice.
pub(super) struct OptimizerState {
    pub(super) states: Vec<Option<ParamState>>,
    pub(super) masters: Vec<Option<Tensor>>,
}

/// What a rank has of a slice, for the others.
#[derive(Serialize, Deserialize)]
struct HeldSlice {
    slice: usize,
    /// The optimizer of its state, and the names of the tensors in it.
    state: Option<(Optimizer, Vec<String>)>,
    has_master: bool,
}

/// The tensors of a slice while they are sent.
struct SentSlice {
    slice: usize,
    owner: usize,
    state: Option<ParamState>,
    master: Option<Tensor>,
    /// Those of the state in the order of their owner, then the master.
    tensors: Vec<Tensor>,
}

impl Tuner {
    /// The state of all slices, as rank 0 writes it. Where the ranks divide it, rank 0 receives it on the
    /// host, and the others have nothing.
    pub(super) fn gathered_state(&self) -> Result<OptimizerState, Error> {
        let own = |slice: SliceId| self.masters.value(slice).map(Tensor::shallow_clone);
        if self.shards.is_none() {
            let states = self.states.iter();
            return Ok(OptimizerState {
                states: states.map(|it| it.as_ref().map(ParamState::shallow_clone)).collect(),
                masters: self.plan().slice_ids().map(own).collect(),
            });
        }
        let count = self.slices.count();
        let mut all = OptimizerState {
            states: std::iter::repeat_with(|| None).take(count).collect(),
            masters: std::iter::repeat_with(|| None).take(count).collect(),
        };
        let (mut piece, mut bytes) = (Vec::new(), 0);
        for (owner, held) in self.held_slices()? {
            let sent = self.sent_slice(owner, held)?;
            bytes += sent.tensors.iter().map(bytes_of).sum::<Result<usize, _>>()?;
            piece.push(sent);
            if bytes >= PIECE {
                self.send(&mut all, std::mem::take(&mut piece))?;
                bytes = 0;
            }
        }
        self.send(&mut all, piece)?;
        Ok(all)
    }

    /// What all ranks have, each slice with its rank.
    fn held_slices(&self) -> Result<Vec<(usize, HeldSlice)>, Error> {
        let held = self.plan().slice_ids().zip(&self.states).filter_map(|(slice, state)| {
            let names = |state: &ParamState| {
                let names = state.tensors().map(|(name, _)| name.to_owned()).collect();
                (state.optimizer(), names)
            };
            let state = state.as_ref().map(names);
            let has_master = self.masters.value(slice).is_some();
            let is_held = state.is_some() || has_master;
            is_held.then_some(HeldSlice { slice: slice.index(), state, has_master })
        });
        let held: Vec<HeldSlice> = held.collect();
        let own = serde_json::to_string(&held).map_err(|error| unreadable(&error));
        let mut all = Vec::new();
        for (rank, text) in self.group.exchange("`save`", own)?.iter().enumerate() {
            let held: Vec<HeldSlice> =
                serde_json::from_str(text).map_err(|error| unreadable(&error))?;
            all.extend(held.into_iter().map(|held| (rank, held)));
        }
        Ok(all)
    }

    /// The tensors of a slice: those that its owner sends, or places for them.
    fn sent_slice(&self, owner: usize, held: HeldSlice) -> Result<SentSlice, Error> {
        let HeldSlice { slice, state, has_master } = held;
        let id = SliceId::new(slice);
        let strange = || Error::Group(format!("rank {owner} has state that rank 0 cannot save"));
        let names = state.iter().flat_map(|(_, names)| names);
        let (state, master) = if owner == self.group.rank() {
            let own = self.states.get(slice).and_then(Option::as_ref);
            let master = self.masters.value(id).map(Tensor::shallow_clone);
            (own.map(ParamState::shallow_clone), master)
        } else {
            let values = self.slices.values(id)?.ok_or_else(strange)?;
            let like = self.masters.like(&values)?;
            let place = |(optimizer, names): &(Optimizer, Vec<String>)| {
                ParamState::resumed(*optimizer, &like, |name| names.iter().any(|of| of == name))
            };
            (state.as_ref().map(place).transpose()?, has_master.then_some(like.shallow_clone()))
        };
        let mut tensors = Vec::new();
        for name in names {
            let tensor = state.as_ref().and_then(|state| state.tensor(name)).ok_or_else(strange)?;
            tensors.push(tensor.shallow_clone());
        }
        tensors.extend(master.iter().map(Tensor::shallow_clone));
        Ok(SentSlice { slice, owner, state, master, tensors })
    }

    /// Sends slices to rank 0, which moves them to the host.
    fn send(&self, all: &mut OptimizerState, piece: Vec<SentSlice>) -> Result<(), Error> {
        let tensors = piece.iter().flat_map(|sent| &sent.tensors).collect();
        let roots = piece.iter().flat_map(|sent| sent.tensors.iter().map(|_| sent.owner));
        self.group.broadcast_from("`save`", &tensors, roots)?;
        for SentSlice { slice, state, master, .. } in piece {
            if !self.group.is_first() {
                continue;
            }
            if let Some(place) = all.states.get_mut(slice) {
                *place = state.map(|state| state.to_device(Device::Cpu)).transpose()?;
            }
            if let Some(place) = all.masters.get_mut(slice) {
                *place = master.map(|master| master.f_to_device(Device::Cpu)).transpose()?;
            }
        }
        Ok(())
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::Group(format!("optimizer state cannot be sent to rank 0: {error}"))
}
