//! This process as a member of a group: agreement through the store, and collectives that all ranks are
//! known to come to.
//!
//! Whatever must agree is exchanged as values of the store's keys, and only tensors travel by collectives:
//! gloo ends the process where two ranks are in different collectives, and NCCL waits for ever. A rank that
//! waits, for a key or a collective, looks every [`TURN`] whether another rank has failed, has left, or is
//! in another call, and whether its time is over.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tch::{Device, TchError, Tensor};

use super::failure::{Failure, write_report};
use super::lookout::{
    FAILED, LEFT, Post, SILENT_BEATS, SignsOfLife, Whereabouts, apart, at, came, is_time_out, json,
    key, left_before, read,
};
use super::store::Store;
use crate::Error;
use crate::ffi::{Collective, ProcessGroup, StoreClient};

/// How long a rank waits before it looks after the others.
const TURN: Duration = Duration::from_millis(200);

/// Each rank is looked after by itself only once in so many turns: there may be many ranks.
const MANY_TURNS: u32 = 25;

/// How many heartbeats the process that serves the store waits for the others at its end.
const LAST_BEATS: u32 = 10;

/// This process, among the others of its group.
pub(super) struct Member {
    pub(super) rank: usize,
    pub(super) size: usize,
    pub(super) device: Device,
    pub(super) timeout: Duration,
    pub(super) heartbeat: Duration,
    serves: bool,
    pub(super) store: Store,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    processes: Option<ProcessGroup>,
    /// Connections of their own for sums in graphs, once there are any.
    of_graphs: Option<GraphProcesses>,
    /// How many exchanges and collectives were begun.
    exchanges: u64,
    collectives: u64,
    /// Whether an operation of the processes has begun and not ended.
    is_in_collective: bool,
    /// How far the training is, in words.
    place: String,
    failure: Option<Failure>,
}

impl State {
    fn of_averages(&self) -> Option<&ProcessGroup> {
        self.processes.as_ref()
    }

    fn of_forward_passes(&self) -> Option<&ProcessGroup> {
        self.of_graphs.as_ref().map(|graphs| &graphs.forward)
    }
}

/// The connections of sums in graphs. Those of backward passes are others: a rank that makes a forward pass more
/// must not be answered by the backward pass of another rank.
struct GraphProcesses {
    forward: ProcessGroup,
    backward: ProcessGroup,
}

impl Member {
    pub(super) fn new(
        (rank, size): (usize, usize),
        device: Device,
        (timeout, heartbeat): (Duration, Duration),
        serves: bool,
        store: Store,
    ) -> Self {
        Self { rank, size, device, timeout, heartbeat, serves, store, state: Mutex::default() }
    }

    /// Connects with the other processes, once all of them are known to be there.
    pub(super) fn connect(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.processes = Some(self.connected(&mut state, self.store.client())?);
        Ok(())
    }

    fn connected(&self, state: &mut State, store: &StoreClient) -> Result<ProcessGroup, Error> {
        // The looks of this module find a rank that does not come before gloo does.
        let patience = self.timeout + self.heartbeat * SILENT_BEATS;
        let made = ProcessGroup::new(store, self.rank, self.size, patience, self.device);
        made.map_err(|error| self.broken(state, "`Group::from_env`", &error))
    }

    /// Sets how far the training is, for errors.
    pub(super) fn set_place(&self, place: String) {
        self.lock().place = place;
    }

    /// The failure that has ended the group, as an error.
    pub(super) fn require_whole(&self) -> Result<(), Error> {
        match &self.lock().failure {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(()),
        }
    }

    /// Ends the group with the error of this rank, which the others return too.
    pub(super) fn fail(&self, error: &Error) {
        let mut state = self.lock();
        if state.failure.is_none() {
            self.end(&mut state, Failure::of(self.rank, error));
        }
    }

