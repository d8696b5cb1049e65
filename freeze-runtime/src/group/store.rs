//! The key-value store of a group, which a thread of its own calls: a store that does not answer, as
//! that of a process that was stopped, is an error instead of a program that hangs.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tch::TchError;

use crate::ffi::StoreClient;

/// How long the thread waits before it looks again for keys: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// How long the thread has to end.
const LAST_ANSWER: Duration = Duration::from_secs(1);

type Request = Box<dyn FnOnce(&StoreClient) + Send>;

/// The address of a store, and who serves it.
#[derive(Debug, Clone)]
pub(super) struct StoreAddress {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_of_launcher: bool,
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, is_of_launcher } = self;
        let server = if *is_of_launcher { "the launcher" } else { "rank 0" };
        write!(f, "the store at {host}:{port}, which {server} serves,")
    }
}

/// A key that counts while the process lives, and how often it does.
pub(super) struct Heartbeat {
    pub(super) key: String,
    pub(super) every: Duration,
}

/// A connection to the store.
pub(super) struct Store {
    client: Arc<StoreClient>,
    /// `None` once it is closed.
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    address: StoreAddress,
    /// How long an answer may take.
    patience: Duration,
}

impl Store {
    /// Connects to the store at an address, and serves it there first if `serves`.
    pub(super) fn open(
        address: StoreAddress,
        serves: bool,
        timeout: Duration,
    ) -> Result<Self, TchError> {
        let client = StoreClient::open((&address.host, address.port), serves, timeout)?;
        Self::of(client, address, timeout, None)
    }

    /// The same store, in which all keys start with `prefix`, and one of them shows that this process
    /// lives.
    pub(super) fn within(&self, prefix: &str, heartbeat: Heartbeat) -> Result<Self, TchError> {
        let client = self.client.within(prefix)?;
        Self::of(client, self.address.clone(), self.patience, Some(heartbeat))
    }

    fn of(
        client: StoreClient,
        address: StoreAddress,
        patience: Duration,
        heartbeat: Option<Heartbeat>,
    ) -> Result<Self, TchError> {
        let client = Arc::new(client);
        let (requests, received) = mpsc::channel();
        let of_thread = Arc::clone(&client);
        let thread = thread::Builder::new().name("freeze-store".to_owned());
        let thread = thread.spawn(move || match heartbeat {
            Some(heartbeat) => answer_alive(&of_thread, &received, &heartbeat),
            None => answer(&of_thread, &received),
        });
        let thread = thread.map_err(|error| TchError::Torch(error.to_string()))?;
        Ok(Self { client, requests: Some(requests), thread: Some(thread), address, patience })
    }

    /// The connection itself, for c10d.
    pub(super) fn client(&self) -> &StoreClient {
        &self.client
    }

    /// Sets a key, without waiting for it. A store that is gone is found by the next question.
    pub(super) fn set(&self, key: String, value: String) {
        self.post(move |client| drop(client.set(&key, &value)));
    }

    /// Removes keys, without waiting for it.
    pub(super) fn delete(&self, keys: Vec<String>) {
        self.post(move |client| keys.iter().for_each(|key| drop(client.delete(key))));
    }

    /// Sets a key unless it is set, and returns its value.
    pub(super) fn set_first(&self, key: &str, value: String) -> Result<String, String> {
        let key = key.to_owned();
        self.ask(move |client| {
            client.set_first(&key, &value)?;
            Ok(client.get(&[key])?.pop().unwrap_or_default())
        })
    }

    /// The value of a key, if it is set.
    pub(super) fn get(&self, key: &str) -> Result<Option<String>, String> {
        let key = [key.to_owned()];
        self.ask(
            move |client| {
                if client.has(&key)? { Ok(client.get(&key)?.pop()) } else { Ok(None) }
            },
        )
    }

    /// The values of keys; empty ones for those that are not set.
    pub(super) fn values(&self, keys: &[String]) -> Result<Vec<String>, String> {
        let keys = keys.to_owned();
        self.ask(move |client| {
            if client.has(&keys)? {
                return client.get(&keys);
            }
            let value = |key: String| {
                let key = [key];
                let value = if client.has(&key)? { client.get(&key)?.pop() } else { None };
                Ok(value.unwrap_or_default())
            };
            keys.into_iter().map(value).collect()
        })
    }

    /// Waits for keys for a time at most, and returns their values if all of them are set.
    ///
    /// It asks again and again: libtorch prints a warning where waiting in the store takes too long.
    pub(super) fn wait(
        &self,
        keys: &[String],
        time: Duration,
    ) -> Result<Option<Vec<String>>, String> {
        let keys = keys.to_owned();
        self.ask(move |client| {
            let until = Instant::now() + time;
            let (mut pause, longest) = PAUSE;
            while !client.has(&keys)? {
                if Instant::now() >= until {
                    return Ok(None);
                }
                thread::sleep(pause);
                pause = (pause * 2).min(longest);
            }
            client.get(&keys).map(Some)
        })
    }

    fn post(&self, request: impl FnOnce(&StoreClient) + Send + 'static) {
        if let Some(requests) = &self.requests {
            let _ = requests.send(Box::new(request));
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&StoreClient) -> Result<T, TchError> + Send + 'static,
    ) -> Result<T, String> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.post(move |client| drop(answer.send(question(client))));
        match answered.recv_timeout(self.patience + LAST_ANSWER) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(format!("{} is gone", self.address)),
            Err(_) => {
                Err(format!("{} has not answered within {}", self.address, shown(self.patience)))
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.requests = None;
        let until = Instant::now() + LAST_ANSWER;
        let Some(thread) = self.thread.take() else { return };
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        // To join one that still waits for an answer would wait as long.
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// Answers the requests of a process, and shows in between that it lives.
fn answer_alive(client: &StoreClient, requests: &Receiver<Request>, heartbeat: &Heartbeat) {
    let mut next = Instant::now();
    for beat in 0_u64.. {
        if client.set(&heartbeat.key, &beat.to_string()).is_err() {
            break;
        }
        next += heartbeat.every;
        loop {
            match requests.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(request) => request(client),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() >= next {
                break;
            }
        }
    }
    // The store is gone: each request is an error from now on.
    answer(client, requests);
}

fn answer(client: &StoreClient, requests: &Receiver<Request>) {
    for request in requests {
        request(client);
    }
}

/// A time in words.
pub(super) fn shown(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
