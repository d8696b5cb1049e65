//! Two ways to do a thing, and how long each takes.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

/// What came of a comparison: the median time of each way.
#[derive(Debug)]
pub(crate) struct Ratio {
    /// What was done.
    pub(crate) what: String,
    /// The way that it is compared with, and its time.
    pub(crate) base: (&'static str, Duration),
    /// The other way, and its time.
    pub(crate) ours: (&'static str, Duration),
}

impl Ratio {
    /// How many times as fast the other way is.
    pub(crate) fn factor(&self) -> f64 {
        self.base.1.as_secs_f64() / self.ours.1.as_secs_f64()
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, base: (base, slow), ours: (ours, fast) } = self;
        let factor = self.factor();
        write!(f, "{what}: {base} {slow:.2?}, {ours} {fast:.2?}: {factor:.2} times as fast")
    }
}

/// Lets two ways take turns; each returns the duration of the part that counts.
///
/// # Errors
/// The error of either way.
pub(crate) fn compare<E: Error>(
    what: String,
    rounds: usize,
    (base, mut one): (&'static str, impl FnMut() -> Result<Duration, E>),
    (ours, mut other): (&'static str, impl FnMut() -> Result<Duration, E>),
) -> Result<Ratio, E> {
    // The first rounds make optimizer state and warm up.
    let warm_up = rounds / 10 + 1;
    let mut times = [Vec::with_capacity(rounds), Vec::with_capacity(rounds)];
    for round in 0..warm_up + rounds {
        let pair = [one()?, other()?];
        if round >= warm_up {
            for (times, time) in times.iter_mut().zip(pair) {
                times.push(time);
            }
        }
    }
    let [one, other] = times.map(median);
    Ok(Ratio { what, base: (base, one), ours: (ours, other) })
}

/// The result of something and its duration, including the work that it leaves to a GPU.
pub(crate) fn timed<T>(device: Device, what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let outcome = what();
    if let Device::Cuda(index) = device {
        Cuda::synchronize(i64::try_from(index).unwrap_or(0));
    }
    (outcome, start.elapsed())
}

/// How long something takes that can fail.
///
/// # Errors
/// What it says.
pub(crate) fn tried<T, E>(
    device: Device,
    what: impl FnOnce() -> Result<T, E>,
) -> Result<Duration, E> {
    let (outcome, time) = timed(device, what);
    outcome.map(|_| time)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