    /// Exchanges texts: those of all ranks, in their order. If a rank brings an error, it returns that
    /// error, and the others that it has failed; the group goes on.
    pub(super) fn exchange(
        &self,
        call: &str,
        own: Result<String, Error>,
    ) -> Result<Vec<String>, Error> {
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone().into());
        }
        let (outcome, own) = match own {
            Ok(text) => (Ok(text), None),
            Err(error) => (Err(error.to_string()), Some(error)),
        };
        let post = Post { at: self.whereabouts(&state, call), outcome };
        let posts = match self.gather(&state, &post) {
            Ok(posts) => posts,
            Err(failure) => return Err(self.end(&mut state, failure)),
        };
        state.exchanges += 1;
        let mut texts = Vec::with_capacity(posts.len());
        for Post { at, outcome } in posts {
            match (outcome, &own) {
                (Ok(text), _) => texts.push(text),
                (Err(_), Some(_)) => {}
                (Err(text), None) => return Err(Error::Failed { rank: at.rank, text }),
            }
        }
        own.map_or(Ok(texts), Err)
    }

    /// Brings a post to an exchange, and waits for those of all ranks.
    fn gather(&self, state: &State, post: &Post) -> Result<Vec<Post>, Failure> {
        let number = state.exchanges;
        let keys: Vec<String> = (0..self.size).map(|rank| key(number, rank)).collect();
        self.store.set(key(number, self.rank), json(post));
        self.store.set(came(number), json(&post.at));
        self.store.set(at(self.rank), json(&post.at));
        let until = Instant::now() + self.timeout;
        let (mut turns, mut seen) = (0_u32, SignsOfLife::default());
        let texts = loop {
            if let Some(texts) = self.store.wait(&keys, TURN).map_err(Failure::Lost)? {
                break texts;
            }
            self.require_no_failure()?;
            if let Some(left) = self.left()?
                && left.exchanges <= number
            {
                return Err(left_before(&left, &post.at));
            }
            turns += 1;
            if turns % MANY_TURNS == 5 {
                self.require_none_in_backward(&post.at)?;
                self.require_life(&post.at, &keys, &mut seen)?;
            }
            if Instant::now() >= until {
                let has = |key: &String| -> Result<bool, Failure> {
                    Ok(self.store.get(key).map_err(Failure::Lost)?.is_some())
                };
                let here = keys.iter().map(has).collect::<Result<Vec<_>, _>>()?;
                let absent = (0..self.size).zip(here).filter(|(_, here)| !here);
                return Err(self.absent(&post.at, absent.map(|(rank, _)| rank).collect())?);
            }
        };
        if let Some(before) = number.checked_sub(1) {
            // All ranks have come to this exchange, and so have read the one before.
            let mut old = vec![key(before, self.rank)];
            old.extend((self.rank == 0).then(|| came(before)));
            self.store.delete(old);
        }
        let posts = texts.iter().map(|text| read(text)).collect::<Result<Vec<Post>, _>>()?;
        let is_elsewhere = |other: &Post| {
            (&other.at.call, other.at.collectives) != (&post.at.call, post.at.collectives)
        };
        if posts.iter().any(is_elsewhere) {
            return Err(apart(posts.iter().map(|post| post.at.row()).collect()));
        }
        Ok(posts)
    }

    /// Adds a tensor up over all ranks, in a graph that leads back to it.
    pub(super) fn sum(&self, call: &str, own: &Tensor) -> Result<Tensor, Error> {
        if self.lock().of_graphs.is_none() {
            self.exchange(call, Ok(String::new()))?;
            let client = self.store.client();
            let (forward, backward) = (client.within("forward")?, client.within("backward")?);
            let mut state = self.lock();
            let forward = self.connected(&mut state, &forward)?;
            let backward = self.connected(&mut state, &backward)?;
            state.of_graphs = Some(GraphProcesses { forward, backward });
        }
        let mut sum = Tensor::new();
        let start = |processes: &ProcessGroup| {
            let (started, collective) = processes.start_sum(own)?;
            sum = started;
            Ok(collective)
        };
        self.operate(call, State::of_forward_passes, start)?;
        if let Some(graphs) = &self.lock().of_graphs {
            graphs.backward.record_sum(own, &sum)?;
        }
        Ok(sum)
    }

    /// Starts an operation of all ranks, and waits for it.
    pub(super) fn collective(
        &self,
        call: &str,
        start: impl FnOnce(&ProcessGroup) -> Result<Collective, TchError>,
    ) -> Result<Collective, Error> {
        self.operate(call, State::of_averages, start)
    }

    fn operate(
        &self,
        call: &str,
        among: fn(&State) -> Option<&ProcessGroup>,
        start: impl FnOnce(&ProcessGroup) -> Result<Collective, TchError>,
    ) -> Result<Collective, Error> {
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone().into());
        }
        let Some(processes) = among(&state) else {
            return Err(Error::Group("the processes are not connected yet".to_owned()));
        };
        let started = start(processes);
        state.collectives += 1;
        state.is_in_collective = true;
        let mut collective = match started {
            Ok(collective) => collective,
            Err(error) => {
                let error = Error::Torch(error);
                self.end(&mut state, Failure::of(self.rank, &error));
                return Err(error);
            }
        };
        let here = self.whereabouts(&state, call);
        self.store.set(at(self.rank), json(&here));
        let until = Instant::now() + self.timeout;
        let mut turns = 0_u32;
        loop {
            turns += 1;
            match collective.wait(TURN) {
                Ok(true) => {
                    state.is_in_collective = false;
                    return Ok(collective);
                }
                Ok(false) => {
                    if let Err(failure) = self.look(&here, until, turns % MANY_TURNS == 5) {
                        return Err(self.end(&mut state, failure));
                    }
                }
                Err(error) if is_of_connection(&error) => {
                    return Err(self.broken(&mut state, call, &error));
                }
                Err(error) => {
                    let error = Error::Torch(error);
                    self.end(&mut state, Failure::of(self.rank, &error));
                    return Err(error);
                }
            }
        }
    }

    /// Runs a backward pass with operations of all ranks in it, which libtorch waits for.
    pub(super) fn overlapped(
        &self,
        call: &str,
        run: impl FnOnce() -> Result<(), TchError>,
    ) -> Result<(), Error> {
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone().into());
        }
        state.collectives += 1;
        state.is_in_collective = true;
        self.store.set(at(self.rank), json(&self.whereabouts(&state, call)));
        match run() {
            Ok(()) => {
                state.is_in_collective = false;
                Ok(())
            }
            Err(error) if is_of_connection(&error) => Err(self.broken(&mut state, call, &error)),
            Err(error) => Err(Error::Torch(error)),
        }
    }

    /// The error of a backward pass in which sums over all ranks may be.
    pub(super) fn explained(&self, call: &str, error: TchError) -> Error {
        if is_of_connection(&error) {
            self.broken(&mut self.lock(), call, &error)
        } else {
            Error::Torch(error)
        }
    }

    /// Calls a function with the connected processes.
    pub(super) fn with_processes<T>(
        &self,
        make: impl FnOnce(&ProcessGroup) -> Result<T, TchError>,
    ) -> Result<T, Error> {
        let state = self.lock();
        match (&state.failure, &state.processes) {
            (Some(failure), _) => Err(failure.clone().into()),
            (None, Some(processes)) => Ok(make(processes)?),
            (None, None) => Err(Error::Group("the processes are not connected yet".to_owned())),
        }
    }

    /// Ends the group because an operation of its processes has failed.
    fn broken(&self, state: &mut State, call: &str, error: &TchError) -> Error {
        let here = self.whereabouts(state, call);
        let failure = self.cause(&here, error).unwrap_or_else(|failure| failure);
        self.end(state, failure)
    }

    /// Ends the group, with the failure that was published first.
    fn end(&self, state: &mut State, failure: Failure) -> Error {
        let first = self.store.set_first(FAILED, json(&failure));
        let failure = first.ok().and_then(|first| read(&first).ok()).unwrap_or(failure);
        let graphs = state.of_graphs.take().into_iter();
        let graphs = graphs.flat_map(|graphs| [graphs.forward, graphs.backward]);
        for processes in state.processes.take().into_iter().chain(graphs) {
            // A rank that waits in libtorch's backward pass stops to wait, and looks for the failure.
            let _ = processes.close();
            if state.is_in_collective {
                // Its threads may wait for ranks that never come, and dropping it would wait for them.
                std::mem::forget(processes);
            }
        }
        state.failure = Some(failure.clone());
        let error = Error::from(failure);
        write_report(&error);
        error
    }

    fn whereabouts(&self, state: &State, call: &str) -> Whereabouts {
        Whereabouts {
            rank: self.rank,
            call: call.to_owned(),
            place: state.place.clone(),
            exchanges: state.exchanges,
            collectives: state.collectives,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if thread::panicking() {
            let text = "the program has panicked".to_owned();
            self.fail(&Error::Failed { rank: self.rank, text });
        }
        let here = self.whereabouts(&self.lock(), "");
        let left = |rank| format!("{LEFT}/{rank}");
        self.store.set(left(self.rank), String::new());
        self.store.set(LEFT.to_owned(), json(&here));
        if self.serves {
            // The others may still read what ended the run.
            let others: Vec<String> = (0..self.size).map(left).collect();
            let _ = self.store.wait(&others, self.heartbeat * LAST_BEATS);
        }
    }
}

/// Whether an error of libtorch is one of the connection to other processes.
fn is_of_connection(error: &TchError) -> bool {
    let text = error.to_string();
    ["gloo", "NCCL"].iter().any(|sign| text.contains(sign)) || is_time_out(&text)
}
