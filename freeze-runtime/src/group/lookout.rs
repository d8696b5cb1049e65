//! Looks after the other ranks while this one waits: where they are, whether they live, and why an
//! operation has failed.

use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tch::TchError;

use super::failure::Failure;
use super::member::Member;
use super::store::shown;

/// A process that has shown no sign of life for so many heartbeats has ended or stopped.
pub(super) const SILENT_BEATS: u32 = 5;

/// A rank that waits does not wait longer for one that shows no sign of life for so many heartbeats.
const DEAD_BEATS: u32 = 120;

/// The key of the failure that all ranks report.
pub(super) const FAILED: &str = "freeze/failed";

/// The key of the last rank that has left.
pub(super) const LEFT: &str = "freeze/left";

/// Where a rank is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Whereabouts {
    pub(super) rank: usize,
    pub(super) call: String,
    pub(super) place: String,
    pub(super) exchanges: u64,
    pub(super) collectives: u64,
}

impl Whereabouts {
    pub(super) fn row(&self) -> (usize, String) {
        let Self { rank, call, place, .. } = self;
        (*rank, if place.is_empty() { format!("in {call}") } else { format!("in {call}, {place}") })
    }
}

/// What a rank brings to an exchange.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Post {
    pub(super) at: Whereabouts,
    /// A text, or the error that the rank returns.
    pub(super) outcome: Result<String, String>,
}

/// The signs of life of other ranks, as far as a rank has seen them while it waits.
#[derive(Default)]
pub(super) struct SignsOfLife(BTreeMap<usize, (Option<String>, Instant)>);

pub(super) fn key(number: u64, rank: usize) -> String {
    format!("freeze/{number}/{rank}")
}

/// The key of the last rank that has come to an exchange.
pub(super) fn came(number: u64) -> String {
    format!("freeze/{number}/came")
}

pub(super) fn at(rank: usize) -> String {
    format!("freeze/at/{rank}")
}

pub(super) fn alive(rank: usize) -> String {
    format!("freeze/alive/{rank}")
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    // None of these has a map, and all of their strings are text.
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::Lost(format!("the store has what no rank has written: {error}")))
}

impl Member {
    /// Fails if a rank waits in a backward pass for this one, which has come elsewhere: libtorch does not look
    /// after the others while it waits.
    pub(super) fn require_none_in_backward(&self, here: &Whereabouts) -> Result<(), Failure> {
        let is_ahead = |other: &Whereabouts| {
            other.exchanges == here.exchanges && other.collectives > here.collectives
        };
        self.require_none_apart(here, is_ahead)
    }

    /// Fails if a rank that has not brought its key shows no sign of life.
    pub(super) fn require_life(
        &self,
        here: &Whereabouts,
        keys: &[String],
        seen: &mut SignsOfLife,
    ) -> Result<(), Failure> {
        for (rank, key) in keys.iter().enumerate().filter(|(rank, _)| *rank != self.rank) {
            if self.store.get(key).map_err(Failure::Lost)?.is_some() {
                continue;
            }
            let sign = self.store.get(&alive(rank)).map_err(Failure::Lost)?;
            let (last, since) =
                seen.0.entry(rank).or_insert_with(|| (sign.clone(), Instant::now()));
            if *last != sign {
                (*last, *since) = (sign, Instant::now());
            } else if since.elapsed() >= self.heartbeat * DEAD_BEATS {
                return Err(Failure::Lost(format!(
                    "rank {rank} has not come to {}: its process has ended or stopped",
                    here.call
                )));
            }
        }
        Ok(())
    }

    /// Fails if a rank is where it will not meet this one.
    fn require_none_apart(
        &self,
        here: &Whereabouts,
        is_apart: impl Fn(&Whereabouts) -> bool,
    ) -> Result<(), Failure> {
        let mut rows = vec![here.row()];
        for rank in (0..self.size).filter(|rank| *rank != self.rank) {
            let other = self.store.get(&at(rank)).map_err(Failure::Lost)?;
            let other: Option<Whereabouts> = other.map(|other| read(&other)).transpose()?;
            rows.extend(other.filter(&is_apart).map(|other| other.row()));
        }
        if rows.len() == 1 {
            return Ok(());
        }
        rows.sort_unstable();
        Err(apart(rows))
    }

    /// Looks after the others from within a collective.
    pub(super) fn look(
        &self,
        here: &Whereabouts,
        until: Instant,
        looks_at_each: bool,
    ) -> Result<(), Failure> {
        self.require_no_failure()?;
        if looks_at_each {
            let is_apart = |other: &Whereabouts| {
                (other.exchanges, other.collectives) == (here.exchanges, here.collectives)
                    && other.call != here.call
            };
            self.require_none_apart(here, is_apart)?;
        }
        let number = here.exchanges;
        let other = self.store.get(&came(number)).map_err(Failure::Lost)?;
        if let Some(other) = other {
            let other: Whereabouts = read(&other)?;
            if other.collectives < here.collectives {
                let mut rows = vec![here.row()];
                for rank in (0..self.size).filter(|rank| *rank != self.rank) {
                    let post = self.store.get(&key(number, rank)).map_err(Failure::Lost)?;
                    rows.extend(match post {
                        Some(post) => Some(read::<Post>(&post)?.at.row()),
                        None => None,
                    });
                }
                rows.sort_unstable();
                return Err(apart(rows));
            }
        }
        if let Some(left) = self.left()?
            && left.collectives < here.collectives
        {
            return Err(left_before(&left, here));
        }
        if Instant::now() >= until {
            return Err(self.late(here)?);
        }
        Ok(())
    }

