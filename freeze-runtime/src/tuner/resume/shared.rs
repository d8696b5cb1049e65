//! A checkpoint that rank 0 reads, and the random number generators of each rank in it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::checkpoint::{self, RunRecord, TensorFile, TensorFiles};
use crate::tuner::Tuner;
use crate::{CheckpointError, Error};

/// So many bytes of a file are sent at a time.
const PIECE: usize = 64 << 20;

/// What rank 0 has found.
#[derive(Serialize, Deserialize)]
enum Found<R> {
    Missing,
    /// A run, and the paths and sizes of its files.
    Run(R, Vec<(PathBuf, usize)>),
}

impl Tuner {
    /// Reads a checkpoint on rank 0, and sends it to all ranks.
    pub(super) fn shared_checkpoint(
        &self,
        dir: &Path,
        ready: Result<(), Error>,
    ) -> Result<(RunRecord, TensorFiles<TensorFile>), Error> {
        if !self.group.has_others() {
            ready?;
            return checkpoint::read(dir);
        }
        let missing = || Error::Checkpoint(CheckpointError::Missing(dir.to_owned()));
        let read =
            ready.and_then(|()| match self.group.is_first().then(|| checkpoint::read(dir)) {
                None | Some(Err(Error::Checkpoint(CheckpointError::Missing(_)))) => Ok(None),
                Some(read) => read.map(Some),
            });
        let (read, found) = match read {
            Ok(read) => {
                let found = read.as_ref().map_or(Found::Missing, |(run, files)| {
                    let size = |file: &&TensorFile| {
                        let (path, bytes) = file.contents();
                        (path.to_owned(), bytes.len())
                    };
                    Found::Run(run, files.each().iter().map(size).collect())
                });
                let found = serde_json::to_string(&found).map_err(|error| unreadable(&error));
                (read, found)
            }
            Err(error) => (None, Err(error)),
        };
        let found = self.group.exchange("`resume`", found)?;
        let first = found.first().ok_or_else(missing)?;
        let found: Found<RunRecord> =
            serde_json::from_str(first).map_err(|error| unreadable(&error))?;
        let Found::Run(run, sizes) = found else { return Err(missing()) };
        let mut received = Vec::with_capacity(sizes.len());
        for (index, (path, size)) in sizes.into_iter().enumerate() {
            let own = read.as_ref().and_then(|(_, files)| files.each().get(index).copied());
            let bytes = self.bytes_of_rank_0(own.map(|file| file.contents().1), size);
            let file = bytes.and_then(|bytes| Ok(TensorFile::of(path, bytes)?));
            received.push(self.group.reported(file)?);
        }
        match <[TensorFile; 6]>::try_from(received) {
            Ok(files) => Ok((run, TensorFiles::from_each(files))),
            Err(_) => Err(missing()),
        }
    }

    /// The bytes that rank 0 has, on all ranks.
    fn bytes_of_rank_0(&self, own: Option<&[u8]>, size: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = own.map_or_else(|| vec![0; size], <[u8]>::to_vec);
        for piece in bytes.chunks_mut(PIECE) {
            let length = i64::try_from(piece.len()).unwrap_or(i64::MAX);
            let tensor = Tensor::f_from_data_size(piece, &[length], Kind::Uint8)?;
            self.group.broadcast("`resume`", &std::iter::once(&tensor).collect())?;
            tensor.f_copy_data_u8(piece, piece.len())?;
        }
        Ok(bytes)
    }

    /// The states of the random number generators of all ranks, on rank 0; others have theirs.
    pub(in crate::tuner) fn gather_generators(
        &self,
        ready: Result<Vec<(String, Tensor)>, Error>,
    ) -> Result<Vec<(String, Tensor)>, Error> {
        if !self.group.has_others() {
            return ready;
        }
        let trained = self.trained_digest();
        let own = ready.and_then(|own| {
            let digest = trained?;
            let bytes = own.iter().map(|(device, state)| Ok((device.as_str(), bytes_of(state)?)));
            let bytes = bytes.collect::<Result<Vec<_>, Error>>()?;
            Ok(vec![
                ("what was trained", digest),
                ("", serde_json::to_string(&bytes).map_err(|error| unreadable(&error))?),
            ])
        });
        let all = self.group.agree_but_last("`save`", own)?;
        let mut gathered = Vec::new();
        for (rank, text) in all.iter().enumerate() {
            let states: Vec<(String, Vec<u8>)> =
                serde_json::from_str(text).map_err(|error| unreadable(&error))?;
            for (device, bytes) in states {
                let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                let state = Tensor::f_from_data_size(&bytes, &[length], Kind::Uint8)?;
                gathered.push((format!("{}{device}", prefix(rank)), state));
            }
        }
        Ok(gathered)
    }

    /// The checksums of the trainable parameters and of their optimizer state, a line each.
    fn trained_digest(&self) -> Result<String, Error> {
        let variables = self.store.named(self.plan().model());
        let trained = variables.into_iter().filter(|(_, variable)| variable.requires_grad());
        // Where the ranks divide it, each state is in one place.
        let shared = if self.shards.is_none() { self.states.as_slice() } else { &[] };
        let states = self.state_tensors(shared);
        let line = |(name, tensor): (String, Tensor)| {
            Ok(format!("{name} has CRC-32 {:08x}", checkpoint::crc32(&tensor)?))
        };
        let lines = trained.chain(states).map(line).collect::<Result<Vec<_>, Error>>()?;
        Ok(lines.join("\n"))
    }
}

fn bytes_of(state: &Tensor) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; state.numel()];
    let length = bytes.len();
    state.f_copy_data_u8(&mut bytes, length)?;
    Ok(bytes)
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::Group(format!("a checkpoint cannot be sent to the other ranks: {error}"))
}

/// What the names of a rank's generators begin with, where there are several ranks.
fn prefix(rank: usize) -> String {
    format!("rank{rank}.")
}

/// The number of processes that have saved a file of generators.
pub(super) fn saved_ranks(random: &TensorFile) -> usize {
    let names = random.names();
    let has = |rank: &usize| names.iter().any(|name| name.starts_with(&prefix(*rank)));
    (0..names.len()).take_while(has).count().max(1)
}

/// The names of a rank's generators in a file, and their devices.
pub(super) fn own_generators(random: &TensorFile, rank: usize) -> Vec<(String, String)> {
    let prefix = prefix(rank);
    let own = |name: String| {
        let device = match name.strip_prefix(&prefix) {
            Some(device) => device.to_owned(),
            // Saved by one process.
            None if rank == 0 && !name.starts_with("rank") => name.clone(),
            None => return None,
        };
        Some((name, device))
    };
    random.names().into_iter().filter_map(own).collect()
}
