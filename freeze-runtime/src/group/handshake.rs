//! Finds the processes that start together, among what earlier ones have left in the store.
//!
//! A launcher's store outlives the processes that the launcher starts again, and the agents of several
//! machines count restarts each for itself. So each process writes a number of its own, rank 0 offers the
//! numbers that it reads until every rank has accepted the same offer, and the keys of the group start with
//! the number of rank 0.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use super::store::{Store, shown};

/// How often a process looks.
const PAUSE: Duration = Duration::from_millis(10);

/// How much longer the others wait than rank 0, which has the better error.
const LONGER: Duration = Duration::from_secs(1);

/// The numbers that rank 0 has read.
const OFFER: &str = "freeze/offer";

/// The offer that all ranks have accepted, or why there is none.
const START: &str = "freeze/start";

fn hello(rank: usize) -> String {
    format!("freeze/hello/{rank}")
}

fn accepted(rank: usize) -> String {
    format!("freeze/accepted/{rank}")
}

/// A process that looks for the others of its start.
pub(super) struct Handshake<'s> {
    pub(super) store: &'s Store,
    pub(super) rank: usize,
    pub(super) size: usize,
    pub(super) timeout: Duration,
}

impl Handshake<'_> {
    /// Waits until all ranks have started, and returns what their keys start with.
    pub(super) fn run(&self) -> Result<String, String> {
        let own = format!("{:016x}", RandomState::new().build_hasher().finish());
        self.store.set(hello(self.rank), own.clone());
        let offer = if self.rank == 0 { self.offer(&own)? } else { self.accept(&own)? };
        Ok(format!("freeze/{}", number(&offer, 0)))
    }

    /// Offers the numbers of all ranks, until all have accepted the same ones.
    fn offer(&self, own: &str) -> Result<String, String> {
        let until = Instant::now() + self.timeout;
        let others = 1..self.size;
        let hellos: Vec<String> = (0..self.size).map(hello).collect();
        let mut offered = String::new();
        loop {
            let offer = self.store.values(&hellos)?.join(" ");
            self.require_own(own, number(&offer, 0))?;
            if offer != offered {
                self.store.set(OFFER.to_owned(), offer.clone());
                offered = offer;
            }
            let accepted: Vec<String> = others.clone().map(accepted).collect();
            let accepted = self.store.values(&accepted)?;
            if accepted.iter().all(|it| *it == offered) {
                self.store.set(START.to_owned(), offered.clone());
                return Ok(offered);
            }
            if Instant::now() >= until {
                let late = others.zip(accepted).filter(|(_, accepted)| *accepted != offered);
                let late: Vec<String> = late.map(|(rank, _)| format!("rank {rank}")).collect();
                let have = if late.len() == 1 { "has" } else { "have" };
                let text = format!(
                    "{} {have} not come to `Group::from_env` within {}",
                    late.join(", "),
                    shown(self.timeout)
                );
                self.store.set(START.to_owned(), format!("{offered}\n{text}"));
                return Err(text);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Accepts each offer that has the number of this process, until all ranks have accepted one.
    fn accept(&self, own: &str) -> Result<String, String> {
        let until = Instant::now() + self.timeout + LONGER;
        let keys = [hello(self.rank), OFFER.to_owned(), START.to_owned()];
        let mut accepted_last = String::new();
        loop {
            let values = self.store.values(&keys)?;
            let value = |index: usize| values.get(index).map_or("", String::as_str);
            self.require_own(own, value(0))?;
            let (offer, (start, failure)) = (value(1), parts(value(2)));
            if number(start, self.rank) == own {
                return if failure.is_empty() {
                    Ok(start.to_owned())
                } else {
                    Err(failure.to_owned())
                };
            }
            if number(offer, self.rank) == own && offer != accepted_last {
                self.store.set(accepted(self.rank), offer.to_owned());
                offer.clone_into(&mut accepted_last);
            }
            if Instant::now() >= until {
                return Err(format!(
                    "rank 0 has not answered rank {} within {}: it has not started, or trains with \
                     another process of rank {0}",
                    self.rank,
                    shown(self.timeout)
                ));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Fails if another process has written the number of this rank.
    fn require_own(&self, own: &str, read: &str) -> Result<(), String> {
        if read == own { Ok(()) } else { Err(format!("two processes have rank {}", self.rank)) }
    }
}

/// The number of a rank in an offer; empty where it has none.
fn number(offer: &str, rank: usize) -> &str {
    offer.split(' ').nth(rank).unwrap_or_default()
}

/// An offer, and why it has failed.
fn parts(start: &str) -> (&str, &str) {
    start.split_once('\n').unwrap_or((start, ""))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::group::store::StoreAddress;

    /// The store of a launcher, and its port.
    fn launch() -> (Store, u16) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        (open(port, true), port)
    }

    fn open(port: u16, serves: bool) -> Store {
        let address = StoreAddress { host: "127.0.0.1".to_owned(), port, is_of_launcher: true };
        Store::open(address, serves, Duration::from_secs(30)).unwrap()
    }

    /// Starts these ranks, one after the other, with a pause in between.
    fn start(
        port: u16,
        size: usize,
        ranks: &[usize],
        timeout: Duration,
    ) -> Vec<Result<String, String>> {
        let run = |rank| {
            let store = open(port, false);
            Handshake { store: &store, rank, size, timeout }.run()
        };
        thread::scope(|scope| {
            let started: Vec<_> = ranks
                .iter()
                .map(|rank| {
                    let started = scope.spawn(move || run(*rank));
                    thread::sleep(Duration::from_millis(100));
                    started
                })
                .collect();
            started.into_iter().map(|started| started.join().unwrap()).collect()
        })
    }

    /// The prefix that all of them have found.
    fn prefix(port: u16, size: usize, ranks: &[usize]) -> String {
        let started = start(port, size, ranks, Duration::from_secs(20));
        let prefix = started[0].clone().unwrap();
        assert!(prefix.len() > "freeze/".len());
        assert!(started.iter().all(|it| it.as_ref() == Ok(&prefix)), "{started:?}");
        prefix
    }

    #[test]
    fn processes_that_start_again_find_each_other_in_an_old_store() {
        let (_store, port) = launch();
        let orders = [[0, 1, 2], [2, 0, 1], [0, 2, 1], [1, 2, 0]];
        let mut prefixes: Vec<String> = orders.map(|ranks| prefix(port, 3, &ranks)).to_vec();
        // With fewer, and with more of them.
        prefixes.push(prefix(port, 2, &[0, 1]));
        prefixes.push(prefix(port, 4, &[2, 0, 3, 1]));
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), 6);
    }

    #[test]
    fn a_rank_that_does_not_start_again_is_named_on_all() {
        let (_store, port) = launch();
        prefix(port, 4, &[0, 1, 2, 3]);
        let started = start(port, 4, &[3, 0], Duration::from_millis(500));
        let text = "rank 1, rank 2 have not come to `Group::from_env` within 500 ms";
        assert!(started.iter().all(|it| it.as_ref() == Err(&text.to_owned())), "{started:?}");
        let started = start(port, 4, &[1], Duration::from_millis(500));
        let text = "rank 0 has not answered rank 1 within 500 ms: it has not started, or trains with another \
                    process of rank 1";
        assert_eq!(started, [Err(text.to_owned())]);
    }

    #[test]
    fn the_first_of_two_processes_with_one_rank_finds_the_other() {
        let (_store, port) = launch();
        let started = start(port, 3, &[1, 1], Duration::from_millis(500));
        assert_eq!(started[0], Err("two processes have rank 1".to_owned()));
    }
}