    /// The failure that ranks cause that have not come to a collective within the time.
    fn late(&self, here: &Whereabouts) -> Result<Failure, Failure> {
        let mut absent = Vec::new();
        for rank in (0..self.size).filter(|rank| *rank != self.rank) {
            let other = self.store.get(&at(rank)).map_err(Failure::Lost)?;
            let other: Option<Whereabouts> = other.map(|other| read(&other)).transpose()?;
            if other.is_none_or(|other| other.collectives < here.collectives) {
                absent.push(rank);
            }
        }
        if absent.is_empty() {
            let silent = self.silent()?;
            self.require_no_failure()?;
            let why = match ended(&silent) {
                None => "the network does not answer".to_owned(),
                Some(ended) => format!("{ended} or stopped in it"),
            };
            return Ok(Failure::Lost(format!(
                "{} has not ended within {}, though all ranks have come to it: {why}",
                here.call,
                shown(self.timeout)
            )));
        }
        self.absent(here, absent)
    }

    /// The failure that these ranks cause, which have not come within the time.
    pub(super) fn absent(&self, here: &Whereabouts, ranks: Vec<usize>) -> Result<Failure, Failure> {
        let silent = self.silent()?;
        self.require_no_failure()?;
        let mut texts = Vec::new();
        for rank in ranks {
            let last = self.store.get(&at(rank)).map_err(Failure::Lost)?;
            let last: Option<Whereabouts> = last.map(|last| read(&last)).transpose()?;
            let why = if silent.contains(&rank) {
                "its process has ended or stopped".to_owned()
            } else {
                match last {
                    Some(last) => format!("it was last {}", last.row().1),
                    None => "it has never come to any".to_owned(),
                }
            };
            texts.push(format!("rank {rank} has not come to {} ({why})", here.call));
        }
        Ok(Failure::Lost(format!("{} within {}", texts.join(", "), shown(self.timeout))))
    }

    /// The other ranks that have shown no sign of life for a while.
    pub(super) fn silent(&self) -> Result<Vec<usize>, Failure> {
        let beats = || {
            let beats = (0..self.size).map(|rank| self.store.get(&alive(rank)));
            beats.collect::<Result<Vec<_>, _>>().map_err(Failure::Lost)
        };
        let before = beats()?;
        thread::sleep(self.heartbeat * SILENT_BEATS);
        let after = beats()?;
        let both = before.into_iter().zip(after).enumerate();
        let silent = both.filter(|(rank, (before, after))| *rank != self.rank && before == after);
        Ok(silent.map(|(rank, _)| rank).collect())
    }

    /// Why an operation of all ranks has failed with an error of the connection.
    pub(super) fn cause(&self, here: &Whereabouts, error: &TchError) -> Result<Failure, Failure> {
        self.require_no_failure()?;
        if let Some(left) = self.left()? {
            return Ok(left_before(&left, here));
        }
        if is_time_out(&error.to_string()) {
            return self.late(here);
        }
        let place = here.row().1;
        let silent = self.silent()?;
        self.require_no_failure()?;
        Ok(Failure::Lost(match ended(&silent) {
            None => {
                let error = error.to_string();
                let line = error.lines().next().unwrap_or_default();
                let line = line.strip_prefix("Internal Torch Error: ").unwrap_or(line);
                format!("the connection between the processes broke {place}: {line}")
            }
            Some(ended) => {
                format!("{ended} without a report while others were {place}: killed, or crashed")
            }
        }))
    }

    /// Returns the failure that another rank has published.
    pub(super) fn require_no_failure(&self) -> Result<(), Failure> {
        match self.store.get(FAILED).map_err(Failure::Lost)? {
            Some(failure) => Err(read(&failure)?),
            None => Ok(()),
        }
    }

    /// The last rank that has left.
    pub(super) fn left(&self) -> Result<Option<Whereabouts>, Failure> {
        let left = self.store.get(LEFT).map_err(Failure::Lost)?;
        left.map(|left| read(&left)).transpose()
    }
}

/// Whether gloo's error says that an operation has waited for too long in libtorch itself.
pub(super) fn is_time_out(error: &str) -> bool {
    ["Timed out waiting", "Application timeout"].iter().any(|sign| error.contains(sign))
}

/// Which ranks have ended, in words, if any have.
fn ended(ranks: &[usize]) -> Option<String> {
    match ranks {
        [] => None,
        [rank] => Some(format!("rank {rank} has ended")),
        ranks => {
            let ranks: Vec<String> = ranks.iter().map(usize::to_string).collect();
            Some(format!("ranks {} have ended", ranks.join(" and ")))
        }
    }
}

/// The failure of ranks that are in different calls.
pub(super) fn apart(rows: Vec<(usize, String)>) -> Failure {
    Failure::Ranks { what: "the calls that they make".to_owned(), rows }
}

/// The failure of a rank that has left before it came to a call.
pub(super) fn left_before(left: &Whereabouts, here: &Whereabouts) -> Failure {
    let Whereabouts { rank, place, .. } = left;
    let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
    Failure::Lost(format!("rank {rank} has left the group{place}, before {}", here.call))
}
